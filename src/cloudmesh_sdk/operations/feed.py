"""Running what waits in the journal for any runner: taken, run in threads, waited for no more.

What another process asks for is seen by looking; what this one asks for wakes the feed at once.
Never more is taken than a service's limits let begin, so that other runners get their share.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.models import Operation
from cloudmesh_sdk.operations.act import Records
from cloudmesh_sdk.operations.lanes import Lane
from cloudmesh_sdk.operations.process import HELD, claim, lease
from cloudmesh_sdk.operations.reconcile import put_back
from cloudmesh_sdk.operations.run import Ended, Run, Task
from cloudmesh_sdk.operations.runner import Runner
from cloudmesh_sdk.store.base import Store

_LOG = logging.getLogger(__name__)

_ALERT = 0.2
"""Seconds after which an end that was asked for is heard of at the latest."""

_LOOK = 1.0
"""Seconds between two looks into the journal where nobody wakes the feed."""

_TEND = 10.0
"""Seconds between two looks for what dead runners left."""

_FOREIGN = timedelta(minutes=1)
"""How long an operation of another account rests before it is looked at again."""


def take(
    store: Store,
    ours: Callable[[Operation], bool],
    *,
    owner: str,
    clouds: Iterable[str],
    limit: int = 1,
) -> list[Operation]:
    """Take operations that wait, for this process; what is another account's waits on."""
    found = store.journal.take(
        runner=claim(), lease=lease(), limit=limit, owner=owner, clouds=[*clouds]
    )
    return [operation for operation in found if own(store, ours, operation)]


def own(store: Store, ours: Callable[[Operation], bool], operation: Operation) -> bool:
    """Tell whether an operation is ours to run; one of another account is put back."""
    if ours(operation):
        return True
    text = f"waits for the account of {operation.cloud} that it was asked of"
    put_back(store, operation, rest=_FOREIGN, message=text)
    return False


class Feed:
    """Takes the operations of one user that wait, and runs them within the lanes' limits.

    `clouds` are those that can be asked here, `ours` tells whether an operation was asked of the
    account that its cloud means here. `tend` is called now and then, in a thread of its
    own: it settles what dead runners left, which then waits once more. `ended` hears each.
    """

    def __init__(
        self,
        store: Store,
        runner: Runner,
        *,
        owner: str,
        clouds: Iterable[str],
        ours: Callable[[Operation], bool],
        tend: Callable[[], object],
        ended: Ended,
    ) -> None:
        self._store = store
        self._lanes = runner.lanes
        self._run = Run(store, runner.use)
        self._owner = owner
        self._clouds = tuple(clouds)
        self._ours = ours
        self._tend = tend
        self._ended = ended
        self._box: queue.SimpleQueue[Any] = queue.SimpleQueue()
        """Answers, and None to be woken."""
        self._under_way: dict[str, str] = {}
        self._next = 0.0
        """When to look whether something waits."""

    @property
    def running(self) -> int:
        """How many operations are under way."""
        return len(self._under_way)

    def wake(self) -> None:
        """Look into the journal at once."""
        self._box.put(None)

    def serve(self, stop: threading.Event) -> None:
        """Run what waits until `stop` is set; what is under way then gets some seconds to end."""
        tender = threading.Thread(target=self._tending, args=(stop,), daemon=True)
        tender.start()
        try:
            with self._run.beating(self._lanes):
                while not stop.is_set():
                    self._safely(self._turn)
        finally:
            self._lanes.drop(self._box)
            self._safely(self._run.stop)
            self._safely(lambda: self._hear(0.0))
            HELD.leave(self._run.landed())

    def _turn(self) -> None:
        """Hear what ended, and take what may begin in its stead, or has come."""
        free = self._hear(_ALERT)
        now = time.monotonic()
        if None in free or now >= self._next:
            self._next = now + _LOOK
            open_ = [cloud for cloud in self._clouds if self._room(cloud)]
            free = [*open_] if open_ and self._begin(open_, 1) else []
        for cloud in dict.fromkeys(free):
            if cloud is not None and (room := self._room(cloud)):
                self._begin([cloud], room)

    def _room(self, cloud: str) -> int:
        """Return how many more may be under way at a cloud."""
        now = sum(other == cloud for other in self._under_way.values())
        return max(0, self._lanes.lane(cloud).limits.parallel - now)

    def _begin(self, clouds: Sequence[str], limit: int) -> int:
        """Take what waits for clouds, let it begin, and return how many that are."""
        taken = take(self._store, self._ours, owner=self._owner, clouds=clouds, limit=limit)
        self._run.add(Task(operation=operation) for operation in taken)
        jobs = {operation.id: operation.cloud for operation in taken}
        self._under_way |= jobs
        self._lanes.begin(jobs, self._one, self._box)
        return len(taken)

    def _one(self, id: str, lane: Lane) -> Records:  # noqa: A002
        try:
            return self._run.one(id, lane)
        except CloudmeshError:
            raise
        except Exception as error:
            _LOG.exception("operation %s met a bug; what became of it is found out later", id)
            raise CloudmeshError(f"a bug: {type(error).__name__}: {error}") from error

    def _hear(self, seconds: float) -> list[str | None]:
        """Take note of what ended; return where there is room now, None for woken."""
        free: list[str | None] = []
        for got in self._got(seconds):
            if got is None:
                free.append(None)
                continue
            if isinstance(got, BaseException):
                raise got
            free.append(self._under_way.pop(got.name))
            now = self._run.now(got.name)
            self._run.forget(got.name)
            self._ended(now, got)
        return free

    def _got(self, seconds: float) -> Iterator[Any]:
        """Yield what is in the box, waiting so long for the first."""
        try:
            yield self._box.get(timeout=seconds) if seconds else self._box.get_nowait()
            while True:
                yield self._box.get_nowait()
        except queue.Empty:
            return

    def _tending(self, stop: threading.Event) -> None:
        while not stop.wait(_TEND):
            self._safely(self._tend)
            self.wake()

    def _safely(self, act: Callable[[], object]) -> None:
        """Do something; what cannot be reached is told of, and asked again later."""
        try:
            act()
        except CloudmeshError as error:
            _LOG.warning("what waits is looked at again: %s", error)
            time.sleep(_ALERT)
