"""Running operations in threads: claim, act, write down what came of it.

The order is what makes a crash harmless: the intent is journalled first (`pending`), then the
claim (`running`, with the time it is sent), then the driver acts, then the record goes into the
view, and last the operation is `done`. Whatever is killed in between, `reconcile` finds it.
"""

import logging
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import attrs

from cloudmesh_sdk.errors import CloudmeshError, StoreError, UnavailableError
from cloudmesh_sdk.fanout import Answer
from cloudmesh_sdk.limits import Limits
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.operations.act import Records
from cloudmesh_sdk.operations.attempts import Attempts, Use, fault
from cloudmesh_sdk.operations.lanes import THREADS, Lane, Lanes
from cloudmesh_sdk.operations.process import HELD, LEASE, claim, lease
from cloudmesh_sdk.store.base import Store

__all__ = ["Runner", "Task", "Use", "fault", "intent"]

_LOG = logging.getLogger(__name__)

_GRACE = 10.0
"""Seconds that calls in flight get to end after Ctrl-C."""


@attrs.frozen(kw_only=True)
class Task:
    """An operation to run, with the arguments that are never written down."""

    operation: Operation
    secrets: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


_TOKEN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def is_token(text: str | None) -> bool:
    """Tell whether a text has the form of the tokens that `intent` gives operations."""
    return text is not None and _TOKEN.fullmatch(text) is not None


def intent(
    owner: str,
    act: str,
    cloud: str,
    target: str,
    request: Mapping[str, Any] | None = None,
    *,
    account: str | None = None,
    withheld: Iterable[str] = (),
    retry_of: str | None = None,
) -> Operation:
    """Return a new operation of this process, not journalled yet."""
    return Operation(
        id=uuid.uuid4().hex[:16],
        owner=owner,
        act=act,
        cloud=cloud,
        target=target,
        token=str(uuid.uuid4()),
        request=dict(request or {}),
        account=account,
        withheld=tuple(withheld),
        retry_of=retry_of,
        runner=claim(),
        lease=lease(),
        created=datetime.now(UTC),
    )


def _usual(_: str) -> Limits:
    return Limits()


class Runner:
    """Runs operations of one process, many at a time, each service within its limits.

    `limits` gives those of a cloud or a queue manager, `threads` is how many operations may be
    under way at once over all of them, from however many threads it is called.
    """

    def __init__(
        self,
        store: Store,
        use: Use,
        *,
        limits: Callable[[str], Limits] = _usual,
        threads: int = THREADS,
    ) -> None:
        self._store = store
        self._use = use
        self.lanes = Lanes(limits, threads=threads)
        """What waits and is under way, by service."""

    def run(
        self,
        tasks: Sequence[Task],
        *,
        begun: Callable[[], None] | None = None,
        told: Callable[[Answer[Records]], None] | None = None,
    ) -> list[Answer[Records]]:
        """Journal the tasks, run them and return their records, in order, named by operation id.

        `begun` is called once all are journalled, `told` hears each as it ends, both in the
        caller's thread. On Ctrl-C what was not sent is cancelled and calls in flight get some
        seconds to end before it is raised.
        """
        run = _Run(self._store, self._use, {task.operation.id: task for task in tasks})
        HELD.take(run.tasks)
        try:
            self._store.journal.add([task.operation for task in tasks])
            if begun is not None:
                begun()
            with _Heart(run.renew):
                return self.lanes.each(run.jobs, run.one, told=told)
        except BaseException:
            with suppress(StoreError):  # out of reach: what is left open is reconciled later
                run.stop()
            raise
        finally:
            HELD.leave(run.landed())


class _Run:
    """One call of `Runner.run`."""

    def __init__(self, store: Store, use: Use, tasks: Mapping[str, Task]) -> None:
        self.tasks = tasks
        self._store = store
        self._use = use
        self._flying: dict[str, Operation] = {}
        self._waiting = set(tasks)
        self._lock = threading.Condition()
        self._stopped = threading.Event()

    @property
    def jobs(self) -> dict[str, str]:
        """The service of each operation, by id."""
        return {id: task.operation.cloud for id, task in self.tasks.items()}  # noqa: A001

    def one(self, id: str, lane: Lane) -> Records:  # noqa: A002
        """Run one operation in the caller's thread; raises what the driver raised."""
        task = self.tasks[id]
        attempts = Attempts(
            self._store,
            self._use,
            lane,
            claim=self._claim,
            moved=self._move,
            stopped=self._stopped,
        )
        try:
            return attempts.run(task.operation, task.secrets)
        except CloudmeshError as error:
            if id in self._waiting:
                self._end(task.operation, state=OperationState.FAILED, error=fault(error))
            raise
        finally:
            self._land(id)

    def _claim(self, operation: Operation) -> Operation:
        with self._lock:
            if self._stopped.is_set():
                raise UnavailableError(f"{operation.act} {operation.target}: cancelled, not sent")
            self._waiting.discard(operation.id)
            self._flying[operation.id] = operation
        claimed = self._store.journal.change(
            operation,
            state=OperationState.RUNNING,
            attempts=operation.attempts + 1,
            sent=datetime.now(UTC),
            lease=lease(),
            error=None,
            doubted=None,
        )
        if claimed is None:
            raise UnavailableError(f"operation {operation.id} was taken over or cancelled")
        self._move(claimed)
        return claimed

    def _move(self, operation: Operation) -> None:
        """Take note of an operation on its way as it is now: its lease is renewed by that."""
        with self._lock:
            self._flying[operation.id] = operation

    def _end(self, operation: Operation, **fields: Any) -> None:
        self._store.journal.change(operation, finished=datetime.now(UTC), **fields)

    def _land(self, id: str) -> None:  # noqa: A002
        with self._lock:
            self._flying.pop(id, None)
            self._waiting.discard(id)
            self._lock.notify_all()
        HELD.leave([id])

    def landed(self) -> set[str]:
        """Return the ids of the operations that no thread works on."""
        with self._lock:
            return set(self.tasks) - set(self._flying)

    def stop(self) -> None:
        """Cancel what was not sent and wait a little for what was."""
        with self._lock:
            self._stopped.set()
            for waiting in self._waiting:
                self._end(self.tasks[waiting].operation, state=OperationState.CANCELLED)
            self._lock.wait_for(lambda: not self._flying, timeout=_GRACE)

    def renew(self) -> None:
        """Say that this process lives, for every operation that is not over."""
        with self._lock:
            waiting = [self.tasks[waiting].operation for waiting in self._waiting]
            left = [*self._flying.values(), *waiting]
        for operation in left:
            self._store.journal.change(operation, lease=lease())


class _Heart:
    """Calls something now and then, in a thread, while its context lasts."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(LEASE.total_seconds() / 3):
            try:
                self._beat()
            except StoreError as error:  # it may come back before the leases end
                _LOG.warning("leases were not renewed: %s", error)
