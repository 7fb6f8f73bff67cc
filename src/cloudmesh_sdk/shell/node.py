"""`cm node`."""

from typing import Any

import click

from cloudmesh_sdk.models import Node, NodeState
from cloudmesh_sdk.shell import params
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.batchlists import batch_listing, given, show_batch
from cloudmesh_sdk.shell.output import Look
from cloudmesh_sdk.shell.session import Session

_STATES = tuple(state.value for state in NodeState)


@click.group("node", cls=Group)
def node_command() -> None:
    """List the nodes that jobs run on."""


@node_command.command("list")
@click.option("--state", type=click.Choice(_STATES), multiple=True, help="Only in this state.")
@click.option("--queue", type=params.QUEUE, metavar="NAME", multiple=True, help="Of this queue.")
@click.option("--name", type=params.NODE, metavar="NAMES", multiple=True, help="Or hostlists.")
@batch_listing
@click.pass_obj
def list_nodes(
    session: Session,
    /,
    *,
    machines: tuple[str, ...],
    look: Look,
    strict: bool,
    limit: int | None,
    **filters: Any,
) -> int:
    """List the nodes of MACHINE (of all): what they have, what is in use, why one is down."""
    asked = given(**filters)
    return show_batch(
        session, Node, machines, look,
        lambda names, sort: session.mesh.nodes(names, sort=sort, **asked),
        strict=strict, limit=limit,
    )  # fmt: skip
