"""What is drawn on a terminal: tables, trees, progress. Imported only where there is one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cloudmesh_sdk.bars import MARKS, Bars
from cloudmesh_sdk.shell.colours import BAR, STATES, style
from cloudmesh_sdk.shell.narrow import width
from cloudmesh_sdk.tables import visible


def draw(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Draw a table on stdout."""
    _console().print(_table(columns, rows))


@contextmanager
def lively() -> Iterator[Callable[[Sequence[str], Sequence[Sequence[str]]], None]]:
    """Keep a table on stdout; the function given draws it anew. What does not fit is cut off."""
    with Live(console=_console(), auto_refresh=False) as live:
        yield lambda columns, rows: live.update(_table(columns, rows), refresh=True)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name in (*STATES, BAR))
    for row in rows:
        table.add_row(*(_cell(name, text) for name, text in zip(columns, row, strict=True)))
    return table


def _console() -> Console:
    """Return the terminal; rich takes one that cannot draw for 80 columns wide, whatever it is."""
    return Console(width=width())


def _cell(column: str, text: str) -> Text:
    return Text(text, style=style(column, text))


def draw_bars(bars: Bars) -> None:
    """Draw bars of jobs on stdout, in the colours of their states."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, drawn, said in bars.parts():
        bar = Text()
        for state, length in drawn:
            bar.append(MARKS[state] * length, style=style("state", state))
        table.add_row(Text(visible(name), style="bold"), bar, Text(said))
    _console().print(table)


def draw_record(fields: Sequence[tuple[str, str]], native: str) -> None:
    """Draw one record on stdout: its fields, then its native data (JSON text)."""
    console = _console()
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in fields:
        table.add_row(name, _cell(name, text))
    console.print(table)
    if native:
        console.print(Text("\nnative", style="bold"))
        console.print(JSONHighlighter()(Text(native)))


@contextmanager
def part(title: str) -> Iterator[Callable[[float], None]]:
    """Draw a bar on stderr that is gone in the end; the function takes the part that is over."""
    columns = (TextColumn(title), BarColumn(bar_width=24), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda over: bar.update(task, completed=over)


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[..., None]]:
    """Draw a bar on stderr; the function given hears what is over."""
    columns: list[Any] = [
        TextColumn(title), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[names]}"),
    ]  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, names="")
        names: list[str] = []

        def done(name: str, failed: bool, amount: int = 1, /) -> None:
            name = escape(visible(name))
            names.append(f"[red]{name} ✗[/red]" if failed else f"[green]{name} ✓[/green]")
            bar.update(task, advance=amount, names=" ".join(names[-6:]))

        yield done
