"""What changes in a MongoDB that has no change streams: found by comparing, each second."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from cloudmesh_sdk.models import Happening, OperationState, What
from cloudmesh_sdk.store.changes import OPERATIONS, TOLD, Listener, of_operation
from cloudmesh_sdk.store.mongo.changing import as_operation
from cloudmesh_sdk.store.mongo.connection import Connection, Documents
from cloudmesh_sdk.store.mongo.rows import prefix, within
from cloudmesh_sdk.store.mongo.schema import main
from cloudmesh_sdk.store.mongo.telling import of_row

_PAUSE = 1.0
"""Seconds between two looks."""

_SHARE = 10
"""A look that takes long is followed by a pause so many times as long."""

_OPEN = tuple(
    state.value
    for state in (OperationState.PENDING, OperationState.RUNNING, OperationState.UNKNOWN)
)
_CLOCKS = timedelta(minutes=1)
"""By how much the clocks of those who ask for operations may differ."""

_Seen = dict[tuple[str, str], dict[str, Any]]
"""By kind and `_id`: what is compared, and what is told."""


class Looks(Listener):
    """Compares what is there with what was there; holds a few words of every record."""

    looks: ClassVar[bool] = True

    def __init__(
        self, connection: Connection, owners: Collection[str], kinds: Sequence[str]
    ) -> None:
        super().__init__()
        self._connection = connection
        self._owners = [*owners]
        self._kinds = kinds
        self._seen: _Seen = {}
        self._since = datetime.now(UTC) - _CLOCKS
        self._next = 0.0
        self._differences()

    def _heard(self, seconds: float) -> list[Happening]:
        wait = self._next - time.monotonic()
        closed = self._closed.wait(min(max(0.0, wait), seconds))
        if closed or wait > seconds:
            return []
        return self._differences()

    def _differences(self) -> list[Happening]:
        begun = time.monotonic()
        moment = datetime.now(UTC) - _CLOCKS
        with self._connection.use() as database:
            now = {**dict(self._rows(database)), **dict(self._operations(database))}
        found = [*_compared(self._seen, now)]
        self._seen, self._since = now, moment
        self._next = begun + max(_PAUSE, _SHARE * (time.monotonic() - begun))
        return found

    def _rows(self, database: Documents) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
        shown = dict.fromkeys(("h", "missing", "cloud", "id", "name", "state"), 1)
        for kind in self._kinds:
            if kind == OPERATIONS:
                continue
            for owner in self._owners:
                for row in database[main(kind)].find(within(prefix(owner)), shown):
                    yield (kind, row["_id"]), row

    def _operations(self, database: Documents) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
        """Yield the operations that may differ: the open ones, those that were, and new ones."""
        if OPERATIONS not in self._kinds:
            return
        were = [
            key for (kind, key), seen in self._seen.items()
            if kind == OPERATIONS and seen["state"] in _OPEN
        ]  # fmt: skip
        asked = {
            "owner": {"$in": self._owners},
            "$or": [
                {"state": {"$in": [*_OPEN]}},
                {"_id": {"$in": were}},
                {"created": {"$gte": self._since}},
            ],
        }
        for row in database[OPERATIONS].find(asked, {"request": 0, "parcel": 0}).sort("created", 1):
            yield (OPERATIONS, row["_id"]), row


def _compared(before: _Seen, now: _Seen) -> Iterator[Happening]:
    for key, row in now.items():
        was = before.get(key)
        if was is None or _signature(key[0], was) != _signature(key[0], row):
            told = _told(key, was, row)
            if told is not None:
                yield told
    for key in before.keys() - now.keys():
        if key[0] != OPERATIONS and before[key].get("missing") is None:
            yield of_row(*key, before[key], What.GONE)


def _told(
    key: tuple[str, str], was: Mapping[str, Any] | None, row: Mapping[str, Any]
) -> Happening | None:
    what = What.NEW if was is None else What.CHANGED
    if key[0] == OPERATIONS:
        return of_operation(as_operation(row), what)
    if row.get("missing") is not None:
        return None if was is None else of_row(*key, row, What.GONE)
    return of_row(*key, row, what)


def _signature(kind: str, row: Mapping[str, Any]) -> list[Any]:
    names = TOLD if kind == OPERATIONS else ("h", "missing")
    return [row.get(name) for name in names]
