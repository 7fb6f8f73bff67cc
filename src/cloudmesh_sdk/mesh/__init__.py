"""The facade: one user's view of all clouds of one configuration."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError, near
from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.viewing import Viewing, kind_of
from cloudmesh_sdk.models import (
    Flavor,
    Health,
    Image,
    Keypair,
    Operation,
    OperationState,
    Record,
    Server,
    ServerState,
)
from cloudmesh_sdk.store.base import Event, Store, User

if TYPE_CHECKING:
    from cloudmesh_sdk.fanout import Answer
    from cloudmesh_sdk.mesh.defaults import Default, Defaults
    from cloudmesh_sdk.mesh.keys import Key, Keys as _Keys
    from cloudmesh_sdk.mesh.refreshing import Refreshed
    from cloudmesh_sdk.mesh.registry import Clouds
    from cloudmesh_sdk.mesh.starting import Acting

R = TypeVar("R", bound=Record)
Which = str | Server | Iterable[str | Server]
"""Servers as users name them: a record, a name, an id, a hostlist, or several of these."""

Told = Callable[[Operation], None]
_OPEN = (OperationState.PENDING, OperationState.RUNNING, OperationState.UNKNOWN)
_UNSET: Any = object()


class Mesh:
    """All clouds of one configuration, as one user sees them.

    Lists come from the store at once and say in `sources` how fresh each cloud's part is. Acts are
    journalled before they go out. Use it as a context manager, or `close` it.
    """

    def __init__(self, config: Config, store: Store, *, user: str | None = None) -> None:
        self.config = config
        self.store = store
        self.user = user or config.username()

    @classmethod
    def open(
        cls, store: str = "mongo", *, config: str | Config | None = None, user: str | None = None
    ) -> Self:
        """Open a store by name and return a mesh on it, with what a crash left behind cleared.

        Raises `ConfigError`, `PluginError`, `StoreError`.
        """
        from cloudmesh_sdk.mesh.stores import open_store

        settings = config if isinstance(config, Config) else Config.load(config)
        mesh = cls(settings, open_store(store, settings), user=user)
        with ExitStack() as stack:
            stack.enter_context(mesh)
            mesh.reconcile(patient=True)
            stack.pop_all()
        return mesh

    # The clouds

    @cached_property
    def clouds(self) -> "Clouds":
        """Drivers by name of cloud; each is imported and opened when first asked for."""
        from cloudmesh_sdk.mesh.registry import Clouds

        return Clouds(self.config.clouds)

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the clouds that are on: lists, refreshes and starts use these."""
        return self._defaults.active()

    def switch(self, cloud: str, on: bool) -> None:
        """Switch a cloud on or off for this user; its records stay in the view."""
        self.default("active", on, cloud=cloud)

    def activate(self, username: str) -> Gathered[Server]:
        """Act as this user from now on and return the user's servers, asked for now.

        A cloud that does not answer hides no other: see `errors` of what is returned.
        """
        self.user = username
        for name in ("_acting", "_defaults", "_keys", "_view"):
            self.__dict__.pop(name, None)
        email = self.config.profile.email if username == self.config.username() else ""
        self.store.settings.remember(User(username=username, email=email, active=datetime.now(UTC)))
        self.reconcile(patient=True)
        self.refresh(kinds=["servers"])
        return self.servers()

    def check(self, names: str | Iterable[str] | None = None) -> Gathered[Health]:
        """Ask clouds (the active ones) who we are there: credentials, version, clock."""
        from cloudmesh_sdk.mesh.refreshing import check

        return check(self.clouds, self._names(names))

    def refresh(
        self,
        names: str | Iterable[str] | None = None,
        kinds: str | Iterable[str] | None = None,
        *,
        told: "Callable[[Answer[Any]], None] | None" = None,
        deadline: float | None = None,
    ) -> "Gathered[Refreshed]":
        """Ask clouds (the active ones) for kinds of records (servers, images, flavors, keypairs).

        All clouds are asked at once; `told` hears each as it answers. What a cloud does not answer
        within `deadline` seconds stays as it was last seen.
        """
        from cloudmesh_sdk.mesh.refreshing import DEADLINE, LISTS, refresh

        asked = list(LISTS) if kinds is None else [kinds] if isinstance(kinds, str) else list(kinds)
        return refresh(
            self.store,
            self.user,
            self.clouds,
            self._names(names),
            [kind_of(kind).kind for kind in asked],
            told=told,
            deadline=deadline or DEADLINE,
            hooks=lambda: self._acting.hooks,
        )

    # The view

    def servers(
        self,
        cloud: str | Iterable[str] | None = None,
        *,
        state: str | Iterable[str] | None = None,
        name: str | Iterable[str] | None = None,
        where: Mapping[Any, Any] | None = None,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        missing: bool = False,
    ) -> Gathered[Server]:
        """Return servers as last seen; clouds that were never asked are asked now.

        `name` takes hostlists (`web-[001-020]`). `where` maps paths to values, native data too:
        `{"native.placement.availabilityZone": "us-east-1a", "created": {"$gt": …}}`. `sort` names
        fields, `-` before one that falls. `missing` adds those that their cloud lists no more.
        """
        return self._view.rows(
            Server, self._names(cloud), state=state, name=name, where=where, sort=sort,
            limit=limit, missing=missing,
        )  # fmt: skip

    def images(self, cloud: str | Iterable[str] | None = None, **query: Any) -> Gathered[Image]:
        """Return images; `name`, `where`, `sort`, `limit` and `missing` as for `servers`."""
        return self._view.rows(Image, self._names(cloud), **query)

    def flavors(self, cloud: str | Iterable[str] | None = None, **query: Any) -> Gathered[Flavor]:
        """Return flavors; `name`, `where`, `sort`, `limit` and `missing` as for `servers`."""
        return self._view.rows(Flavor, self._names(cloud), **query)

    def keypairs(self, cloud: str | Iterable[str] | None = None, **query: Any) -> Gathered[Keypair]:
        """Return keypairs; `name`, `where`, `sort`, `limit` and `missing` as for `servers`."""
        return self._view.rows(Keypair, self._names(cloud), **query)

    def server(self, cloud: str | None, name_or_id: str) -> Server:
        """Return one server with its native data; raises `NotFoundError` with near names."""
        return self._view.one(Server, self._names(cloud), name_or_id)

    def image(self, cloud: str | None, name_or_id: str) -> Image:
        """Return one image with its native data; raises `NotFoundError` with near names."""
        return self._view.one(Image, self._names(cloud), name_or_id)

    def flavor(self, cloud: str | None, name_or_id: str) -> Flavor:
        """Return one flavor with its native data; raises `NotFoundError` with near names."""
        return self._view.one(Flavor, self._names(cloud), name_or_id)

    def keypair(self, cloud: str | None, name: str) -> Keypair:
        """Return one keypair with its native data; raises `NotFoundError` with near names."""
        return self._view.one(Keypair, self._names(cloud), name)

    def history(self, server: Server) -> list[Event]:
        """Return what happened to a server as seen from here, oldest first."""
        from cloudmesh_sdk.mesh.past import history

        return history(self.store, self.user, server)

    # Defaults and keys

    def default(self, key: str, value: Any = _UNSET, *, cloud: str | None = None) -> "Default":
        """Return a default and where it comes from; with a value, set it first.

        Keys are `cloud`, `image`, `flavor`, `key`, `prefix`, `security_groups`, `networks`,
        `ssh_user`, `format`, `active`. Without `cloud` it holds for all clouds.
        """
        if cloud is not None:
            self._names(cloud)
        if key == "cloud" and value not in (_UNSET, None):
            self._names(value)
        if value is not _UNSET:
            self._defaults.set(key, value, cloud or "")
        found = self._defaults.get(key, cloud or "")
        if found.value is not None or key not in ("cloud", "image", "flavor"):
            return found
        return self._acting.suggested(found)

    def unset(self, key: str, *, cloud: str | None = None) -> "Default":
        """Forget a default that was set and return what holds then."""
        return self.default(key, None, cloud=cloud)

    def defaults(self, cloud: str | None = None) -> "list[Default]":
        """Return all defaults that something sets, for the user and each cloud (or one)."""
        return self._defaults.all(self._names(cloud) if cloud else list(self.config.clouds))

    def keys(self) -> "list[Key]":
        """Return the user's own public keys and the clouds that have them."""
        return self._acting.keypairs.all()

    def add_key(self, name: str, public_key: str) -> "Key":
        """Keep a public key: its text, or the path of its file. The first becomes the default."""
        self._keys.add(name, public_key)
        if self.default("key").value is None:
            self.default("key", name)
        return next(key for key in self.keys() if key.name == name)

    def delete_key(self, name: str, *, cloud: str | None = None) -> None:
        """Forget a key here, or at a cloud where one is named."""
        if cloud is not None:
            self._acting.keypairs.forget(self._names(cloud)[0], name)
            return
        self._keys.delete(name)
        if self.default("key").value == name:
            self.unset("key")

    def upload_key(
        self, name: str | None = None, *, cloud: str | Iterable[str] | None = None
    ) -> Gathered[Keypair]:
        """Put a key (the default one) on clouds (the active ones that keep keypairs)."""
        return self._acting.keypairs.upload(name, self._names(cloud))

    # Acts

    def start(
        self,
        *,
        count: int | None = None,
        cloud: str | None = None,
        image: str | Image | None = None,
        flavor: str | Flavor | None = None,
        key: str | None = None,
        name: str | Iterable[str] | None = None,
        security_groups: Sequence[str] | None = None,
        networks: Sequence[str] | None = None,
        user_data: str | None = None,
        tags: Mapping[str, str] | None = None,
        told: Told | None = None,
    ) -> Gathered[Server]:
        """Start servers and return them, not waiting until they run.

        What is left out comes from the defaults (`default` tells which and why); names are the
        next of `prefix-0001`, or what `name` gives (hostlists too). Where one server was asked for
        its error is raised; of several, `errors` names those that did not start.
        """
        return self._acting.start(
            count=count, cloud=cloud, image=image, flavor=flavor, key=key, name=name,
            security_groups=security_groups, networks=networks, user_data=user_data,
            tags=tags or {}, told=told,
        )  # fmt: skip

    def stop(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Shut servers down, keeping their disks. Errors as for `start`."""
        return self._acting.act("stop", servers, self._names(cloud), told)

    def resume(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Start stopped servers again. Errors as for `start`."""
        return self._acting.act("resume", servers, self._names(cloud), told)

    def reboot(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Restart servers. Errors as for `start`."""
        return self._acting.act("reboot", servers, self._names(cloud), told)

    def delete(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Delete servers; those that are gone already are no error. Errors as for `start`."""
        return self._acting.act("delete", servers, self._names(cloud), told)

    def wait(
        self,
        servers: Which,
        state: str = ServerState.RUNNING,
        *,
        cloud: str | None = None,
        timeout: float = 600.0,
        told: Callable[[Server], None] | None = None,
    ) -> Gathered[Server]:
        """Wait until servers have a state and return them; `timeout` is in seconds.

        `errors` names those that never will (they failed, or are gone) or did not in time.
        """
        return self._acting.wait(servers, self._names(cloud), state, timeout, told)

    # Operations

    def operations(
        self,
        *,
        state: str | Iterable[str] | None = None,
        cloud: str | None = None,
        target: str | None = None,
        limit: int | None = 100,
    ) -> list[Operation]:
        """Return what was asked for, newest first."""
        from cloudmesh_sdk.mesh.past import operations

        return operations(
            self.store.journal, self.user, state=state, cloud=cloud, target=target, limit=limit
        )

    def operation(self, id: str) -> Operation:  # noqa: A002
        """Return one operation by its id, or by the beginning of it."""
        from cloudmesh_sdk.mesh.past import operation

        return operation(self.store.journal, self.user, id)

    def reconcile(self, *, patient: bool = False) -> list[Operation]:
        """Find out what became of operations whose process died; return those that were open.

        A patient call leaves clouds alone that did not answer half a minute ago.
        """
        open_ones = self.store.journal.find(owner=self.user, states=_OPEN)
        return self._acting.reconcile(open_ones, patient=patient) if open_ones else []

    def close(self) -> None:
        """Give back connections; an embedded store stops when its last user has left."""
        with ExitStack() as stack:
            stack.callback(self.store.close)
            if "clouds" in self.__dict__:
                stack.callback(self.clouds.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Mesh({', '.join(self.config.clouds)}; {self.user}; {self.store.where})"

    # Parts, made when first needed: listing must not import what only acting needs

    @cached_property
    def _view(self) -> Viewing:
        return Viewing(self.store, self.user, lambda names, kind: self.refresh(names, [kind]))

    @cached_property
    def _defaults(self) -> "Defaults":
        from cloudmesh_sdk.mesh.defaults import Defaults

        return Defaults(self.config, self.store.settings, self.user)

    @cached_property
    def _keys(self) -> "_Keys":
        from cloudmesh_sdk.mesh.keys import Keys

        return Keys(self.store.settings, self.user)

    @cached_property
    def _acting(self) -> "Acting":
        from cloudmesh_sdk.mesh.starting import Acting

        return Acting(self)

    def _names(self, names: str | Iterable[str] | None) -> list[str]:
        """Return names of clouds (the active ones for None); raises `ConfigError`."""
        if names is None:
            return list(self.active)
        asked = list(dict.fromkeys([names] if isinstance(names, str) else names))
        for name in asked:
            if name not in self.config.clouds:
                hint = near(name, self.config.clouds, what="configured")
                raise ConfigError(f"there is no cloud {name!r}; {hint}")
        return asked
