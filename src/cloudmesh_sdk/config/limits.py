"""The limits of a service in cloudmesh.yaml; each mistake is a `ConfigError` with its place."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from cloudmesh_sdk.config import checks
from cloudmesh_sdk.document import Place
from cloudmesh_sdk.limits import Limits


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _positive(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < value < float("inf")


_WANTED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "parallel": (_whole, "a number of operations, 1 or more,"),
    "rate": (_positive, "a number of operations a second, more than 0,"),
    "attempts": (_whole, "a number of attempts, 1 or more,"),
    "deadline": (_positive, "a number of seconds, more than 0,"),
}
"""What each limit must be, and how that is said."""


def limits(entry: Mapping[str, Any], place: Place, *above: str) -> Limits:
    """Return the limits of an entry, the usual ones where it names none."""
    found = checks.section(entry, "limits", place, *above)
    checks.known(found, _WANTED, place, *above, "limits")
    given = {name: value for name, value in found.items() if value is not None}
    for name, value in given.items():
        fits, wanted = _WANTED[name]
        if not fits(value):
            place.wrong(f"{wanted} was wanted, found {value!r}", *above, "limits", name)
    return attrs.evolve(Limits(), **given)
