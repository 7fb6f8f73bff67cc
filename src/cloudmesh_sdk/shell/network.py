"""`cm network`."""

from typing import Any

import click

from cloudmesh_sdk.models import Network, Port, Record, Router, Subnet
from cloudmesh_sdk.shell import params
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.lists import listing, show_view
from cloudmesh_sdk.shell.records import FORMAT, show_record
from cloudmesh_sdk.shell.session import Session


@click.group("network", cls=Group)
def network_command() -> None:
    """List networks, and what is on them: subnets, routers, ports."""


def _add_list(name: str, kind: type[Record], text: str) -> None:
    @listing
    @click.pass_obj
    def command(session: Session, /, clouds: tuple[str, ...], **options: Any) -> int:
        return show_view(session, kind, clouds, **options)

    network_command.command(name, help=text)(command)


_add_list("list", Network, "List the networks of clouds (the active ones) as last seen.")


@network_command.command("info")
@click.argument("name", type=params.NETWORK)
@params.cloud_option
@FORMAT
@click.pass_obj
def info(session: Session, name: str, cloud: str | None, format: str) -> None:  # noqa: A002
    """Show a network, by name or id, with the cloud's own data."""
    show_record(session.mesh.network(cloud, name), format)


_add_list("subnets", Subnet, "List the ranges of addresses on networks as last seen.")
_add_list("routers", Router, "List the routers of clouds (the active ones) as last seen.")
_add_list("ports", Port, "List the ports of clouds (the active ones) as last seen.")
