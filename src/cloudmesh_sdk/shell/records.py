"""Showing one record whole: its fields and the cloud's own data."""

import sys
from typing import Any

import click

from cloudmesh_sdk.shell import plain
from cloudmesh_sdk.shell.output import print_data
from cloudmesh_sdk.shell.where import shown
from cloudmesh_sdk.tables import visible

FORMAT = click.option(
    "--format",
    type=click.Choice(("table", "json", "yaml")),
    default="table",
    help="How to print it.",
)
"""The option of commands that show one record."""


def show_record(record: Any, chosen: str) -> None:
    """Print a record with its native data."""
    if chosen != "table":
        print_data(plain.plain(record, native=True), chosen)
        return
    native = plain.plain(getattr(record, "native", {}), native=True)
    show_fields(_fields(record), native)


def show_fields(fields: list[tuple[str, str]], native: Any = None) -> None:
    """Print names and values below each other, then native data as JSON."""
    text = plain.as_json(native) if native else ""
    fields = [(name, visible(value)) for name, value in fields]
    if sys.stdout.isatty():
        from cloudmesh_sdk.shell.drawing import draw_record  # rich takes 60 ms

        draw_record(fields, text)
        return
    width = max(len(name) for name, _ in fields)
    for name, value in fields:
        print(f"{name.ljust(width)}  {value}".rstrip())
    if text:
        print(f"\nnative\n{text}")


def _fields(record: Any) -> list[tuple[str, str]]:
    names = [name for name in shown(type(record)) if name != "native"]
    times = dict.fromkeys(("walltime", "default_walltime"), plain.clock)
    return [(name, times.get(name, plain.text)(getattr(record, name))) for name in names]
