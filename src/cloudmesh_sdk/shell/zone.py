"""`cm zone`."""

import click

from cloudmesh_sdk.models import Zone
from cloudmesh_sdk.shell import codes, params
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.output import Look, looks, show, tell_sources
from cloudmesh_sdk.shell.session import Session


@click.group("zone", cls=Group)
def zone_command() -> None:
    """List availability zones."""


@zone_command.command("list")
@params.clouds_argument
@looks
@click.pass_obj
def list_zones(session: Session, clouds: tuple[str, ...], look: Look) -> int:
    """Ask clouds (the active ones) in which zones a server can be started."""
    found = session.mesh.zones(clouds or None)
    show(session, found, Zone, look)
    tell_sources(found, quiet=look.chosen(session) != "table")
    return codes.outcome(found)
