"""One message: its operations are run where it is their turn, and settled where a runner died."""

from collections.abc import Callable, Sequence

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.models.operation import OPEN
from cloudmesh_sdk.operations.amqp.turn import Desk, Turn, tell
from cloudmesh_sdk.operations.process import orphaned


def run(desk: Desk, ids: Sequence[str], stopping: Callable[[], bool] = lambda: False) -> None:
    """Do what a message asks for. A message that comes twice, or too late, does nothing.

    `stopping` says whether this process is to end: nothing more is begun then. A store that is out
    of reach is told of: the operations are found again when it is back.
    """
    try:
        called = _called(desk, ids)
    except StoreError as error:
        tell(ids, error)
    else:
        if called:
            Turn(desk, stopping).run(called)


def _called(desk: Desk, ids: Sequence[str]) -> list[Operation]:
    """Return the operations that are to run here; hand on the slots of those that are over."""
    known = desk.line.store.journal.several(ids)
    busy = [o for o in known if o.runner is not None and o.state in OPEN]
    dead = [operation for operation in busy if orphaned(operation)]
    for owner in sorted({operation.owner for operation in dead}):
        desk.settle(owner)
    free = [operation for operation in known if operation not in busy]
    waiting = [operation for operation in free if operation.state is OperationState.PENDING]
    desk.line.over([*dead, *(operation for operation in free if operation not in waiting)])
    return desk.line.together(waiting)
