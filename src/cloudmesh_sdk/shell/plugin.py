"""`cm plugin`."""

from typing import ClassVar

import attrs
import click

from cloudmesh_sdk import plugins
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.output import Look, looks, show
from cloudmesh_sdk.shell.session import Session


@attrs.frozen(kw_only=True)
class PluginRow:
    """A plug-in in the list of plug-ins."""

    columns: ClassVar[tuple[str, ...]] = ("kind", "name", "state", "target", "error")

    kind: str
    name: str
    state: str
    """`ok`, or `broken` where it does not import."""
    target: str
    error: str


@click.group("plugin", cls=Group)
def plugin_command() -> None:
    """List drivers and other plug-ins that are installed."""


@plugin_command.command("list")
@click.argument("kinds", type=click.Choice(plugins.KINDS), nargs=-1, metavar="[KIND]...")
@looks
@click.pass_obj
def list_plugins(session: Session, kinds: tuple[str, ...], look: Look) -> None:
    """List plug-ins of KIND (all kinds) and whether they import."""
    show(session, plugin_rows(kinds or plugins.KINDS), PluginRow, look.without_default())


def plugin_rows(kinds: tuple[str, ...]) -> list[PluginRow]:
    """Return a row for every plug-in, each imported to see whether it works."""
    return [
        PluginRow(
            kind=kind,
            name=found.name,
            state="broken" if found.error else "ok",
            target=found.target,
            error=" ".join(found.error.split()),
        )
        for kind in kinds
        for found in plugins.check(kind)
    ]
