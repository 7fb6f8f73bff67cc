"""`cm vm`: looking at servers, and logging in. What changes them stands in `acts`."""

from typing import Any

import click

from cloudmesh_sdk.models import Server
from cloudmesh_sdk.shell import choosing, params
from cloudmesh_sdk.shell.acts import STATES, add_acts
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.lists import listing, show_view
from cloudmesh_sdk.shell.live import WATCH
from cloudmesh_sdk.shell.orphans import orphans
from cloudmesh_sdk.shell.output import Look, looks, note, show
from cloudmesh_sdk.shell.past import Past, past
from cloudmesh_sdk.shell.records import FORMAT, show_record
from cloudmesh_sdk.shell.session import Session


@click.group("vm", cls=Group)
def vm_command() -> None:
    """Start, list, look at, log in to, stop and delete servers.

    NAME is a name, an id, or a hostlist such as web-[001-020].
    """


@vm_command.command("list")
@click.option("--state", type=click.Choice(STATES), multiple=True, help="Only in this state.")
@click.option("--full", is_flag=True, help="Ask for whole lists, not only for what changed.")
@WATCH
@listing
@click.pass_obj
def list_servers(session: Session, /, clouds: tuple[str, ...], **options: Any) -> int:
    """List the servers of clouds (the active ones) as last seen."""
    state, watched = options.pop("state") or None, options.pop("watch")
    return show_view(session, Server, clouds, state=state, watched=watched, **options)


@vm_command.command("info")
@click.argument("name", type=params.SERVER)
@params.cloud_option
@FORMAT
@click.pass_obj
def info(session: Session, name: str, cloud: str | None, format: str) -> None:  # noqa: A002
    """Show a server with the cloud's own data, also one that is deleted."""
    show_record(choosing.server(session, cloud, name), format)


@vm_command.command("history")
@click.argument("name", type=params.SERVER)
@params.cloud_option
@click.option("--own", is_flag=True, help="Only what was seen and done from here; ask no cloud.")
@looks
@click.pass_obj
def history(session: Session, name: str, cloud: str | None, own: bool, look: Look) -> None:
    """Show what happened to a server, oldest first: seen and done here, and by the cloud."""
    server = choosing.server(session, cloud, name)
    show(session, past(session, server, own=own), Past, look)
    if server.fault:
        note(f"{server.cloud}: {server.name} is in the state {server.state}: {server.fault}")


@vm_command.command("ssh")
@click.argument("name", type=params.SERVER)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@params.cloud_option
@click.option("--user", metavar="NAME", help="User there; else the default ssh_user of the cloud.")
@click.option("-i", "--identity", metavar="FILE", help="Private key to use.")
@click.option("--private", is_flag=True, help="Use the private address.")
@click.option("--print", "only_print", is_flag=True, help="Only print the command.")
@click.pass_obj
def ssh(session: Session, /, name: str, command: tuple[str, ...], **options: Any) -> None:
    """Log in to a server, or run `-- COMMAND` there."""
    from cloudmesh_sdk.shell.ssh import ssh as go

    go(session, name, command, **options)


add_acts(vm_command)
vm_command.command("orphans")(orphans)
