"""Collections and indexes, made once; a version in the database says which are there."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure
from pymongo.write_concern import WriteConcern

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import KINDS

VERSION = 4
"""Version of the schema that this code reads and writes."""

ADDED: Mapping[int, tuple[str, ...]] = {
    1: ("servers", "images", "flavors", "keypairs"),
    2: (
        "security_groups", "networks", "floating_ips", "volumes",
        "subnets", "routers", "ports", "snapshots",
    ),
    3: ("jobs", "queues", "nodes"),
}  # fmt: skip
"""Version → the kinds of records that came with it."""

_EXISTS = 48
_UNKNOWN_OPTION = (72, 40415, 40414, 2, 9)
"""Codes of servers that do not know an option: before 5.3, or not WiredTiger."""


def main(kind: str) -> str:
    """Return the collection with the rows of a kind."""
    return kind


def beside(kind: str) -> str:
    """Return the collection with the native data of a kind."""
    return f"{kind}_native"


def prepare(database: Database[dict[str, Any]]) -> None:
    """Make what is missing; costs one small read where nothing is.

    Raises `StoreError` where a newer release has written the database.
    """
    found = (database["schema"].find_one({"_id": "schema"}) or {}).get("version", 0)
    if found > VERSION:
        raise StoreError(
            f"database {database.name!r} was written by a newer release (schema {found}, this "
            f"one knows {VERSION}); upgrade cloudmesh-sdk"
        )
    for version in range(found + 1, VERSION + 1):
        _MIGRATIONS[version](database)
        database["schema"].with_options(write_concern=WriteConcern("majority")).update_one(
            {"_id": "schema"}, {"$max": {"version": version}}, upsert=True
        )


def _first(database: Database[dict[str, Any]]) -> None:
    _kinds(database, ADDED[1])
    _others(database)


def _second(database: Database[dict[str, Any]]) -> None:
    """Make room for networks and what is on them, and for volumes.

    Servers now tell their project; rows that were written before have none until the next list.
    """
    _kinds(database, ADDED[2])


def _third(database: Database[dict[str, Any]]) -> None:
    """Make room for queues, their jobs and nodes, and for turns; events may end before others."""
    _kinds(database, ADDED[3])
    _others(database)


def _others(database: Database[dict[str, Any]]) -> None:
    """Make the collections that hold no rows of the view, and all indexes."""
    from cloudmesh_sdk.store.mongo.documents import DOCUMENTS, using  # MongoEngine: only here

    made = {*database.list_collection_names()}
    with using(database):
        for document in DOCUMENTS:
            name = document._get_collection_name()
            if name not in KINDS:
                _create(database, name, None)
            if name not in KINDS or name in made:  # rows of a later version have no place yet
                document.ensure_indexes()


def _kinds(database: Database[dict[str, Any]], kinds: Iterable[str]) -> None:
    for kind in kinds:
        _create(database, main(kind), "snappy")
        _create(database, beside(kind), "zstd")


def _create(database: Database[dict[str, Any]], name: str, compressor: str | None) -> None:
    """Create a collection, clustered by `_id` where it is one of rows.

    Rows of a cloud then lie side by side without a second index: a refresh reads them in one
    sweep, a first load appends.
    """
    clustered: dict[str, Any] = {"clusteredIndex": {"key": {"_id": 1}, "unique": True}}
    engine = {"wiredTiger": {"configString": f"block_compressor={compressor}"}}
    tries = [{"storageEngine": engine, **clustered}, clustered, {}] if compressor else [{}]
    for options in tries:
        try:
            database.command({"create": name, **options})
        except OperationFailure as error:
            if error.code == _EXISTS:
                return
            if error.code not in _UNKNOWN_OPTION or options == tries[-1]:
                raise
        else:
            return


_MIGRATIONS: Mapping[int, Callable[[Database[dict[str, Any]]], None]] = {
    1: _first, 2: _second, 3: _third, 4: _others,
}  # fmt: skip
"""Version → the step that leads to it. A step may be repeated: it may have been cut short."""
