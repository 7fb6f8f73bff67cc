"""Which records a query means, in plain Python: for stores that cannot ask a database."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import attrs

from cloudmesh_sdk.errors import StoreError, near
from cloudmesh_sdk.models import Record
from cloudmesh_sdk.store.base import OPERATORS, Query, parts

_NOTHING = object()
"""The value at a path that is not there."""


def matching(records: Iterable[Record], query: Query) -> list[Record]:
    """Return the records that a query means, sorted and cut."""
    records = list(records)
    wanted = [_condition(path, asked) for path, asked in query.where.items()]
    found = [r for r in records if _plain_match(r, query) and all(holds(r) for holds in wanted)]
    for name in reversed(query.sort):
        field = name.removeprefix("-")
        check_field(type(found[0]) if found else Record, field)
        keys = parts(field)
        found.sort(key=partial(_sort_key, keys), reverse=name != field)
    return found[: query.limit]


def check_field(record: type[Record], path: str | tuple[Any, ...]) -> None:
    """Raise `StoreError` with near names where a path begins with no field of a record class."""
    first = str(parts(path)[0])
    fields = [field.name for field in attrs.fields(record)]
    if record is not Record and first not in fields:
        raise StoreError(f"{record.__name__} has no field {first!r}; {near(first, fields)}")


def check_operator(operator: str, wanted: Any) -> None:
    """Raise `StoreError` where there is no such operator, or it cannot ask for that."""
    if operator not in OPERATORS:
        raise StoreError(f"there is no operator {operator!r}; {near(operator, OPERATORS)}")
    if operator in ("$in", "$nin") and not isinstance(wanted, list | tuple | set | frozenset):
        raise StoreError(f"{operator} wants a list of values, not {wanted!r}")
    if operator == "$regex":
        try:
            re.compile(wanted)
        except (re.error, TypeError) as error:
            raise StoreError(f"$regex wants a regular expression, not {wanted!r}") from error


def _plain_match(record: Record, query: Query) -> bool:
    return (
        (query.missing or record.missing is None)
        and (query.clouds is None or record.cloud in query.clouds)
        and (query.names is None or record.name in query.names or record.id in query.names)
        and (query.states is None or getattr(record, "state", None) in query.states)
    )


def _condition(path: str | tuple[Any, ...], asked: Any) -> Callable[[Record], bool]:
    keys = parts(path)
    tests = asked if _is_operators(asked) else {"$eq": asked}
    for operator, wanted in tests.items():
        check_operator(operator, wanted)

    def holds(record: Record) -> bool:
        check_field(type(record), path)
        value = _look(record, keys)
        return all(_HOLDS[operator](value, wanted) for operator, wanted in tests.items())

    return holds


def _is_operators(asked: Any) -> bool:
    return isinstance(asked, Mapping) and any(str(key).startswith("$") for key in asked)


def _look(value: Any, keys: tuple[Any, ...]) -> Any:
    for number, key in enumerate(keys):
        if isinstance(value, Record):
            value = getattr(value, str(key), _NOTHING)
        elif isinstance(value, Mapping):
            value = value.get(key, _NOTHING)
        elif isinstance(value, list | tuple):
            if str(key).isdigit():
                value = value[int(key)] if int(key) < len(value) else _NOTHING
            else:
                return [_look(item, keys[number:]) for item in value]
        else:
            return _NOTHING
    return value


def _sort_key(keys: tuple[Any, ...], record: Record) -> tuple[int, Any]:
    return _order(_look(record, keys))


def _order(value: Any) -> tuple[int, Any]:
    if value is None or value is _NOTHING:
        return (0, 0)
    if isinstance(value, int | float):
        return (1, value)
    return (2, str(value))


def _any(value: Any, test: Callable[[Any], bool]) -> bool:
    """Tell whether a value, or any item of a list, passes, as MongoDB has it."""
    items = [value, *value] if isinstance(value, list | tuple) else [value]
    return any(test(item) for item in items)


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def holds(value: Any, wanted: Any) -> bool:
        def fits(item: Any) -> bool:
            same = isinstance(item, type(wanted)) or (
                isinstance(item, int | float) and isinstance(wanted, int | float)
            )
            return same and test(item, wanted)

        return _any(value, fits)

    return holds


def _equal(value: Any, wanted: Any) -> bool:
    if wanted is None:
        return _any(value, lambda item: item is None or item is _NOTHING)
    return _any(value, lambda item: bool(item == wanted))


_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$eq": _equal,
    "$ne": lambda value, wanted: not _equal(value, wanted),
    "$gt": _compare(lambda a, b: a > b),
    "$gte": _compare(lambda a, b: a >= b),
    "$lt": _compare(lambda a, b: a < b),
    "$lte": _compare(lambda a, b: a <= b),
    "$in": lambda value, wanted: any(_equal(value, one) for one in wanted),
    "$nin": lambda value, wanted: not any(_equal(value, one) for one in wanted),
    "$regex": lambda value, wanted: _any(
        value, lambda item: isinstance(item, str) and re.search(wanted, item) is not None
    ),
    "$exists": lambda value, wanted: (value is not _NOTHING) == bool(wanted),
}
