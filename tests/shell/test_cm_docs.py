"""The page about the shell says what the shell does."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cloudmesh_sdk.shell import codes
from cloudmesh_sdk.shell.app import app
from cloudmesh_sdk.shell.session import Session

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "shell.md").read_text(encoding="utf-8")


def commands(group: click.Group, path: str, ctx: click.Context) -> Iterator[str]:
    """Yield the names of all commands that do something."""
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}", ctx)
        else:
            yield f"{path} {name}"


def test_the_exit_codes_are_those_of_the_table() -> None:
    said = re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert {int(code): meaning for code, meaning in said} == dict(codes.MEANING)


def test_the_table_names_every_command_and_no_other() -> None:
    table = PAGE.partition("## The commands")[2].partition("Every command has")[0]
    named = re.findall(r"`(cm [a-z ]+)`", table)
    with click.Context(app, info_name="cm") as ctx:
        assert sorted(named) == sorted(commands(app, "cm", ctx))


@pytest.mark.parametrize("page", ["shell.md", "openstack.md"])
def test_every_example_is_a_command_line_that_parses(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    lines = re.findall(r"^\$ cm (.*)$", text, re.MULTILINE)
    assert len(lines) > 5
    for line in lines:
        words = shlex.split(line)
        group: click.Command = app
        with click.Context(app, info_name="cm", obj=Session()) as ctx:
            while isinstance(group, click.Group):
                found = group.get_command(ctx, words.pop(0))
                assert found is not None, line
                group = found
            group.make_context("cm", words, parent=ctx)
