"""Which database the MongoEngine classes stand for."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

import mongoengine as me
from pymongo.database import Database

_DATABASE: ContextVar[Database[dict[str, Any]]] = ContextVar("database")


@contextmanager
def using(database: Database[dict[str, Any]]) -> Iterator[None]:
    """Let the documents stand for a database within this block (and this thread)."""
    token = _DATABASE.set(database)
    try:
        yield
    finally:
        _DATABASE.reset(token)


class Document(me.DynamicDocument):  # type: ignore[misc]
    """A document of the database that is in use; no connection of MongoEngine's own."""

    meta: ClassVar[dict[str, Any]] = {"abstract": True, "auto_create_index": False}

    @classmethod
    def _get_collection(cls) -> Any:
        return _DATABASE.get()[cls._get_collection_name()]
