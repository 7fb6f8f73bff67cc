"""A store that lives in this process: the reference, for tests and try-outs."""

import copy
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import attrs

from cloudmesh_sdk.models import Fault, Operation, OperationState, Record, Server
from cloudmesh_sdk.store.base import (
    Change,
    Event,
    Journal,
    Native,
    Query,
    Settings,
    Store,
    Sync,
    User,
    View,
)
from cloudmesh_sdk.store.masking import masked
from cloudmesh_sdk.store.matching import check_limit, matching, record_class

KEPT = timedelta(days=7)
"""How long a tombstone stays."""

_Place = tuple[str, str, str]
"""Owner, cloud, kind."""


class MemoryView(View):
    """Keeps its records in dicts."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._rows: dict[_Place, dict[str, Record]] = defaultdict(dict)
        self._touched: dict[tuple[str, str, str, str], datetime] = {}
        self._syncs: dict[_Place, Sync] = {}
        self._events: dict[tuple[str, str, str], list[Event]] = defaultdict(list)

    def replace(
        self,
        owner: str,
        cloud: str,
        kind: str,
        records: Iterable[Record],
        *,
        started: datetime,
        calls: int = 0,
        elapsed: float = 0.0,
    ) -> Change:
        listed = {record.id: copy.deepcopy(masked(record)) for record in records}
        place = (owner, cloud, kind)
        with self._lock:
            before = self._syncs.get(place)
            if before and before.refreshed and before.refreshed > started:
                return Change(same=len(listed))  # a newer list was there first
            old = self._rows[place]
            new = {key: attrs.evolve(record, seen=started) for key, record in listed.items()}
            tally = {"new": 0, "changed": 0, "gone": 0, "same": 0}
            for key in old.keys() | new.keys():
                row = self._next(place, old.get(key), new.get(key), started, tally)
                if row is not None:
                    new[key] = row
                else:
                    new.pop(key, None)
            self._rows[place] = new
            self._syncs[place] = Sync(
                cloud=cloud, kind=kind, refreshed=started,
                count=len(listed), calls=calls, elapsed=elapsed,
            )  # fmt: skip
        return Change(**tally)

    def _next(
        self,
        place: _Place,
        old: Record | None,
        new: Record | None,
        started: datetime,
        tally: dict[str, int],
    ) -> Record | None:
        """Return the row that stands after a list of `started`, and count what happened."""
        if old is None:
            tally["new"] += 1
            return new
        if (self._touched.get((*place, old.id)) or started) > started:
            tally["same"] += 1
            return old
        if new is None:
            if old.missing is None:
                tally["gone"] += 1
                self._happened(place, old, started, "gone", "no longer listed by the cloud")
                return attrs.evolve(old, missing=started)
            return old if started - old.missing < KEPT else None
        same = old == new and old.native == new.native and old.missing is None
        tally["same" if same else "changed"] += 1
        if old.missing is not None:
            self._happened(place, old, started, "back", "listed by the cloud again")
        self._compare(place, old, new, started)
        return new

    def _compare(self, place: _Place, old: Record, new: Record, at: datetime) -> None:
        if isinstance(old, Server) and isinstance(new, Server) and old.state != new.state:
            self._happened(place, new, at, "state", f"{old.state} → {new.state}")

    def _happened(self, place: _Place, row: Record, at: datetime, what: str, detail: str) -> None:
        if isinstance(row, Server):
            event = Event(at=at, what=what, detail=detail)
            self._events[place[0], place[1], row.id].append(event)

    def failed(self, owner: str, cloud: str, kind: str, error: Fault, *, at: datetime) -> None:
        with self._lock:
            old = self._syncs.get((owner, cloud, kind), Sync(cloud=cloud, kind=kind))
            self._syncs[owner, cloud, kind] = attrs.evolve(
                old, error=error, failed=old.failed or at
            )

    def put(self, owner: str, record: Record) -> None:
        place = (owner, record.cloud, record.kind)
        now = datetime.now(UTC)
        with self._lock:
            old = self._rows[place].get(record.id)
            if old is not None:
                self._compare(place, old, record, now)
            self._rows[place][record.id] = copy.deepcopy(masked(record))
            self._touched[(*place, record.id)] = now

    def find(self, owner: str, kind: str, query: Query) -> list[Record]:
        record = record_class(kind)
        with self._lock:
            rows = [
                self._fresh(place, row)
                for place, rows in self._rows.items()
                if place[0] == owner and place[2] == kind
                for row in rows.values()
            ]
        return [_given(row) for row in matching(record, rows, query)]

    def _fresh(self, place: _Place, row: Record) -> Record:
        sync = self._syncs.get(place)
        if sync is None or row.missing is not None:
            return row
        moments = [m for m in (row.seen, sync.refreshed) if m is not None]
        return attrs.evolve(row, seen=max(moments, default=None), stale=sync.failed)

    def get(self, owner: str, kind: str, cloud: str, id: str) -> Record | None:  # noqa: A002
        with self._lock:
            row = self._rows[owner, cloud, kind].get(id)
            return None if row is None else copy.deepcopy(self._fresh((owner, cloud, kind), row))

    def syncs(self, owner: str) -> list[Sync]:
        with self._lock:
            return [sync for place, sync in sorted(self._syncs.items()) if place[0] == owner]

    def events(self, owner: str, cloud: str, id: str) -> list[Event]:  # noqa: A002
        with self._lock:
            return list(self._events[owner, cloud, id])

    def forget(self, owner: str, cloud: str) -> None:
        def others(key: tuple[str, ...]) -> bool:
            return key[:2] != (owner, cloud)

        with self._lock:
            self._rows = defaultdict(dict, {k: v for k, v in self._rows.items() if others(k)})
            self._touched = {k: v for k, v in self._touched.items() if others(k)}
            self._syncs = {k: v for k, v in self._syncs.items() if others(k)}
            self._events = defaultdict(list, {k: v for k, v in self._events.items() if others(k)})


def _given(row: Record) -> Record:
    """Return a row for somebody who may change it; its native data is copied when looked at."""
    copied = cache(lambda: copy.deepcopy(dict(row.native)))
    beside: dict[str, Any] = {
        name: {**value} for name in ("tags",) if (value := getattr(row, name, None))
    }
    return attrs.evolve(row, native=Native("", lambda _: copied()), **beside)


class MemoryJournal(Journal):
    """Keeps its operations in a dict."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._operations: dict[str, Operation] = {}

    def add(self, operations: Sequence[Operation]) -> None:
        with self._lock:
            self._operations |= {operation.id: operation for operation in operations}

    def change(self, operation: Operation, **fields: Any) -> Operation | None:
        with self._lock:
            now = self._operations.get(operation.id)
            if now is None or _claim(now) != _claim(operation):
                return None
            self._operations[now.id] = attrs.evolve(now, **fields)
            return self._operations[now.id]

    def get(self, id: str) -> Operation | None:  # noqa: A002
        with self._lock:
            return self._operations.get(id)

    def find(
        self,
        *,
        owner: str | None = None,
        states: Collection[OperationState] = (),
        cloud: str | None = None,
        target: str | None = None,
        limit: int | None = None,
    ) -> list[Operation]:
        check_limit(limit)
        with self._lock:
            found = [
                operation
                for operation in self._operations.values()
                if (owner is None or operation.owner == owner)
                and (not states or operation.state in states)
                and (cloud is None or operation.cloud == cloud)
                and (target is None or operation.target == target)
            ]
        return sorted(found, key=lambda o: (o.created, o.id), reverse=True)[:limit]


def _claim(operation: Operation) -> tuple[OperationState, str | None, int]:
    return operation.state, operation.runner, operation.attempts


class MemorySettings(Settings):
    """Keeps defaults, counters and users in dicts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[tuple[str, str], int] = defaultdict(int)
        self._defaults: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self._users: dict[str, User] = {}

    def numbers(self, owner: str, counter: str, count: int = 1) -> range:
        with self._lock:
            first = self._counters[owner, counter] + 1
            self._counters[owner, counter] += count
            return range(first, first + count)

    def defaults(self, owner: str) -> dict[str, dict[str, Any]]:
        with self._lock:
            return copy.deepcopy(self._defaults[owner])

    def set_default(self, owner: str, scope: str, key: str, value: Any) -> None:
        with self._lock:
            values = self._defaults[owner].setdefault(scope, {})
            if value is None:
                values.pop(key, None)
            else:
                values[key] = copy.deepcopy(value)

    def remember(self, user: User) -> None:
        with self._lock:
            self._users[user.username] = user

    def users(self) -> list[User]:
        with self._lock:
            return [self._users[name] for name in sorted(self._users)]


class MemoryStore(Store):
    """Nothing outlives the process."""

    @attrs.frozen(kw_only=True)
    class Settings:
        """Nothing to set."""

    def __init__(self, settings: "MemoryStore.Settings | None" = None) -> None:
        del settings
        self.view = MemoryView()
        self.journal = MemoryJournal()
        self.settings = MemorySettings()

    @property
    def where(self) -> str:
        return "memory of this process"

    def close(self) -> None:
        """Nothing to give back."""
