"""Acts on servers that are there: which are meant, what is asked of them, waiting for them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError, NotFoundError, near
from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.abilities import require
from cloudmesh_sdk.mesh.acting import Told
from cloudmesh_sdk.mesh.names import hostlist, hostlists, only, several, states
from cloudmesh_sdk.mesh.viewing import lack
from cloudmesh_sdk.mesh.waiting import wait
from cloudmesh_sdk.models import Flavor, Image, Server, ServerState
from cloudmesh_sdk.operations import ACTS, see

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh

_OURS = "cloudmesh:"
"""How the tags begin that tell a lost server from another: not the user's to change."""


class Serving:
    """The servers of one mesh, and acts on them."""

    def __init__(self, mesh: "Mesh") -> None:
        self._mesh = mesh

    def act(
        self,
        act: str,
        servers: Any,
        clouds: Sequence[str],
        told: Told | None,
        more: Callable[[Server], Mapping[str, Any]] = lambda _: {},
    ) -> Gathered[Server]:
        """Do an act on servers; `more` gives what is asked of each beside its id."""
        found = self.which(servers, clouds)
        require(self._mesh.clouds, (s.cloud for s in found), ACTS[act].needs)
        targets = [(s.cloud, s.name, {"id": s.id, **more(s)}) for s in found]
        return cast("Gathered[Server]", self._mesh._acts.run(act, targets, told=told))

    def resize(
        self, servers: Any, clouds: Sequence[str], flavor: str | Flavor, told: Told | None
    ) -> Gathered[Server]:
        """Move servers to another flavor."""
        return self.act("resize", servers, clouds, told, self._meaning("flavor", Flavor, flavor))

    def rebuild(
        self, servers: Any, clouds: Sequence[str], image: str | Image, told: Told | None
    ) -> Gathered[Server]:
        """Make servers' disks anew from an image."""
        return self.act("rebuild", servers, clouds, told, self._meaning("image", Image, image))

    def rescue(
        self, servers: Any, clouds: Sequence[str], image: str | Image | None, told: Told | None
    ) -> Gathered[Server]:
        """Boot servers from a rescue image."""
        if image is None:
            return self.act("rescue", servers, clouds, told)
        return self.act("rescue", servers, clouds, told, self._meaning("image", Image, image))

    def rename(
        self, server: str | Server, clouds: Sequence[str], name: str, told: Told | None
    ) -> Gathered[Server]:
        """Give a server another name, one that no server of its cloud was seen to have."""
        found = self.one(server, clouds)
        if hostlist(name) != [name]:
            raise InvalidRequestError(f"{name!r} is a list of names; a server has one")
        others = self._mesh.servers(found.cloud, name=name)
        if any(other.name == name and other.id != found.id for other in others):
            raise ConflictError(f"{found.cloud} has a server called {name!r} already")
        return self.act("rename", found, clouds, told, lambda _: {"name": name})

    def tag(
        self,
        servers: Any,
        clouds: Sequence[str],
        tags: Mapping[str, str | None],
        told: Told | None,
    ) -> Gathered[Server]:
        """Set and take away tags of servers."""
        if not tags:
            raise InvalidRequestError("no tag was named")
        for key in tags:
            if not key or key.startswith(_OURS):
                raise InvalidRequestError(f"the tag {key!r} cannot be changed")
        return self.act("tag", servers, clouds, told, lambda _: {"tags": dict(tags)})

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

    def which(self, servers: Any, clouds: Sequence[str]) -> list[Server]:
        """Return the servers that names, ids, hostlists or records mean, each once."""
        asked = several(servers)
        found = [item for item in asked if isinstance(item, Server)]
        names = hostlists(item for item in asked if not isinstance(item, Server))
        unique = {(s.cloud, s.id): s for s in [*found, *self._named(names, clouds)]}
        if not unique:
            raise InvalidRequestError("no server was named")
        return list(unique.values())

    def one(self, server: str | Server, clouds: Sequence[str]) -> Server:
        """Return the one server that a name, an id or a record means."""
        found = self.which(server, clouds)
        if len(found) > 1:
            raise InvalidRequestError(f"{server!r} means {len(found)} servers; name one")
        return found[0]

    def _meaning(
        self, key: str, kind: type[Flavor] | type[Image], asked: Any
    ) -> Callable[[Server], Mapping[str, Any]]:
        """Return what gives the id of a flavor or image at the cloud of each server."""
        known: dict[str, str] = {}

        def more(server: Server) -> Mapping[str, Any]:
            if server.cloud not in known:
                known[server.cloud] = self._mesh._suggesting.default_id(kind, server.cloud, asked)
            return {key: known[server.cloud]}

        return more

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
        see(self._mesh.store, self._mesh.user, server)
