"""`cm op`."""

from collections.abc import Sequence

import click

from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.shell import codes, params
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.live import WATCH, watch as stay
from cloudmesh_sdk.shell.opacts import add_op_acts
from cloudmesh_sdk.shell.output import Look, chosen, looks, show
from cloudmesh_sdk.shell.records import FORMAT, show_record
from cloudmesh_sdk.shell.session import Session

_STATES = tuple(state.value for state in OperationState)


@click.group("op", cls=Group)
def op_command() -> None:
    """Show what was asked for, and what became of it; wait for it, cancel it, ask again.

    ID is the id of an operation, or the beginning of it.
    """


@op_command.command("list")
@click.option("--state", type=click.Choice(_STATES), multiple=True, help="Only in this state.")
@params.cloud_option
@click.option("--target", type=params.SERVER, metavar="NAME", help="Only on this server or key.")
@click.option("--refreshes", is_flag=True, help="The refreshes of the last hour instead.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, metavar="N")
@WATCH
@looks
@click.pass_obj
def list_operations(
    session: Session,
    /,
    *,
    state: tuple[str, ...],
    cloud: str | None,
    target: str | None,
    limit: int,
    watch: bool,
    look: Look,
    refreshes: bool,
) -> int:
    """List operations, newest first."""
    if refreshes and (state or target):
        raise click.UsageError("--refreshes goes with --cloud and --limit, not --state or --target")

    def read() -> Sequence[Operation]:
        if refreshes:
            return session.mesh.refreshes(cloud=cloud, limit=limit)
        return session.mesh.operations(state=state, cloud=cloud, target=target, limit=limit)

    if watch:
        return stay(session, Operation, lambda: chosen(read(), Operation, look), look, clouds=cloud)
    show(session, read(), Operation, look)
    return codes.OK


@op_command.command("info")
@click.argument("id", type=params.OPERATION, metavar="ID")
@FORMAT
@click.pass_obj
def info(session: Session, id: str, format: str) -> None:  # noqa: A002
    """Show an operation; the beginning of its id is enough."""
    show_record(session.mesh.operation(id), format)


add_op_acts(op_command)
