"""What was asked for, in MongoDB: one document an operation, every write durable."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
from pymongo import ReturnDocument

from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.store.base import PASSED, PASSING, Journal
from cloudmesh_sdk.store.matching import check_limit
from cloudmesh_sdk.store.mongo.changing import (
    Change,
    as_operation,
    change_in,
    change_of,
    operations_of,
    plain,
)
from cloudmesh_sdk.store.mongo.connection import Connection
from cloudmesh_sdk.store.mongo.escape import escape
from cloudmesh_sdk.store.mongo.slots import without_slot
from cloudmesh_sdk.store.values import moment
from cloudmesh_sdk.together import Together


class MongoJournal(Journal):
    """Operations are changed only by those who know their state, runner and attempt."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._changes = Together[Change, Operation | None](
            self._change_all, keys=lambda change: [change.claim["_id"]]
        )

    def add(self, operations: Sequence[Operation]) -> None:
        if operations:
            with self._connection.use() as database:
                operations_of(database).insert_many(
                    [_document(operation) for operation in operations]
                )

    def change(self, operation: Operation, **fields: Any) -> Operation | None:
        change = change_of(operation, fields)
        if change.fields:
            return self._changes.ask(change)
        with self._connection.use() as database:
            found = operations_of(database).find_one(change.claim)
        return None if found is None else as_operation(found)

    def _change_all(self, asked: Sequence[Change]) -> list[Operation | None]:
        with self._connection.use() as database:
            return change_in(database, asked, None)

    def take(
        self,
        *,
        runner: str,
        lease: datetime,
        limit: int = 1,
        owner: str | None = None,
        clouds: Collection[str] | None = None,
    ) -> list[Operation]:
        wanted = _waiting(owner, clouds)
        mine = {"$set": {"runner": runner, "lease": moment(lease)}}
        taken: list[Operation] = []
        with self._connection.use() as database:
            while len(taken) < limit:
                found = operations_of(database).find_one_and_update(
                    wanted, mine, sort=[*_OLDEST.items()], return_document=ReturnDocument.AFTER
                )
                if found is None:
                    break
                taken.append(as_operation(found))
        return taken

    def waiting(
        self,
        cloud: str,
        account: str | None,
        *,
        after: str = "",
        without: Collection[str] = (),
        scope: str | None = None,
        limit: int = 1,
    ) -> list[Operation]:
        others = {"_id": {"$nin": [*without]}} if without else {}
        wanted = {**_waiting(None, [cloud]), "account": account, **others}
        idle = [] if scope is None else without_slot(scope)
        line = [{"$sort": {"owner": 1, **_OLDEST}}, *idle, {"$limit": limit}]
        following = [{"$match": {**wanted, "owner": {"$gt": after}}}, *line]
        before = [{"$match": {**wanted, "owner": {"$lte": after}}}, *line]
        again = {"coll": "operations", "pipeline": before}
        with self._connection.use() as database:
            # the second is asked only where the first has few: a pipeline is read from its end
            found = operations_of(database).aggregate(
                [*following, {"$unionWith": again}, {"$limit": limit}]
            )
            return [as_operation(row) for row in found]

    def lines(self) -> list[tuple[str, str | None]]:
        of = {"_id": {"cloud": "$cloud", "account": "$account"}}
        with self._connection.use() as database:
            rows = [*operations_of(database).aggregate(
                [{"$match": _waiting(None, None)}, {"$group": of}]
            )]  # fmt: skip
        return [(row["_id"]["cloud"], row["_id"].get("account")) for row in rows]

    def held(self) -> list[Operation]:
        pending, running, unknown = (
            state.value
            for state in (OperationState.PENDING, OperationState.RUNNING, OperationState.UNKNOWN)
        )
        asked = {
            "act": {"$nin": [*PASSING]},
            "state": {"$in": [pending, running, unknown]},
            "$or": [{"runner": {"$ne": None}}, {"state": {"$ne": pending}}],
        }
        with self._connection.use() as database:
            return [as_operation(row) for row in operations_of(database).find(asked)]

    def get(self, id: str) -> Operation | None:  # noqa: A002
        with self._connection.use() as database:
            found = operations_of(database).find_one({"_id": id})
        return None if found is None else as_operation(found)

    def several(
        self, ids: Collection[str], *, states: Collection[OperationState] = ()
    ) -> list[Operation]:
        wanted: dict[str, Any] = {"_id": {"$in": [*ids]}}
        if states:
            wanted["state"] = {"$in": [state.value for state in states]}
        with self._connection.use() as database:
            return [as_operation(row) for row in operations_of(database).find(wanted)]

    def unwanted(self, ids: Collection[str]) -> set[str]:
        cancelled = {"state": OperationState.CANCELLED.value}
        wanted = {"_id": {"$in": [*ids]}, "$or": [{"cancelling": {"$ne": None}}, cancelled]}
        with self._connection.use() as database:
            return {row["_id"] for row in operations_of(database).find(wanted, {"_id": 1})}

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
        if limit == 0:
            return []
        asked: dict[str, Any] = {"owner": owner, "cloud": cloud, "target": target}
        wanted = {name: value for name, value in asked.items() if value is not None}
        if states:
            wanted["state"] = {"$in": [state.value for state in states]}
        with self._connection.use() as database:
            found = operations_of(database).find(wanted).sort([("created", -1), ("_id", -1)])
            return [as_operation(row) for row in found.limit(limit or 0)]


_OLDEST = {"created": 1}
"""As the index has it: those of one moment are as they came, and nothing need be sorted."""


def _waiting(owner: str | None, clouds: Collection[str] | None) -> dict[str, Any]:
    """Return what matches the operations that wait for a runner, and may be taken by now."""
    now = moment(datetime.now(UTC))
    asked = {"owner": owner, "cloud": None if clouds is None else {"$in": [*clouds]}}
    return {
        "state": OperationState.PENDING.value, "later": True, "runner": None,
        "$or": [{"lease": None}, {"lease": {"$lte": now}}],
        **{name: value for name, value in asked.items() if value is not None},
    }  # fmt: skip


def _document(operation: Operation) -> dict[str, Any]:
    fields = {
        field.name: plain(getattr(operation, field.name)) for field in attrs.fields(Operation)
    }
    fields["request"] = escape(operation.request)
    parcel = fields.pop("parcel")
    if parcel:  # few have one
        fields["parcel"] = escape(parcel)
    fields["_id"] = fields.pop("id")
    if operation.act in PASSING:
        fields["until"] = moment(operation.created + PASSED)
    return fields
