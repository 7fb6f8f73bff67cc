"""Lists that stay: `--watch` draws them anew as something happens, until Ctrl-C.

The store tells what happens, whichever process does it; no cloud is asked. Where there is no
terminal, each happening is printed as a line of its own.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from cloudmesh_sdk.models import Happening, What
from cloudmesh_sdk.shell import codes, narrow, plain
from cloudmesh_sdk.shell.output import Look, note, shown
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.tables import harmless_json, visible

WATCH = click.option(
    "--watch", is_flag=True, help="Stay, and show what happens until Ctrl-C; ask no cloud for it."
)
"""The option of lists that can stay."""

_COLUMNS = Happening.columns

_Key = tuple[str, str]
"""Cloud and id."""


def watch(
    session: Session,
    kind: Any,
    read: Callable[[], Sequence[Any]],
    look: Look,
    *,
    clouds: Iterable[str] | None,
) -> int:
    """Show records of a kind until Ctrl-C; `read` gives those that are to be shown now.

    Returns the exit code: Ctrl-C is how this ends, and no fault.
    """
    named = getattr(kind, "kind", "") or "operations"
    draws = look.chosen(session) == "table" and sys.stdout.isatty()
    try:
        with session.mesh.watch(named, cloud=clouds) as happenings:
            show = _draw if draws else _print
            show(session, kind, read, look, happenings.together)
    except KeyboardInterrupt:
        note("watched until Ctrl-C")
    return codes.OK


def _draw(
    session: Session,
    kind: Any,
    read: Callable[[], Sequence[Any]],
    look: Look,
    happened: Callable[[], list[Happening]],
) -> None:
    """Keep a table on the terminal as it is now."""
    from cloudmesh_sdk.shell.drawing import lively  # rich takes 60 ms

    del session
    columns = look.columns or tuple(kind.columns)
    named = getattr(kind, "kind", "")

    def table() -> tuple[Sequence[str], list[list[str]]]:
        cells = shown(read(), columns, plain.FORMS.get(named, {}))
        if look.columns:
            return columns, cells
        return narrow.fitting(columns, cells, narrow.width(), kind=named)[:2]

    with lively() as draw:
        draw(*table())
        while happened():
            draw(*table())


def _print(
    session: Session,
    kind: Any,
    read: Callable[[], Sequence[Any]],
    look: Look,
    happened: Callable[[], list[Happening]],
) -> None:
    """Print a line for all that happens to what the list shows, or has shown."""
    del kind
    line = _LINES[look.chosen(session)]
    known = _keys(read())
    if line is _LINES["csv"]:
        print(plain.as_csv(_COLUMNS, []), flush=True)
    while found := happened():
        now = _keys(read())
        for happening in found:
            if happening.what is What.GAP or (happening.cloud, happening.id) in known | now:
                print(line(happening), flush=True)
        known = now


def _keys(rows: Iterable[Any]) -> set[_Key]:
    return {(row.cloud, row.id) for row in rows}


def _as_csv(happening: Happening) -> str:
    cells = plain.cells([happening], _COLUMNS)
    return plain.as_csv(_COLUMNS, [[visible(word) for word in cells[0]]]).partition("\n")[2]


def _as_words(happening: Happening) -> str:
    cells = plain.cells([happening], [name for name in _COLUMNS if name != "kind"])[0]
    return "  ".join(visible(word) for word in cells if word)


def _as_json(happening: Happening) -> str:
    return harmless_json(json.dumps(plain.plain(happening), ensure_ascii=False))


_LINES: dict[str, Callable[[Happening], str]] = {
    "table": _as_words,
    "json": _as_json,
    "yaml": lambda happening: plain.as_yaml([plain.plain(happening)]),
    "csv": _as_csv,
}
"""How a happening is printed, by format; JSON is one object a line."""
