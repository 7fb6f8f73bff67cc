"""Rows and native data on their way out of MongoDB."""

import threading
from collections.abc import Mapping
from typing import Any, cast

from pymongo.client_session import ClientSession

from cloudmesh_sdk.models import Record
from cloudmesh_sdk.store.base import Sync
from cloudmesh_sdk.store.mongo.connection import Connection, Documents
from cloudmesh_sdk.store.mongo.queries import Filters
from cloudmesh_sdk.store.mongo.rows import Shape, natives_of
from cloudmesh_sdk.store.mongo.schema import beside, main

_IDS_AT_ONCE = 20_000
"""Ids that one question may name."""

_IDS_IN_FILTER = 50_000
"""Beyond this number of ids, rows are picked here and not by the server."""

_HIDDEN = {"h": 0, "touched": 0}


def rows_of(
    database: Documents,
    kind: str,
    asked: Filters,
    limit: int | None,
    session: ClientSession | None,
) -> list[dict[str, Any]]:
    """Return the rows that match, in order; what is asked of native data is asked first."""
    wanted = asked.rows
    keys: set[str] | None = None
    if asked.native is not None:
        natives = database[beside(kind)].find(asked.native, {"_id": 1}, session=session)
        keys = {row["_id"] for row in natives}
        if len(keys) <= _IDS_IN_FILTER:
            wanted = {"$and": [{"_id": {"$in": [*keys]}}, wanted]}
            keys = None
    cursor = database[main(kind)].find(wanted, _HIDDEN, session=session, allow_disk_use=True)
    if asked.order:
        cursor = cursor.sort(asked.order)
    if limit is not None and keys is None:
        cursor = cursor.limit(limit)
    return [row for row in cursor if keys is None or row["_id"] in keys][:limit]


def natives(
    database: Documents, kind: str, keys: list[str], session: ClientSession | None = None
) -> dict[str, dict[str, Any]]:
    """Return native data by `_id`."""
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(keys), _IDS_AT_ONCE):
        wanted = {"_id": {"$in": keys[start : start + _IDS_AT_ONCE]}}
        for batch in database[beside(kind)].find_raw_batches(wanted, session=session):
            found |= natives_of(cast("bytes", batch))
    return found


def fresh(kept: Shape, row: dict[str, Any], sync: Sync | None, native: Mapping[str, Any]) -> Record:
    """Return the record of a row, as fresh as its cloud's last complete list says."""
    seen = row.get("seen")
    if sync is None or "missing" in row:
        return kept.unpack(row, seen, None, native)
    refreshed = sync.refreshed
    if refreshed is not None and (seen is None or refreshed > seen):
        seen = refreshed
    return kept.unpack(row, seen, sync.failed, native)


class Loader:
    """Native data of the records of one list: fetched for all of them when one is looked at."""

    def __init__(self, connection: Connection, kind: str, keys: list[str]) -> None:
        self._connection = connection
        self._kind = kind
        self._keys = keys
        self._lock = threading.Lock()
        self._found: dict[str, dict[str, Any]] | None = None

    def __call__(self, key: str) -> Mapping[str, Any]:
        with self._lock:
            if self._found is None:
                with self._connection.use() as database:
                    self._found = natives(database, self._kind, self._keys)
            return self._found.get(key, {})
