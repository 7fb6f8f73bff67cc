"""What happened to records, in MongoDB: one document an event."""

from datetime import datetime, timedelta
from typing import Any

from cloudmesh_sdk.models import QUEUE_KINDS
from cloudmesh_sdk.store.base import Event
from cloudmesh_sdk.store.mongo.connection import Documents

_BRIEFLY = timedelta(days=7)
"""How long events of queues are kept: there are as many as jobs come and go."""


def event(kind: str, key: str, at: datetime, what: str, detail: str) -> dict[str, Any]:
    """Return an event of the record of an `_id`, as it is stored."""
    until = {"until": at + _BRIEFLY} if kind in QUEUE_KINDS else {}
    return {"of": key, "kind": kind, "at": at, "what": what, "detail": detail, **until}


def events_of(database: Documents, kind: str, key: str) -> list[Event]:
    """Return the events of the record of an `_id`, oldest first."""
    # before version 3 of the schema there were events of servers alone, and they named no kind
    kinds = [kind, None] if kind == "servers" else [kind]
    rows = database["events"].find({"of": key, "kind": {"$in": kinds}})
    found = rows.sort([("at", 1), ("_id", 1)])
    return [Event(at=row["at"], what=row["what"], detail=row["detail"]) for row in found]
