"""How often the view is kept fresh, in cloudmesh.yaml; each mistake is a `ConfigError`."""

from collections.abc import Mapping
from typing import Any

from cloudmesh_sdk.config import checks
from cloudmesh_sdk.document import Place

INTERVALS: Mapping[str, float] = {
    "servers": 60.0,
    "floating_ips": 300.0, "volumes": 300.0, "keypairs": 300.0, "security_groups": 300.0,
    "networks": 3600.0, "flavors": 3600.0, "images": 3600.0,
}  # fmt: skip
"""Seconds between two refreshes of a kind, where nothing else is said."""


def intervals(data: Mapping[str, Any], place: Place, *above: str) -> dict[str, float]:
    """Return the seconds by kind that stand below `refresh`; 0 means never."""
    found = checks.section(data, "refresh", place, *above)
    checks.known(found, INTERVALS, place, *above, "refresh")
    for kind, value in found.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value < float("inf"):
            text = f"seconds between two refreshes (0: never) were wanted, found {value!r}"
            place.wrong(text, *above, "refresh", kind)
    return {kind: float(value) for kind, value in found.items()}
