"""Turns and the log of questions, in MongoDB: one document a question, taken by one update.

The server's clock (`$$NOW`) decides. A moment of the last question that lies in the future shows
that this clock was set back, and counts for nothing: nobody waits for a time that was wrong.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from cloudmesh_sdk.store.mongo.connection import DURABLE, Connection
from cloudmesh_sdk.store.mongo.rows import prefix
from cloudmesh_sdk.store.polls import LOGGED, Polls, Question, Turn
from cloudmesh_sdk.store.values import moment

_SET_BACK = 60_000
"""Milliseconds that the clocks of a replica set's members may differ."""


class MongoPolls(Polls):
    """A document has `holder`, `until` (his lease), `asked`, and `after`: not before then."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(
        self,
        scope: str,
        what: str,
        *,
        holder: str,
        interval: float,
        lease: float,
        instead: str | None = None,
    ) -> Turn:
        key = {"_id": prefix(scope, what)}
        # a name of this very call: the driver may send it twice
        claim = {"holder": holder, "claim": uuid4().hex}
        change = _granted(claim, _milliseconds(lease), _free(instead), _wait(interval))
        told = {
            "claim": 1, "asked": 1, "wait": _wait(interval),
            "holder": {"$cond": [_free(instead), None, "$holder"]},
        }  # fmt: skip
        with self._connection.use() as database:
            found = _taken(_of(database), key, change, told)
        mine = found["claim"] == claim["claim"]
        return Turn(
            mine=mine,
            holder=None if mine else found["holder"],
            asked=found["asked"],
            wait=0.0 if mine else found["wait"] / 1000,
        )

    def done(self, scope: str, what: str, *, holder: str, wait: float) -> None:
        after = {"$add": ["$asked", _milliseconds(wait)]}
        with self._connection.use() as database:
            _of(database).update_one(
                {"_id": prefix(scope, what), "holder": holder},
                [{"$set": {"holder": None, "until": None, "after": after}}],
            )

    def renew(self, scope: str, what: str, *, holder: str, lease: float) -> bool:
        until = {"$add": ["$$NOW", _milliseconds(lease)]}
        with self._connection.use() as database:
            found = _of(database).update_one(
                {"_id": prefix(scope, what), "holder": holder}, [{"$set": {"until": until}}]
            )
        return found.matched_count == 1

    def note(self, scope: str, question: Question) -> None:
        document = {
            "scope": scope, "at": moment(question.at), "what": question.what,
            "calls": question.calls, "elapsed": question.elapsed, "by": question.by,
            "error": question.error,
        }  # fmt: skip
        with self._connection.use() as database:
            _of(database, "questions").insert_one(document)

    def questions(self, scope: str, *, since: datetime) -> list[Question]:
        oldest = max(moment(since), datetime.now(UTC) - LOGGED)
        with self._connection.use() as database:
            rows = _of(database, "questions").find(
                {"scope": scope, "at": {"$gte": oldest}}, {"_id": 0, "scope": 0}
            )
            return [Question(**row) for row in rows.sort([("at", 1), ("_id", 1)])]


def _of(database: Database[dict[str, Any]], name: str = "polls") -> Collection[dict[str, Any]]:
    return database[name].with_options(write_concern=DURABLE)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _free(instead: str | None) -> dict[str, Any]:
    """Return whether nobody asks just now."""
    others = {"$ne": ["$holder", {"$literal": instead}]}
    return {"$not": [{"$and": [{"$gt": ["$until", "$$NOW"]}, others, _right()]}]}


def _wait(interval: float) -> dict[str, Any]:
    """Return the milliseconds until the next question may be begun."""
    due = {"$max": [{"$add": ["$asked", _milliseconds(interval)]}, "$after"]}
    rest = {"$max": [0, {"$subtract": [due, "$$NOW"]}]}
    return {"$cond": [_right(), rest, 0]}


def _right() -> dict[str, Any]:
    """Return whether there was a question, at a time that was right."""
    asked = {"$ifNull": ["$asked", datetime.max.replace(tzinfo=UTC, microsecond=0)]}
    return {"$lt": [{"$subtract": [asked, "$$NOW"]}, _SET_BACK]}


def _granted(
    claim: Mapping[str, str], lease: int, free: dict[str, Any], wait: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the update that gives the turn where it may be given, and else changes nothing."""
    given = {
        "asked": "$$NOW", "until": {"$add": ["$$NOW", lease]}, "after": None,
        **{name: {"$literal": value} for name, value in claim.items()},
    }  # fmt: skip
    may = {"$and": [free, {"$eq": [wait, 0]}]}
    # within one stage all see the document as it was
    return [{"$set": {k: {"$cond": [may, value, f"${k}"]} for k, value in given.items()}}]


def _taken(
    polls: Collection[dict[str, Any]],
    key: Mapping[str, Any],
    change: list[dict[str, Any]],
    told: Mapping[str, Any],
) -> dict[str, Any]:
    def take() -> dict[str, Any]:
        found: Any = polls.find_one_and_update(
            key, change, told, upsert=True, return_document=ReturnDocument.AFTER
        )
        return dict(found)

    try:
        return take()
    except DuplicateKeyError:  # another one asked for the first time, too
        return take()
