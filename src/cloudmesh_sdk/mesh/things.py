"""Security groups, floating IPs, volumes, snapshots: which is meant, and acts on them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError
from cloudmesh_sdk.mesh.abilities import OF_KIND, require
from cloudmesh_sdk.mesh.viewing import raise_alone, word
from cloudmesh_sdk.models import (
    FloatingIP,
    Image,
    Network,
    Record,
    Rule,
    SecurityGroup,
    Server,
    Snapshot,
    Volume,
)
from cloudmesh_sdk.operations import ACTS

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh

R = TypeVar("R", bound=Record)


class Things:
    """What the clouds of one mesh have beside servers, and acts on it."""

    def __init__(self, mesh: "Mesh") -> None:
        self._mesh = mesh

    # Security groups

    def create_group(self, cloud: str | None, name: str, description: str) -> SecurityGroup:
        """Create a group; its cloud is asked first whether it has one of that name."""
        where = self._mesh._starting.where(cloud)
        self._require("create_security_group", where)
        if not name.strip():
            raise InvalidRequestError("the name of the security group is empty")
        self.require_free_group(where, name)
        request = {"description": description}
        return self._run("create_security_group", SecurityGroup, where, name, request)

    def require_free_group(self, cloud: str, name: str) -> None:
        """Raise `ConflictError` where a group of the cloud has this name; asks one list."""
        raise_alone(self._mesh.refresh(cloud, SecurityGroup.kind))
        if any(row.name == name for row in self._mesh.security_groups(cloud)):
            raise ConflictError(f"{cloud} has a security group called {name!r} already")

    def rule(
        self, act: str, group: str | SecurityGroup, rule: Rule, cloud: str | None
    ) -> SecurityGroup:
        """Add a rule to a group, or take it away."""
        return self.act(act, SecurityGroup, group, cloud, {"rule": attrs.asdict(rule)})

    # Floating IPs

    def create_floating_ip(self, cloud: str | None, network: str | Network | None) -> FloatingIP:
        """Take an address from an external network."""
        where = self._mesh._starting.where(cloud)
        self._require("create_floating_ip", where)
        found = None if network is None else self._found(Network, network, where)
        target = found.name if found is not None else "a floating IP"
        request = {"network": None if found is None else found.id}
        return self._run("create_floating_ip", FloatingIP, where, target, request)

    def attach_floating_ip(
        self, address: str | FloatingIP, server: str | Server, cloud: str | None
    ) -> FloatingIP:
        """Let an address stand for a server; the one that it stood for is read again too."""
        found = self._found(FloatingIP, address, cloud)
        who = self._at(found, server)
        request = {"server": who.id, "servers": [who.id, *self._served(found, but=who.id)]}
        return self.act("attach_floating_ip", FloatingIP, found, None, request)

    def free_floating_ip(
        self, act: str, address: str | FloatingIP, cloud: str | None
    ) -> FloatingIP:
        """Detach or release an address; the server that it stood for is read again."""
        found = self._found(FloatingIP, address, cloud)
        return self.act(act, FloatingIP, found, None, {"servers": self._served(found)})

    def _served(self, address: FloatingIP, *, but: str = "") -> list[str]:
        """Return the ids of servers that were seen with an address, or with what it stands for."""
        rows = self._mesh.servers(address.cloud, where={"public_ips": address.name})
        if not rows and address.private_ip:
            rows = self._mesh.servers(address.cloud, where={"private_ips": address.private_ip})
        return [row.id for row in rows if row.id != but]

    # Volumes and snapshots

    def create_volume(
        self,
        cloud: str | None,
        name: str,
        size: int,
        *,
        kind: str | None,
        zone: str | None,
        image: str | Image | None,
        snapshot: str | Snapshot | None,
    ) -> Volume:
        """Create a volume, empty or filled from an image or a snapshot."""
        where = self._mesh._starting.where(cloud)
        self._require("create_volume", where)
        if size < 1 or not name.strip():
            raise InvalidRequestError(f"a volume has a name and 1 GiB or more, not {name!r} {size}")
        request = {
            "size": size,
            "type": kind,
            "zone": zone,
            "image": None if image is None else self._found(Image, image, where).id,
            "snapshot": None if snapshot is None else self._found(Snapshot, snapshot, where).id,
        }
        return self._run("create_volume", Volume, where, name, request)

    def attach_volume(
        self, volume: str | Volume, server: str | Server, device: str | None, cloud: str | None
    ) -> Volume:
        """Attach a volume to a server of its cloud."""
        found = self._found(Volume, volume, cloud)
        who = self._at(found, server)
        request = {"server": who.id, "device": device, "servers": [who.id]}
        return self.act("attach_volume", Volume, found, None, request)

    def detach_volume(self, volume: str | Volume, cloud: str | None) -> Volume:
        """Take a volume off its server, which is read again."""
        found = self._found(Volume, volume, cloud)
        seen = self._mesh.store.view.get(self._mesh.user, Volume.kind, found.cloud, found.id)
        ids = {v.server for v in (found, seen) if isinstance(v, Volume) and v.server is not None}
        return self.act("detach_volume", Volume, found, None, {"servers": sorted(ids)})

    def create_snapshot(self, volume: str | Volume, name: str, cloud: str | None) -> Snapshot:
        """Keep a volume as it is now."""
        found = self._found(Volume, volume, cloud)
        self._require("create_snapshot", found.cloud)
        if not name.strip():
            raise InvalidRequestError("the name of the snapshot is empty")
        request = {"volume": found.id, "volume_name": found.name}
        return self._run("create_snapshot", Snapshot, found.cloud, name, request)

    # What they share

    def act(
        self,
        act: str,
        kind: type[R],
        thing: str | R,
        cloud: str | None,
        request: Mapping[str, Any] | None = None,
    ) -> R:
        """Do an act on a thing that a name, an id or a record means."""
        found = self._found(kind, thing, cloud)
        self._require(act, found.cloud)
        return self._run(act, kind, found.cloud, found.name, {"id": found.id, **(request or {})})

    def _run(self, act: str, _: type[R], cloud: str, target: str, request: Mapping[str, Any]) -> R:
        """Do an act; what comes of it is of that kind."""
        done = self._mesh._acts.run(act, [(cloud, target, request)])
        return cast("R", done.one())

    def _require(self, act: str, cloud: str) -> None:
        require(self._mesh.clouds, [cloud], ACTS[act].needs)

    def _found(self, kind: type[R], thing: str | R, cloud: str | None) -> R:
        """Return what is meant; raises `UnsupportedError` where a cloud has no such things."""
        if not isinstance(thing, str):
            return thing
        if cloud is not None and kind in OF_KIND:
            require(self._mesh.clouds, self._mesh._names(cloud), OF_KIND[kind])
        return self._mesh._view.one(kind, self._mesh._names(cloud), thing)

    def _at(self, thing: Record, server: str | Server) -> Server:
        """Return a server, which must be at the cloud of a thing."""
        found = self._mesh._serving.one(server, [thing.cloud])
        if found.cloud != thing.cloud:
            what = f"{word(type(thing))} {thing.name}"
            raise InvalidRequestError(f"{what} is at {thing.cloud}, {found.name} at {found.cloud}")
        return found
