"""Records as rows: the listed fields in one document, `native` in another of the same `_id`.

`_id` is `owner/cloud/native id`, so that the rows of a cloud lie side by side. A row holds the
fields of its record and beside them `h` (digest of record and native data), `seen`, and only
where there is something to say `missing` and `touched`.
"""

import enum
import hashlib
import marshal
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache, partial
from operator import attrgetter
from typing import Any, get_args, get_origin

import attrs
import bson
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument

from cloudmesh_sdk.models import KINDS, Record
from cloudmesh_sdk.store.mongo.escape import (
    EXACT,
    FLAG,
    encode,
    escape,
    needs_escape,
    pack,
    restore,
    unpack,
)

_BESIDE = ("seen", "stale", "missing", "native")
_NAMELESS = 2
"""Version of the marshal format: later ones write a value differently the second time."""


Draft = tuple[str, bytes, bytes, tuple[Any, ...]]
"""Id, digest, native data as BSON, values of the fields: a record that is compared."""

Ready = tuple[str, bytes, bytes]
"""Id, native data and row as BSON: a record that is written. A plain tuple of text and bytes,
since the garbage collector forgets those: a first load keeps many of them."""


@attrs.frozen
class Shape:
    """How records of a kind become rows, and rows records."""

    record: type[Record]
    names: tuple[str, ...]
    """Fields that stand in the row; the moments among them last."""
    _take: Callable[[Record], tuple[Any, ...]]
    _plain: int
    """How many of the fields are no moments."""
    _tuples: tuple[str, ...]
    _numbers: tuple[str, ...]
    _choices: Mapping[str, Mapping[Any, Any]]
    _nested: Mapping[str, Callable[[Mapping[str, Any]], Any]]
    """Fields that are tuples of records of their own, and how one is made of a mapping."""
    has_state: bool
    """Whether something happens to such records: they have a state."""
    _columns: tuple[str, ...] = attrs.field(init=False)
    """Fields of a row in their order, but for those beside."""

    @_columns.default
    def _named(self) -> tuple[str, ...]:
        return ("_id", "h", *self.names)

    def draft(self, start: str, record: Record) -> Draft:
        """Return a record as what is compared; `start` is the prefix of its cloud.

        The digest sees every change but one of less than a millisecond in a moment.
        """
        key = start + record.id
        beside = encode({"_id": key, "n": _native(record)})
        values = self._take(record)
        digest = hashlib.sha256(beside)
        digest.update(self._signature(values))
        return key, digest.digest()[:16], beside, values

    def final(self, draft: Draft, record: Record, beside: Mapping[str, Any]) -> Ready:
        """Return a draft as what is written; `beside` stands in the row beside its fields."""
        key, digest, native, values = draft
        if needs_escape(native):
            native = pack({"_id": key, "n": _native(record)})
        row = dict(zip(self._columns, (key, digest, *values), strict=True))
        row.update(beside)
        return key, native, encode(row, exact=False)

    def _signature(self, values: tuple[Any, ...]) -> bytes:
        """Return bytes that are equal where the values are; nothing makes them as fast."""
        moments = [value and value.timestamp() for value in values[self._plain :]]
        rest = values[: self._plain]
        try:
            return marshal.dumps((rest, moments), _NAMELESS)
        except ValueError:  # a class of a library's own among them
            return marshal.dumps((escape(rest), moments), _NAMELESS)

    def unpack(
        self,
        row: dict[str, Any],
        seen: datetime | None,
        stale: datetime | None,
        native: Mapping[str, Any],
    ) -> Record:
        """Return the record of a row; the row is used up."""
        if FLAG in row:
            row = restore(row)
        for name in self._tuples:
            row[name] = tuple(row.get(name, ()))
        for name in self._numbers:
            if type(row.get(name)) is Int64:  # beyond 32 bits, a class of the library's own
                row[name] = int(row[name])
        for name, choices in self._choices.items():
            row[name] = choices[row[name]]
        for name, made in self._nested.items():
            row[name] = tuple(made(part) for part in row[name])
        row.pop("_id", None)
        row["seen"], row["stale"], row["native"] = seen, stale, native
        try:
            return self.record(**row)
        except TypeError:  # fields of another release, or set by hand
            known = {*self.names, *_BESIDE}
            return self.record(**{name: row[name] for name in row.keys() & known})


@cache
def shape(kind: str) -> Shape:
    """Return how records of a kind are stored."""
    record = attrs.resolve_types(KINDS[kind])
    fields = [field for field in attrs.fields(record) if field.name not in _BESIDE]
    moments = [field.name for field in fields if field.type == datetime | None]
    names = (*(f.name for f in fields if f.name not in moments), *moments)
    choices = {field.name: words for field in fields if (words := _words_of(field))}
    nested = {field.name: part for field in fields if (part := _part_of(field))}
    kept = dict.fromkeys(nested, _as_mappings)
    kept |= {field.name: _in_order for field in fields if field.type == Mapping[str, int]}
    # `_value_` is the plain attribute behind `value`: a fifth of its price
    paths = (f"{name}._value_" if name in choices else name for name in names)
    take = attrgetter(*paths)
    return Shape(
        record=record,
        names=names,
        take=_flat(take, {names.index(name): how for name, how in kept.items()}) if kept else take,
        plain=len(fields) - len(moments),
        tuples=tuple(field.name for field in fields if field.default == ()),
        numbers=tuple(field.name for field in fields if field.type in (int, int | None)),
        choices=choices,
        nested={name: partial(_made, part) for name, part in nested.items()},
        has_state="state" in names,
    )


def _words_of(field: "attrs.Attribute[Any]") -> Mapping[str, enum.StrEnum]:
    """Return the members of a field's choice by their words; empty where it is no choice."""
    is_choice = isinstance(field.type, type) and issubclass(field.type, enum.StrEnum)
    return {member.value: member for member in field.type} if is_choice and field.type else {}


def _part_of(field: "attrs.Attribute[Any]") -> type | None:
    """Return of which records a field is a tuple; None where it is none of records."""
    parts = [part for part in get_args(field.type) if isinstance(part, type) and attrs.has(part)]
    return parts[0] if get_origin(field.type) is tuple and parts else None


def _flat(
    take: Callable[[Any], tuple[Any, ...]], kept: Mapping[int, Callable[[Any], Any]]
) -> Callable[[Any], Any]:
    """Return what takes a record's values; some, by their place, are kept in another form."""

    def taken(record: Record) -> tuple[Any, ...]:
        values = [*take(record)]
        for place, how in kept.items():
            values[place] = how(values[place])
        return tuple(values)

    return taken


def _as_mappings(parts: Iterable[Any]) -> list[dict[str, Any]]:
    return [attrs.asdict(part) for part in parts]


def _in_order(numbers: Mapping[str, int]) -> dict[str, int]:
    """Return numbers by name in one order: they are equal in any, and so is their digest."""
    return {str(name): numbers[name] for name in sorted(numbers)}


def _made(part: type, values: Mapping[str, Any]) -> Any:
    """Return a record within a record; fields of another release are left out."""
    known = {field.name for field in attrs.fields(part)}
    return part(**{name: value for name, value in values.items() if name in known})


def _native(record: Record) -> dict[str, Any]:
    return record.native if type(record.native) is dict else dict(record.native)


def native_document(ready: Ready) -> RawBSONDocument:
    """Return the document with the native data of a record."""
    return RawBSONDocument(ready[1])


def row_document(ready: Ready) -> RawBSONDocument:
    """Return the row of a record."""
    return RawBSONDocument(ready[2])


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
