"""What is drawn on a terminal: tables, trees, progress. Imported only where there is one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.json import JSON
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

_STYLES: Mapping[str, str] = {
    "running": "green", "done": "green", "ok": "green", "yes": "green",
    "pending": "cyan", "rebooting": "cyan", "stopping": "cyan", "deleting": "cyan",
    "stopped": "yellow", "suspended": "yellow", "unknown": "yellow", "warning": "yellow",
    "stale": "yellow",
    "error": "red", "failed": "red", "broken": "red",
    "missing": "dim", "deleted": "dim", "cancelled": "dim", "no": "dim", "off": "dim",
}  # fmt: skip
"""Colours of words that tell a state."""

_STATES = ("state", "active")
"""Columns that hold such words."""


def draw(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Draw a table on stdout."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(name, text) for name, text in zip(columns, row, strict=True)))
    Console().print(table)


def _cell(column: str, text: str) -> Text:
    return Text(text, style=_STYLES.get(text, "") if column in _STATES else "")


def draw_record(fields: Sequence[tuple[str, str]], native: str) -> None:
    """Draw one record on stdout: its fields, then its native data (JSON text)."""
    console = Console()
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in fields:
        table.add_row(name, _cell(name, text))
    console.print(table)
    if native:
        console.print(Text("\nnative", style="bold"))
        console.print(JSON(native))


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[str, bool], None]]:
    """Draw a bar on stderr; the function given takes the name of what is done, and if it failed."""
    columns: list[Any] = [
        TextColumn(title), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[names]}"),
    ]  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, names="")
        names: list[str] = []

        def done(name: str, failed: bool) -> None:
            names.append(f"[red]{name} ✗[/red]" if failed else f"[green]{name} ✓[/green]")
            bar.update(task, advance=1, names=" ".join(names[-6:]))

        yield done
