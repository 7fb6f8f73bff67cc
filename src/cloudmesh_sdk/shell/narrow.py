"""Tables on terminals: which columns fit, and big ones printed fast."""

import shutil
from collections.abc import Mapping, Sequence
from functools import partial

from cloudmesh_sdk.shell.colours import BAR, STATES, style
from cloudmesh_sdk.shell.plain import as_lines

_LEAST = (
    "log", "mac", "dhcp", "bootable", "port", "request_id", "attempts", "fingerprint",
    "architecture", "restarts", "concurrency",
    "created", "id", "image", "private_ips", "skew", "version", "identity", "seconds", "gpus",
    "flavor", "disk", "subnets", "shared", "device", "type", "network", "gateway", "default",
    "driver", "calls", "same", "seen", "private_ip", "addresses", "external", "vcpus", "ram",
    "clouds", "public_ips", "servers", "memory", "memory_used", "load", "askers", "cores", "hosts",
    "interval", "walltime", "nodes", "cores_used", "elapsed",
)  # fmt: skip
"""Columns that may be left out, what matters least first; names and states never are."""

_KEPT: Mapping[str, tuple[str, ...]] = {"jobs": ("id",), "orphans": ("id",)}
"""Columns of a kind of records that are kept all the same: jobs are known by their ids."""

_FREE: Mapping[str, int] = {
    "error": 24, "detail": 24, "source": 24, "description": 12, "reason": 12, "rules": 24,
    "why": 24, "progress": 12,
}  # fmt: skip
"""Columns of sentences, which may be folded, and how wide they are at least."""

_GAP, _EDGES = 3, 2
"""Spaces between columns and at both ends of what is drawn."""

_ANSI: Mapping[str, str] = {
    "green": "32", "cyan": "36", "yellow": "33", "red": "31", "dim": "2",
}  # fmt: skip


def width() -> int:
    """Return how many characters a line of the terminal has."""
    return shutil.get_terminal_size().columns


def fitting(
    columns: Sequence[str], rows: list[list[str]], most: int, *, kind: str = ""
) -> tuple[list[str], list[list[str]], list[str]]:
    """Return the columns and cells that fit into a width, and the columns that were left out.

    A narrow column that was left out comes back where leaving out a wide one made room for it.
    """
    widths = {
        name: max([len(name), *(len(row[place]) for row in rows)])
        for place, name in enumerate(columns)
    }
    widths = {name: min(size, _FREE.get(name, size)) for name, size in widths.items()}
    left_out = _left_out(widths, most, _KEPT.get(kind, ()))
    if not left_out:
        return list(columns), rows, []
    places = [place for place, name in enumerate(columns) if name not in left_out]
    kept = [columns[place] for place in places]
    return kept, [[row[place] for place in places] for row in rows], left_out


def _left_out(widths: Mapping[str, int], most: int, always: Sequence[str]) -> list[str]:
    kept, left_out = dict(widths), []
    for name in _LEAST:
        if _drawn(kept) <= most:
            break
        if name in kept and name not in always and len(kept) > 1:
            del kept[name]
            left_out.append(name)
    for name in reversed(left_out):
        if _drawn({**kept, name: widths[name]}) <= most:
            kept[name] = widths[name]
    return [name for name in left_out if name not in kept]


def _drawn(widths: Mapping[str, int]) -> int:
    """Return how wide a table is drawn."""
    return sum(widths.values()) + _GAP * (len(widths) - 1) + _EDGES


def as_text(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an aligned table with the colours of states, for a terminal."""
    painted = (*STATES, BAR)
    lines = as_lines(
        columns, rows, {p: partial(_colour, n) for p, n in enumerate(columns) if n in painted}
    )
    return "\n".join(lines)


def _colour(column: str, word: str) -> str:
    code = _ANSI.get(style(column, word.rstrip()), "")
    return f"\x1b[{code}m{word}\x1b[0m" if code else word
