"""How far operations are: a line for each act at each cloud, as text and as a picture."""

import html
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.tables import visible

WIDTH = 30
"""Characters of a bar."""

_LENGTH, _HIGH = 240, 14
"""Pixels of a bar in a picture."""

_PARTS = (("done", "█", "#2e8b57"), ("failed", "x", "#c0392b"), ("cancelled", "-", "#696969"))
"""What of a bar is over: field, character, colour."""

_LEFT, _EMPTY = "░", "#80808059"  # of both a light page and a dark one

_CELL = "text-align: left; white-space: nowrap"
_WORDS = "text-align: left"
_BAR = f"display: block; min-width: {_LENGTH}px; max-width: none"
"""Jupyter sets its own: cells to the right, pictures that shrink as words beside them are long."""

_OVER = {
    OperationState.DONE: "done", OperationState.FAILED: "failed",
    OperationState.CANCELLED: "cancelled",
}  # fmt: skip


@attrs.frozen(kw_only=True)
class Line:
    """How far the operations of one act at one cloud or queue manager are."""

    act: str
    cloud: str
    done: int = 0
    """How much is done well, of `total`; a group of servers counts as so many."""
    failed: int = 0
    cancelled: int = 0
    total: int = 0
    message: str = ""
    """What one of those that are not over waits for, or is at."""

    @property
    def title(self) -> str:
        """What it is, in words: `start at india`."""
        return visible(f"{self.act.replace('_', ' ')} at {self.cloud}")

    @property
    def over(self) -> int:
        """How much of `total` is over, well or not."""
        return self.done + self.failed + self.cancelled

    @property
    def is_over(self) -> bool:
        """Whether none of them is under way any more, or waits."""
        return self.over >= self.total

    @property
    def said(self) -> str:
        """The numbers in words: `31/50, 2 failed: attempt 2`."""
        counts = [f"{self.done}/{self.total}"]
        counts += [f"{n} {name}" for name, _, _ in _PARTS[1:] if (n := getattr(self, name))]
        return ": ".join(filter(None, (", ".join(counts), visible(self.message))))


@attrs.frozen(kw_only=True)
class Progress:
    """How far operations are that somebody waits for.

    As text where it is printed, as a picture in a notebook; once all are over, a line each.
    """

    lines: tuple[Line, ...]
    seconds: float = attrs.field(default=0.0, eq=False)
    """How long they have been waited for."""

    @property
    def is_over(self) -> bool:
        """Whether all of them are over."""
        return all(line.is_over for line in self.lines)

    def __str__(self) -> str:
        longest = max((len(line.title) for line in self.lines), default=0)
        return "\n".join(
            f"{line.title.ljust(longest)}  {self._bar(_drawn, line)}{self._said(line)}"
            for line in self.lines
        )

    def _repr_html_(self) -> str:
        """Return a table of a row for each line, its bar a picture (SVG) until all are over."""
        rows = "".join(
            f'<tr><td style="{_CELL}">{html.escape(line.title)}</td>'
            f"<td>{self._bar(_picture, line)}</td>"
            f'<td style="{_WORDS}">{html.escape(self._said(line))}</td></tr>'
            for line in self.lines
        )
        return f'<table class="cloudmesh"><tbody>{rows}</tbody></table>'

    def _bar(self, drawn: Callable[[Line], str], line: Line) -> str:
        """Return the bar of a line; one that is over keeps it beside others that are not."""
        return "" if self.is_over else drawn(line)

    def _said(self, line: Line) -> str:
        return f"{line.said} in {self.seconds:.0f} s" if self.is_over else line.said


def progress(operations: Iterable[Operation], *, seconds: float = 0.0) -> Progress:
    """Return how far operations are, in the order in which their acts and clouds come."""
    found: dict[tuple[str, str], list[Operation]] = {}
    for operation in operations:
        found.setdefault((operation.act, operation.cloud), []).append(operation)
    lines = tuple(_line(act, cloud, mine) for (act, cloud), mine in found.items())
    return Progress(lines=lines, seconds=seconds)


def _line(act: str, cloud: str, operations: Sequence[Operation]) -> Line:
    counts: Counter[str] = Counter()
    messages: Counter[str] = Counter()
    for operation in operations:
        well, rest = _amounts(operation)
        counts["done"] += well
        if (over := _OVER.get(operation.state)) is None:
            messages[operation.message] += bool(operation.message)
        else:
            counts["failed" if over == "done" else over] += rest
    message = max(messages, key=lambda word: messages[word], default="")
    total = sum(max(1, operation.total) for operation in operations)
    return Line(act=act, cloud=cloud, total=total, message=message, **counts)


def _amounts(operation: Operation) -> tuple[int, int]:
    """Return how much of an operation is done, and how much is not.

    One that is done without an error is done whole, whatever it had counted by then.
    """
    total = max(1, operation.total)
    whole = operation.state is OperationState.DONE and operation.error is None
    well = total if whole else min(operation.done, total)
    return well, total - well


def _parts(line: Line, length: int) -> Iterator[tuple[int, str, str]]:
    """Yield the length of each part of a bar, its character and its colour; together `length`."""
    left = length
    for name, mark, colour in _PARTS:
        wide = min(left, getattr(line, name) * length // max(1, line.total))
        left -= wide
        yield wide, mark, colour
    yield left, _LEFT, _EMPTY


def _drawn(line: Line) -> str:
    return "".join(mark * wide for wide, mark, _ in _parts(line, WIDTH)) + " "


def _picture(line: Line) -> str:
    left, drawn = 0, ""
    for wide, _, colour in _parts(line, _LENGTH):
        if not wide:
            continue
        drawn += f'<rect x="{left}" y="0" width="{wide}" height="{_HIGH}" fill="{colour}"/>'
        left += wide
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LENGTH}" height="{_HIGH}" '
        f'class="cloudmesh" style="{_BAR}" role="progressbar" aria-valuemin="0" '
        f'aria-valuemax="{line.total}" aria-valuenow="{line.over}" '
        f'aria-label="{html.escape(line.title)}" aria-valuetext="{html.escape(line.said)}">'
        f"{drawn}</svg>"
    )
