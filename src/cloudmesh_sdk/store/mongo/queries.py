"""A `Query` in MongoDB's words: a filter on rows, one on native data, an order."""

from typing import Any

import attrs

from cloudmesh_sdk.models import Record
from cloudmesh_sdk.store.base import Query
from cloudmesh_sdk.store.matching import conditions, order
from cloudmesh_sdk.store.mongo.escape import escape, escape_key
from cloudmesh_sdk.store.mongo.rows import prefix, within
from cloudmesh_sdk.store.values import plain

_DERIVED = ("seen", "stale")
"""Fields that the reader works out: no row can be asked for them."""

_OPPOSITE = {"$ne": "$eq", "$nin": "$in"}


@attrs.frozen(kw_only=True)
class Filters:
    """What to ask of the collections of one kind."""

    rows: dict[str, Any]
    native: dict[str, Any] | None
    """Filter on native data; None where nothing is asked of it."""
    order: list[tuple[str, int]]
    """Empty where the reader sorts."""
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
    for one in conditions(record, query):
        asked = {operator: escape(wanted) for operator, wanted in one.tests.items()}
        if one.keys[0] == "native":
            native.append(_condition("n", one.keys[1:], asked))
        elif one.keys[0] in _DERIVED:
            again = True
        else:
            rows.append(_condition(str(one.keys[0]), one.keys[1:], asked))
    by: dict[str, int] = {}
    for sorting in order(record, query):
        again = again or _is_sorted_here(record, sorting.keys)
        by.setdefault(str(sorting.keys[0]), -1 if sorting.falls else 1)
    for name in ("cloud", "id"):
        by.setdefault(name, 1)
    everything = within(start)
    return Filters(
        rows={**everything, **({"$and": rows} if rows else {})},
        native={**everything, "$and": native} if native else None,
        order=[] if again else [*by.items()],
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


def _is_sorted_here(record: type[Record], keys: tuple[Any, ...]) -> bool:
    """Tell whether the server's order is not ours: by what is no plain field of a row."""
    field = attrs.fields_dict(record)[str(keys[0])]
    plain_field = field.default in (None, attrs.NOTHING, 0, "")
    return len(keys) > 1 or field.name in (*_DERIVED, "native") or not plain_field


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
    """Return a condition on what stands at any of several paths."""
    if operator in _OPPOSITE:
        return {"$nor": [_either(paths, _OPPOSITE[operator], wanted)]}
    if operator == "$in" and None in wanted:
        # what is at none of the paths is null at each: it takes all of them to be nothing
        rest = [one for one in wanted if one is not None]
        return {"$or": [_either(paths, "$eq", None), _either(paths, "$in", rest)]}
    if operator == "$eq" and wanted is None:
        null = [{path: {"$eq": None, "$exists": True}} for path in paths]
        return {"$or": [*null, {"$and": [{path: None} for path in paths]}]}
    how = "$and" if operator == "$exists" and not wanted else "$or"
    return {how: [{path: {operator: wanted}} for path in paths]}
