"""Taking over a list: what was found to differ is written, part by part."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import attrs
import bson
from bson.raw_bson import RawBSONDocument
from pymongo import DeleteMany, ReplaceOne, UpdateMany
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError

from cloudmesh_sdk.store.mongo.connection import Documents
from cloudmesh_sdk.store.mongo.happenings import event
from cloudmesh_sdk.store.mongo.planning import Listed, Plan
from cloudmesh_sdk.store.mongo.rows import Ready, native_document, row_document
from cloudmesh_sdk.store.mongo.schema import beside, main
from cloudmesh_sdk.store.values import change_of_state

T = TypeVar("T")

AT_ONCE = 2_000
"""Changes up to this number are written in one transaction."""

BATCH = 1_000
_BATCH_BYTES = 8_000_000
"""A command of the server may hold 48 MB, an entry of its log 16."""

_DUPLICATE = 11000


@attrs.frozen(kw_only=True)
class Part:
    """What is written at once."""

    write: Sequence[Ready] = ()
    gone: Sequence[str] = ()
    drop: Sequence[str] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.write or self.gone or self.drop)


@attrs.frozen(kw_only=True)
class Refresh(Listed):
    """One list of one kind of one cloud on its way into the store."""

    def parts(self, plan: Plan) -> Iterator[Part]:
        """Cut a plan into what is written at once: all, where it is small."""
        if plan.size <= AT_ONCE and _weight(plan.write) <= _BATCH_BYTES:
            yield Part(write=plan.write, gone=plan.gone, drop=plan.drop)
            return
        for write in _by_weight(plan.write):
            yield Part(write=write)
        for gone in _by_number(plan.gone):
            yield Part(gone=gone)
        for drop in _by_number(plan.drop):
            yield Part(drop=drop)

    def apply(
        self,
        database: Documents,
        session: ClientSession | None,
        part: Part,
        known_ids: Collection[str],
    ) -> int:
        """Write one part; native data before rows, so that a row's digest never lies.

        Records of `known_ids` replace their rows, others are inserted. Returns how many rows
        turned out to be newer than the list.
        """
        known = [ready for ready in part.write if ready[0] in known_ids]
        old = self._old(database, session, [ready[0] for ready in known] + [*part.gone])
        newer = {key for key, row in old.items() if self._is_newer(row)}
        replaced = [ready for ready in known if ready[0] not in newer]
        fresh = [ready for ready in part.write if ready[0] not in known_ids]
        gone = [key for key in part.gone if key not in newer]
        steps: tuple[tuple[str, list[Any], Callable[[Ready], Any]], ...] = (
            (beside(self.kind), [], native_document),
            (main(self.kind), self._tombstones(gone), row_document),
        )
        for name, extra, as_document in steps:
            collection = database[name]
            if fresh:
                _insert(database, name, [*map(as_document, fresh)], session)
            changes: list[Any] = [
                ReplaceOne({"_id": p[0]}, as_document(p), upsert=True) for p in replaced
            ]
            drops = [DeleteMany({"_id": {"$in": [*part.drop]}})] if part.drop else []
            if todo := [*changes, *drops, *extra]:
                collection.bulk_write(todo, session=session)
        if self.shape.has_state:
            events = [*self._events(replaced, old), *map(self._gone, gone)]
            if events:
                database["events"].insert_many(events, session=session)
        return len(newer)

    def load(self, database: Documents, part: Part) -> bool:
        """Write a part of new records alone, without a transaction.

        The server's work is a fifth less, and nobody waits for its journal: the last part's
        transaction does. Returns whether that went well: else one of them was there, and all
        are to be replaced.
        """
        steps = ((beside(self.kind), native_document), (main(self.kind), row_document))
        try:
            for name, as_document in steps:
                rows = [*map(as_document, part.write)]
                _insert(database, name, rows, None, ordered=False, writeConcern={"w": 1})
        except BulkWriteError as error:
            if not collided(error):
                raise
            return False
        return True

    def _old(
        self, database: Documents, session: ClientSession | None, keys: list[str]
    ) -> dict[str, dict[str, Any]]:
        if not keys:
            return {}
        rows = database[main(self.kind)].find(
            {"_id": {"$in": keys}}, {"state": 1, "missing": 1, "touched": 1}, session=session
        )
        return {row["_id"]: row for row in rows}

    def _tombstones(self, gone: Sequence[str]) -> list[Any]:
        seen = {} if self.before is None else {"$max": {"seen": self.before}}
        change = {"$set": {"missing": self.started}, **seen}
        return [UpdateMany({"_id": {"$in": [*gone]}}, change)] if gone else []

    def _events(
        self, replaced: Sequence[Ready], old: Mapping[str, Mapping[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        for ready in replaced:
            row = old.get(ready[0], {})
            if "missing" in row:
                yield self._event(ready[0], "back", "listed by the cloud again")
            state = bson.decode(ready[2])["state"]
            if row.get("state", state) != state:
                yield self._event(ready[0], "state", change_of_state(row["state"], state))

    def _gone(self, key: str) -> dict[str, Any]:
        why = "no longer listed by the cloud" if self.whole else "deleted, the cloud says"
        return self._event(key, "gone", why)

    def _event(self, key: str, what: str, detail: str) -> dict[str, Any]:
        return event(self.kind, key, self.started, what, detail)


def _insert(
    database: Documents,
    name: str,
    documents: list[RawBSONDocument],
    session: ClientSession | None,
    **options: Any,
) -> None:
    """Insert documents that are BSON already: PyMongo's insert_many looks at each once more."""
    answer = database.command({"insert": name, "documents": documents, **options}, session=session)
    if errors := answer.get("writeErrors"):
        raise BulkWriteError({"writeErrors": errors})


def collided(error: BulkWriteError) -> bool:
    """Tell whether a row that was new to the plan is there by now (or its native data is)."""
    found = error.details.get("writeErrors", []) if error.details else []
    return any(one.get("code") == _DUPLICATE for one in found)


def _weight(write: Iterable[Ready]) -> int:
    return sum(len(ready[1]) for ready in write)


def _by_weight(write: Sequence[Ready]) -> Iterator[list[Ready]]:
    part: list[Ready] = []
    weight = 0
    for ready in write:
        size = len(ready[1])
        if part and (len(part) == BATCH or weight + size > _BATCH_BYTES):
            yield part
            part, weight = [], 0
        part.append(ready)
        weight += size
    if part:
        yield part


def _by_number(keys: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(keys)
    while part := list(islice(rest, BATCH)):
        yield part
