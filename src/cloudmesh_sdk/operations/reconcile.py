"""After a crash: what became of operations whose process is gone."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import attrs

from cloudmesh_sdk.errors import BackendError, CloudmeshError
from cloudmesh_sdk.fanout import ask
from cloudmesh_sdk.models import Fault, Operation, OperationState, Record
from cloudmesh_sdk.operations.acts import ACTS, Learned, laid_to_rest
from cloudmesh_sdk.operations.process import identity, lease, orphaned
from cloudmesh_sdk.providers.base import Cloud
from cloudmesh_sdk.store.base import Store

PATIENCE = timedelta(seconds=30)
"""How long a patient caller leaves a silent cloud alone before it is asked again."""


def due(operation: Operation, *, patient: bool) -> bool:
    """Tell whether it is time to find out about an operation that is not over.

    It is when no living process runs it. One that stayed unknown because its cloud was silent is
    left alone for a while by a patient caller: else every command would wait for a dead cloud.
    """
    if operation.state is not OperationState.UNKNOWN:
        return orphaned(operation)
    rests_until = operation.lease
    return not patient or rests_until is None or rests_until < datetime.now(UTC)


def reconcile(
    store: Store,
    operations: Iterable[Operation],
    use: Callable[[str], AbstractContextManager[Cloud]],
    *,
    deadline: float = 60.0,
) -> list[Operation]:
    """Find out what became of orphaned operations, finish, adopt or fail them; return them so.

    What was never sent is cancelled without asking anybody. An operation whose cloud does not
    answer stays `unknown` until the next time. Several processes may reconcile at once: each
    operation is claimed first.
    """
    claimed = [mine for operation in operations if (mine := _claim(store, operation))]
    by_cloud: dict[str, list[Operation]] = {}
    for operation in claimed:
        if operation.sent is None:
            _end(store, operation, Learned(state=OperationState.CANCELLED, why="it was never sent"))
        else:
            by_cloud.setdefault(operation.cloud, []).append(operation)

    def learn(name: str) -> None:
        with use(name) as cloud:
            for operation in by_cloud[name]:
                settle(store, cloud, operation)

    for answer in ask(by_cloud, learn, deadline=deadline):
        if answer.error is not None:
            for operation in by_cloud[answer.name]:
                _end(store, operation, _silent(answer.error))
    return [now for operation in claimed if (now := store.journal.get(operation.id))]


def settle(
    store: Store, cloud: Cloud, operation: Operation, *, cause: BackendError | None = None
) -> Record | None:
    """Ask the cloud what became of one operation, write it down; return the record if it was done.

    `cause` is the error that brought the doubt; it is kept where the cloud says it was not done.
    """
    try:
        learned = ACTS[operation.act].learn(cloud, operation)
    except BackendError as error:
        _end(store, operation, _silent(error))
        return None
    if cause is not None and learned.state is not OperationState.DONE:
        learned = attrs.evolve(learned, why=str(cause))
    record = learned.record
    if record is not None:
        record = see(store, operation.owner, record)
    _end(store, operation, learned)
    return record if learned.state is OperationState.DONE else None


def see(store: Store, owner: str, record: Record) -> Record:
    """Take a record into the view as seen now; of what is gone, all that was known is kept."""
    known = store.view.get(owner, record.kind, record.cloud, record.id)
    seen = attrs.evolve(laid_to_rest(record, known), seen=datetime.now(UTC))
    store.view.put(owner, seen)
    return seen


def _claim(store: Store, operation: Operation) -> Operation | None:
    unknown = operation.state is OperationState.UNKNOWN
    return store.journal.change(operation, runner=identity(), lease=None if unknown else lease())


def _silent(error: CloudmeshError) -> Learned:
    return Learned(state=OperationState.UNKNOWN, why=str(error), silent=True)


def _end(store: Store, operation: Operation, learned: Learned) -> None:
    over = learned.state is not OperationState.UNKNOWN
    store.journal.change(
        operation,
        state=learned.state,
        result=learned.record.id if learned.record is not None else None,
        error=Fault(kind="Reconciled", message=learned.why) if learned.why else None,
        finished=datetime.now(UTC) if over else None,
        lease=datetime.now(UTC) + PATIENCE if learned.silent else None,
    )
