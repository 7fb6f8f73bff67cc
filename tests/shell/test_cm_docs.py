"""The page about the shell says what the shell does."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cloudmesh_sdk import Config, plugins
from cloudmesh_sdk.references import is_reference
from cloudmesh_sdk.settings import build
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


@pytest.mark.parametrize("page", ["shell.md", "openstack.md", "queues.md"])
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


def test_every_configuration_of_the_page_about_queues_is_one() -> None:
    text = (DOCS / "queues.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    entries = [entry for block in blocks for entry in Config.parse(block).queues.values()]
    assert {"local", "slurm", "pbs"} == {entry.driver for entry in entries}
    for entry in entries:
        settings = plugins.load("queues", entry.driver).Settings
        options = {k: v for k, v in entry.options.items() if not is_reference(v)}
        assert build(settings, options, where=entry.name)
