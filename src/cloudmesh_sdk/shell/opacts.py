"""What can be done about operations: wait, cancel, ask again, find out what became of them."""

from collections.abc import Sequence

import click

from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.shell import codes, params
from cloudmesh_sdk.shell.finishing import PATIENCE
from cloudmesh_sdk.shell.output import Look, looks, note, show, tell_sources
from cloudmesh_sdk.shell.progress import late_progress, progress
from cloudmesh_sdk.shell.session import Session


def add_op_acts(group: click.Group) -> None:
    """Add `wait`, `cancel`, `retry` and `reconcile` to a group."""
    for name, command in (
        ("wait", wait),
        ("cancel", cancel),
        ("retry", retry),
        ("reconcile", reconcile),
    ):
        group.command(name)(command)


@params.operations_argument
@click.option(
    "--timeout", type=click.FloatRange(0), default=PATIENCE, show_default=True, metavar="SECONDS"
)
@looks
@click.pass_obj
def wait(session: Session, ids: tuple[str, ...], timeout: float, look: Look) -> int:
    """Wait until operations are over, whichever process runs them.

    The exit code is 0 where all of them are done.
    """
    meant = _meant(session, ids)
    with progress(session, "wait", sum(max(1, o.total) for o in meant)) as done:
        found = session.mesh.wait_operations(
            meant,
            timeout=timeout,
            told=lambda now: done(now.target, now.state != OperationState.DONE, max(1, now.total)),
        )
    show(session, found, Operation, look)
    tell_sources(found, quiet=True)
    return codes.outcome(found)


@params.operations_argument
@click.option(
    "--timeout", type=click.FloatRange(0), default=30.0, show_default=True, metavar="SECONDS",
    help="How long to wait for what becomes of those that were sent already.",
)  # fmt: skip
@looks
@click.pass_obj
def cancel(session: Session, ids: tuple[str, ...], timeout: float, look: Look) -> int:
    """Cancel operations, whichever process runs them.

    What is pending is never sent. What was sent is not sent again, and is cancelled once its cloud
    shows nothing of it. What is there all the same is done: undo it, as by cm vm delete. The exit
    code is 0 where all are cancelled.
    """
    meant = _meant(session, ids)
    try:
        with late_progress(session, "cancel", len(meant)) as done:
            found = session.mesh.cancel_operations(
                meant,
                timeout=timeout,
                told=lambda now: done(now.target, now.state != OperationState.CANCELLED),
            )
    except KeyboardInterrupt:
        note("what was to be cancelled is so all the same: cm op list shows what becomes of it")
        raise
    if not found and len(meant) == 1:
        found.one()
    show(session, found, Operation, look)
    tell_sources(found, quiet=True)
    return codes.outcome(found)


@click.argument("id", type=params.OPERATION, metavar="ID")
@looks
@click.pass_obj
def retry(session: Session, id: str, look: Look) -> None:  # noqa: A002
    """Ask again for what failed or was cancelled.

    That is a new operation, which is waited for; its retry_of names the old one. What had secrets
    (user data, what a job runs) cannot be asked for again: they are not kept.
    """
    session.acted = True
    with progress(session, "retry", 1) as done:
        now = session.mesh.retry_operation(
            id, told=lambda o: done(o.target, o.state == OperationState.FAILED)
        )
    show(session, [now], Operation, look)


@looks
@click.pass_obj
def reconcile(session: Session, look: Look) -> int:
    """Find out what became of what was left open.

    Those are operations whose process is gone. Every command does that, but asks no cloud again
    that was silent half a minute ago.
    """
    found = session.mesh.reconcile()
    show(session, found, Operation, look)
    left = sum(operation.state == OperationState.UNKNOWN for operation in found)
    if left:
        note(f"of {left} it is not known yet: the cloud is silent, or may not show it so soon")
        return codes.TRANSIENT
    if not found:
        note("no operation was left open")
    return codes.OK


def _meant(session: Session, ids: Sequence[str]) -> list[Operation]:
    """Return the operations that ids mean, each once; raises `NotFoundError`."""
    found = [session.mesh.operation(word) for word in ids]
    return list({operation.id: operation for operation in found}.values())
