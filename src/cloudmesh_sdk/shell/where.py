"""What `--where` and `--columns` mean: paths, operators, typed values."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs
import click

from cloudmesh_sdk.errors import near

Where = Mapping[str, Any]
"""Path → value, or path → `{operator: value}`, as the mesh takes it."""

_ASKED = re.compile(r"\s*(?P<path>[^=!<>~\s]+)\s*(?P<sign>!=|>=|<=|=|>|<|~)\s*(?P<value>.*)", re.S)
_SIGNS: Mapping[str, str] = {
    "=": "$eq", "!=": "$ne", ">": "$gt", ">=": "$gte", "<": "$lt", "<=": "$lte", "~": "$regex",
}  # fmt: skip
_BOTH: Mapping[str, str] = {"=": "$in", "!=": "$nin"}
_WORDS: Mapping[str, object] = {"true": True, "false": False, "null": None, "none": None}
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?Z?")
_TIMES = (
    "seen", "stale", "missing", "created", "sent", "finished", "at", "lease",
    "submitted", "started", "ended", "last",
)  # fmt: skip


def parse(texts: Iterable[str], kind: type | None = None) -> Where:
    """Return the conditions of several `PATH OP VALUE`, all of which must hold.

    Numbers, true, false, null and (for times) dates are typed, but for fields of the record class
    that hold text; quotes make a text of anything. Raises `click.UsageError`.
    """
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        match = _ASKED.fullmatch(text)
        if match is None:
            raise click.UsageError(f"{text!r} is not PATH OP VALUE (= != > >= < <= ~)")
        path, sign, asked = match["path"], match["sign"], match["value"].strip()
        operator, value = _SIGNS[sign], _value(asked, path, sign, kind)
        if path.startswith("native.") and sign in _BOTH and value != asked.strip("\"'"):
            # clouds write numbers and truth as words too: "1" and 1 are both meant
            operator, value = _BOTH[sign], [value, asked]
        if operator in found.setdefault(path, {}):
            raise click.UsageError(f"{path}{sign} stands there twice")
        found[path][operator] = value
    return {
        path: asked.get("$eq") if [*asked] == ["$eq"] else asked for path, asked in found.items()
    }


def _value(text: str, path: str, sign: str, kind: type | None) -> Any:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if text.lower() in _WORDS and sign in _BOTH:
        return _WORDS[text.lower()]
    if sign == "~" or _is_text(path, kind):
        return text
    if _NUMBER.fullmatch(text):
        return float(text) if set(text) & set(".eE") else int(text)
    if path in _TIMES and _DATE.fullmatch(text):
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    return text


def _is_text(path: str, kind: type | None) -> bool:
    """Tell whether a field of a record class holds text and nothing else."""
    if kind is None or not attrs.has(kind):
        return False
    field = attrs.fields_dict(kind).get(path)
    return field is not None and field.type in (str, str | None)


def shown(kind: type) -> list[str]:
    """Return the fields of a record that are shown."""
    return [field.name for field in attrs.fields(kind) if not field.metadata.get("hidden")]


def check_fields(names: Iterable[str], kind: Any, *, what: str) -> None:
    """Raise `click.UsageError` with near names where a path begins with no field of a class."""
    known = list(dict.fromkeys([*shown(kind), *kind.columns]))
    for name in names:
        first = name.removeprefix("-").partition(".")[0]
        if first not in known:
            raise click.UsageError(f"{what}: no field {first!r}; {near(first, known)}")


def look(value: Any, path: str) -> Any:
    """Return what stands at a path of a record or of plain data; None where nothing does."""
    for key in path.replace("\\.", "\0").split("."):
        name = key.replace("\0", ".")
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list | tuple):
            value = value[int(name)] if name.isdigit() and int(name) < len(value) else None
        else:
            value = getattr(value, name, None)
    return value


def holds(record: object, where: Where) -> bool:
    """Tell whether a record that no store keeps fulfils all conditions."""
    return all(
        _HOLDS[operator](look(record, path), wanted)
        for path, asked in where.items()
        for operator, wanted in (asked if isinstance(asked, Mapping) else {"$eq": asked}).items()
    )


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(found: Any, wanted: Any) -> bool:
        try:
            return test(found, wanted)
        except TypeError:  # of different kinds: neither is more
            return False

    return compare


_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda found, wanted: found == wanted,
    "$ne": lambda found, wanted: found != wanted,
    "$in": lambda found, wanted: found in wanted,
    "$nin": lambda found, wanted: found not in wanted,
    "$gt": _ordered(lambda found, wanted: bool(found > wanted)),
    "$gte": _ordered(lambda found, wanted: bool(found >= wanted)),
    "$lt": _ordered(lambda found, wanted: bool(found < wanted)),
    "$lte": _ordered(lambda found, wanted: bool(found <= wanted)),
    "$regex": lambda found, wanted: isinstance(found, str) and re.search(wanted, found) is not None,
}
