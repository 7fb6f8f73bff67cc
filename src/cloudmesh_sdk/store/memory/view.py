"""What was last seen of every cloud, in dicts of this process."""

import copy
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import attrs

from cloudmesh_sdk.models import Fault, Record, Server, ServerState, What
from cloudmesh_sdk.store.base import Change, Event, Native, Query, Sync, View
from cloudmesh_sdk.store.masking import masked
from cloudmesh_sdk.store.matching import matching, no_list, record_class
from cloudmesh_sdk.store.memory.changes import MemoryChanges
from cloudmesh_sdk.store.values import change_of_state

KEPT = timedelta(days=7)
"""How long a tombstone stays."""

_OURS = ("seen", "stale", "missing")
"""Fields that say when a record was seen, not what."""

_Place = tuple[str, str, str]
"""Owner, cloud, kind."""


class MemoryView(View):
    """Keeps its records in dicts."""

    def __init__(self, changes: MemoryChanges | None = None) -> None:
        self._changes = changes or MemoryChanges()
        self._lock = threading.RLock()
        self._rows: dict[_Place, dict[str, Record]] = defaultdict(dict)
        self._touched: dict[tuple[str, str, str, str], datetime] = {}
        self._syncs: dict[_Place, Sync] = {}
        self._events: dict[tuple[str, str, str, str], list[Event]] = defaultdict(list)

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
        listed = _kept(records, started)
        place = (owner, cloud, kind)
        sync = Sync(cloud=cloud, kind=kind, refreshed=started, calls=calls, elapsed=elapsed)
        with self._lock:
            if self._is_old(place, started):
                return Change(same=len(listed))  # a newer list was there first
            said: dict[str, Record | None] = {**dict.fromkeys(self._rows[place]), **listed}
            self._syncs[place] = attrs.evolve(sync, complete=started, count=len(listed))
            return self._take(place, said, started, "no longer listed by the cloud")

    def merge(
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
        listed = _kept(records, started)
        place = (owner, cloud, kind)
        sync = Sync(cloud=cloud, kind=kind, refreshed=started, calls=calls, elapsed=elapsed)
        with self._lock:
            before = self._syncs.get(place)
            if before is None or before.refreshed is None:
                raise no_list(kind, cloud)
            if self._is_old(place, started):
                return Change(same=len(listed))
            said = {key: None if _is_deleted(row) else row for key, row in listed.items()}
            change = self._take(place, said, started, "deleted, the cloud says")
            count = sum(row.missing is None for row in self._rows[place].values())
            self._syncs[place] = attrs.evolve(sync, complete=before.complete, count=count)
            return attrs.evolve(change, same=count - change.new - change.changed)

    def _is_old(self, place: _Place, started: datetime) -> bool:
        before = self._syncs.get(place)
        return bool(before and before.refreshed and before.refreshed > started)

    def _take(
        self, place: _Place, said: Mapping[str, Record | None], started: datetime, why: str
    ) -> Change:
        """Take over what a cloud said of records by id; None is for those that are gone."""
        tally = dict.fromkeys(("new", "changed", "gone", "same"), 0)
        rows = dict(self._rows[place])
        for key, new in said.items():
            old = rows.pop(key, None)
            row = new if old is None else self._next(place, old, new, started, tally)
            tally["new"] += old is None and new is not None
            if row is not None:
                rows[key] = row
            if old is not None and row is not None and old.missing is None and row.missing:
                self._happened(place, old, started, "gone", why)
            self._tell(place[0], old, row)
        self._rows[place] = rows
        return Change(**tally)

    def _tell(self, owner: str, old: Record | None, new: Record | None) -> None:
        """Tell of a record that was one and is another; None for one that is not there."""
        was, now = _there(old), _there(new)
        if now is not None and (was is None or _values(was) != _values(now)):
            self._changes.record(owner, now, What.NEW if old is None else What.CHANGED)
        elif was is not None and now is None:
            self._changes.record(owner, was, What.GONE)

    def _next(
        self,
        place: _Place,
        old: Record,
        new: Record | None,
        started: datetime,
        tally: dict[str, int],
    ) -> Record | None:
        """Return the row that stands after a list of `started`, and count what happened."""
        if (self._touched.get((*place, old.id)) or started) > started:
            tally["same"] += new is not None or old.missing is None
            return old
        if new is None:
            if old.missing is None:
                tally["gone"] += 1
                return attrs.evolve(old, missing=started)
            return old if started - old.missing < KEPT else None
        same = old.missing is None and _values(old) == _values(new)
        tally["same" if same else "changed"] += 1
        if old.missing is not None:
            self._happened(place, old, started, "back", "listed by the cloud again")
        self._compare(place, old, new, started)
        return new

    def _compare(self, place: _Place, old: Record, new: Record, at: datetime) -> None:
        was, now = getattr(old, "state", None), getattr(new, "state", None)
        if was != now:
            self._happened(place, new, at, "state", change_of_state(was, now))

    def _happened(self, place: _Place, row: Record, at: datetime, what: str, detail: str) -> None:
        if hasattr(row, "state"):
            self._events[(*place, row.id)].append(Event(at=at, what=what, detail=detail))

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
            kept = self._rows[place][record.id] = copy.deepcopy(masked(record))
            self._tell(owner, old, kept)
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

    def events(self, owner: str, cloud: str, id: str, kind: str = "servers") -> list[Event]:  # noqa: A002
        record_class(kind)  # refuses a kind that there is not
        with self._lock:
            return list(self._events[owner, cloud, kind, id])

    def forget(self, owner: str, cloud: str) -> None:
        def others(key: tuple[str, ...]) -> bool:
            return key[:2] != (owner, cloud)

        with self._lock:
            for place, rows in self._rows.items():
                for row in () if others(place) else rows.values():
                    self._tell(owner, row, None)
            self._rows = defaultdict(dict, {k: v for k, v in self._rows.items() if others(k)})
            self._touched = {k: v for k, v in self._touched.items() if others(k)}
            self._syncs = {k: v for k, v in self._syncs.items() if others(k)}
            self._events = defaultdict(list, {k: v for k, v in self._events.items() if others(k)})


def _kept(records: Iterable[Record], started: datetime) -> dict[str, Record]:
    """Return records as they are kept, by id; what came last holds."""
    copies = {record.id: copy.deepcopy(masked(record)) for record in records}
    return {key: attrs.evolve(record, seen=started) for key, record in copies.items()}


def _values(record: Record) -> list[Any]:
    """Return all that a service said of a record, also what takes no part in its equality."""
    fields = attrs.fields(type(record))
    return [getattr(record, field.name) for field in fields if field.name not in _OURS]


def _there(row: Record | None) -> Record | None:
    """Return a record that its cloud lists; None for a tombstone."""
    return None if row is None or row.missing is not None else row


def _is_deleted(record: Record) -> bool:
    return isinstance(record, Server) and record.state is ServerState.DELETED


def _given(row: Record) -> Record:
    """Return a row for somebody who may change it; its native data is copied when looked at."""
    copied = cache(lambda: copy.deepcopy(dict(row.native)))
    beside: dict[str, Any] = {
        name: {**value} for name in ("tags", "totals") if (value := getattr(row, name, None))
    }
    return attrs.evolve(row, native=Native("", lambda _: copied()), **beside)
