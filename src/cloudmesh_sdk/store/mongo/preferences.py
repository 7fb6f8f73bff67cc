"""What users set, in MongoDB: defaults, counters, who they are. Every write is durable."""

from typing import Any

from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from cloudmesh_sdk.store.base import Settings, User
from cloudmesh_sdk.store.mongo.connection import DURABLE, Connection
from cloudmesh_sdk.store.mongo.escape import EXACT, escape, escape_key, restore, restore_key
from cloudmesh_sdk.store.mongo.rows import prefix, within
from cloudmesh_sdk.store.values import moment


class MongoSettings(Settings):
    """One document a scope of defaults, a counter, a user."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def numbers(self, owner: str, counter: str, count: int = 1) -> range:
        with self._connection.use() as database:
            counters = _of(database, "counters")
            found = _increase(counters, prefix(owner) + counter, count)
        last = int(found["last"])
        return range(last - count + 1, last + 1)

    def defaults(self, owner: str) -> dict[str, dict[str, Any]]:
        with self._connection.use() as database:
            rows = [*_of(database, "defaults").find(within(prefix(owner)))]
        return {
            row["scope"]: {restore_key(key): restore(item) for key, item in row["values"].items()}
            for row in rows
            if row.get("values")
        }

    def set_default(self, owner: str, scope: str, key: str, value: Any) -> None:
        path = f"values.{escape_key(key)}"
        change = {"$unset": {path: ""}} if value is None else {"$set": {path: escape(value)}}
        with self._connection.use() as database:
            _of(database, "defaults").update_one(
                {"_id": prefix(owner, scope)},
                {**change, "$setOnInsert": {"scope": scope}},
                upsert=value is not None,
            )

    def remember(self, user: User) -> None:
        document = {
            "_id": user.username,
            "email": user.email,
            "active": None if user.active is None else moment(user.active),
        }
        with self._connection.use() as database:
            users = _of(database, "users")
            users.replace_one({"_id": user.username}, document, upsert=True)

    def users(self) -> list[User]:
        with self._connection.use() as database:
            found = _of(database, "users").find().sort("_id")
            return [
                User(username=row["_id"], email=row.get("email", ""), active=row.get("active"))
                for row in found
            ]


def _of(database: Database[dict[str, Any]], name: str) -> Collection[dict[str, Any]]:
    return database[name].with_options(codec_options=EXACT, write_concern=DURABLE)


def _increase(counters: Collection[dict[str, Any]], key: str, count: int) -> dict[str, Any]:
    def increase() -> dict[str, Any]:
        found: Any = counters.find_one_and_update(
            {"_id": key}, {"$inc": {"last": count}}, upsert=True,
            return_document=ReturnDocument.AFTER,
        )  # fmt: skip
        return dict(found)

    try:
        return increase()
    except DuplicateKeyError:  # two made the counter at once: now it is there
        return increase()
