"""A `Query` in MongoDB's words: a filter on rows, one on native data, an order."""

import re
from collections.abc import Mapping
from typing import Any

import attrs

from cloudmesh_sdk.errors import StoreError, near
from cloudmesh_sdk.models import Record
from cloudmesh_sdk.store.base import OPERATORS, Query, parts
from cloudmesh_sdk.store.matching import check_field
from cloudmesh_sdk.store.mongo.escape import escape, escape_key
from cloudmesh_sdk.store.mongo.rows import plain, prefix, within

_DERIVED = ("seen", "stale")
"""Fields that the reader works out: no row can be asked for them."""

_NEGATIVE = ("$ne", "$nin")


@attrs.frozen(kw_only=True)
class Filters:
    """What to ask of the collections of one kind."""

    rows: dict[str, Any]
    native: dict[str, Any] | None
    """Filter on native data; None where nothing is asked of it."""
    order: list[tuple[str, int]]
    again: bool
    """The rows found must be matched again, and sorted, by what only the reader knows."""


def filters(owner: str, record: type[Record], query: Query) -> Filters:
    """Return a query as filters.

    Raises `StoreError` on a field, path or operator that makes no sense.
    """
    start = prefix(owner)
    rows: list[dict[str, Any]] = [*_plain(query)]
    if query.clouds is not None and len(query.clouds) == 1:
        start = prefix(owner, next(iter(query.clouds)))
    native: list[dict[str, Any]] = []
    again = False
    for path, asked in query.where.items():
        keys = _checked(record, path)
        tests = _tests(asked)
        if keys[0] == "native":
            native.append(_condition("n", keys[1:], tests))
        elif keys[0] in _DERIVED:
            again = True
        else:
            rows.append(_condition(str(keys[0]), keys[1:], tests))
    order = []
    for name in query.sort:
        keys = _checked(record, name.removeprefix("-"))
        again = again or keys[0] in (*_DERIVED, "native")
        order.append((".".join(map(escape_key, keys)), -1 if name.startswith("-") else 1))
    everything = within(start)
    return Filters(
        rows={**everything, **({"$and": rows} if rows else {})},
        native={**everything, "$and": native} if native else None,
        order=order,
        again=again,
    )


def _plain(query: Query) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if not query.missing:
        found.append({"missing": None})
    if query.clouds is not None:
        found.append({"cloud": {"$in": [*query.clouds]}})
    if query.names is not None:
        names = [*query.names]
        found.append({"$or": [{"name": {"$in": names}}, {"id": {"$in": names}}]})
    if query.states is not None:
        found.append({"state": {"$in": [plain(state) for state in query.states]}})
    return found


def _checked(record: type[Record], path: str | tuple[Any, ...]) -> tuple[Any, ...]:
    check_field(record, path)
    return parts(path)


def _tests(asked: Any) -> dict[str, Any]:
    """Return what is asked of a value as operators."""
    if not isinstance(asked, Mapping) or not any(str(key).startswith("$") for key in asked):
        return {"$eq": _value(asked)}
    for operator, wanted in asked.items():
        if operator not in OPERATORS:
            raise StoreError(f"there is no operator {operator!r}; {near(str(operator), OPERATORS)}")
        if operator in ("$in", "$nin") and not isinstance(wanted, list | tuple | set | frozenset):
            raise StoreError(f"{operator} wants a list, not {wanted!r}")
        if operator == "$regex":
            _check_regex(wanted)
    return {
        operator: [_value(one) for one in wanted] if operator in ("$in", "$nin") else _value(wanted)
        for operator, wanted in asked.items()
    }


def _value(wanted: Any) -> Any:
    return escape(plain(wanted))


def _check_regex(wanted: Any) -> None:
    try:
        re.compile(wanted)
    except (re.error, TypeError) as error:
        raise StoreError(f"$regex wants a regular expression, not {wanted!r}: {error}") from error


def _condition(field: str, keys: tuple[Any, ...], tests: dict[str, Any]) -> dict[str, Any]:
    """Return a condition on a path; an int in it is a key of that type or a place in a list."""
    paths = [field]
    for key in keys:
        spelled = [escape_key(key)]
        if isinstance(key, int) and not isinstance(key, bool):
            spelled.append(str(key))
        paths = [f"{path}.{one}" for path in paths for one in spelled]
    if len(paths) == 1:
        return {paths[0]: tests}
    return {"$and": [_either(paths, operator, wanted) for operator, wanted in tests.items()]}


def _either(paths: list[str], operator: str, wanted: Any) -> dict[str, Any]:
    absent = operator == "$exists" and not wanted
    nothing = operator == "$eq" and wanted is None
    how = "$and" if operator in _NEGATIVE or absent or nothing else "$or"
    return {how: [{path: {operator: wanted}} for path in paths]}
