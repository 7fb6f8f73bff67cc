"""Slots and workers, in MongoDB: one document a scope, changed by one update; one a worker.

The server's clock (`$$NOW`) decides whose lease is over.
"""

from typing import Any

import attrs
from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError
from pymongo.write_concern import WriteConcern

from cloudmesh_sdk.models import Worker
from cloudmesh_sdk.store.mongo.connection import Connection
from cloudmesh_sdk.store.slots import Slots
from cloudmesh_sdk.store.values import moment
from cloudmesh_sdk.store.workers import Workers

_ACKNOWLEDGED = WriteConcern(w=1)
"""A slot that a failover forgets is taken once too often, which harms nobody."""

_LIVING = {"$gt": ["$$this.until", "$$NOW"]}


class MongoSlots(Slots):
    """A document has `held`: a list of `{holder, until}`, as they were taken."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(
        self, scope: str, holder: str, *, limit: int, lease: float, instead: str | None = None
    ) -> bool:
        others = _others(holder, instead)
        mine = [{"holder": {"$literal": holder}, "until": _until(lease)}]
        room = {"$or": [{"$lt": [{"$size": others}, limit]}, _holds(holder)]}
        changed = {"$cond": [room, {"$concatArrays": [others, mine]}, others]}
        with self._connection.use() as database:
            found = _updated(_slots(database), scope, changed)
        return any(one["holder"] == holder for one in found["held"])

    def renew(self, scope: str, holder: str, *, lease: float) -> bool:
        mine = {"$mergeObjects": ["$$this", {"until": _until(lease)}]}
        is_mine = {"$eq": ["$$this.holder", {"$literal": holder}]}
        each = {"$cond": [is_mine, mine, "$$this"]}
        renewed = {"$map": {"input": _living(), "as": "this", "in": each}}
        with self._connection.use() as database:
            found = _updated(_slots(database), scope, renewed)
        return any(one["holder"] == holder for one in found["held"])

    def release(self, scope: str, holder: str) -> None:
        with self._connection.use() as database:
            _slots(database).update_one({"_id": scope}, {"$pull": {"held": {"holder": holder}}})

    def held(self) -> dict[str, list[str]]:
        with self._connection.use() as database:
            rows = _slots(database).aggregate(
                [{"$match": {"held": {"$ne": []}}}, {"$set": {"held": _living()}}]
            )
            found = {row["_id"]: [one["holder"] for one in row["held"]] for row in rows}
        return {scope: holders for scope, holders in found.items() if holders}


class MongoWorkers(Workers):
    """A document is a worker, with `until`: when its lease is over."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def beat(self, worker: Worker, *, lease: float) -> None:
        said = attrs.asdict(worker, filter=lambda field, _: field.name not in ("id", "seen"))
        said |= {"since": moment(worker.since)}
        fields = {name: {"$literal": value} for name, value in said.items()}
        with self._connection.use() as database:
            database["workers"].update_one(
                {"_id": worker.id},
                [{"$set": {**fields, "seen": "$$NOW", "until": _until(lease)}}],
                upsert=True,
            )

    def leave(self, id: str) -> None:  # noqa: A002
        with self._connection.use() as database:
            database["workers"].delete_one({"_id": id})

    def living(self) -> list[Worker]:
        gone = {"$expr": {"$lte": ["$until", "$$NOW"]}}
        with self._connection.use() as database:
            database["workers"].delete_many(gone)
            rows = [*database["workers"].find({}, {"until": 0}).sort([("since", 1), ("_id", 1)])]
        return [Worker(id=row.pop("_id"), **row) for row in rows]


def without_slot(scope: str) -> list[dict[str, Any]]:
    """Return the stages of a pipeline that leave out the documents whose ids hold a slot."""
    holders = {"$map": {"input": _living(), "as": "this", "in": "$$this.holder"}}
    theirs = [{"$match": {"_id": scope}}, {"$project": {"_id": 0, "ids": holders}}]
    held = {"$ifNull": [{"$first": "$slots.ids"}, []]}
    return [
        {"$lookup": {"from": "slots", "pipeline": theirs, "as": "slots"}},
        {"$match": {"$expr": {"$not": [{"$in": ["$_id", held]}]}}},
        {"$unset": "slots"},
    ]


def _slots(database: Database[dict[str, Any]]) -> Collection[dict[str, Any]]:
    return database["slots"].with_options(write_concern=_ACKNOWLEDGED)


def _until(lease: float) -> dict[str, Any]:
    return {"$add": ["$$NOW", round(lease * 1000)]}


def _living(*, condition: Any = _LIVING) -> dict[str, Any]:
    """Return the holders whose lease is not over, or who fulfil a condition."""
    held = {"$ifNull": ["$held", []]}
    return {"$filter": {"input": held, "as": "this", "cond": condition}}


def _others(*without: str | None) -> dict[str, Any]:
    names = [name for name in without if name is not None]
    other = {"$not": [{"$in": ["$$this.holder", {"$literal": names}]}]}
    return _living(condition={"$and": [_LIVING, other]})


def _holds(holder: str) -> dict[str, Any]:
    mine = {"$and": [_LIVING, {"$eq": ["$$this.holder", {"$literal": holder}]}]}
    return {"$gt": [{"$size": _living(condition=mine)}, 0]}


def _updated(slots: Collection[dict[str, Any]], scope: str, held: Any) -> dict[str, Any]:
    def update() -> dict[str, Any]:
        found: Any = slots.find_one_and_update(
            {"_id": scope}, [{"$set": {"held": held}}],
            upsert=True, return_document=ReturnDocument.AFTER,
        )  # fmt: skip
        return dict(found)

    try:
        return update()
    except DuplicateKeyError:  # another one was the first of this scope, too
        return update()
