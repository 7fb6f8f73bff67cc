"""How acts end: servers printed, waited for where that is wanted."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.models import Operation, OperationState, Server
from cloudmesh_sdk.shell import codes
from cloudmesh_sdk.shell.attending import attend
from cloudmesh_sdk.shell.output import Look, note, print_rows, show, tell_sources
from cloudmesh_sdk.shell.progress import Done, progress
from cloudmesh_sdk.shell.session import Session

PATIENCE = 600.0
"""Seconds that is waited where nothing else is said."""


def wait_for(
    session: Session,
    servers: Any,
    state: str,
    cloud: str | None,
    look: Look,
    *,
    total: int,
    timeout: float = PATIENCE,
) -> int:
    """Wait with a bar, print the servers and return the exit code."""
    with progress(session, f"wait until {state}", total) as done:
        found = session.mesh.wait(
            servers,
            state,
            cloud=cloud,
            timeout=timeout,
            told=lambda server: done(server.name, server.state != state),
        )
    return finish(session, found, look, "")


def finish(session: Session, found: Gathered[Server], look: Look, state: str) -> int:
    """Print the servers of an act, waiting first where a state is given."""
    failed = codes.outcome(found)
    if state and found:
        tell_sources(found, quiet=True)
        return wait_for(session, list(found), state, None, look, total=len(found)) or failed
    print_rows(session, found, Server, look)
    tell_sources(found, quiet=True)
    return failed


async_option = click.option(
    "--async", "later", is_flag=True, help="Write it down and leave it to a worker."
)
"""Asks for what nobody waits for."""


def left(session: Session, asked: Sequence[Operation], look: Look) -> int:
    """Print operations that wait for a runner, and say how to go on."""
    show(session, asked, Operation, look)
    if asked:
        attend(session)
    if asked and look.chosen(session) == "table":
        first = asked[0].id
        note(f"cm op wait {first} waits for it, cm op list shows how far all are")
    return codes.OK


def told(done: Done) -> Callable[[Operation], None]:
    """Return what counts operations as they end, a group of servers as so many."""
    failed = OperationState.FAILED
    return lambda now: done(now.target, now.state == failed, max(1, now.total))
