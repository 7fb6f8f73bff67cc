"""Where the services of one account are: the catalog of its token, read by region and interface."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import attrs

from cloudmesh_sdk.errors import ConfigError, UnsupportedError, near

TYPES: Mapping[str, tuple[str, ...]] = {
    "volume": ("block-storage", "volumev3", "block-store", "volume"),
}
"""Catalog types of a service, best first, where they are not its name
(https://service-types.openstack.org)."""

_VERSIONS: Mapping[str, str] = {
    "compute": "v2.1", "image": "v2", "network": "v2.0", "identity": "v3", "volume": "v3",
}  # fmt: skip
"""Versions of the APIs that we speak, where the catalog names none or an older one."""

_OLDER: Mapping[str, tuple[str, ...]] = {
    "compute": ("v2", "v1.1"), "identity": ("v2.0",), "image": ("v1",), "volume": ("v2", "v1"),
}  # fmt: skip

_VERSION = re.compile(r"^v\d+(\.\d+)?$")


@attrs.frozen
class Place:
    """Where a service answers."""

    root: str
    """URL without version and project, with no slash at the end."""
    version: str
    """`v2.1`; empty for a service without versions in its URLs."""
    rest: str
    """What follows the version, as the id of the project."""

    @property
    def url(self) -> str:
        """Where the things of this account are."""
        return "/".join(part for part in (self.root, self.version, self.rest) if part)

    def at(self, path: str) -> str:
        """Return the URL of a path below, which may begin with the version itself."""
        path = path.lstrip("/")
        if self.version and path.split("/", 1)[0] == self.version:
            return f"{self.root}/{path}"
        return f"{self.url}/{path}"


def place(service: str, url: str, project: str | None = None) -> Place:
    """Return where a service is whose URL in the catalog, or in the settings, is this."""
    parts = urlsplit(url)
    words = [word for word in parts.path.split("/") if word]
    where = next((i for i, word in enumerate(words) if _VERSION.match(word)), len(words))
    version = "".join(words[where : where + 1])
    rest = words[where + 1 :]
    if not version or version in _OLDER.get(service, ()):
        if not version and service == "volume" and project:
            rest = [project]  # Cinder before 3.67 wants it
        version = _VERSIONS.get(service, version)
    root = urlunsplit((parts.scheme, parts.netloc, "/".join(["", *words[:where]]), "", ""))
    return Place(root.rstrip("/"), version, "/".join(rest))


class Directory:
    """The services in one catalog."""

    def __init__(
        self, cloud: str, catalog: Iterable[Mapping[str, Any]], *, interface: str,
        region: str | None, project: str | None,
    ) -> None:  # fmt: skip
        self._cloud = cloud
        self._project = project
        self._interface = interface.removesuffix("URL")
        self._entries = [
            (str(entry.get("type")), one)
            for entry in catalog
            for one in entry.get("endpoints") or ()
            if one.get("interface") == self._interface
        ]
        self.region = region or self._first()
        self._there = {
            kind: str(one["url"])
            for kind, one in reversed(self._entries)
            if self.region is None or self.region in _regions(one)
        }

    def _first(self) -> str | None:
        """Return the region of the first Nova, else of the first service."""
        by_compute = sorted(self._entries, key=lambda entry: entry[0] != "compute")
        return next((r for _, one in by_compute for r in _regions(one)), None)

    def has(self, service: str) -> bool:
        """Tell whether a service is there."""
        return any(kind in self._there for kind in TYPES.get(service, (service,)))

    def place(self, service: str) -> Place:
        """Return where a service is.

        Raises `UnsupportedError` naming what there is, `ConfigError` where the region is none.
        """
        for kind in TYPES.get(service, (service,)):
            if kind in self._there:
                return place(service, self._there[kind], self._project)
        if self._there or not self._entries:
            known = ", ".join(sorted(self._there)) or "nothing"
            text = f"{self._cloud} has no service {service!r}; its catalog names {known}"
            raise UnsupportedError(text)
        regions = {region for _, one in self._entries for region in _regions(one)}
        hint = near(str(self.region), regions, what="there")
        raise ConfigError(f"{self._cloud} has no region {self.region!r}; {hint}")

    def origins(self) -> set[tuple[str, str]]:
        """Return scheme and host of all services, whatever the region."""
        return {urlsplit(str(one.get("url")))[:2] for _, one in self._entries}


def _regions(one: Mapping[str, Any]) -> list[str]:
    return [str(one[key]) for key in ("region_id", "region") if one.get(key)]
