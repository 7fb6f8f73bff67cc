"""Changing operations, each only where what is claimed of it holds still; what they look like."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

import attrs
from pymongo import ReturnDocument, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from cloudmesh_sdk.models import Fault, Operation, OperationState
from cloudmesh_sdk.store.mongo.connection import DURABLE, Documents
from cloudmesh_sdk.store.mongo.escape import EXACT, escape, restore
from cloudmesh_sdk.store.values import moment

_Rows = Collection[dict[str, Any]]

_MAPPINGS = ("request", "parcel")
"""Fields with keys that are the user's, as no document can have them."""


@attrs.frozen(kw_only=True, eq=False)
class Change:
    """What is to be changed of an operation, where its claim holds still."""

    claim: Mapping[str, Any]
    fields: Mapping[str, Any]

    def shows(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a document is as this made it."""
        fields = {n: [*v] if isinstance(v, tuple) else v for n, v in self.fields.items()}
        return all(row.get(name) == value for name, value in fields.items())


def change_of(operation: Operation, fields: Mapping[str, Any]) -> Change:
    """Return the change of some fields; raises `TypeError` for names that are none."""
    new = attrs.evolve(operation, **fields)
    changed = {name: plain(getattr(new, name)) for name in fields}
    changed |= {name: escape(getattr(new, name)) for name in _MAPPINGS if name in changed}
    claim = {
        "_id": operation.id, "state": operation.state.value,
        "runner": operation.runner, "attempts": operation.attempts,
    }  # fmt: skip
    return Change(claim=claim, fields=changed)


def change_in(
    database: Documents, asked: Sequence[Change], session: ClientSession | None
) -> list[Operation | None]:
    """Change operations, and return them as they are then; None where a claim does not hold."""
    change = _alone if len(asked) == 1 else _together
    rows = change(operations_of(database), asked, session)
    return [None if row is None else as_operation(row) for row in rows]


def _alone(
    of: _Rows, asked: Sequence[Change], session: ClientSession | None
) -> list[dict[str, Any] | None]:
    (change,) = asked
    found: dict[str, Any] | None = of.find_one_and_update(
        change.claim, {"$set": change.fields},
        return_document=ReturnDocument.AFTER, session=session,
    )  # fmt: skip
    return [found]


def _together(
    of: _Rows, asked: Sequence[Change], session: ClientSession | None
) -> list[dict[str, Any] | None]:
    """Change several by one write, and read them; the count tells whether all claims held."""
    updates = [UpdateOne(change.claim, {"$set": change.fields}) for change in asked]
    done = of.bulk_write(updates, ordered=False, session=session)
    ids = [change.claim["_id"] for change in asked]
    rows = {row["_id"]: row for row in of.find({"_id": {"$in": ids}}, session=session)}
    held = done.matched_count == len(asked)
    return [
        row if row is not None and (held or change.shows(row)) else None
        for change, row in ((change, rows.get(change.claim["_id"])) for change in asked)
    ]


def operations_of(database: Documents) -> _Rows:
    """Return the collection of operations: every write to it is durable."""
    return database["operations"].with_options(codec_options=EXACT, write_concern=DURABLE)


def plain(value: Any) -> Any:
    """Return the value of a field as it stands in a document."""
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
    for name in _MAPPINGS:
        given[name] = restore(given.get(name, {}))
    return Operation(**given)
