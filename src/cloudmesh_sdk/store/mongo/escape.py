"""Native data as BSON, equal when it comes back, at the speed of the C encoder.

Most documents go straight through `bson.encode`. Only where a key or a value is one that BSON
or MongoDB's paths cannot hold (a dot in a key, a `$` at its start, a key that is no string, an
int beyond 64 bits …) is the document walked: such a key is spelled out after a mark, such a
value becomes `{MARK: [tag, text]}`, and the field `e` says so to the reader.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import bson
from bson.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bson.errors import BSONError
from bson.int64 import Int64

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.store.values import moment

MARK = "\ue000"
"""Begins what is spelled out in a key: a character for private use, of no other meaning."""

FLAG = "e"
"""Field of a document that was escaped."""

_MARK = MARK.encode()
_TIME = re.compile(rb"\t[^\0]*\0.{6}(?:\0\0|\xff\xff)", re.DOTALL)
"""Where a document may hold a time: BSON's type 9, a name, milliseconds of the years 1 to 9999.
Text may look the same by chance; that only costs a walk."""


class _PlainInt(TypeDecoder):
    """Makes 64-bit numbers plain ints."""

    bson_type = Int64

    def transform_bson(self, value: Any) -> int:
        return int(value)


TIMES: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=UTC)
"""Options to read our own fields with."""

EXACT: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True, tzinfo=UTC, type_registry=TypeRegistry([_PlainInt()])
)
"""Options to read native data with: numbers come back as the type that was given."""


def encode(document: Mapping[str, Any], *, exact: bool = True) -> bytes:
    """Return a document as BSON: as it is if the encoder takes it, else escaped.

    `needs_escape` tells whether it may be stored so. Where that is not asked, `exact=False` cuts
    the times at the top to milliseconds in either case, so that they can be compared. Raises
    `StoreError` on what is no plain data.
    """
    try:
        return bson.encode(document, check_keys=True)
    except RecursionError as error:
        raise StoreError("native data is nested too deeply to be stored") from error
    except (BSONError, OverflowError, TypeError, ValueError):
        return _escaped(document if exact else {k: _cut(v) for k, v in document.items()})


def _cut(value: Any) -> Any:
    return moment(value) if isinstance(value, datetime) else value


def needs_escape(data: bytes) -> bool:
    """Tell whether a document that went through the encoder may come back changed."""
    # its first byte is rare, and looking for one byte is ten times as fast
    marked = data.find(_MARK[:1]) >= 0 and _MARK in data
    return marked or _TIME.search(data) is not None


def pack(document: Mapping[str, Any]) -> bytes:
    """Return a document as BSON that can be stored, escaped where need be."""
    data = encode(document)
    return _escaped(document) if needs_escape(data) and escape(document) != document else data


def unpack(document: Mapping[str, Any], field: str) -> Any:
    """Return a field of a document that `pack` made."""
    value = document[field]
    return restore(value) if FLAG in document else value


def _escaped(document: Mapping[str, Any]) -> bytes:
    try:
        return bson.encode({**escape(document), FLAG: True})
    except RecursionError as error:
        raise StoreError("native data is nested too deeply to be stored") from error


def escape(value: Any) -> Any:
    """Return plain data that BSON and MongoDB's paths can hold."""
    if isinstance(value, Mapping):
        return {escape_key(key): escape(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [escape(item) for item in value]
    if value is None or isinstance(value, bool | float | bytes):
        return value
    for tag, (kind, is_odd, to_text, _) in _TAGS.items():
        if isinstance(value, kind):
            return {MARK: [tag, to_text(value)]} if is_odd(value) else _plain(value)
    raise StoreError(f"a {type(value).__name__} is no plain data and cannot be stored")


def restore(value: Any) -> Any:
    """Return what `escape` was given; tuples come back as lists."""
    if isinstance(value, dict):
        if MARK in value:
            tag, text = value[MARK]
            return _TAGS[tag][3](text)
        return {restore_key(key): restore(item) for key, item in value.items()}
    if isinstance(value, list):
        return [restore(item) for item in value]
    return value


def escape_key(key: Any) -> str:
    """Return a key as it stands in the store; most are themselves."""
    if isinstance(key, str):
        return _ODD_KEY.sub(lambda found: f"{MARK}x{ord(found[0]):x};", str.__str__(key))
    for tag, (kind, to_text, _) in _KEYS.items():
        if isinstance(key, kind):
            return f"{MARK}{tag}{to_text(key)}"
    raise StoreError(f"a key of type {type(key).__name__} cannot be stored")


def restore_key(key: str) -> Any:
    """Return the key that `escape_key` was given."""
    if MARK not in key:
        return key
    if key[0] == MARK and key[1] != "x":
        tag, text = key[1], key[2:]
        return _KEYS[tag][2](text)
    return _SPELLED.sub(lambda found: chr(int(found[1], 16)), key)


_ODD_KEY = re.compile(r"^\$|[.\0\ud800-\udfff" + MARK + "]")
_SPELLED = re.compile(MARK + r"x([0-9a-f]+);")

_KEYS: Mapping[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]] = {
    "b": (bool, str, lambda text: text == "True"),  # before int: a bool is one
    "i": (int, str, int),
    "f": (
        float, lambda key: key.hex().replace(".", "_"),
        lambda text: float.fromhex(text.replace("_", ".")),
    ),
    "n": (type(None), lambda _: "", lambda _: None),
}  # fmt: skip
"""Letter → kind of key, how to spell it, how to read it."""


def _odd_time(value: datetime) -> bool:
    return value.tzinfo is None or value.microsecond % 1000 != 0


def _odd_text(value: str) -> bool:
    return _SURROGATE.search(value) is not None


_SURROGATE = re.compile("[\ud800-\udfff]")

_Tag = tuple[type, Callable[[Any], bool], Callable[[Any], str], Callable[[str], Any]]
_TAGS: Mapping[str, _Tag] = {
    "text": (
        str, _odd_text, lambda v: v.encode("utf-8", "surrogatepass").hex(),
        lambda t: bytes.fromhex(t).decode("utf-8", "surrogatepass"),
    ),
    "int": (int, lambda v: not -(2**63) <= v < 2**63, hex, lambda t: int(t, 16)),
    "time": (datetime, _odd_time, lambda v: v.isoformat(), datetime.fromisoformat),
    "date": (date, lambda _: True, lambda v: v.isoformat(), date.fromisoformat),
    "decimal": (Decimal, lambda _: True, str, Decimal),
    "uuid": (UUID, lambda _: True, str, UUID),
}  # fmt: skip
"""Tag → kind of value, which ones BSON cannot hold, how to spell and to read them."""


def _plain(value: Any) -> Any:
    """Return a string or number without the class that a library gave it."""
    if isinstance(value, str):
        return str.__str__(value)
    return int(value) if isinstance(value, int) else value
