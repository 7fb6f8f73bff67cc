"""Entries of services in cloudmesh.yaml: their driver, its options, and what we say beside them."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import attrs

from cloudmesh_sdk.config import checks
from cloudmesh_sdk.config.intervals import intervals
from cloudmesh_sdk.config.limits import limits
from cloudmesh_sdk.document import Place, kind_of
from cloudmesh_sdk.limits import Limits
from cloudmesh_sdk.sources import check, expand

OURS = ("driver", "from", "active", "defaults", "limits")
"""What of an entry is not the driver's."""

CLOUD_DEFAULTS = (
    "image", "flavor", "key", "prefix", *checks.LISTS, "zone", "ssh_user", "format",
)  # fmt: skip
"""What the `defaults` of a cloud may name."""


@attrs.frozen(kw_only=True)
class Entry:
    """One service of the file: its driver, and the options that stand there."""

    section: ClassVar[str] = ""
    """Key of the file under which such entries stand."""

    name: str
    driver: str
    options: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """As in the file; `resolved` adds what `source` names."""
    source: str | None = None
    """An account that stands elsewhere, as `from:` names it: `clouds.yaml:NAME` …"""
    active: bool = True
    defaults: Mapping[str, Any] = attrs.field(factory=dict)
    limits: Limits = attrs.field(factory=Limits)
    """What operations there are held to."""
    where: Place = attrs.field(factory=Place, repr=False)

    def resolved(self) -> dict[str, Any]:
        """Return the options for the driver: those that `source` names, ours laid over them.

        Read now, so that an account that is gone is a matter of this service alone; raises
        `ConfigError` where it cannot be read.
        """
        if self.source is None:
            return dict(self.options)
        base = expand(self.source, where=self.where.at(self.section, self.name, "from"))
        return {**base, **self.options}


@attrs.frozen(kw_only=True)
class CloudConfig(Entry):
    """One cloud of the file."""

    section: ClassVar[str] = "clouds"

    refresh: Mapping[str, float] = attrs.field(factory=dict)
    """Seconds between two background refreshes of a kind, where the entry says so."""


def cloud(name: str, entry: Any, place: Place) -> CloudConfig:
    """Return the entry of a cloud; raises `ConfigError`."""
    ours = (*OURS, "refresh")
    common = fields(CloudConfig.section, name, entry, place, ours=ours, defaults=CLOUD_DEFAULTS)
    return CloudConfig(**common, refresh=intervals(entry, place, CloudConfig.section, name))


def fields(
    section: str,
    name: str,
    entry: Any,
    place: Place,
    *,
    ours: Collection[str],
    defaults: Collection[str],
) -> dict[str, Any]:
    """Return what every entry has; keys that are not `ours` are options of the driver."""
    key = (section, name)
    if not isinstance(entry, dict):
        place.wrong(f"a mapping with a driver was wanted, found {kind_of(entry)}", *key)
    driver = entry.get("driver")
    if not isinstance(driver, str):
        place.wrong("the name of a driver is missing (driver: …)", *key)
    source = entry.get("from")
    if source is not None:
        check(source, where=place.at(*key, "from"))
    return {
        "name": name,
        "driver": driver,
        "options": {option: value for option, value in entry.items() if option not in ours},
        "source": source,
        "active": checks.flag(entry, "active", place, *key),
        "defaults": checks.defaults(entry, defaults, place, *key),
        "limits": limits(entry, place, *key),
        "where": place,
    }
