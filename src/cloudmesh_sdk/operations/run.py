"""Operations of one process on their way: claimed, run, written down, their leases renewed."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import attrs

from cloudmesh_sdk.errors import BackendError, CloudmeshError, StoreError, UnavailableError
from cloudmesh_sdk.fanout import Answer
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.models.operation import OPEN
from cloudmesh_sdk.operations.act import Records
from cloudmesh_sdk.operations.attempts import Attempts, Use, fault
from cloudmesh_sdk.operations.gate import Gate
from cloudmesh_sdk.operations.heart import Heart
from cloudmesh_sdk.operations.lanes import Lane, Lanes
from cloudmesh_sdk.operations.process import HELD, claim, lease
from cloudmesh_sdk.operations.reconcile import PATIENCE, put_back
from cloudmesh_sdk.operations.wishes import Wishes, dropped, refusal
from cloudmesh_sdk.store.base import Store

_GRACE = 10.0
"""Seconds that calls in flight get to end after Ctrl-C."""

Ended = Callable[[Operation, Answer[Records]], None]
"""Hears an operation as it is after its attempts, and what came of them."""


class TakenError(UnavailableError):
    """Another runner has the operation, or it is over."""


_LOOK = 1.0
"""Seconds between two looks whether something was cancelled that waits for its turn."""


@attrs.frozen(kw_only=True)
class Task:
    """An operation to run, with the arguments that are never written down."""

    operation: Operation
    secrets: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


class Run:
    """Operations that are run together: those of one call, or whatever comes while it is open."""

    def __init__(self, store: Store, use: Use, tasks: Iterable[Task] = ()) -> None:
        self.tasks: dict[str, Task] = {}
        self._store = store
        self._use = use
        self._flying: dict[str, Operation] = {}
        self._waiting: set[str] = set()
        self._over: dict[str, Operation] = {}
        self._lock = threading.Condition()
        self._stopped = threading.Event()
        self.wishes = Wishes(store, self._stopped)
        """Tells what is to be cancelled."""
        self.add(tasks)

    def add(self, tasks: Iterable[Task]) -> None:
        """Hold these, too, from now on."""
        with self._lock:
            new = {task.operation.id: task for task in tasks}
            self.tasks |= new
            self._waiting |= set(new)
            HELD.take(new)

    def forget(self, id: str) -> None:  # noqa: A002
        """Drop one that is over."""
        with self._lock:
            self.tasks.pop(id, None)
            self._over.pop(id, None)

    def now(self, id: str) -> Operation:  # noqa: A002
        """Return an operation as it is, once no thread works on it."""
        over = self._over.get(id)  # nobody else changes it any more
        return over or self._store.journal.get(id) or self.tasks[id].operation

    @property
    def jobs(self) -> dict[str, str]:
        """The service of each operation, by id."""
        return {id: task.operation.cloud for id, task in self.tasks.items()}  # noqa: A001

    def one(self, id: str, lane: Lane) -> Records:  # noqa: A002
        """Run one operation in the caller's thread; raises what the driver raised."""
        task = self.tasks[id]
        wish = self.wishes.of(id)
        gate = Gate(self._store, lane, task.operation, wish)
        try:
            if not gate.passed():  # nothing is sent any more, else the claim refuses it
                self._begin(task.operation)
            attempts = Attempts(
                self._store,
                self._use,
                lane,
                gate,
                claim=self._claim,
                moved=self._move,
                stopped=wish,
            )
            return attempts.run(task.operation, task.secrets)
        except CloudmeshError as error:
            # what the store does not let begin is found there later, as where it was not claimed
            if id in self._waiting and not isinstance(error, StoreError):
                self._unsent(task.operation, error)
            raise
        finally:
            self._land(id)

    def _begin(self, operation: Operation) -> None:
        """Take note that an operation is sent now; raises where nothing is sent any more."""
        with self._lock:
            if self._stopped.is_set():
                raise UnavailableError(f"{operation.act} {operation.target}: cancelled, not sent")
            self._waiting.discard(operation.id)
            self._flying[operation.id] = operation

    def _claim(self, operation: Operation) -> Operation:
        self._begin(operation)
        claimed = self._store.journal.change(
            operation,
            state=OperationState.RUNNING,
            attempts=operation.attempts + 1,
            sent=datetime.now(UTC),
            runner=operation.runner or claim(),
            lease=lease(),
            error=None,
            doubted=None,
            message="" if operation.attempts == 0 else f"attempt {operation.attempts + 1}",
        )
        if claimed is None:
            now = self._store.journal.get(operation.id)
            if now is not None and now.state is OperationState.CANCELLED and not now.later:
                raise refusal(now)
            raise TakenError(f"operation {operation.id} was taken over or cancelled")
        self._move(claimed)
        return claimed

    def _move(self, operation: Operation) -> None:
        """Take note of an operation on its way as it is now: its lease is renewed by that."""
        with self._lock:
            self._flying[operation.id] = operation

    def _unsent(self, operation: Operation, error: CloudmeshError) -> None:
        """Write down why one could not be sent; where that may pass, it waits once more."""
        if operation.later and isinstance(error, BackendError) and error.transient:
            text = f"waits for {operation.cloud}"
            put_back(self._store, operation, rest=PATIENCE, error=fault(error), message=text)
        else:
            self._end(operation, state=OperationState.FAILED, error=fault(error))

    def _end(self, operation: Operation, **fields: Any) -> None:
        fields |= {"finished": datetime.now(UTC), **dropped(operation)}
        over = self._store.journal.change(operation, **fields)
        if over is not None:
            self._over[over.id] = over

    def _land(self, id: str) -> None:  # noqa: A002
        with self._lock:
            last = self._flying.pop(id, None)
            if last is not None and last.state not in OPEN:
                self._over[id] = last
            self._waiting.discard(id)
            self._lock.notify_all()
        HELD.leave([id])

    def landed(self) -> set[str]:
        """Return the ids of the operations that no thread works on."""
        with self._lock:
            return set(self.tasks) - set(self._flying)

    def stop(self) -> None:
        """Cancel what was not sent, or leave it to others, and wait a little for what was."""
        with self._lock:
            self._stopped.set()
            for waiting in self._waiting:
                operation = self.tasks[waiting].operation
                if operation.later:
                    put_back(self._store, operation)
                else:
                    self._end(operation, state=OperationState.CANCELLED)
            self._lock.wait_for(lambda: not self._flying, timeout=_GRACE)

    @contextmanager
    def beating(self, lanes: Lanes) -> Iterator[None]:
        """Renew leases meanwhile, and take out of their lanes what is cancelled there."""
        with Heart(self.renew), Heart(lambda: self._heed(lanes), every=_LOOK):
            yield

    def _heed(self, lanes: Lanes) -> None:
        with self._lock:
            waiting = set(self._waiting)
        for now in self.wishes.cancelled(waiting):
            self._land(now.id)  # before anybody hears of it, and forgets it
            lanes.expel(now.id, refusal(now))

    def renew(self) -> None:
        """Say that this process lives, for every operation that is not over."""
        with self._lock:
            waiting = [self.tasks[waiting].operation for waiting in self._waiting]
            left = [*self._flying.values(), *waiting]
        for operation in left:
            if operation.runner is not None and operation.state in OPEN:
                self._store.journal.change(operation, lease=lease())
