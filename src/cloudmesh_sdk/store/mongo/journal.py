"""What was asked for, in MongoDB: one document an operation, every write durable."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import attrs
from pymongo import ReturnDocument, UpdateOne
from pymongo.collection import Collection as Documents
from pymongo.database import Database

from cloudmesh_sdk.models import Fault, Operation, OperationState
from cloudmesh_sdk.store.base import PASSED, PASSING, Journal
from cloudmesh_sdk.store.matching import check_limit
from cloudmesh_sdk.store.mongo.connection import DURABLE, Connection
from cloudmesh_sdk.store.mongo.escape import EXACT, escape, restore
from cloudmesh_sdk.store.mongo.slots import without_slot
from cloudmesh_sdk.store.mongo.together import Together
from cloudmesh_sdk.store.values import moment


class MongoJournal(Journal):
    """Operations are changed only by those who know their state, runner and attempt."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._changes = Together[_Change, Operation | None](
            self._changed, key=lambda change: change.claim["_id"]
        )

    def add(self, operations: Sequence[Operation]) -> None:
        if operations:
            with self._connection.use() as database:
                _of(database).insert_many([_document(operation) for operation in operations])

    def change(self, operation: Operation, **fields: Any) -> Operation | None:
        new = attrs.evolve(operation, **fields)  # refuses names that are no fields
        changed = {name: _plain(getattr(new, name)) for name in fields}
        if "request" in changed:
            changed["request"] = escape(new.request)
        claim = {
            "_id": operation.id, "state": operation.state.value,
            "runner": operation.runner, "attempts": operation.attempts,
        }  # fmt: skip
        if changed:
            return self._changes.ask(_Change(claim=claim, fields=changed))
        with self._connection.use() as database:
            found = _of(database).find_one(claim)
        return None if found is None else as_operation(found)

    def _changed(self, asked: Sequence["_Change"]) -> list[Operation | None]:
        """Change one, or several at once, each only where its claim holds still."""
        with self._connection.use() as database:
            if len(asked) == 1:
                rows = [_changed_alone(_of(database), asked[0])]
            else:
                rows = _changed_together(_of(database), asked)
        return [None if row is None else as_operation(row) for row in rows]

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
                found = _of(database).find_one_and_update(
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
    ) -> Operation | None:
        others = {"_id": {"$nin": [*without]}} if without else {}
        wanted = {**_waiting(None, [cloud]), "account": account, **others}
        idle = [] if scope is None else without_slot(scope)
        line = [{"$sort": {"owner": 1, **_OLDEST}}, *idle, {"$limit": 1}]
        following = [{"$match": {**wanted, "owner": {"$gt": after}}}, *line]
        again = {"coll": "operations", "pipeline": [{"$match": wanted}, *line]}
        with self._connection.use() as database:
            # the second is asked only where the first has none: a pipeline is read from its end
            found = _of(database).aggregate([*following, {"$unionWith": again}, {"$limit": 1}])
            rows = [as_operation(row) for row in found]
        return rows[0] if rows else None

    def lines(self) -> list[tuple[str, str | None]]:
        of = {"_id": {"cloud": "$cloud", "account": "$account"}}
        with self._connection.use() as database:
            rows = [*_of(database).aggregate(
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
            return [as_operation(row) for row in _of(database).find(asked)]

    def get(self, id: str) -> Operation | None:  # noqa: A002
        with self._connection.use() as database:
            found = _of(database).find_one({"_id": id})
        return None if found is None else as_operation(found)

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
            found = _of(database).find(wanted).sort([("created", -1), ("_id", -1)])
            return [as_operation(row) for row in found.limit(limit or 0)]


@attrs.frozen(kw_only=True, eq=False)
class _Change:
    """What is to be changed of an operation, where its claim holds still."""

    claim: Mapping[str, Any]
    fields: Mapping[str, Any]

    def shows(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a document is as this made it."""
        fields = {n: [*v] if isinstance(v, tuple) else v for n, v in self.fields.items()}
        return all(row.get(name) == value for name, value in fields.items())


_Rows = Documents[dict[str, Any]]


def _changed_alone(of: _Rows, change: _Change) -> dict[str, Any] | None:
    found: dict[str, Any] | None = of.find_one_and_update(
        change.claim, {"$set": change.fields}, return_document=ReturnDocument.AFTER
    )
    return found


def _changed_together(of: _Rows, asked: Sequence[_Change]) -> list[dict[str, Any] | None]:
    """Change several by one write, and read them; the count tells whether all claims held."""
    done = of.bulk_write([UpdateOne(c.claim, {"$set": c.fields}) for c in asked], ordered=False)
    ids = [change.claim["_id"] for change in asked]
    rows = {row["_id"]: row for row in of.find({"_id": {"$in": ids}})}
    held = done.matched_count == len(asked)
    return [
        row if row is not None and (held or change.shows(row)) else None
        for change, row in ((change, rows.get(change.claim["_id"])) for change in asked)
    ]


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


def _of(database: Database[dict[str, Any]]) -> Documents[dict[str, Any]]:
    return database["operations"].with_options(codec_options=EXACT, write_concern=DURABLE)


def _document(operation: Operation) -> dict[str, Any]:
    fields = {
        field.name: _plain(getattr(operation, field.name)) for field in attrs.fields(Operation)
    }
    fields["request"] = escape(operation.request)
    fields["_id"] = fields.pop("id")
    if operation.act in PASSING:
        fields["until"] = moment(operation.created + PASSED)
    return fields


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Fault):
        return attrs.asdict(value)
    return value.value if isinstance(value, Enum) else value


def as_operation(document: Mapping[str, Any]) -> Operation:
    """Return the operation of a document."""
    given = {"id" if name == "_id" else name: value for name, value in document.items()}
    given.pop("until", None)
    error = given.get("error")
    given["error"] = Fault(**error) if error else None
    given["state"] = OperationState(given["state"])
    given["request"] = restore(given.get("request", {}))
    return Operation(**given)
