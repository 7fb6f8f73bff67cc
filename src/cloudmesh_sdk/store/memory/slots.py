"""Slots and workers, in dicts of this process."""

import threading
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
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
        self,
        scope: str,
        holders: Sequence[str],
        *,
        limit: int,
        lease: float,
        instead: Collection[str] = (),
    ) -> set[str]:
        with self._lock:
            living = self._living(scope)
            for holder in instead:
                living.pop(holder, None)
            new = [holder for holder in holders if holder not in living]
            late = new[max(0, limit - len(living)) :]
            return self._hold(scope, {*holders} - {*late}, lease)

    def renew(self, scope: str, holders: Collection[str], *, lease: float) -> set[str]:
        with self._lock:
            return self._hold(scope, {*holders} & {*self._living(scope)}, lease)

    def release(self, scope: str, holders: Collection[str]) -> None:
        with self._lock:
            for holder in holders:
                self._living(scope).pop(holder, None)

    def held(self) -> dict[str, list[str]]:
        with self._lock:
            found = {scope: [*self._living(scope)] for scope in [*self._until]}
        return {scope: holders for scope, holders in found.items() if holders}

    def _hold(self, scope: str, holders: set[str], lease: float) -> set[str]:
        """Let these hold slots from now; the lock is held."""
        self._until[scope] |= dict.fromkeys(holders, time.monotonic() + lease)
        return holders

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
