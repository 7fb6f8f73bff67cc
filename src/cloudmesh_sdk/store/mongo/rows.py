"""Records as rows: the listed fields in one document, `native` in another of the same `_id`.

`_id` is `owner/cloud/native id`, so that the rows of a cloud lie side by side. A row holds the
fields of its record and beside them `h` (digest of record and native data), `seen`, and only
where there is something to say `missing` and `touched`.
"""

import hashlib
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any

import attrs
import bson
from bson.raw_bson import RawBSONDocument

from cloudmesh_sdk.models import KINDS, Record, ServerState
from cloudmesh_sdk.store.mongo.escape import EXACT, FLAG, pack, restore, unpack

_BESIDE = ("seen", "stale", "missing", "native")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_STATES: Mapping[str, ServerState] = {state.value: state for state in ServerState}
_INT = struct.Struct("<i")
_LONG = struct.Struct("<q")


@attrs.frozen
class Packed:
    """A record ready to be written."""

    id: str
    digest: bytes
    fields: bytes
    native: bytes

    def main(self, seen: datetime | None) -> RawBSONDocument:
        """Return the main document of a listed record.

        Written by hand (bsonspec.org: length, elements, NUL), since all but the head is there.
        """
        key = self.id.encode()
        head = [b"\x02_id\0", _INT.pack(len(key) + 1), key, b"\0\x05h\0\x10\0\0\0\0", self.digest]
        if seen is not None:
            head += [b"\x09seen\0", _LONG.pack((seen - _EPOCH) // _MILLISECOND)]
        body = b"".join(head)
        return RawBSONDocument(
            _INT.pack(len(body) + len(self.fields)) + body + self.fields[_INT.size :]
        )

    def beside(self) -> RawBSONDocument:
        """Return the document with the native data."""
        return RawBSONDocument(self.native)


@attrs.frozen
class Shape:
    """How records of a kind become rows, and rows records."""

    record: type[Record]
    names: tuple[str, ...]
    """Fields that stand in the row."""
    _take: Callable[[Record], tuple[Any, ...]]
    _tuples: tuple[str, ...]
    _choices: Mapping[str, Mapping[Any, Any]]

    def pack(self, prefix: str, record: Record) -> Packed:
        """Return a record as what is written of it; `prefix` is that of its cloud."""
        key = prefix + record.id
        native = record.native if type(record.native) is dict else dict(record.native)
        beside = pack({"_id": key, "n": native})
        fields = pack(dict(zip(self.names, self._take(record), strict=True)), exact=False)
        digest = hashlib.sha256(beside)
        digest.update(fields)
        return Packed(key, digest.digest()[:16], fields, beside)

    def unpack(
        self,
        row: dict[str, Any],
        seen: datetime | None,
        stale: datetime | None,
        native: Mapping[str, Any],
    ) -> Record:
        """Return the record of a row."""
        if FLAG in row:
            row = restore(row)
        given = {name: row[name] for name in self.names if name in row}
        for name in self._tuples:
            given[name] = tuple(given.get(name, ()))
        for name, choices in self._choices.items():
            given[name] = choices[given[name]]
        return self.record(
            seen=seen, stale=stale, missing=row.get("missing"), native=native, **given
        )


@cache
def shape(kind: str) -> Shape:
    """Return how records of a kind are stored."""
    record = KINDS[kind]
    fields = [field for field in attrs.fields(record) if field.name not in _BESIDE]
    names = tuple(field.name for field in fields)
    choices = {"state": _STATES} if "state" in names else {}
    # `_value_` is the plain attribute behind `value`: a fifth of its price
    paths = (f"{name}._value_" if name in choices else name for name in names)
    return Shape(
        record=record,
        names=names,
        take=attrgetter(*paths),
        tuples=tuple(field.name for field in fields if field.default == ()),
        choices=choices,
    )


def natives_of(batch: bytes) -> dict[str, dict[str, Any]]:
    """Return native data by `_id` from native documents, one after the other."""
    documents = bson.decode_all(batch, EXACT)
    return {document["_id"]: unpack(document, "n") for document in documents}


def prefix(owner: str, cloud: str | None = None) -> str:
    """Return how the `_id` of every row of an owner, or of one of his clouds, begins."""
    return f"{_part(owner)}/" if cloud is None else f"{_part(owner)}/{_part(cloud)}/"


def within(start: str) -> dict[str, Any]:
    """Return the filter for every `_id` that begins so (`0` comes right after `/`)."""
    return {"_id": {"$gte": start, "$lt": start[:-1] + "0"}}


def _part(name: str) -> str:
    return name.replace("%", "%25").replace("/", "%2F")


def moment(value: datetime) -> datetime:
    """Return a moment as the store keeps it: in UTC, to the millisecond."""
    value = value.astimezone(UTC)
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def plain(value: Any) -> Any:
    """Return the value of an enum member, anything else as it is."""
    return value.value if isinstance(value, Enum) else value
