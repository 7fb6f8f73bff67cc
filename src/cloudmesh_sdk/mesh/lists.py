"""The lists of a mesh: what was last seen of every cloud, and one record of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.facade import Facade
from cloudmesh_sdk.models import (
    Flavor,
    FloatingIP,
    Image,
    Keypair,
    Network,
    Port,
    Record,
    Router,
    SecurityGroup,
    Server,
    Snapshot,
    Subnet,
    Volume,
)
from cloudmesh_sdk.store.base import Event

R = TypeVar("R", bound=Record)
Where = str | Iterable[str] | None
"""A cloud, several clouds, or None for the active ones."""


class Lists(Facade):
    """Lists come from the store at once; clouds that were never asked are asked now.

    A cloud that has no such things adds none; where it was named alone `UnsupportedError` tells.
    """

    def servers(
        self,
        cloud: Where = None,
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

    def images(self, cloud: Where = None, **query: Any) -> Gathered[Image]:
        """Return images; `name`, `where`, `sort`, `limit` and `missing` as for `servers`."""
        return self._rows(Image, cloud, query)

    def flavors(self, cloud: Where = None, **query: Any) -> Gathered[Flavor]:
        """Return flavors; `name`, `where`, `sort`, `limit` and `missing` as for `servers`."""
        return self._rows(Flavor, cloud, query)

    def keypairs(self, cloud: Where = None, **query: Any) -> Gathered[Keypair]:
        """Return keypairs; `name`, `where`, `sort`, `limit` and `missing` as for `servers`."""
        return self._rows(Keypair, cloud, query)

    def networks(self, cloud: Where = None, **query: Any) -> Gathered[Network]:
        """Return networks; `name`, `where`, `sort`, `limit` and `missing` as for `servers`."""
        return self._rows(Network, cloud, query)

    def subnets(self, cloud: Where = None, **query: Any) -> Gathered[Subnet]:
        """Return subnets; `name`, `where`, `sort`, `limit` and `missing` as for `servers`."""
        return self._rows(Subnet, cloud, query)

    def routers(self, cloud: Where = None, **query: Any) -> Gathered[Router]:
        """Return routers; `name`, `where`, `sort`, `limit` and `missing` as for `servers`."""
        return self._rows(Router, cloud, query)

    def ports(self, cloud: Where = None, **query: Any) -> Gathered[Port]:
        """Return ports; `name`, `where`, `sort`, `limit` and `missing` as for `servers`."""
        return self._rows(Port, cloud, query)

    def security_groups(self, cloud: Where = None, **query: Any) -> Gathered[SecurityGroup]:
        """Return security groups with their rules; the query as for `servers`."""
        return self._rows(SecurityGroup, cloud, query)

    def floating_ips(self, cloud: Where = None, **query: Any) -> Gathered[FloatingIP]:
        """Return floating IPs; the query as for `servers`, their name is the address."""
        return self._rows(FloatingIP, cloud, query)

    def volumes(self, cloud: Where = None, **query: Any) -> Gathered[Volume]:
        """Return volumes; `name`, `where`, `sort`, `limit` and `missing` as for `servers`."""
        return self._rows(Volume, cloud, query)

    def snapshots(self, cloud: Where = None, **query: Any) -> Gathered[Snapshot]:
        """Return snapshots of volumes; the query as for `servers`."""
        return self._rows(Snapshot, cloud, query)

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
        return self._one(Keypair, cloud, name)

    def network(self, cloud: str | None, name_or_id: str) -> Network:
        """Return one network with its native data; raises `NotFoundError` with near names."""
        return self._one(Network, cloud, name_or_id)

    def security_group(self, cloud: str | None, name_or_id: str) -> SecurityGroup:
        """Return one security group with its rules; raises `NotFoundError` with near names.

        Raises `InvalidRequestError` where several have the name: give the id then.
        """
        return self._one(SecurityGroup, cloud, name_or_id)

    def floating_ip(self, cloud: str | None, address_or_id: str) -> FloatingIP:
        """Return one floating IP with its native data; raises `NotFoundError` with near ones."""
        return self._one(FloatingIP, cloud, address_or_id)

    def volume(self, cloud: str | None, name_or_id: str) -> Volume:
        """Return one volume with its native data; raises `NotFoundError` with near names."""
        return self._one(Volume, cloud, name_or_id)

    def snapshot(self, cloud: str | None, name_or_id: str) -> Snapshot:
        """Return one snapshot with its native data; raises `NotFoundError` with near names."""
        return self._one(Snapshot, cloud, name_or_id)

    def history(self, server: Server) -> list[Event]:
        """Return what happened to a server as seen from here, oldest first."""
        from cloudmesh_sdk.mesh.past import history

        return history(self.store, self.user, server)

    def _rows(self, kind: type[R], cloud: Where, query: Mapping[str, Any]) -> Gathered[R]:
        names = self._names(cloud)
        rows = self._view.rows(kind, names, **query)
        nothing = not rows and not rows.errors
        if isinstance(cloud, str) and nothing and not self._view.listed(kind, cloud):
            self._asking.require_kind(cloud, kind)
        return rows

    def _one(self, kind: type[R], cloud: str | None, name: str) -> R:
        if cloud is not None:
            self._rows(kind, cloud, {"limit": 1})  # raises where the cloud has no such things
        return self._view.one(kind, self._names(cloud), name)
