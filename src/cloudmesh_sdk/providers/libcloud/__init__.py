"""Any compute driver of Apache Libcloud, by its name and arguments.

What libcloud cannot promise, this driver says: a list that was cut at one page is an error and not
a short list; a server that cannot carry its token (`create_node` takes neither `ex_metadata` nor
tags in `ex_create_attr`) is started at most once by one object and never again after a lost answer;
what a request asks for and `create_node` does not take is refused. Deadlines are libcloud's, there
are no retries, not even those that the environment asks libcloud for. `native` has the whole answer
under `answer` where it came through libcloud's connection; drivers that talk through another
library (libvirt, vSphere) give libcloud's fields.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import attrs
from libcloud.compute.providers import DRIVERS, get_driver

from cloudmesh_sdk.errors import (
    BackendError,
    ConfigError,
    NotFoundError,
    ThrottledError,
    UnavailableError,
    UnsupportedError,
    near,
)
from cloudmesh_sdk.models import Flavor, Health, Image, Server, ServerRequest
from cloudmesh_sdk.providers.base import Cloud
from cloudmesh_sdk.providers.libcloud import records, starting
from cloudmesh_sdk.providers.libcloud.errors import translated
from cloudmesh_sdk.providers.libcloud.settings import LibcloudSettings
from cloudmesh_sdk.providers.libcloud.wire import Wire, check_whole

__all__ = ["PAGES", "LibcloudCloud", "LibcloudSettings"]

PAGES = frozenset(
    ["azure_arm", "digitalocean", "dummy", "gce", "linode", "openstack", "scaleway", "vultr"]
)
"""Libcloud providers whose lists were seen (in libcloud 3.9's sources) to follow all pages."""

_SHORT = 4
"""Least characters of a secret that is masked in texts: masking "a" would make nonsense of them."""

T = TypeVar("T")


class LibcloudCloud(Cloud):
    """An account at a cloud that libcloud knows."""

    Settings = LibcloudSettings

    def __init__(self, name: str, settings: LibcloudSettings) -> None:
        super().__init__(name)
        self.settle = settings.settle
        self._settings = settings
        self._wire = Wire()
        self._driver: Any = None
        self._connections: list[Any] = []
        self._known: dict[str, dict[str, Any]] = {"nodes": {}, "images": {}, "sizes": {}}
        self._starts = starting.Starts()
        provider = settings.provider.lower()
        if provider not in DRIVERS:
            raise ConfigError(f"libcloud has no driver {provider!r}; {near(provider, DRIVERS)}")

    def __repr__(self) -> str:
        return f"LibcloudCloud({self.name!r}, {self._settings!r})"

    @property
    def native(self) -> Any:
        """Libcloud's driver object; it is made when first asked for."""
        if self._driver is None:
            with translated(f"{self.name} cannot be opened", secrets=self._secrets()):
                self._driver = self._open()
        return self._driver

    def check(self) -> Health:
        self._nodes()
        provider = self._settings.provider.lower()
        warnings = []
        if provider not in PAGES:
            warnings.append(f"libcloud's {provider} is not known to read all pages of a list")
        if not self.shows_tokens:
            warnings.append(f"servers of libcloud's {provider} carry no token of their start")
        return Health(service=self.name, version=f"libcloud {provider}", warnings=tuple(warnings))

    def servers(self) -> Iterator[Server]:
        return iter(self._nodes())

    def images(self) -> Iterator[Image]:
        found, seen = self._listed("images", self.native.list_images)
        return (records.image(self.name, image, seen) for image in found)

    def flavors(self) -> Iterator[Flavor]:
        found, seen = self._listed("sizes", self.native.list_sizes)
        return (records.flavor(self.name, size, seen) for size in found)

    @property
    def shows_tokens(self) -> bool:
        return starting.keeps_tokens(self.native)

    def find(self, token: str) -> Server | None:
        """Return the server that this token made, None where there is none.

        Raises `UnsupportedError` where servers carry no token and this object started none by it:
        then nobody can tell.
        """
        if known := self._starts.made.get(token):
            return next((server for server in self._nodes() if server.id == known.id), None)
        if not self.shows_tokens:
            raise UnsupportedError(f"{self.name}: its servers carry no token; look at its list")
        return super().find(token)

    def start(self, request: ServerRequest) -> Server:
        """Start a server; a token that was sent before is looked for first.

        While lists may not show what a lost answer told of, nothing is sent: `UnavailableError`
        says how long that is.
        """
        if (known := self._before(request)) is not None:
            return known
        given = starting.extras(self.native, request)
        image = self._one("images", request.image, self.images)
        size = self._one("sizes", request.flavor, self.flavors)
        create = self.native.create_node
        if "location" in starting.parameters(create) and self._settings.location:
            given["location"] = self._location(self._settings.location)
        node = self._made(
            request, lambda: create(name=request.name, size=size, image=image, **given)
        )
        self._known["nodes"][records.ident(node)] = node
        seen = records.answers(answer for _, answer in self._wire.seen)
        server = records.server(self.name, node, seen)
        made = attrs.evolve(server, token=server.token or request.token)
        self._starts.made[request.token] = made
        self._starts.clear(request.token)
        return made

    def _made(self, request: ServerRequest, create: Callable[[], Any]) -> Any:
        """Return the node that libcloud makes; an error that does not tell leaves it in doubt.

        Some drivers of libcloud go on asking after the service took the start: what is refused
        then is not the start.
        """
        self._starts.doubt(request.token)  # now, as Ctrl-C may end it
        try:
            return self._ask("start", lambda: starting.single(create()))
        except BackendError as error:
            refused = not error.transient or isinstance(error, ThrottledError)
            if refused and not self._wire.changed:
                self._starts.clear(request.token)
                raise
            self._starts.doubt(request.token)
            if not refused:
                raise
            text = f"{self.name} took the start of {request.name}, but then: {error}"
            raise UnavailableError(text, retry_after=error.retry_after) from error

    def delete(self, server: Server) -> None:
        try:
            node = self._node(server)
            self._ask("delete", lambda: self.native.destroy_node(node))
        except NotFoundError:
            pass
        finally:
            self._known["nodes"].pop(server.id, None)

    def stop(self, server: Server) -> None:
        node = self._node(server)
        self._ask("stop", lambda: starting.act(self.native, "stop_node")(node))

    def resume(self, server: Server) -> None:
        node = self._node(server)
        self._ask("resume", lambda: starting.act(self.native, "start_node")(node))

    def reboot(self, server: Server) -> None:
        node = self._node(server)
        self._ask("reboot", lambda: self.native.reboot_node(node))

    def close(self) -> None:
        for connection in self._connections:
            session = getattr(connection.connection, "session", None)
            if session is not None:
                session.close()
        self._driver, self._connections = None, []
        for things in self._known.values():
            things.clear()  # they belong to the driver that is gone

    def _open(self) -> Any:
        settings = self._settings
        given = [value for value in (settings.key, settings.secret) if value is not None]
        options = dict(settings.options)
        if settings.region:
            options.setdefault("region", settings.region)
        driver = get_driver(settings.provider.lower())(*given, *settings.args, **options)
        self._connections = self._wire.tap(driver)
        for connection in self._connections:
            connection.timeout = settings.timeout
            if settings.url:
                parts = urlsplit(settings.url)
                connection.secure = int(parts.scheme == "https")
                connection.host = parts.hostname
                connection.port = parts.port or (443 if connection.secure else 80)
                connection.request_path = parts.path
            connection.connect()
        return driver

    def _nodes(self) -> list[Server]:
        found, seen = self._listed("nodes", self.native.list_nodes)
        check_whole(self.name, self.native, self._wire.seen, len(found))
        return [records.server(self.name, node, seen) for node in found]

    def _listed(
        self, kind: str, ask: Callable[[], Iterable[Any]]
    ) -> tuple[list[Any], dict[str, dict[str, Any]]]:
        """Ask for a list and return libcloud's objects and the answers' entries by id."""
        found = self._ask(f"list {kind}", lambda: list(ask()))
        self._known[kind] = {records.ident(thing): thing for thing in found}
        return found, records.answers(answer for _, answer in self._wire.seen)

    def _ask(self, what: str, act: Callable[[], T]) -> T:
        """Do one thing through libcloud; one that sent nothing we see counts as one request."""
        self._wire.begin()
        before = self._wire.calls
        try:
            with translated(f"{self.name} cannot {what}", secrets=self._secrets()):
                return act()
        finally:
            self.calls += max(1, self._wire.calls - before)

    def _before(self, request: ServerRequest) -> Server | None:
        """Return the server that this token made already, if any; raises where nobody can tell."""
        known = self._starts.made.get(request.token)
        if known is not None or self.shows_tokens:
            found = self.find(request.token) or known
            if found is not None:
                return found
        doubted = self._starts.doubted(request.token)
        if doubted is None:
            return None
        if not self.shows_tokens:
            raise UnsupportedError(
                f"{self.name}: whether {request.name} was started cannot be told; look at its list"
            )
        if (left := self.settle - doubted) > 0:
            text = f"{self.name} may not show {request.name} yet; ask again in {left:.0f} s"
            raise UnavailableError(text, retry_after=left)
        return None

    def _node(self, server: Server) -> Any:
        return self._one("nodes", server.id, self._nodes)

    def _one(self, kind: str, number: str, fill: Callable[[], Iterable[Any]]) -> Any:
        """Return libcloud's object of an id, from the last list or a new one."""
        if number not in self._known[kind]:
            list(fill())
        if number not in self._known[kind]:
            hint = near(number, self._known[kind])
            raise NotFoundError(f"{self.name} has nothing with id {number} in {kind}; {hint}")
        return self._known[kind][number]

    def _location(self, wanted: str) -> Any:
        found = self._ask("list locations", self.native.list_locations)
        for location in found:
            if wanted in (str(location.id), location.name):
                return location
        names = [str(location.id) for location in found]
        raise NotFoundError(f"{self.name} has no location {wanted}; {near(wanted, names)}")

    def _secrets(self) -> list[str]:
        settings = self._settings
        held = _leaves([settings.key, settings.secret, settings.args, settings.options])
        return [value for value in held if isinstance(value, str) and len(value) >= _SHORT]


def _leaves(value: Any) -> Iterator[Any]:
    """Yield all values within mappings and lists."""
    if isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(item)
    else:
        yield value
