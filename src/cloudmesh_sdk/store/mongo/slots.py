"""Slots and workers, in MongoDB: one document a scope, changed by one update; one a worker.

The server's clock (`$$NOW`) decides whose lease is over.
"""

from collections import abc
from collections.abc import Sequence
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
        self,
        scope: str,
        holders: Sequence[str],
        *,
        limit: int,
        lease: float,
        instead: abc.Collection[str] = (),
    ) -> set[str]:
        others = _others({*holders, *instead})
        had, new = _known(holders), _known(holders, known=False)
        room = {"$subtract": [limit, {"$add": [{"$size": others}, {"$size": had}]}]}
        begun = {"$cond": [{"$gt": [room, 0]}, {"$slice": [new, room]}, []]}
        mine = {"$map": {
            "input": {"$concatArrays": [had, begun]}, "as": "this",
            "in": {"holder": "$$this", "until": _until(lease)},
        }}  # fmt: skip
        return self._changed(scope, {"$concatArrays": [others, mine]}, holders)

    def renew(self, scope: str, holders: abc.Collection[str], *, lease: float) -> set[str]:
        mine = {"$mergeObjects": ["$$this", {"until": _until(lease)}]}
        each = {"$cond": [_among(holders), mine, "$$this"]}
        renewed = {"$map": {"input": _living(), "as": "this", "in": each}}
        return self._changed(scope, renewed, holders)

    def release(self, scope: str, holders: abc.Collection[str]) -> None:
        theirs = {"held": {"holder": {"$in": [*holders]}}}
        with self._connection.use() as database:
            _slots(database).update_one({"_id": scope}, {"$pull": theirs})

    def _changed(self, scope: str, held: Any, holders: abc.Collection[str]) -> set[str]:
        """Change who holds slots of a scope; return who of some does then."""
        with self._connection.use() as database:
            found = _updated(_slots(database), scope, held)
        return {*holders} & {one["holder"] for one in found["held"]}

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
    theirs = [{"$match": {"_id": scope}}, {"$project": {"_id": 0, "ids": _holders()}}]
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


def _holders() -> dict[str, Any]:
    return {"$map": {"input": _living(), "as": "this", "in": "$$this.holder"}}


def _among(names: abc.Collection[str]) -> dict[str, Any]:
    return {"$in": ["$$this.holder", {"$literal": [*names]}]}


def _others(without: abc.Collection[str]) -> dict[str, Any]:
    return _living(condition={"$and": [_LIVING, {"$not": [_among(without)]}]})


def _known(names: Sequence[str], *, known: bool = True) -> dict[str, Any]:
    """Return those of some names, in order, that hold a slot, or that hold none."""
    holds = {"$in": ["$$name", _holders()]}
    wanted = holds if known else {"$not": [holds]}
    return {"$filter": {"input": {"$literal": [*names]}, "as": "name", "cond": wanted}}


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
