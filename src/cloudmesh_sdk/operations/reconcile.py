"""After a crash: what became of operations that nobody works on any more."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from random import random
from typing import Any

import attrs

from cloudmesh_sdk.driver import Driver, guarded
from cloudmesh_sdk.errors import BackendError, CloudmeshError
from cloudmesh_sdk.fanout import ask
from cloudmesh_sdk.models import QUEUE_KINDS, Fault, Job, Operation, OperationState, Record, Server
from cloudmesh_sdk.operations.act import LOST, Learned, Records, results
from cloudmesh_sdk.operations.acts import laid_to_rest, learn
from cloudmesh_sdk.operations.jobs import rows
from cloudmesh_sdk.operations.process import HELD, claim, lease, orphaned
from cloudmesh_sdk.operations.wishes import (
    NEVER,
    cancelled,
    dropped,
    ended,
    heeded,
    tell_late,
)
from cloudmesh_sdk.store.base import Query, Store

PATIENCE = timedelta(seconds=30)
"""How long a patient caller leaves a silent cloud alone before it is asked again."""

REPEATED = timedelta(minutes=15)
"""How old an act may be that is done again: later its user has other plans."""

ATTEMPTS = 5
"""How often an operation that waits for any runner is sent at most: one that kills whoever runs it
must not come back for ever."""

_REST = timedelta(seconds=1)
"""How long an operation waits before it is sent once more, doubled each time."""

GIVEN_UP = timedelta(days=7)
"""How long a cloud may be silent, or gone from the configuration, before we stop asking."""


def due(operation: Operation, *, patient: bool) -> bool:
    """Tell whether it is time to find out about an operation that is not over.

    It is when nobody works on it. One that stayed unknown because its cloud was silent has no
    runner and rests until its lease ends: a patient caller leaves it alone till then, else every
    command would wait for a dead cloud.
    """
    if operation.runner is not None:
        return orphaned(operation)
    if operation.later and operation.state is OperationState.PENDING:
        return operation.cancelling is not None  # else it waits for a runner
    rests_until = operation.lease
    return not patient or rests_until is None or rests_until < datetime.now(UTC)


def reconcile(
    store: Store,
    operations: Iterable[Operation],
    use: Callable[[str], AbstractContextManager[Driver]],
    *,
    deadline: float = 60.0,
) -> list[Operation]:
    """Find out what became of operations that are `due`, finish, adopt or fail them.

    Returns them as they are then. What was never sent is cancelled without asking anybody. An
    operation whose cloud does not answer stays `unknown` until the next time. Several processes
    may reconcile at once: each operation is claimed first.
    """
    claimed = [mine for operation in operations if (mine := _claim(store, operation))]
    HELD.take(operation.id for operation in claimed)
    try:
        _settle_all(store, claimed, use, deadline)
    finally:
        HELD.leave(operation.id for operation in claimed)
    return [now for operation in claimed if (now := store.journal.get(operation.id))]


def _settle_all(
    store: Store,
    claimed: list[Operation],
    use: Callable[[str], AbstractContextManager[Driver]],
    deadline: float,
) -> None:
    by_cloud: dict[str, list[Operation]] = {}
    for operation in claimed:
        if operation.later and operation.state is OperationState.PENDING:
            put_back(store, operation)
        elif operation.sent is None:
            _end(store, operation, Learned(state=OperationState.CANCELLED, why=NEVER))
        else:
            by_cloud.setdefault(operation.cloud, []).append(operation)

    def settle_those_of(name: str) -> None:
        with use(name) as cloud:
            for operation in by_cloud[name]:
                settle(store, cloud, operation)

    for answer in ask(by_cloud, settle_those_of, deadline=deadline):
        if answer.error is not None:
            for operation in by_cloud[answer.name]:
                _end(store, operation, silent(operation, answer.error))


def settle(store: Store, cloud: Driver, operation: Operation) -> Records:
    """Ask the cloud what became of one operation, write it down; return what came of it.

    That is empty where it was not done, or is not known.
    """
    try:
        with guarded(cloud.name):
            learned = asked(store, cloud, operation, again=wanted(store, operation))
    except BackendError as error:
        learned = silent(operation, error)
    return conclude(store, operation, learned)


def asked(store: Store, cloud: Driver, operation: Operation, *, again: bool) -> Learned:
    """Ask the cloud what became of an operation; raises `BackendError` where it is silent.

    A server without a token that another start made is not what came of this one.
    """
    learned = learn(cloud, operation, again=again)
    made = learned.records[0] if learned.state is OperationState.DONE and learned.records else None
    if operation.act != "start" or not isinstance(made, Server) or made.token is not None:
        return learned
    known = store.journal.find(
        owner=operation.owner, cloud=operation.cloud, target=operation.target
    )
    starts = (each for each in known if each.act == operation.act and each.id != operation.id)
    other = next((each.id for each in starts if each.result == made.id), None)
    if other is None:
        return learned
    why = (
        f"{cloud.name} has {made.name} ({made.id}), which operation {other} started, and "
        "cannot tell whether this start made any"
    )
    return Learned(state=OperationState.FAILED, why=why)


def conclude(store: Store, operation: Operation, learned: Learned) -> Records:
    """Write down what became of an operation; return what came of it, nothing but of a done one."""
    records = tuple(see(store, home(operation, record), record) for record in learned.records)
    if learned.undone:  # it may be one to be cancelled since
        operation = _as_asked(store, operation)
    if _again(operation, learned):
        rest = _REST * 2**operation.attempts * (1 + random())  # noqa: S311 - spreads, hides nothing
        put_back(store, operation, rest=rest, error=_kept(operation, learned))
        return ()
    _end(store, operation, heeded(operation, learned))
    return results(records) if learned.state is OperationState.DONE else ()


def put_back(
    store: Store, operation: Operation, *, rest: timedelta | None = None, **fields: Any
) -> None:
    """Let an operation wait for any runner once more, after a rest; not one to be cancelled."""
    now = store.journal.change(
        operation,
        state=OperationState.PENDING,
        runner=None,
        lease=None if rest is None else datetime.now(UTC) + rest,
        **fields,
    )
    if now is not None and now.cancelling is not None:
        store.journal.change(now, **ended(now))


def _again(operation: Operation, learned: Learned) -> bool:
    """Tell whether one that any runner may do is to be sent again: its cloud has nothing of it.

    Its runner died, or its answer was lost; what was refused was not lost.
    """
    if operation.cancelling is not None:
        return False
    fault = operation.error
    lost = fault is None or fault.transient or fault.kind == LOST
    return operation.later and learned.absent and lost and operation.attempts < ATTEMPTS


def wanted(store: Store, operation: Operation) -> bool:
    """Tell whether its user still wants an act: it is young, and nothing was asked for since."""
    if operation.cancelling is not None:
        return False
    if datetime.now(UTC) - operation.created > REPEATED:
        return False
    asked = store.journal.find(
        owner=operation.owner, cloud=operation.cloud, target=operation.target
    )
    return not any(other.created > operation.created for other in asked)


def home(operation: Operation, record: Record) -> str:
    """Return under whom the view keeps a record: those of queue managers belong to all users."""
    if record.kind in QUEUE_KINDS and operation.account is not None:
        return operation.account
    return operation.owner


def see(store: Store, owner: str, record: Record) -> Record:
    """Take a record into the view as seen now; of what is gone, all that was known is kept."""
    seen, shown = _seen(store, owner, record)
    for row in shown:
        store.view.put(owner, row)
    return seen


def as_seen(
    store: Store, operation: Operation, records: Records
) -> tuple[Records, list[tuple[str, Record]]]:
    """Return what came of an operation as seen now, and the rows of the view, each with its owner.

    Of what is gone all that was known is kept.
    """
    homes = [home(operation, record) for record in records]
    found = [_seen(store, owner, one) for owner, one in zip(homes, records, strict=True)]
    shown = [
        (owner, row) for owner, (_, several) in zip(homes, found, strict=True) for row in several
    ]
    return tuple(seen for seen, _ in found), shown


def _seen(store: Store, owner: str, record: Record) -> tuple[Record, list[Record]]:
    """Return a record as seen now, and the rows that the view has of it then."""
    if record.missing is not None:
        known = store.view.get(owner, record.kind, record.cloud, record.id)
        record = laid_to_rest(record, known)
    seen = attrs.evolve(record, seen=datetime.now(UTC))
    return seen, [*rows(seen, _of_array(store, owner, seen))]


def _of_array(store: Store, owner: str, seen: Record) -> list[Record]:
    """Return the rows of an array, where a record stands for a whole one."""
    if not isinstance(seen, Job) or seen.array != seen.id:
        return []
    query = Query(clouds=(seen.cloud,), where={"array": seen.id})
    return store.view.find(owner, Job.kind, query)


def came(records: Records) -> dict[str, Any]:
    """Return the fields of an operation that tell what came of it."""
    ids = tuple(record.id for record in results(records))
    several = ids if len(ids) > 1 else ()
    return {"result": ids[0] if ids else None, "results": several, "done": len(ids)}


def _as_asked(store: Store, operation: Operation) -> Operation:
    """Return an operation with what its user asked of it meanwhile."""
    now = store.journal.get(operation.id)
    wish = None if now is None else now.cancelling
    return attrs.evolve(operation, cancelling=operation.cancelling or wish)


def _claim(store: Store, operation: Operation) -> Operation | None:
    return store.journal.change(operation, runner=claim(), lease=lease())


def silent(operation: Operation, error: CloudmeshError) -> Learned:
    """Return what is learnt where a cloud does not answer: nothing, or that it is given up."""
    if datetime.now(UTC) - operation.created > GIVEN_UP:
        why = f"given up after {GIVEN_UP.days} days: {error}"
        return Learned(state=OperationState.FAILED, why=why)
    return Learned(state=OperationState.UNKNOWN, why=str(error), silent=True)


def _end(store: Store, operation: Operation, learned: Learned) -> None:
    over = learned.state is not OperationState.UNKNOWN
    now = datetime.now(UTC)
    written = store.journal.change(
        operation,
        state=learned.state,
        message="" if over else f"waits for {operation.cloud} to say what became of it",
        **came(learned.records),
        error=_kept(operation, learned),
        finished=now if over else None,
        runner=operation.runner if over else None,
        lease=now + PATIENCE if learned.silent else None,
        **(dropped(operation) if over else {}),
    )
    tell_late(store, written)


def _kept(operation: Operation, learned: Learned) -> Fault | None:
    """Return the error to keep: the one that brought the doubt keeps its class."""
    if not learned.why:
        return None
    if learned.state is OperationState.CANCELLED:
        return cancelled(learned.why)
    if operation.error is None:
        return Fault(kind=LOST, message=learned.why)
    return attrs.evolve(operation.error, message=learned.why)
