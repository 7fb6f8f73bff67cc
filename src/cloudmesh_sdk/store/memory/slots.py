"""Slots and workers, in dicts of this process."""

import threading
import time
from collections import defaultdict
from datetime import UTC, datetime

import attrs

from cloudmesh_sdk.models import Worker
from cloudmesh_sdk.store.slots import Slots
from cloudmesh_sdk.store.workers import Workers


class MemorySlots(Slots):
    """Scope → holder → when its lease is over, by the monotonic clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, dict[str, float]] = defaultdict(dict)

    def take(
        self, scope: str, holder: str, *, limit: int, lease: float, instead: str | None = None
    ) -> bool:
        with self._lock:
            living = self._living(scope)
            if instead is not None:
                living.pop(instead, None)
            if holder not in living and len(living) >= limit:
                return False
            living[holder] = time.monotonic() + lease
            return True

    def renew(self, scope: str, holder: str, *, lease: float) -> bool:
        with self._lock:
            living = self._living(scope)
            if holder not in living:
                return False
            living[holder] = time.monotonic() + lease
            return True

    def release(self, scope: str, holder: str) -> None:
        with self._lock:
            self._living(scope).pop(holder, None)

    def held(self) -> dict[str, list[str]]:
        with self._lock:
            found = {scope: [*self._living(scope)] for scope in [*self._until]}
        return {scope: holders for scope, holders in found.items() if holders}

    def _living(self, scope: str) -> dict[str, float]:
        """Return the holders of a scope, those whose lease is over dropped; the lock is held."""
        now = time.monotonic()
        self._until[scope] = {h: until for h, until in self._until[scope].items() if until > now}
        return self._until[scope]


class MemoryWorkers(Workers):
    """Id → worker, and when its lease is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Worker, float]] = {}

    def beat(self, worker: Worker, *, lease: float) -> None:
        now = attrs.evolve(worker, seen=datetime.now(UTC))
        with self._lock:
            self._known[worker.id] = (now, time.monotonic() + lease)

    def leave(self, id: str) -> None:  # noqa: A002
        with self._lock:
            self._known.pop(id, None)

    def living(self) -> list[Worker]:
        now = time.monotonic()
        with self._lock:
            found = [worker for worker, until in self._known.values() if until > now]
        return sorted(found, key=lambda worker: (worker.since, worker.id))
