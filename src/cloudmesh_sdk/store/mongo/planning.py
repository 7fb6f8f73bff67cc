"""Comparing what a cloud said with the rows that are there: by digests, nothing is written."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any, cast

import attrs
import bson

from cloudmesh_sdk.models import Record, Server, ServerState
from cloudmesh_sdk.store.base import Change
from cloudmesh_sdk.store.masking import masked
from cloudmesh_sdk.store.mongo.connection import Documents
from cloudmesh_sdk.store.mongo.escape import TIMES
from cloudmesh_sdk.store.mongo.rows import Ready, Shape, within
from cloudmesh_sdk.store.mongo.schema import main

KEPT = timedelta(days=7)
"""How long a tombstone stays."""

_SCAN = {"h": 1, "missing": 1, "touched": 1}

_PASSING = frozenset({"jobs"})
"""Kinds that come and go: most of their rows are tombstones, which an index keeps apart."""

_SWEEP = 5_000
"""Beyond this number of records that changed, all rows are read: it is less work then."""


@attrs.frozen(kw_only=True)
class Plan:
    """What a list makes of the rows that are there."""

    write: tuple[Ready, ...]
    """New and changed records, in the order of their ids: a first load then appends."""
    known: frozenset[str]
    """Those of them that have a row."""
    gone: tuple[str, ...]
    drop: tuple[str, ...]
    present: int
    """How many records are there after it."""
    same: int

    @property
    def size(self) -> int:
        """Rows to touch."""
        return len(self.write) + len(self.gone) + len(self.drop)

    def change(self, skipped: int) -> Change:
        """Return the plan in numbers; `skipped` rows were newer after all."""
        changed = len(self.known)
        return Change(
            new=len(self.write) - changed, changed=max(0, changed - skipped),
            gone=len(self.gone), same=self.same + skipped,
        )  # fmt: skip


_Digests = dict[str, bytes | None]
"""Digests of rows by `_id`; None for a tombstone's, since it is written anew in any case."""

_Marked = dict[str, Mapping[str, Any]]
"""Rows by `_id` that are tombstones or were put."""


@attrs.frozen(kw_only=True)
class Listed:
    """One list of one kind of one cloud: whole, or of what changed."""

    kind: str
    shape: Shape
    prefix: str
    started: datetime
    before: datetime | None
    """When the list before this was asked for."""
    whole: bool = True
    count: int = 0
    """How many records were there then."""

    def plan(self, database: Documents, records: Sequence[Record]) -> Plan:
        """Compare the list with the rows; nothing is written."""
        said, deleted = (records, set[str]()) if self.whole else self._parted(records)
        digests, marked = self._rows(database, records)
        write, listed = self._differing(said, digests)
        newer = {key for key, row in marked.items() if self._is_newer(row)}
        for key in newer:
            write.pop(key, None)
        missing = {key: row["missing"] for key, row in marked.items() if "missing" in row}
        absent = digests.keys() - listed - newer if self.whole else deleted & digests.keys() - newer
        gone = sorted(absent - missing.keys())
        drop = sorted(k for k in absent & missing.keys() if self.started - missing[k] >= KEPT)
        known = frozenset(write.keys() & digests.keys())
        there = newer - listed - missing.keys()
        present, same = len(listed), len(listed - write.keys()) + len(there)
        if not self.whole:
            more = len(write) - len(known - missing.keys()) - len(gone)
            present = self._present(database) + more if records else self.count
            same = present - len(write)
        return Plan(
            write=tuple(write[key] for key in sorted(write)),
            known=known, gone=tuple(gone), drop=tuple(drop), present=present, same=same,
        )  # fmt: skip

    def _parted(self, records: Iterable[Record]) -> tuple[list[Record], set[str]]:
        """Return what is there, and the ids of rows of what was deleted; what came last holds."""
        last = {record.id: record for record in records}
        there = [record for record in last.values() if not is_deleted(record)]
        return there, {self.prefix + r.id for r in last.values() if is_deleted(r)}

    def _differing(
        self, records: Iterable[Record], digests: Mapping[str, bytes | None]
    ) -> tuple[dict[str, Ready], set[str]]:
        """Return what is to be written of some records, and the ids of rows of them all."""
        said = {"seen": self.started}
        write: dict[str, Ready] = {}
        listed: set[str] = set()
        for record in records:
            draft = self.shape.draft(self.prefix, record)
            key = draft[0]
            listed.add(key)
            if digests.get(key) != draft[1] and (safe := masked(record)) is not record:
                record = safe  # noqa: PLW2901 - the digest of what is stored knows no secret
                draft = self.shape.draft(self.prefix, record)
            if digests.get(key) != draft[1]:
                write[key] = self.shape.final(draft, record, said)
            elif write:
                write.pop(key, None)
        return write, listed

    def _rows(self, database: Documents, records: Collection[Record]) -> tuple[_Digests, _Marked]:
        """Return digests and marks of the rows: of all, or of those that the list names."""
        keys = {self.prefix + record.id for record in records}
        if self.whole and self.kind in _PASSING:
            return self._passing(database, keys)
        if self.whole:
            return self._scan(database, within(self.prefix))
        if not keys:
            return {}, {}
        if len(keys) <= _SWEEP:
            return self._scan(database, {"_id": {"$in": [*keys]}})
        digests, marked = self._scan(database, within(self.prefix))
        return dict(_only(digests, keys)), dict(_only(marked, keys))

    def _passing(self, database: Documents, keys: AbstractSet[str]) -> tuple[_Digests, _Marked]:
        """Return digests and marks of the rows that a list may change, and of no other tombstone.

        These are those that are there, those that come back, and those to be dropped.
        """
        every = within(self.prefix)
        digests, marked = self._scan(database, {"missing": None, **every})
        back = keys - digests.keys()
        old = {"missing": {"$lte": self.started - KEPT}, **every}
        rest = [old, {"_id": {"$in": [*back]}}] if len(back) <= _SWEEP else [every]
        for wanted in rest:
            more, marks = self._scan(database, wanted)
            digests |= more
            marked |= marks
        return digests, marked

    def _scan(self, database: Documents, wanted: Mapping[str, Any]) -> tuple[_Digests, _Marked]:
        digests: _Digests = {}
        marked: _Marked = {}
        rows = database[main(self.kind)].find_raw_batches(wanted, _SCAN, batch_size=5_000)
        for batch in rows:
            for row in bson.decode_all(cast("bytes", batch), TIMES):
                key = row["_id"]
                digests[key] = row.get("h")
                if len(row) > 2:  # noqa: PLR2004 - more than id and digest
                    marked[key] = row
                    if "missing" in row:
                        digests[key] = None  # listed again, it is written anew
        return digests, marked

    def _present(self, database: Documents) -> int:
        return database[main(self.kind)].count_documents({**within(self.prefix), "missing": None})

    def _is_newer(self, row: Mapping[str, Any]) -> bool:
        return "touched" in row and row["touched"] > self.started


def is_deleted(record: Record) -> bool:
    """Tell whether a list of changes says that a record is no more."""
    return isinstance(record, Server) and record.state is ServerState.DELETED


def _only(rows: Mapping[str, Any], keys: AbstractSet[str]) -> Iterator[tuple[str, Any]]:
    return ((key, rows[key]) for key in keys & rows.keys())
