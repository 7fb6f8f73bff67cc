"""A worker: Celery's own, with processes that each run what one message calls."""

import logging
import mmap
import os
import socket
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import attrs
import celery
import psutil
from celery import signals

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import OperationState, Worker
from cloudmesh_sdk.operations.alive import BEAT
from cloudmesh_sdk.operations.amqp.app import TASK
from cloudmesh_sdk.operations.amqp.line import GROUP
from cloudmesh_sdk.operations.amqp.publish import Publisher
from cloudmesh_sdk.operations.amqp.run import run
from cloudmesh_sdk.operations.amqp.sweep import Sweeper
from cloudmesh_sdk.operations.amqp.turn import Desk
from cloudmesh_sdk.operations.process import identity

_LOG = logging.getLogger(__name__)

_DESK: list[Desk] = []
"""The desk of this process, a child of the worker: made after the fork, so that none is shared."""


def work(
    app: celery.Celery,
    opened: Callable[[], Desk],
    *,
    clouds: Collection[str],
    concurrency: int,
    told: Callable[[int], None] | None = None,
) -> None:
    """Run operations until SIGTERM, what so many messages call at once, each in a process.

    `opened` gives a desk; it is called in every process. `told` hears now and then how many
    operations run.
    """
    _STOPPING.clear()
    _MAIN[:] = [os.getpid()]
    app.task(name=TASK)(_task)
    begin = _child(opened)
    signals.worker_process_init.connect(begin, weak=False)
    office = _Office(app, opened, clouds, concurrency, told)
    signals.worker_ready.connect(office.begin, weak=False)
    signals.worker_shutting_down.connect(_STOPPING.set, weak=False)
    worker = app.Worker(
        pool="prefork", concurrency=concurrency, loglevel="WARNING", optimization="fair",
        quiet=True, without_mingle=True, without_gossip=True,
        hostname=f"cloudmesh.{os.getpid()}@{socket.gethostname()}",
    )  # fmt: skip
    try:
        worker.start()
    finally:
        office.end()
        signals.worker_process_init.disconnect(begin)
        signals.worker_ready.disconnect(office.begin)
        signals.worker_shutting_down.disconnect(_STOPPING.set)


def _task(*ids: str) -> None:
    run(_DESK[0], ids, _is_stopping)


class _Flag:
    """One bit that the processes of a worker share, without a lock that a killed one could hold."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, 1)  # a fork does not copy it

    def clear(self) -> None:
        """Take it back."""
        self._page[0] = 0

    def set(self, **_: Any) -> None:
        """Set it, for the processes that were forked before, too."""
        self._page[0] = 1

    def is_set(self) -> bool:
        """Tell whether it is set."""
        return bool(self._page[0])


_STOPPING = _Flag()
"""Whether this worker is to end, for its processes, which hear no signal."""

_MAIN: list[int] = []
"""The pid of this worker's main process."""


def _is_stopping() -> bool:
    """Tell whether this process is to begin nothing more: its worker ends, or was killed."""
    return _STOPPING.is_set() or os.getppid() not in _MAIN


def _child(opened: Callable[[], Desk]) -> Callable[..., None]:
    def begin(**_: Any) -> None:
        desk = opened()
        _DESK[:] = [desk]
        # Celery waits for its processes, the first operations need not wait for the store then
        threading.Thread(target=_greet, args=[desk], name="cloudmesh greeting", daemon=True).start()

    return begin


def _greet(desk: Desk) -> None:
    """Open the way to the store; where it is away, it is told when something is wanted of it."""
    with suppress(StoreError):
        desk.line.store.slots.held()


class _Office:
    """What the worker's main process does beside: it sweeps, and says that it lives."""

    def __init__(
        self,
        app: celery.Celery,
        opened: Callable[[], Desk],
        clouds: Collection[str],
        concurrency: int,
        told: Callable[[int], None] | None,
    ) -> None:
        self._app = app
        self._opened = opened
        self._clouds = clouds
        self._told = told
        self._over = threading.Event()
        self._sweeper: Sweeper | None = None
        self._desk: Desk | None = None
        self._worker = Worker(
            id=identity(), host=socket.gethostname(), pid=os.getpid(),
            concurrency=concurrency * GROUP, since=datetime.now(UTC).replace(microsecond=0),
        )  # fmt: skip

    def begin(self, **_: Any) -> None:
        """Begin once the processes are there: what is opened now is none of theirs."""
        if self._desk is not None:  # the broker was away meanwhile
            return
        self._desk = self._opened()
        self._sweeper = Sweeper(self._desk, Publisher(self._app), self._clouds)
        self._sweeper.begin()
        threading.Thread(target=self._beating, name="cloudmesh beat", daemon=True).start()

    def end(self) -> None:
        """Say that this worker ends."""
        self._over.set()
        if self._desk is None or self._sweeper is None:
            return
        self._sweeper.end()
        try:
            self._desk.line.store.workers.leave(self._worker.id)
            self._desk.close()
        except StoreError as error:  # it is forgotten by itself
            _LOG.warning("%s", error)

    def _beating(self) -> None:
        while True:
            try:
                self._beat()
            except StoreError as error:
                _LOG.warning("%s", error)
            if self._over.wait(BEAT):
                return

    def _beat(self) -> None:
        assert self._desk is not None
        store = self._desk.line.store
        pids = [child.pid for child in psutil.Process().children()]
        mine = tuple(f"{self._worker.host}/{pid}/" for pid in pids)
        running = store.journal.find(states=[OperationState.RUNNING])
        count = sum((operation.runner or "").startswith(mine) for operation in running)
        store.workers.beat(attrs.evolve(self._worker, running=count), lease=3 * BEAT)
        if self._told is not None:
            self._told(count)
