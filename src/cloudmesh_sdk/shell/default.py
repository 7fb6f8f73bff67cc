"""`cm default`."""

import click

from cloudmesh_sdk.mesh.defaults import Default
from cloudmesh_sdk.shell import params
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.output import Look, looks, note, show
from cloudmesh_sdk.shell.session import Session

_SEVERAL = ("security_groups", "networks")
"""Defaults that are lists."""


@click.group("default", cls=Group)
def default_command() -> None:
    """Set and explain what is used when you name none: cloud, image, machine, queue and so on.

    A default holds for one cloud or queue manager (--cloud), or for all.
    """


@default_command.command("list")
@params.place_option
@looks
@click.pass_obj
def list_defaults(session: Session, cloud: str | None, look: Look) -> None:
    """List all defaults that something sets, and where each comes from."""
    # which clouds are active, cm cloud list tells
    found = [default for default in session.mesh.defaults(cloud) if default.key != "active"]
    show(session, found, Default, look)


@default_command.command("set")
@click.argument("key", type=params.DEFAULT)
@click.argument("value")
@params.place_option
@click.pass_obj
def set_default(session: Session, key: str, value: str, cloud: str | None) -> None:
    """Set a default; lists (security_groups, networks) have commas between."""
    several = [word.strip() for word in value.split(",") if word.strip()]
    found = session.mesh.default(key, several if key in _SEVERAL else value, cloud=cloud)
    _tell(found)


@default_command.command("unset")
@click.argument("key", type=params.DEFAULT)
@params.place_option
@click.pass_obj
def unset(session: Session, key: str, cloud: str | None) -> None:
    """Forget a default that was set, and tell what holds then."""
    _tell(session.mesh.unset(key, cloud=cloud))


@default_command.command("why")
@click.argument("key", type=params.DEFAULT)
@params.place_option
@looks
@click.pass_obj
def why(session: Session, key: str, cloud: str | None, look: Look) -> None:
    """Tell what a default is and where it comes from."""
    mesh = session.mesh
    where = cloud or (mesh.default("cloud").value if key in ("image", "flavor") else None)
    show(session, [mesh.default(key, cloud=where)], Default, look)


def _tell(found: Default) -> None:
    where = f" at {found.cloud}" if found.cloud else ""
    what = "has no value" if found.value is None else f"is {found.value}"
    note(f"{found.key}{where} {what}: {found.source}")
