"""What a change stream of MongoDB says, in our words: which changes are asked for, what they mean.

Nothing but names and states leaves the server: no request, no native data.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cloudmesh_sdk.models import Happening, What
from cloudmesh_sdk.store.changes import OPERATIONS, TOLD, of_operation
from cloudmesh_sdk.store.mongo.changing import as_operation
from cloudmesh_sdk.store.mongo.rows import prefix, within
from cloudmesh_sdk.store.mongo.schema import main

_OF_ROWS = ("cloud", "id", "name", "state", "missing")
_OF_OPERATIONS = (
    "owner", "act", "cloud", "target", "token", "state", "done", "total", "message", "error",
    "created",
)  # fmt: skip
_WHAT: Mapping[str, What] = {
    "insert": What.NEW, "replace": What.CHANGED, "update": What.CHANGED, "delete": What.GONE,
}  # fmt: skip


def pipeline(owners: Collection[str], kinds: Sequence[str]) -> list[dict[str, Any]]:
    """Return the stages behind `$changeStream` that let through what is listened for."""
    rows = [main(kind) for kind in kinds if kind != OPERATIONS]
    asked: list[dict[str, Any]] = []
    if rows:
        ids = [{"documentKey._id": within(prefix(owner))["_id"]} for owner in owners]
        asked.append({"ns.coll": {"$in": rows}, "$or": ids})
    if OPERATIONS in kinds:
        updates = [{f"updateDescription.updatedFields.{name}": {"$exists": True}} for name in TOLD]
        asked.append({
            "ns.coll": OPERATIONS, "fullDocument.owner": {"$in": [*owners]},
            "$or": [{"operationType": {"$ne": "update"}}, *updates],
        })  # fmt: skip
    ours = {"operationType": {"$in": [*_WHAT]}, "$or": asked}
    names = dict.fromkeys((*_OF_ROWS, *_OF_OPERATIONS))
    kept = {f"fullDocument.{name}": 1 for name in names}
    shown = {"operationType": 1, "ns": 1, "documentKey": 1, **kept}
    return [{"$match": ours}, {"$project": shown}]


def happening(change: Mapping[str, Any]) -> Happening:
    """Return what a change means; a row that is a tombstone now is gone."""
    kind, key = change["ns"]["coll"], change["documentKey"]["_id"]
    now = change.get("fullDocument") or {}
    what = _WHAT[change["operationType"]]
    if kind == OPERATIONS:
        return of_operation(as_operation({"_id": key, **now}), what)
    if now.get("missing") is not None or not now:
        what = What.GONE
    return of_row(kind, key, now, what)


def of_row(kind: str, key: str, row: Mapping[str, Any], what: What) -> Happening:
    """Return what is told of a row; what was dropped is known by its `_id` alone."""
    _, cloud, id_ = key.split("/", 2)
    return Happening(
        at=datetime.now(UTC), what=what, kind=kind,
        cloud=row.get("cloud") or cloud.replace("%2F", "/").replace("%25", "%"),
        name=row.get("name") or "", id=row.get("id") or id_, state=row.get("state") or "",
    )  # fmt: skip
