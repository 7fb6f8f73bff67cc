"""Showing lists: one way for all commands; rich draws on terminals, pipes get plain text."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import attrs
import click

from cloudmesh_sdk.errors import ConfigError, near
from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.shell import narrow, plain
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.shell.where import check_fields, holds, look as value_at, parse
from cloudmesh_sdk.tables import visible

P = ParamSpec("P")
R = TypeVar("R")

FORMATS = ("table", "json", "yaml", "csv")
"""Formats of a list."""

MANY = 200
"""Rows that are drawn; more are printed plainly, for drawing takes a second a thousand."""


@attrs.frozen(kw_only=True)
class Look:
    """How a list is to be shown: what `--format`, `--columns`, `--sort` … said."""

    format: str = ""
    """One of `FORMATS`; empty for the user's default."""
    columns: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    native: bool = False

    def without_default(self) -> "Look":
        """Return this look for a list that must not need the store (where the default is)."""
        return attrs.evolve(self, format=self.format or FORMATS[0])

    def chosen(self, session: Session) -> str:
        """Return the format: as asked, else the user's default, else a table."""
        if self.format:
            return self.format
        defaults = (d for d in session.mesh.defaults() if d.key == "format" and not d.cloud)
        found = str(next((d.value for d in defaults), FORMATS[0]))
        if found not in FORMATS:
            raise ConfigError(f"the default format {found!r} is none; {near(found, FORMATS)}")
        return found


def _words(_: click.Context, __: click.Parameter, value: Iterable[str]) -> tuple[str, ...]:
    """Split values at commas."""
    return tuple(word.strip() for item in value for word in item.split(",") if word.strip())


_OPTIONS = (
    click.option("--format", type=click.Choice(FORMATS), default=None, help="How to print it."),
    click.option(
        "--columns", metavar="NAMES", multiple=True, callback=_words,
        help="Fields to print, with commas between; native.a.b reaches into native data.",
    ),
    click.option(
        "--sort", metavar="NAMES", multiple=True, callback=_words,
        help="Fields to sort by; - before one that falls.",
    ),
    click.option(
        "--where", metavar="CONDITION", multiple=True,
        help="FIELD OP VALUE with = != > >= < <= ~ (~: regular expression); all must hold. "
        r"native.a\.b is a dot within a key. Ids are texts: no number is more or less than one.",
    ),
    click.option("--native", is_flag=True, help="json, yaml: with the clouds' own data."),
)  # fmt: skip


def looks(command: Callable[P, R]) -> Callable[..., R]:
    """Give a command the options of a list, which reach it as one `look`."""

    @wraps(command)
    def with_look(*args: Any, **options: Any) -> R:
        names = [field.name for field in attrs.fields(Look)]
        given = {name: options.pop(name) for name in names}
        options["look"] = Look(**{**given, "format": given["format"] or ""})
        return command(*args, **options)

    for option in reversed(_OPTIONS):
        option(with_look)
    return with_look


def show(session: Session, rows: Iterable[Any], kind: type, look: Look) -> None:
    """Print records that no store keeps: filtered, sorted and laid out as asked."""
    print_rows(session, chosen(rows, kind, look), kind, look)


def chosen(rows: Iterable[Any], kind: type, look: Look) -> list[Any]:
    """Return records that no store keeps, filtered and sorted as asked."""
    check_fields([*look.sort], kind, what="--sort")
    check_fields(look.columns, kind, what="--columns")
    where = parse(look.where, kind)
    check_fields(where, kind, what="--where")
    found = [row for row in rows if holds(row, where)]
    for name in reversed(look.sort):
        field = name.removeprefix("-")
        found.sort(key=lambda row: _order(value_at(row, field)), reverse=field != name)
    return found


def print_rows(session: Session, rows: Sequence[Any], kind: Any, look: Look) -> None:
    """Print records as they are, in the format and columns asked for."""
    check_fields(look.columns, kind, what="--columns")
    chosen = look.chosen(session)
    columns = look.columns or tuple(kind.columns)
    if chosen == "table":
        named = getattr(kind, "kind", "")
        cells = shown(rows, columns, plain.FORMS.get(named, {}))
        print_table(columns, cells, whole=bool(look.columns), kind=named)
    elif chosen == "csv":
        cells = plain.cells(rows, columns)
        if sys.stdout.isatty():  # names are anybody's choice: they command no terminal
            cells = [[visible(word) for word in row] for row in cells]
        print(plain.as_csv(columns, cells))
    else:
        print_data(plain.documents(rows, look.columns, native=look.native), chosen)


def print_data(data: Any, chosen: str) -> None:
    """Print plain data as JSON or YAML."""
    print(plain.as_yaml(data) if chosen == "yaml" else plain.as_json(data))


def shown(
    rows: Sequence[Any], columns: Sequence[str], forms: Mapping[str, plain.Form]
) -> list[list[str]]:
    """Return the text of every cell as a terminal may have it."""
    return [[visible(word) for word in row] for row in plain.cells(rows, columns, forms)]


def print_table(
    columns: Sequence[str], rows: list[list[str]], *, whole: bool, kind: str = ""
) -> None:
    """Print a table: drawn on a terminal, aligned text elsewhere.

    On a terminal that is too narrow, the columns that matter least are left out, and the reader is
    told; not so where the `whole` table is wanted.
    """
    if not sys.stdout.isatty():
        print(plain.as_text(columns, rows))
        return
    left_out: list[str] = []
    if not whole:
        columns, rows, left_out = narrow.fitting(columns, rows, narrow.width(), kind=kind)
    if len(rows) > MANY:
        print(narrow.as_text(columns, rows))
    else:
        from cloudmesh_sdk.shell.drawing import draw  # rich takes 60 ms

        draw(columns, rows)
    if left_out:
        note(f"left out, for the terminal is narrow: {', '.join(left_out)} (--columns)")


def tell_sources(gathered: Gathered[Any], *, quiet: bool = False) -> None:
    """Tell on stderr how fresh each cloud's part is; `quiet` tells only what failed."""
    sources = gathered.sources.values()
    fine = " · ".join(str(source) for source in sources if source.error is None)
    if fine and not quiet:
        note(fine)
    for source in sources:
        if source.error is not None:
            text = " ".join(str(source).split())
            click.secho(f"cm: {visible(text)}", err=True, fg="yellow")


def note(text: str) -> None:
    """Tell something on stderr that is no part of the answer."""
    click.secho(visible(text), err=True, dim=True)


def warn(text: str) -> None:
    """Tell something on stderr that the reader should think of."""
    click.secho(visible(text), err=True, fg="yellow")


def _order(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    if isinstance(value, int | float):
        return (1, value)
    return (2, str(plain.plain(value)))
