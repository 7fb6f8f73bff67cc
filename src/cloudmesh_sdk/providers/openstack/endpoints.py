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
        if self.version and _VERSION.match(path.split("/", 1)[0]):
            return f"{self.root}/{path}"
        return f"{self.url}/{path}"


def place(service: str, url: str, project: str | None = None) -> Place:
    """Return where a service is whose URL in the catalog, or in the settings, is this.

    `%(project_id)s` in it, as old catalogs have it, stands for the project.
    """
    for form in ("%(project_id)s", "$(project_id)s", "%(tenant_id)s", "$(tenant_id)s"):
        url = url.replace(form, project or "")
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
        self._roots = [
            (str(entry.get("type")), place(str(entry.get("type")), str(one.get("url"))).root)
            for entry in catalog
            for one in entry.get("endpoints") or ()
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
        if not self._entries:
            text = f"{self._cloud}: the catalog has no {self._interface} endpoints"
            raise UnsupportedError(f"{text}; name a project to sign in for, or another interface")
        if self._there:
            known = ", ".join(sorted(self._there))
            text = f"{self._cloud} has no service {service!r}; its catalog names {known}"
            raise UnsupportedError(text)
        regions = {region for _, one in self._entries for region in _regions(one)}
        hint = near(str(self.region), regions, what="there")
        raise ConfigError(f"{self._cloud} has no region {self.region!r}; {hint}")

    def service_of(self, url: str) -> str | None:
        """Return the service that answers at a URL, whatever region; None where none does."""
        fits = [(len(root), kind) for kind, root in self._roots if within(url, root)]
        kind = max(fits)[1] if fits else None
        return next((name for name, kinds in TYPES.items() if kind in kinds), kind)


def within(url: str, root: str) -> bool:
    """Tell whether a URL is at a place or below it: same scheme, host and port."""
    there, here = urlsplit(root), urlsplit(url)
    path = there.path.rstrip("/")
    return there[:2] == here[:2] and (here.path == path or here.path.startswith(f"{path}/"))


def _regions(one: Mapping[str, Any]) -> list[str]:
    return [str(one[key]) for key in ("region_id", "region") if one.get(key)]


def following(answer: Mapping[str, Any], collection: str, here: Place) -> str | None:
    """Return the path of the page after this one, None after the last.

    Nova, Neutron and Cinder link it in `<collection>_links`, Nova's actions in `links`, Glance in
    `next`. The link's host is not followed: services behind proxies name themselves as they see it.
    """
    links = answer.get(f"{collection}_links") or answer.get("links") or ()
    link = next((one.get("href") for one in links if one.get("rel") == "next"), None)
    link = link or answer.get("next")
    if not link:
        return None
    there = urlsplit(str(link))
    words = [word for word in there.path.split("/") if word]
    where = next((i for i, word in enumerate(words) if _VERSION.match(word)), None)
    rest = "/".join(words if where is None else words[where + 1 :])
    rest = rest.removeprefix(here.rest).lstrip("/") if here.rest else rest
    return f"/{rest}?{there.query}"
