"""`cm ip`."""

from typing import Any

import click

from cloudmesh_sdk.models import FloatingIP
from cloudmesh_sdk.shell import params
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.lists import listing, show_view
from cloudmesh_sdk.shell.output import Look, looks, note, print_rows
from cloudmesh_sdk.shell.removing import remove
from cloudmesh_sdk.shell.session import Session

_ADDRESS = click.argument("address", type=params.ADDRESS)


@click.group("ip", cls=Group)
def ip_command() -> None:
    """Take public addresses (floating IPs), attach them to servers, give them back."""


@ip_command.command("list")
@listing
@click.pass_obj
def list_addresses(session: Session, /, clouds: tuple[str, ...], **options: Any) -> int:
    """List the floating IPs of clouds (the active ones) as last seen."""
    return show_view(session, FloatingIP, clouds, **options)


@ip_command.command("create")
@params.cloud_option
@click.option(
    "--network", type=params.NETWORK, metavar="NAME",
    help="External network to take it from; else the only one there is.",
)  # fmt: skip
@looks
@click.pass_obj
def create(session: Session, cloud: str | None, network: str | None, look: Look) -> None:
    """Take an address; it costs quota until it is released."""
    session.acted = True
    found = session.mesh.create_floating_ip(cloud=cloud, network=network)
    print_rows(session, [found], FloatingIP, look)
    if look.chosen(session) == "table":
        note(f"cm ip attach {found.name} SERVER lets it stand for a server")


@ip_command.command("attach")
@_ADDRESS
@click.argument("server", type=params.SERVER)
@params.cloud_option
@looks
@click.pass_obj
def attach(session: Session, address: str, server: str, cloud: str | None, look: Look) -> None:
    """Let an address stand for a server."""
    session.acted = True
    found = session.mesh.attach_floating_ip(address, server, cloud=cloud)
    print_rows(session, [found], FloatingIP, look)


@ip_command.command("detach")
@_ADDRESS
@params.cloud_option
@looks
@click.pass_obj
def detach(session: Session, address: str, cloud: str | None, look: Look) -> None:
    """Take an address off its server; it stays yours."""
    session.acted = True
    found = session.mesh.detach_floating_ip(address, cloud=cloud)
    print_rows(session, [found], FloatingIP, look)


@ip_command.command("release")
@click.argument("addresses", type=params.ADDRESS, nargs=-1, required=True, metavar="ADDRESS...")
@params.cloud_option
@params.yes_option
@click.pass_obj
def release(session: Session, addresses: tuple[str, ...], cloud: str | None, yes: bool) -> int:
    """Give addresses back; somebody else may get them next."""
    found = [session.mesh.floating_ip(cloud, address) for address in addresses]
    drop = session.mesh.release_floating_ip
    return remove(session, "release", found, drop, done="released", yes=yes)
