"""What every part of cloudmesh.yaml is held to; each mistake is a `ConfigError` with its place."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from cloudmesh_sdk.document import Place, kind_of
from cloudmesh_sdk.errors import near

LISTS = ("security_groups", "networks")
"""Defaults that are lists of names."""

_SECRET = re.compile(r"password|passphrase|secret|token|api_?key", re.IGNORECASE)


def section(data: Mapping[str, Any], name: str, place: Place, *above: str) -> dict[str, Any]:
    """Return a mapping below a key; empty where it is left out."""
    found = data.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        place.wrong(f"a mapping was wanted, found {kind_of(found)}", *above, name)
    return found


def defaults(
    data: Mapping[str, Any], names: Collection[str], place: Place, *above: str
) -> dict[str, Any]:
    """Return the defaults below `defaults`, which may have these names."""
    found = section(data, "defaults", place, *above)
    known(found, names, place, *above, "defaults")
    return {
        name: named(value, name in LISTS, place, *above, "defaults", name)
        for name, value in found.items()
        if value is not None
    }


def named(value: Any, several: bool, place: Place, *key: str) -> Any:
    """Return a default as a text, or a list of texts; flavors and images may be numbers."""
    if several and isinstance(value, list):
        return [named(item, False, place, *key) for item in value]
    if isinstance(value, bool) or not isinstance(value, str | int):
        place.wrong(f"a text was wanted, found {kind_of(value)}; put quotes around it", *key)
    return str(value)


def texts(value: Any, place: Place, *key: str) -> tuple[str, ...]:
    """Return a text, or a list of texts, as several."""
    items = value if isinstance(value, list) else [value]
    return tuple(named(item, False, place, *key) for item in items)


def known(data: Mapping[str, Any], names: Collection[str], place: Place, *key: str) -> None:
    """Refuse keys that have no meaning."""
    for name in data:
        if name not in names:
            place.wrong(f"no such key; {near(name, names)}", *key, name)


def flag(data: Mapping[str, Any], name: str, place: Place, *above: str) -> bool:
    """Return what is true or false below a key; true where it is left out."""
    value = data.get(name, True)
    if not isinstance(value, bool):
        place.wrong(f"true or false was wanted, found {kind_of(value)}", *above, name)
    return value


def seconds(data: Mapping[str, Any], name: str, place: Place, *above: str, default: float) -> float:
    """Return a number of seconds below a key."""
    value = data.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        place.wrong(f"a number of seconds was wanted, found {value!r}", *above, name)
    return float(value)


def is_secret(option: str) -> bool:
    """Tell by its name whether an option holds a secret."""
    return _SECRET.search(option) is not None
