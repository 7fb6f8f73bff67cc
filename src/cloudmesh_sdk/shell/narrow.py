"""Tables on terminals: which columns fit, and big ones printed fast."""

import shutil
from collections.abc import Mapping, Sequence
from functools import partial

from cloudmesh_sdk.shell.colours import BAR, STATES, style
from cloudmesh_sdk.shell.plain import as_lines

_LEAST = (
    "mac", "dhcp", "bootable", "port", "request_id", "private_ips", "attempts", "fingerprint",
    "architecture", "created", "id", "image", "skew", "version", "identity", "seconds", "gpus",
    "flavor", "disk", "subnets", "shared", "device", "type", "network", "gateway", "default",
    "driver", "calls", "same", "seen", "private_ip", "addresses", "external", "vcpus", "ram",
    "clouds", "public_ips", "servers",
)  # fmt: skip
"""Columns that may be left out, what matters least first; names and states never are."""

_FREE: Mapping[str, int] = {"error": 24, "detail": 24, "source": 24, "description": 12}
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
    columns: Sequence[str], rows: list[list[str]], most: int
) -> tuple[list[str], list[list[str]], list[str]]:
    """Return the columns and cells that fit into a width, and the columns that were left out."""
    widths = {
        name: max([len(name), *(len(row[place]) for row in rows)])
        for place, name in enumerate(columns)
    }
    widths = {name: min(size, _FREE.get(name, size)) for name, size in widths.items()}
    left_out: list[str] = []
    for name in _LEAST:
        if sum(widths.values()) + _GAP * (len(widths) - 1) + _EDGES <= most:
            break
        if name in widths and len(widths) > 1:
            del widths[name]
            left_out.append(name)
    if not left_out:
        return list(columns), rows, []
    places = [place for place, name in enumerate(columns) if name in widths]
    return list(widths), [[row[place] for place in places] for row in rows], left_out


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
