"""`cm service`."""

import click

from cloudmesh_sdk.services import store
from cloudmesh_sdk.shell import codes
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.records import FORMAT, show_record
from cloudmesh_sdk.shell.session import Session


@click.group("service", cls=Group)
def service_command() -> None:
    """Start, stop and look after the embedded store.

    Every command starts it where it does not run; it stops some minutes after its last user.
    """


@service_command.command("start")
@FORMAT
@click.pass_obj
def start(session: Session, format: str) -> None:  # noqa: A002
    """Start the embedded MongoDB, where it does not run."""
    show_record(store.start(session.read_config()), format)


@service_command.command("stop")
@click.option("--force", is_flag=True, help="Even while other processes use it.")
@FORMAT
@click.pass_obj
def stop(session: Session, force: bool, format: str) -> None:  # noqa: A002
    """Stop the embedded MongoDB; what it keeps is kept."""
    session.close()  # else we would be a user of it
    show_record(store.stop(session.read_config(), force=force), format)


@service_command.command("status")
@FORMAT
@click.pass_obj
def status(session: Session, format: str) -> int:  # noqa: A002
    """Show whether the embedded MongoDB runs; the exit code is 1 where it does not."""
    found = store.status(session.read_config())
    show_record(found, format)
    return codes.OK if found.running else codes.ERROR
