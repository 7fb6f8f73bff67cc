"""`cm volume`. Snapshots stand in `snapshot`."""

from typing import Any

import click

from cloudmesh_sdk.models import Volume
from cloudmesh_sdk.shell import params
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.lists import listing, show_view
from cloudmesh_sdk.shell.output import Look, looks, print_rows
from cloudmesh_sdk.shell.records import FORMAT, show_record
from cloudmesh_sdk.shell.removing import remove
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.shell.snapshot import add_snapshots

_VOLUME = click.argument("volume", type=params.VOLUME)


@click.group("volume", cls=Group)
def volume_command() -> None:
    """Create disks that outlive servers, attach and snapshot them."""


@volume_command.command("list")
@listing
@click.pass_obj
def list_volumes(session: Session, /, clouds: tuple[str, ...], **options: Any) -> int:
    """List the volumes of clouds (the active ones) as last seen."""
    return show_view(session, Volume, clouds, **options)


@volume_command.command("info")
@click.argument("name", type=params.VOLUME)
@params.cloud_option
@FORMAT
@click.pass_obj
def info(session: Session, name: str, cloud: str | None, format: str) -> None:  # noqa: A002
    """Show a volume, by name or id, with the cloud's own data."""
    show_record(session.mesh.volume(cloud, name), format)


@volume_command.command("create")
@click.argument("name")
@click.option("--size", type=click.IntRange(1), required=True, metavar="GIB", help="How big.")
@params.cloud_option
@click.option("--type", metavar="NAME", help="Kind of disk, in the cloud's own word.")
@click.option("--zone", metavar="NAME", help="Availability zone to be in.")
@click.option("--image", type=params.IMAGE, metavar="NAME", help="Image to fill it with.")
@click.option("--snapshot", type=params.SNAPSHOT, metavar="NAME", help="Snapshot to fill it with.")
@looks
@click.pass_obj
def create(session: Session, /, name: str, size: int, look: Look, **options: Any) -> None:
    """Create a volume; it can be attached once it is available."""
    if options["image"] and options["snapshot"]:
        raise click.UsageError("--image and --snapshot exclude each other")
    session.acted = True
    found = session.mesh.create_volume(name, size, **options)
    print_rows(session, [found], Volume, look)


@volume_command.command("attach")
@_VOLUME
@click.argument("server", type=params.SERVER)
@click.option("--device", metavar="PATH", help="Where the server is to see it; some clouds obey.")
@params.cloud_option
@looks
@click.pass_obj
def attach(session: Session, /, volume: str, server: str, look: Look, **options: Any) -> None:
    """Attach a volume to a server of the same cloud."""
    session.acted = True
    found = session.mesh.attach_volume(volume, server, **options)
    print_rows(session, [found], Volume, look)


@volume_command.command("detach")
@_VOLUME
@params.cloud_option
@looks
@click.pass_obj
def detach(session: Session, volume: str, cloud: str | None, look: Look) -> None:
    """Take a volume off its server; unmount it there first."""
    session.acted = True
    found = session.mesh.detach_volume(volume, cloud=cloud)
    print_rows(session, [found], Volume, look)


@volume_command.command("delete")
@click.argument("names", type=params.VOLUME, nargs=-1, required=True, metavar="NAME...")
@params.cloud_option
@params.yes_option
@click.pass_obj
def delete(session: Session, names: tuple[str, ...], cloud: str | None, yes: bool) -> int:
    """Delete volumes and what is on them."""
    found = [session.mesh.volume(cloud, name) for name in names]
    drop = session.mesh.delete_volume
    return remove(session, "delete", found, drop, done="on its way out", yes=yes)


add_snapshots(volume_command)
