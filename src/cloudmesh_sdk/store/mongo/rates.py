"""How fast services are asked, in MongoDB: one document a scope, a place taken by one update.

The server's clock (`$$NOW`) decides. A document of a time that lies in the future shows that this
clock was set back, and counts for nothing.
"""

import math
import threading
import time
from typing import Any

import attrs
from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError
from pymongo.write_concern import WriteConcern

from cloudmesh_sdk.pacing import AGE, DOUBLES, HEARD, LASTS, Slowing
from cloudmesh_sdk.store.mongo.connection import Connection
from cloudmesh_sdk.store.rates import Place, Rates

_ACKNOWLEDGED = WriteConcern(w=1)
"""A place that a failover forgets is given once more, which harms nobody."""

_SET_BACK = 60.0
"""Seconds that the clocks of a replica set's members may differ."""

_NOW = {"$divide": [{"$toDouble": "$$NOW"}, 1000]}

_FIELDS = tuple(field.name for field in attrs.fields(Slowing))

_NEW = {**attrs.asdict(Slowing()), "next": -math.inf}

_LASTS = {"$or": [{"$gt": ["$opens", _NOW]}, {"$gt": [{"$add": ["$cut", LASTS]}, _NOW]}]}


class MongoRates(Rates):
    """A document has the fields of `Slowing`, `at` (when it was asked), and `next`: what is free.

    What is slowed is read for all scopes at once, by one thread of a process at a time.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._slowed: dict[str, int] = {}
        self._read = -math.inf

    def slowed(self, scope: str) -> int:
        if time.monotonic() > self._read + AGE and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._slowed.get(scope, 0)

    def _look(self) -> None:
        now = time.monotonic()
        with self._connection.use() as database:
            rows = [*_rates(database).find({"$expr": _LASTS}, {"number": 1})]
        self._slowed = {row["_id"]: row["number"] for row in rows}
        self._read = now

    def reserve(self, scope: str, most: float | None, *, within: float) -> Place:
        with self._connection.use() as database:
            found = _updated(_rates(database), scope, [*_asked(), *_reserved(_most(most), within)])
        return Place(wait=found["start"] - found["at"], slowing=found["number"])

    def throttled(
        self,
        scope: str,
        most: float | None,
        *,
        ago: float,
        pace: float | None,
        retry_after: float | None,
    ) -> None:
        limit = _most(most)
        with self._connection.use() as database:
            rates = _rates(database)
            done = False
            while not done:  # until nobody else changed it meanwhile
                found = _updated(rates, scope, _asked())
                before = Slowing(**{name: found[name] for name in _FIELDS})
                after = before.refused(
                    found["at"], most=limit, ago=ago, pace=pace, retry_after=retry_after
                )
                free = found["at"] + 1.0 / after.allows(found["at"], limit)
                done = after == before or _changed(rates, scope, before, after, free)
        self._read = -math.inf


def _rates(database: Database[dict[str, Any]]) -> Collection[dict[str, Any]]:
    return database["rates"].with_options(write_concern=_ACKNOWLEDGED)


def _most(most: float | None) -> float:
    return math.inf if most is None else float(most)


def _asked() -> list[dict[str, Any]]:
    """Return the update that lets the time pass; a clock that was set back lets all begin anew."""
    right = {"$lt": [{"$ifNull": ["$at", 0]}, {"$add": [_NOW, _SET_BACK]}]}
    kept = {
        name: {"$cond": [right, {"$ifNull": [f"${name}", new]}, new]} for name, new in _NEW.items()
    }
    number = {"$ifNull": ["$number", 0]}
    return [{"$set": {**kept, "number": number, "at": _NOW}}]


def _reserved(most: float, within: float) -> list[dict[str, Any]]:
    """Return the update that takes the next place: `Slowing.allows` in the server's words."""
    passed = {"$subtract": ["$at", "$cut"]}
    grown = {"$multiply": ["$rate", {"$pow": [2.0, {"$divide": [passed, DOUBLES]}]}]}
    allowed = {"$cond": [{"$gte": [passed, LASTS]}, most, {"$min": [most, grown]}]}
    soon = {"$lte": [{"$subtract": ["$start", "$at"]}, within]}
    after = {"$add": ["$start", {"$divide": [1.0, allowed]}]}
    return [
        {"$set": {"start": {"$max": ["$at", "$next", "$opens"]}}},
        {"$set": {"next": {"$cond": [soon, after, "$next"]}}},
    ]


def _changed(
    rates: Collection[dict[str, Any]], scope: str, before: Slowing, after: Slowing, free: float
) -> bool:
    """Write a slowing down, and when the next may go; False where it was changed meanwhile."""
    change: dict[str, Any] = attrs.asdict(after)
    if after.number > before.number:  # others let go of the places that they have
        change["next"] = {"$max": [free, {"$min": ["$next", {"$add": [_NOW, HEARD]}]}]}
    found = rates.update_one({"_id": scope, **attrs.asdict(before)}, [{"$set": change}])
    return found.matched_count == 1


def _updated(
    rates: Collection[dict[str, Any]], scope: str, change: list[dict[str, Any]]
) -> dict[str, Any]:
    def update() -> dict[str, Any]:
        found: Any = rates.find_one_and_update(
            {"_id": scope}, change, upsert=True, return_document=ReturnDocument.AFTER
        )
        return dict(found)

    try:
        return update()
    except DuplicateKeyError:  # another one was the first of this scope, too
        return update()
