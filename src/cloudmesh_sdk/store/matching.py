"""What a query asks, checked, and which records it means: the same words for every store.

`conditions` and `order` refuse what makes no sense or is not promised; a store that asks a
database puts their answers into its words, any other uses `matching`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from cloudmesh_sdk.errors import StoreError, near
from cloudmesh_sdk.models import KINDS, Record
from cloudmesh_sdk.store.base import OPERATORS, Query, parts
from cloudmesh_sdk.store.values import (
    NOTHING,
    asked,
    form,
    is_ordered,
    of_record,
    rank,
)

_RANGES = ("$gt", "$gte", "$lt", "$lte")
_LISTS = ("$in", "$nin")


@attrs.frozen
class Condition:
    """What is asked of the value at one path: operator → what it wants, as stores compare it."""

    keys: tuple[Any, ...]
    tests: Mapping[str, Any]


@attrs.frozen
class Sorting:
    """One path to sort by."""

    keys: tuple[Any, ...]
    falls: bool


def matching(record: type[Record], records: Iterable[Record], query: Query) -> list[Record]:
    """Return the records that a query means, sorted and cut; equals stand by cloud and id."""
    wanted = conditions(record, query)
    by = order(record, query)
    found = [r for r in records if _plain_match(r, query) and all(_holds(r, c) for c in wanted)]
    found.sort(key=lambda r: (r.cloud, r.id))
    for one in reversed(by):
        found.sort(key=_sort_key(one.keys), reverse=one.falls)
    return found[: query.limit]


def record_class(kind: str) -> type[Record]:
    """Return the class of a kind of records; raises `StoreError` with near names."""
    if kind not in KINDS:
        raise StoreError(f"there is no kind of record named {kind!r}; {near(kind, KINDS)}")
    return KINDS[kind]


def no_list(kind: str, cloud: str) -> StoreError:
    """Return what is said of changes where no list was taken over that they could follow."""
    return StoreError(f"{cloud} was never asked for all its {kind}: do that before their changes")


def conditions(record: type[Record], query: Query) -> list[Condition]:
    """Return what a query's `where` asks; raises `StoreError` on what makes no sense."""
    check_limit(query.limit)
    for name in ("clouds", "names", "states"):
        if isinstance(getattr(query, name), str):
            raise StoreError(f"{name} is a list of names, not {getattr(query, name)!r} alone")
    return [
        Condition(_checked(record, path), {op: _wanted(op, value) for op, value in tests(ask)})
        for path, ask in query.where.items()
    ]


def order(record: type[Record], query: Query) -> list[Sorting]:
    """Return what a query sorts by; raises `StoreError` on what is no field."""
    return [
        Sorting(_checked(record, name.removeprefix("-")), name.startswith("-"))
        for name in query.sort
    ]


def check_limit(limit: int | None) -> None:
    """Raise `StoreError` where a limit is below nothing."""
    if limit is not None and limit < 0:
        raise StoreError(f"a limit is 0 or more, not {limit}; leave it out for all")


def tests(ask: Any) -> Iterable[tuple[str, Any]]:
    """Return what is asked of one value as operators."""
    if isinstance(ask, Mapping) and any(str(key).startswith("$") for key in ask):
        return ask.items()
    return [("$eq", ask)]


def _checked(record: type[Record], path: str | tuple[Any, ...]) -> tuple[Any, ...]:
    keys = parts(path)
    first = str(keys[0]) if keys else ""
    fields = [field.name for field in attrs.fields(record)]
    if first not in fields:
        raise StoreError(f"{record.__name__} has no field {first!r}; {near(first, fields)}")
    return keys


def _wanted(operator: str, wanted: Any) -> Any:
    """Return what an operator wants, as stores compare it; refuse what it cannot want."""
    if operator not in OPERATORS:
        raise StoreError(f"there is no operator {operator!r}; {near(str(operator), OPERATORS)}")
    if operator in _LISTS:
        if not isinstance(wanted, list | tuple | set | frozenset):
            raise StoreError(f"{operator} wants a list of values, not {wanted!r}")
        return [asked(one) for one in wanted]
    if operator == "$regex":
        return _pattern(wanted)
    if operator == "$exists":
        if not isinstance(wanted, bool):
            raise StoreError(f"$exists wants True or False, not {wanted!r}")
        return wanted
    wanted = asked(wanted)
    if operator in _RANGES and not is_ordered(wanted):
        raise StoreError(f"{operator} wants a number, a text or a time, not {wanted!r}")
    return wanted


def _pattern(wanted: Any) -> str:
    if not isinstance(wanted, str) or "\0" in wanted:
        raise StoreError(f"$regex wants a text without NUL, not {wanted!r}")
    try:
        re.compile(wanted, re.ASCII)
    except re.error as error:
        raise StoreError(f"$regex wants a regular expression, not {wanted!r}: {error}") from error
    return wanted


def _plain_match(record: Record, query: Query) -> bool:
    return (
        (query.missing or record.missing is None)
        and (query.clouds is None or record.cloud in query.clouds)
        and (query.names is None or record.name in query.names or record.id in query.names)
        and (query.states is None or getattr(record, "state", None) in query.states)
    )


def _holds(record: Record, condition: Condition) -> bool:
    values = of_record(record, condition.keys)
    return all(_HOLDS[operator](values, wanted) for operator, wanted in condition.tests.items())


def _sort_key(keys: tuple[Any, ...]) -> Callable[[Record], tuple[int, Any]]:
    return lambda record: min((rank(v) for v in of_record(record, keys)), default=(0, 0))


def _equal(values: Sequence[Any], wanted: Any) -> bool:
    same = form(wanted)
    return any(form(value) == same for value in values)


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[Sequence[Any], Any], bool]:
    def holds(values: Sequence[Any], wanted: Any) -> bool:
        kind, limit = form(wanted)
        forms = map(form, values)
        return any(name == kind and test(value, limit) for name, value in forms)

    return holds


def _fits(values: Sequence[Any], wanted: str) -> bool:
    # PCRE's \d, \w and \b know ASCII alone
    fits = re.compile(wanted, re.ASCII).search
    forms = map(form, values)
    return any(name == "text" and fits(value) is not None for name, value in forms)


_HOLDS: Mapping[str, Callable[[Sequence[Any], Any], bool]] = {
    "$eq": _equal,
    "$ne": lambda values, wanted: not _equal(values, wanted),
    "$gt": _compare(lambda a, b: a > b),
    "$gte": _compare(lambda a, b: a >= b),
    "$lt": _compare(lambda a, b: a < b),
    "$lte": _compare(lambda a, b: a <= b),
    "$in": lambda values, wanted: any(_equal(values, one) for one in wanted),
    "$nin": lambda values, wanted: not any(_equal(values, one) for one in wanted),
    "$regex": _fits,
    "$exists": lambda values, wanted: any(v is not NOTHING for v in values) == wanted,
}
