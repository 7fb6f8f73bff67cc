"""Plain data as `find` compares it, after MongoDB's rules: what is equal, more, or there at all.

The reference for stores that cannot ask a database, and the words all stores refuse with.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import attrs

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import Record

NOTHING = object()
"""The value at a path that is not there."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_ORDERED = ("number", "text", "time")
"""Classes of values of which one can be more than another."""

Form = tuple[str, Any]
"""Class of a value, and what it is compared by within its class."""


def moment(value: datetime) -> datetime:
    """Return a moment as stores compare it: in UTC, to the millisecond."""
    value = value.astimezone(UTC)
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def plain(value: Any) -> Any:
    """Return the value of an enum member, anything else as it is."""
    return value.value if isinstance(value, Enum) else value


def change_of_state(old: Any, new: Any) -> str:
    """Return what is told of a record whose state changed."""
    return f"{plain(old) or 'unknown'} → {plain(new) or 'unknown'}"


def asked(value: Any) -> Any:
    """Return a value that a query asks for, its times as stores compare them.

    Raises `StoreError` on times without a zone, on NaN, and on what is no plain data.
    """
    value = plain(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise StoreError(f"{value.isoformat()} says no time zone; give one (datetime.UTC …)")
        return moment(value)
    if isinstance(value, Mapping):
        return {key: asked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [asked(item) for item in value]
    if form(value)[0] == "nan":
        raise StoreError("nothing can be compared with a number that is none (NaN)")
    return value


def form(value: Any) -> Form:
    """Return a value as it is compared: two are equal where their forms are.

    1 equals 1.0 but not True; a mapping equals one of the same keys in the same order. Raises
    `StoreError` on what is no plain data.
    """
    value = plain(value)
    if value is None or value is NOTHING:
        return "none", None
    for kind, to_form in _FORMS:
        if isinstance(value, kind):
            return to_form(value)
    raise StoreError(f"a {type(value).__name__} is no plain data: nothing can be compared with it")


def is_ordered(value: Any) -> bool:
    """Tell whether a value can be more or less than another: a number, a text, a time."""
    return form(value)[0] in _ORDERED


def rank(value: Any) -> tuple[int, Any]:
    """Return what any value is sorted by: nothing first, then numbers, texts, times, the rest."""
    name, compared = form(value)
    if name == "list":
        return len(_RANKS), tuple(rank(item) for item in value)
    if name not in _RANKS:
        return len(_RANKS) + 1, str(value)
    return _RANKS.index(name), 0 if compared is None else compared


_RANKS = ("none", "number", "text", "time", "bool")


def leaves(value: Any, keys: tuple[Any, ...]) -> Iterator[Any]:
    """Yield what stands at a path, through all items of lists on the way; `NOTHING` where absent.

    A number in a path is a place in a list, or a key; so is an int, of either type. A list at
    the end stands for itself and its items, but one that is an item itself only for itself.
    """
    if not keys:
        yield value
        if isinstance(value, list | tuple):
            yield from value
    elif isinstance(value, Mapping):
        found = [key for key in _spelled(keys[0]) if _has(value, key)]
        for key in found:
            yield from leaves(value[key], keys[1:])
        if not found:
            yield NOTHING
    elif isinstance(value, list | tuple):
        yield from _of_list(value, keys)
    else:
        yield NOTHING


def _of_list(value: Sequence[Any], keys: tuple[Any, ...]) -> Iterator[Any]:
    place = _place(keys[0], len(value))
    if place is not None:
        item = value[place]
        if len(keys) == 1:
            yield item
        elif isinstance(item, Mapping | list | tuple):
            yield from leaves(item, keys[1:])
    for item in value:
        if isinstance(item, Mapping):
            yield from leaves(item, keys)


def of_record(record: Record, keys: tuple[Any, ...]) -> list[Any]:
    """Return what stands at a path of a record; a record that is not missing has no `missing`."""
    value = getattr(record, str(keys[0]), None)
    if isinstance(value, datetime):
        value = moment(value)
    if value is None and keys[0] == "missing":
        value = NOTHING
    if isinstance(value, tuple) and value and attrs.has(type(value[0])):
        value = [attrs.asdict(part) for part in value]  # what is in them is asked by name
    return [*leaves(value, keys[1:])]


def _spelled(key: Any) -> tuple[Any, ...]:
    return (key, str(key)) if isinstance(key, int) and not isinstance(key, bool) else (key,)


def _has(value: Mapping[Any, Any], key: Any) -> bool:
    if key not in value:
        return False
    # to a dict 1, 1.0 and True are one key
    return isinstance(key, str) or any(type(k) is type(key) for k in value if k == key)


def _place(key: Any, length: int) -> int | None:
    text = str(key)
    there = not isinstance(key, bool) and text.isdecimal() and text.isascii()
    return int(text) if there and str(int(text)) == text and int(text) < length else None


def _int(value: int) -> Form:
    return ("number" if -(2**63) <= value < 2**63 else "big number", int(value))


def _float(value: float) -> Form:
    return ("number", value) if value == value else ("nan", None)  # noqa: PLR0124 - NaN alone


def _text(value: str) -> Form:
    return ("odd text" if _SURROGATE.search(value) else "text", str.__str__(value))


def _time(value: datetime) -> Form:
    if value.tzinfo is None or value.microsecond % 1000:
        return "odd time", value.isoformat()
    return "time", value.astimezone(UTC)


def _map(value: Mapping[Any, Any]) -> Form:
    return "map", tuple((type(k).__name__, k, form(v)) for k, v in value.items())


_FORMS: tuple[tuple[Any, Callable[[Any], Form]], ...] = (
    (str, _text),
    (bool, lambda value: ("bool", value)),  # before int: a bool is one
    (int, _int),
    (float, _float),
    (datetime, _time),
    (date, lambda value: ("date", value.isoformat())),
    (bytes, lambda value: ("bytes", bytes(value))),
    (Mapping, _map),
    ((list, tuple), lambda value: ("list", tuple(form(item) for item in value))),
    (Decimal, lambda value: ("decimal", str(value))),
    (UUID, lambda value: ("uuid", value.bytes)),
)
