"""The mesh as a runner: what waits in the journal for any runner is run here."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import Operation, What
from cloudmesh_sdk.operations.alive import alive
from cloudmesh_sdk.operations.feed import Feed, own
from cloudmesh_sdk.operations.lanes import THREADS
from cloudmesh_sdk.store.changes import OPERATIONS

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh
    from cloudmesh_sdk.mesh.announcing import Announcer

_LOG = logging.getLogger(__name__)

_ALERT = 0.5
"""Seconds after which an end that was asked for is heard of."""

_REST = 10.0
"""Seconds for which a store that cannot be listened to is left alone."""

_WAKING = (What.NEW, What.GAP)

_ENDING = 15.0
"""Seconds that what is under way has to end as the mesh is closed."""


class Feeding:
    """Runs what waits in the journal of one mesh's user: in a thread, or while somebody serves."""

    def __init__(self, mesh: "Mesh") -> None:
        self._mesh = mesh
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._feeds: list[Feed] = []

    def begin(self) -> None:
        """Run what waits in a thread of this process, until the mesh is closed.

        Where a broker gives operations out, workers run them.
        """
        if self._mesh.config.tasks:
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self.serve, args=(self._stop,), name="cloudmesh feed", daemon=True
                )
                self._thread.start()

    def work(self, stop: threading.Event, told: Callable[[int], None] | None = None) -> None:
        """Serve as a worker, which all machines hear of."""
        lanes = self._mesh._acts.runner.lanes
        each = (lanes.lane(name).limits.parallel for name in self._names)
        most = min(THREADS, sum(each))

        def running() -> int:
            return sum(feed.running for feed in [*self._feeds])

        with alive(self._mesh.store, concurrency=most, running=running):
            self.serve(stop, told)

    @property
    def _names(self) -> list[str]:
        return [*self._mesh.config.clouds, *self._mesh.config.queues]

    def serve(self, stop: threading.Event, told: Callable[[int], None] | None = None) -> None:
        """Run what waits until `stop` is set; `told` hears how many are under way, now and then."""
        mesh = self._mesh

        def tend() -> None:
            mesh.reconcile(patient=True)
            if told is not None:
                told(feed.running)

        feed = Feed(
            mesh.store,
            mesh._acts.runner,
            owner=mesh.user,
            clouds=self._names,
            ours=mesh._belonging.ours,
            tend=tend,
            ended=mesh._acts.heard,
        )
        self._feeds.append(feed)
        ears = threading.Thread(target=self._listen, args=(stop, feed), daemon=True)
        ears.start()
        try:
            feed.serve(stop)
        finally:
            self._feeds.remove(feed)

    def _listen(self, stop: threading.Event, feed: Feed) -> None:
        """Wake a feed as other processes ask for something; it looks each second, all the same."""
        mesh = self._mesh
        while not stop.is_set():
            try:
                with mesh.store.changes.listen(mesh.user, [OPERATIONS]) as heard:
                    while not stop.is_set() and not heard.looks:
                        if any(h.what in _WAKING for h in heard.next(_ALERT)):
                            feed.wake()
                    if heard.looks:
                        return
            except StoreError as error:
                _LOG.warning("new operations are found by looking: %s", error)
                stop.wait(_REST)

    def check(self) -> None:
        """Raise `ConfigError` or `PluginError` where no broker could be told of anything."""
        if self._mesh.config.tasks:
            _ = self._announcer

    def announce(self, operations: Sequence[Operation]) -> None:
        """Let runners know that something waits: those of this process look at once.

        A broker that does not answer is told of in one line; the operations wait until it does.
        """
        if not operations:
            return
        for feed in [*self._feeds]:
            feed.wake()
        if self._mesh.config.tasks and (error := self._announcer.announce(operations)):
            _LOG.warning("%s", error)

    @cached_property
    def _announcer(self) -> "Announcer":
        from cloudmesh_sdk.mesh.announcing import Announcer

        return Announcer(self._mesh)

    def one(self, asked: Operation) -> Operation | None:
        """Run one operation that waits, in this thread; None where it is not there to be taken."""
        mesh = self._mesh
        known = asked.cloud in mesh.config.clouds or asked.cloud in mesh.config.queues
        if asked.owner != mesh.user or not known or not asked.waits(datetime.now(UTC)):
            return None
        if not own(mesh.store, mesh._belonging.ours, asked):
            return None
        return mesh._acts.here(asked)

    def close(self) -> None:
        """End the thread; what was not sent waits for another runner."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_ENDING)
        if "_announcer" in self.__dict__:
            self._announcer.close()
