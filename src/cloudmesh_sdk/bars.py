"""How many jobs there are in which state: bars as text and as a picture."""

import html
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import attrs

from cloudmesh_sdk.models import JobState
from cloudmesh_sdk.tables import visible

WIDTH = 40
"""Characters of the longest bar."""

MARKS: Mapping[str, str] = {
    "running": "█", "exiting": "▓", "suspended": "▒", "pending": "░", "held": "·",
    "done": "=", "failed": "x", "timeout": "!", "cancelled": "-", "unknown": "?",
}  # fmt: skip
"""What states are drawn with, in their order."""

_COLOURS: Mapping[str, str] = {
    "running": "#2e8b57", "exiting": "#8fbc8f", "suspended": "#d2a03c", "pending": "#4682b4",
    "held": "#9370db", "done": "#a9a9a9", "failed": "#c0392b", "timeout": "#e67e22",
    "cancelled": "#696969", "unknown": "#ffd700",
}  # fmt: skip
"""What states are painted with in a picture."""

_ROW, _BAR, _LABEL, _LENGTH = 26, 18, 130, 420
"""Pixels: from bar to bar, height of one, room for its name, length of the longest."""


class Counted(Protocol):
    """What is counted: a job, or an array of them."""

    @property
    def machines(self) -> tuple[str, ...]:
        """Where it is."""

    @property
    def state(self) -> JobState:
        """How it is."""

    @property
    def count(self) -> int:
        """How many jobs it stands for."""


@attrs.frozen(kw_only=True)
class Bars:
    """A bar for each machine, parted by the states of its jobs.

    As text where it is printed, as a picture in a notebook.
    """

    rows: Mapping[str, Mapping[str, int]]
    """Machine → state → how many jobs."""

    def parts(self, width: int = WIDTH) -> Iterator[tuple[str, list[tuple[str, int]], str]]:
        """Yield the name of each bar, its parts (state, characters), and the numbers in words.

        What is there at all has a character at least.
        """
        most = max(map(_total, self.rows.values()), default=0)
        for name, counts in self.rows.items():
            drawn = [(s, max(1, round(n * width / most))) for s, n in counts.items() if n]
            yield name, drawn, words(counts)

    def __str__(self) -> str:
        found = list(self.parts())
        longest = max((len(name) for name, _, _ in found), default=0)
        lines = []
        for name, drawn, said in found:
            bar = "".join(MARKS[state] * length for state, length in drawn)
            lines.append(f"{visible(name).ljust(longest)}  {bar}{' ' if bar else ''} {said}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return the bars as a picture (SVG), the numbers beside them."""
        most = max(map(_total, self.rows.values()), default=0) or 1
        drawn = "".join(
            _bar(name, counts, _ROW * place, most)
            for place, (name, counts) in enumerate(self.rows.items())
        )
        wide, high = _LABEL + _LENGTH + 380, _ROW * len(self.rows)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" '
            f'viewBox="0 0 {wide} {high}" font-family="sans-serif" font-size="12" '
            f'class="cloudmesh" fill="currentColor">{drawn}</svg>'
        )


def by_machine(jobs: Iterable[Counted]) -> Bars:
    """Return bars of jobs by machine; a job of two machines is in both bars."""
    found: dict[str, Counter[str]] = {}
    for job in jobs:
        for name in job.machines:
            found.setdefault(name, Counter())[job.state.value] += job.count
    return Bars(rows={name: in_order(found[name]) for name in sorted(found)})


def in_order(counts: Mapping[str, int]) -> dict[str, int]:
    """Return numbers of jobs by state: what runs first, then what waits, as a bar has them."""
    return {state: counts[state] for state in MARKS if counts.get(state)}


def words(counts: Mapping[str, int]) -> str:
    """Return numbers of jobs by state as words: `3 running, 2 pending`."""
    return ", ".join(f"{n:,} {state}" for state, n in counts.items() if n) or "no jobs"


def _total(counts: Mapping[str, int]) -> int:
    return sum(counts.values())


def _bar(name: str, counts: Mapping[str, int], top: int, most: int) -> str:
    """Return one bar of the picture: its name, its parts with tips, its numbers."""
    middle = top + _BAR - 5
    label = html.escape(visible(name))
    found = [f'<text x="0" y="{middle}">{label}</text>']
    left = float(_LABEL)
    for state, number in counts.items():
        wide = max(1.0, number * _LENGTH / most)
        found.append(
            f'<rect x="{left:.1f}" y="{top}" width="{wide:.1f}" height="{_BAR}" '
            f'fill="{_COLOURS[state]}">'
            f"<title>{label}: {number:,} {html.escape(state)}</title></rect>"
        )
        left += wide
    found.append(f'<text x="{left + 8:.1f}" y="{middle}">{html.escape(words(counts))}</text>')
    return "".join(found)
