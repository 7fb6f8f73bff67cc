"""A store that lives in this process: the reference, for tests and try-outs."""

import attrs

from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.store.memory.books import MemoryJournal, MemorySettings
from cloudmesh_sdk.store.memory.changes import MemoryChanges
from cloudmesh_sdk.store.memory.polls import MemoryPolls
from cloudmesh_sdk.store.memory.rates import MemoryRates
from cloudmesh_sdk.store.memory.slots import MemorySlots, MemoryWorkers
from cloudmesh_sdk.store.memory.view import KEPT, MemoryView

__all__ = [
    "KEPT", "MemoryChanges", "MemoryJournal", "MemoryPolls", "MemorySettings", "MemoryStore",
    "MemoryView",
]  # fmt: skip


class MemoryStore(Store):
    """Nothing outlives the process."""

    @attrs.frozen(kw_only=True)
    class Settings:
        """Nothing to set."""

    def __init__(self, settings: "MemoryStore.Settings | None" = None) -> None:
        del settings
        self.changes = MemoryChanges()
        self.view = MemoryView(self.changes)
        self.slots = MemorySlots()
        self.journal = MemoryJournal(self.changes, self.slots)
        self.settings = MemorySettings()
        self.polls = MemoryPolls()
        self.rates = MemoryRates()
        self.workers = MemoryWorkers()

    @property
    def where(self) -> str:
        return "memory of this process"

    def close(self) -> None:
        """Nothing to give back."""
