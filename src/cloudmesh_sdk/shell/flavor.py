"""`cm flavor`."""

from typing import Any

import click

from cloudmesh_sdk.models import Flavor
from cloudmesh_sdk.shell import params
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.lists import listing, show_view
from cloudmesh_sdk.shell.records import FORMAT, show_record
from cloudmesh_sdk.shell.session import Session


@click.group("flavor", cls=Group)
def flavor_command() -> None:
    """List the sizes that a server can have."""


@flavor_command.command("list")
@listing
@click.pass_obj
def list_flavors(session: Session, /, clouds: tuple[str, ...], **options: Any) -> int:
    """List the flavors of clouds (the active ones) as last seen."""
    return show_view(session, Flavor, clouds, **options)


@flavor_command.command("info")
@click.argument("name", type=params.FLAVOR)
@params.cloud_option
@FORMAT
@click.pass_obj
def info(session: Session, name: str, cloud: str | None, format: str) -> None:  # noqa: A002
    """Show a flavor, by name or id, with the cloud's own data."""
    show_record(session.mesh.flavor(cloud, name), format)
