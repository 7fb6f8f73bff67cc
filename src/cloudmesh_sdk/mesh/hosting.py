"""A worker that a broker gives operations: its desks."""

import logging
import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from cloudmesh_sdk.errors import PluginError, StoreError
from cloudmesh_sdk.mesh.announcing import application, line
from cloudmesh_sdk.mesh.stores import open_store
from cloudmesh_sdk.models import Operation

if TYPE_CHECKING:
    from cloudmesh_sdk.config import Config
    from cloudmesh_sdk.mesh import Mesh
    from cloudmesh_sdk.store.base import Store

_LOG = logging.getLogger(__name__)

_MESHES = 32
"""Users whose drivers a process of a worker keeps open."""


def worker_main(
    config: "Config",
    *,
    concurrency: int | None = None,
    told: Callable[[int], None] | None = None,
    admitted: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> None:
    """Be a worker until SIGTERM: run what the broker of a configuration gives out, of any user.

    `admitted` is held from when store and broker are known not to refuse us; one that does not
    answer is waited for. Raises `StoreError` and `ConfigError` where they do (password, virtual
    host, TLS), and `PluginError` where the extra `tasks` is missing.
    """
    app = application(config)
    from cloudmesh_sdk.operations.amqp.publish import Publisher
    from cloudmesh_sdk.operations.amqp.worker import work

    _check(config)
    _prepare(config)
    Publisher(app).check()
    with admitted():
        work(
            app,
            lambda: Office(config, open_store("mongo", config), app),
            clouds=[*config.clouds, *config.queues],
            concurrency=concurrency or config.tasks.concurrency or _usual(),
            told=told,
        )


def _check(config: "Config") -> None:
    """Raise `StoreError` where the store will not let us in, however often it is asked.

    It is closed again: what is open does not survive the fork of the worker's processes.
    """
    with open_store("mongo", config) as store:
        try:
            store.workers.living()
        except StoreError as error:
            if error.lasting:
                raise
            _LOG.warning("%s; it is waited for", error)


def _prepare(config: "Config") -> None:
    """Import what operations need before the worker forks: its processes share it."""
    # only a worker pays for stevedore and pluggy
    from cloudmesh_sdk import plugins
    from cloudmesh_sdk.mesh import acting, feeding, registry, scopes  # noqa: F401 - to have them

    for kind, entries in (("providers", config.clouds), ("queues", config.queues)):
        for name in sorted({entry.driver for entry in entries.values()}):
            try:
                plugins.load(kind, name)
            except PluginError as error:  # told again to whoever asks for something there
                _LOG.warning("%s", error)


def _usual() -> int:
    """Return how many processes a worker has where nothing is said: they mostly wait."""
    return 4 * (os.cpu_count() or 1)


class Office:
    """A desk of a worker: a mesh for each user, on one store."""

    def __init__(self, config: "Config", store: "Store", app: Any) -> None:
        self.line = line(config, store, app)
        self._config = config
        self._store = store
        self._meshes: OrderedDict[str, Mesh] = OrderedDict()
        self._busy: Counter[str] = Counter()
        """How many threads use the mesh of each user."""
        self._lock = threading.Lock()

    def run(self, operation: Operation) -> Operation | None:
        """Run an operation that waits."""
        with self._mesh(operation.owner) as mesh:
            return mesh._feeding.one(operation)

    def settle(self, owner: str) -> list[Operation]:
        """Find out what became of a user's operations whose runners died."""
        with self._mesh(owner) as mesh:
            return mesh.reconcile(patient=True)

    def close(self) -> None:
        """Give all back."""
        for mesh in self._meshes.values():
            mesh.close()
        self._store.close()

    @contextmanager
    def _mesh(self, owner: str) -> "Iterator[Mesh]":
        """Lend the mesh of a user to one thread; those that nobody uses are closed in time."""
        from cloudmesh_sdk.mesh import Mesh

        with self._lock:
            if owner not in self._meshes:
                self._meshes[owner] = Mesh(self._config, self._store, user=owner)
            self._meshes.move_to_end(owner)
            self._busy[owner] += 1
            mesh = self._meshes[owner]
        try:
            yield mesh
        finally:
            with self._lock:
                self._busy -= Counter((owner,))
                idle = [name for name in self._meshes if name not in self._busy]
                for oldest in idle[: max(0, len(self._meshes) - _MESHES)]:
                    self._meshes.pop(oldest).clouds.close()
