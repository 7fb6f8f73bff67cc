"""`cm volume snapshots` and `cm volume snapshot create|info|delete`."""

from typing import Any

import click

from cloudmesh_sdk.models import Snapshot
from cloudmesh_sdk.shell import params
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.lists import listing, show_view
from cloudmesh_sdk.shell.output import Look, looks, print_rows
from cloudmesh_sdk.shell.records import FORMAT, show_record
from cloudmesh_sdk.shell.removing import remove
from cloudmesh_sdk.shell.session import Session


def add_snapshots(group: click.Group) -> None:
    """Add the commands of this file to a group."""
    group.command("snapshots")(list_snapshots)
    group.add_command(snapshot_command)


@listing
@click.pass_obj
def list_snapshots(session: Session, /, clouds: tuple[str, ...], **options: Any) -> int:
    """List the snapshots of volumes as last seen."""
    return show_view(session, Snapshot, clouds, **options)


@click.group("snapshot", cls=Group)
def snapshot_command() -> None:
    """Keep volumes as they are now."""


@snapshot_command.command("create")
@click.argument("volume", type=params.VOLUME)
@click.argument("name")
@params.cloud_option
@looks
@click.pass_obj
def create(session: Session, volume: str, name: str, cloud: str | None, look: Look) -> None:
    """Snapshot VOLUME as NAME; one that is in use may be kept in the middle of a write."""
    session.acted = True
    found = session.mesh.create_snapshot(volume, name, cloud=cloud)
    print_rows(session, [found], Snapshot, look)


@snapshot_command.command("info")
@click.argument("name", type=params.SNAPSHOT)
@params.cloud_option
@FORMAT
@click.pass_obj
def info(session: Session, name: str, cloud: str | None, format: str) -> None:  # noqa: A002
    """Show a snapshot, by name or id, with the cloud's own data."""
    show_record(session.mesh.snapshot(cloud, name), format)


@snapshot_command.command("delete")
@click.argument("names", type=params.SNAPSHOT, nargs=-1, required=True, metavar="NAME...")
@params.cloud_option
@params.yes_option
@click.pass_obj
def delete(session: Session, names: tuple[str, ...], cloud: str | None, yes: bool) -> int:
    """Delete snapshots; their volumes stay."""
    found = [session.mesh.snapshot(cloud, name) for name in names]
    drop = session.mesh.delete_snapshot
    return remove(session, "delete", found, drop, done="on its way out", yes=yes)
