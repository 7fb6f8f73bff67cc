"""A cloud that lives in memory (or in a file): the reference driver, for tests and try-outs.

It behaves as a good real cloud does: pages, boot times, idempotent starts, odd native keys. Its
settings make it behave as a bad one: slow, hanging, refusing, losing answers.
"""

from cloudmesh_sdk.models import Health
from cloudmesh_sdk.providers.memory.access import Access
from cloudmesh_sdk.providers.memory.account import MemoryFault
from cloudmesh_sdk.providers.memory.life import Life
from cloudmesh_sdk.providers.memory.many import Many
from cloudmesh_sdk.providers.memory.network import Wires
from cloudmesh_sdk.providers.memory.settings import MemorySettings
from cloudmesh_sdk.providers.memory.storage import Storage
from cloudmesh_sdk.providers.memory.telling import Telling

__all__ = ["MemoryCloud", "MemoryFault", "MemorySettings"]


class MemoryCloud(Many, Life, Access, Wires, Storage, Telling):
    """An account at a cloud that exists only here.

    Every object is a cloud of its own unless `file` is given: objects and processes that name the
    same file share one cloud.
    """

    def check(self) -> Health:
        self._call("GET", "/")
        self._place.read()
        return Health(service=self.name, version="memory 1", identity="you")
