"""What a mesh does beyond looking: defaults filled in, keys brought along, operations run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from cloudmesh_sdk import hooks, operations
from cloudmesh_sdk.errors import (
    ConfigError,
    InvalidRequestError,
    NotFoundError,
    near,
)
from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.acting import Acts, Told
from cloudmesh_sdk.mesh.defaults import (
    Default,
    suggest_flavor,
    suggest_image,
)
from cloudmesh_sdk.mesh.keypairs import Keypairs
from cloudmesh_sdk.mesh.names import hostlists, only, several, states
from cloudmesh_sdk.mesh.naming import new_names
from cloudmesh_sdk.mesh.viewing import lack, raise_alone
from cloudmesh_sdk.mesh.waiting import wait
from cloudmesh_sdk.models import Flavor, Image, Operation, Server, ServerState

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh


class Acting:
    """The acts of one mesh."""

    def __init__(self, mesh: "Mesh") -> None:
        self._mesh = mesh
        self._acts = Acts(mesh.store, mesh.user, mesh.clouds)
        self.keypairs = Keypairs(mesh, self._acts)

    @property
    def hooks(self) -> Any:
        """The hook callers of all installed plug-ins."""
        return self._acts.hooks

    # Defaults

    def default(self, key: str, cloud: str | None) -> Default:
        """Return a default: what is set, else what fits best of what is there."""
        return self._mesh.default(key, cloud=cloud)

    def suggested(self, unset: Default) -> Default:
        """Return what fits best of what is there for a default that nothing sets."""
        suggest = _SUGGEST.get(unset.key)
        return (suggest and suggest(self, unset.cloud or None)) or unset

    def _suggest_cloud(self, _: str | None) -> Default | None:
        candidates = list(self._mesh.active)
        if not candidates:
            return None
        chosen = self.hooks.choose_cloud(candidates=candidates, request=None)
        if chosen is not None:
            return Default(key="cloud", value=chosen, source="chosen by a plug-in")
        return Default(key="cloud", value=candidates[0], source="the first active cloud")

    def _suggest_image(self, cloud: str | None) -> Default | None:
        if not cloud:
            return None
        images = self._mesh.images(cloud)
        image = suggest_image(images)
        if image is None:
            raise_alone(images)
            return None
        why = "the newest of a common family"
        return Default(key="image", cloud=image.cloud, value=image.id, source=why)

    def _suggest_flavor(self, cloud: str | None) -> Default | None:
        if not cloud:
            return None
        image = self.default("image", cloud).value
        record = self._mesh.image(cloud, image) if image else None
        flavors = self._mesh.flavors(cloud)
        flavor = suggest_flavor(flavors, record)
        if flavor is None:
            raise_alone(flavors)
            return None
        why = "the smallest that runs the image"
        return Default(key="flavor", cloud=cloud, value=flavor.id, source=why)

    # Servers

    def start(
        self,
        *,
        count: int | None,
        cloud: str | None,
        image: str | Image | None,
        flavor: str | Flavor | None,
        key: str | None,
        name: str | Iterable[str] | None,
        security_groups: Sequence[str] | None,
        networks: Sequence[str] | None,
        user_data: str | None,
        tags: Mapping[str, str],
        told: Told | None,
    ) -> Gathered[Server]:
        """Start servers; what is None comes from the defaults."""
        where = self._cloud(cloud)
        asked = {"image": image, "flavor": flavor, "key": key}
        request = {
            "image": self._id(Image, where, image),
            "flavor": self._id(Flavor, where, flavor),
            "key": self.keypairs.bring(where, key),
            "security_groups": self._list("security_groups", where, security_groups),
            "networks": self._list("networks", where, networks),
            "tags": dict(tags),
        }
        names = new_names(self._mesh, where, name, count)
        started = self._acts.run(
            "start",
            [(where, each, {**request, "name": each}) for each in names],
            secrets={"user_data": user_data} if user_data else None,
            told=told,
        )
        if started:
            used = {k: request[k] for k, value in asked.items() if value is not None}
            self._mesh._defaults.used(where, used)
        return cast("Gathered[Server]", started)

    def act(
        self, act: str, servers: Any, clouds: Sequence[str], told: Told | None
    ) -> Gathered[Server]:
        """Do an act on servers."""
        found = self.which(servers, clouds)
        done = self._acts.run(act, [(s.cloud, s.name, {"id": s.id}) for s in found], told=told)
        return cast("Gathered[Server]", done)

    def wait(
        self,
        servers: Any,
        clouds: Sequence[str],
        state: str,
        timeout: float,
        told: Callable[[Server], None] | None,
    ) -> Gathered[Server]:
        """Wait until servers have a state."""
        (wanted,) = states(ServerState, [state])
        return wait(
            self.which(servers, clouds), wanted, self._mesh.clouds, self._seen,
            timeout=timeout, told=told,
        )  # fmt: skip

    def reconcile(self, found: Sequence[Operation], *, patient: bool) -> list[Operation]:
        """Settle those of some open operations that no living process runs."""
        left = [o for o in found if operations.due(o, patient=patient)]
        done = operations.reconcile(self._mesh.store, left, self._mesh.clouds.use)
        for operation in done:
            hooks.tell(self.hooks.operation_changed, operation=operation)
        return done

    def which(self, servers: Any, clouds: Sequence[str]) -> list[Server]:
        """Return the servers that names, ids, hostlists or records mean, each once."""
        asked = several(servers)
        found = [item for item in asked if isinstance(item, Server)]
        names = hostlists(item for item in asked if not isinstance(item, Server))
        unique = {(s.cloud, s.id): s for s in [*found, *self._named(names, clouds)]}
        if not unique:
            raise InvalidRequestError("no server was named")
        return list(unique.values())

    def _named(self, names: Sequence[str], clouds: Sequence[str]) -> list[Server]:
        if not names:
            return []
        rows = self._mesh.servers(clouds, name=names)
        known = {row.name for row in rows} | {row.id for row in rows}
        if not known.issuperset(names):
            self._mesh.refresh(clouds, ["servers"])
            rows = self._mesh.servers(clouds, name=names)
        return [self._meant(rows, name, clouds) for name in names]

    def _meant(self, rows: Sequence[Server], name: str, clouds: Sequence[str]) -> Server:
        found = [row for row in rows if name in (row.name, row.id)]
        if not found:
            every = [row.name for row in self._mesh.servers(clouds)]
            hint = near(name, every, what="there")
            raise NotFoundError(f"{lack(clouds)} server {name!r}; {hint}")
        return only(found, name, what="server")

    def _seen(self, server: Server) -> None:
        from cloudmesh_sdk.operations.reconcile import see

        see(self._mesh.store, self._mesh.user, server)

    # What a start needs

    def _cloud(self, cloud: str | None) -> str:
        where = cloud or self.default("cloud", None).value
        if where is None:
            raise ConfigError("no cloud is active; cm cloud list shows them, cm register adds one")
        self._mesh._names(where)
        return str(where)

    def _id(self, kind: type[Image] | type[Flavor], cloud: str, asked: Any) -> str:
        if isinstance(asked, kind):
            return asked.id
        what = kind.__name__.lower()
        default = None if asked is not None else self.default(what, cloud)
        name = asked if default is None else default.value
        if name is None:
            raise NotFoundError(f"{cloud} has no {what} to start with; cm {what} list {cloud}")
        try:
            return self._mesh._view.one(kind, [cloud], str(name)).id
        except NotFoundError as error:
            if default is None:
                raise
            raise NotFoundError(f"{error} (the default {what}: {default.source})") from error

    def _list(self, key: str, cloud: str, asked: Sequence[str] | None) -> list[str]:
        value = asked if asked is not None else self.default(key, cloud).value
        return [value] if isinstance(value, str) else list(value or ())


_SUGGEST: Mapping[str, Callable[[Acting, str | None], Default | None]] = {
    "cloud": Acting._suggest_cloud,
    "image": Acting._suggest_image,
    "flavor": Acting._suggest_flavor,
}
