"""Networks, security groups and floating IPs of Neutron."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from cloudmesh_sdk.errors import (
    BackendError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
)
from cloudmesh_sdk.models import (
    FloatingIP,
    Network,
    Port,
    Router,
    Rule,
    SecurityGroup,
    Server,
    Subnet,
)
from cloudmesh_sdk.providers.base import (
    HasFloatingIPs,
    HasNetworks,
    HasPorts,
    HasRouters,
    HasSecurityGroups,
)
from cloudmesh_sdk.providers.openstack import network_records as convert
from cloudmesh_sdk.providers.openstack.client import Client
from cloudmesh_sdk.providers.openstack.errors import refused_as
from cloudmesh_sdk.providers.openstack.settings import OpenstackSettings

T = TypeVar("T")

_UNREACHABLE = frozenset(
    {"ExternalGatewayForFloatingIPNotFound", "FloatingIPPortAlreadyAssociated"}
)
"""Neutron's kinds of refusal that hold for one port, not for the other ports of a server."""


class Networks(HasNetworks, HasRouters, HasPorts, HasSecurityGroups, HasFloatingIPs):
    """What Neutron has for this project; every list is 1 request a page."""

    _client: Client
    name: str
    settings: OpenstackSettings

    def networks(self) -> Iterator[Network]:
        return self._listed("networks", convert.network)

    def subnets(self) -> Iterator[Subnet]:
        return self._listed("subnets", convert.subnet)

    def routers(self) -> Iterator[Router]:
        return self._listed("routers", convert.router, self._own())

    def ports(self) -> Iterator[Port]:
        return self._listed("ports", convert.port, self._own())

    def security_groups(self) -> Iterator[SecurityGroup]:
        return self._listed("security_groups", convert.group, self._own(), path="/security-groups")

    def create_security_group(self, name: str, description: str) -> SecurityGroup:
        """Create a group that lets nothing in; Neutron's rules that let all out stay.

        Neutron would take the same name again, so it is looked for first: 2 requests. Raises
        `ConflictError` where it is taken.
        """
        params = {"name": name, **self._own()}
        if any(self._listed("security_groups", convert.group, params, path="/security-groups")):
            text = f"{self.name} has a security group {name!r} already; take another name"
            raise ConflictError(text)
        body = {"security_group": {"name": name, "description": description}}
        return self._made("/security-groups", "security_group", body, convert.group)

    def delete_security_group(self, group: SecurityGroup) -> None:
        self._drop(f"/security-groups/{quote(group.id, safe='')}")

    def allow(self, group: SecurityGroup, rule: Rule) -> None:
        """Add a rule; 1 request, and none is needed to know of one that is there."""
        body = {"security_group_rule": convert.rule_body(group.id, rule)}
        try:
            self._call("POST", "/security-group-rules", body)
        except ConflictError as error:
            if (refused := refused_as(error)) and refused.kind == "SecurityGroupRuleExists":
                return
            raise

    def revoke(self, group: SecurityGroup, rule: Rule) -> None:
        """Take a rule away: 1 request for its id, 1 for each that says the same."""
        params = {"security_group_id": group.id, "direction": rule.direction}
        pages = self._pages("/security-group-rules", "security_group_rules", params)
        for native in [native for page in pages for native in page]:
            if convert.same(convert.rule(native), rule):
                self._drop(f"/security-group-rules/{native['id']}")

    def floating_ips(self) -> Iterator[FloatingIP]:
        return self._listed("floatingips", convert.floating_ip, self._own())

    def create_floating_ip(self, token: str, network: str | None = None) -> FloatingIP:
        """Take an address; 2 requests, and 1 to find the external network where none is given.

        The token stands in its description, by which Neutron's list is filtered first.
        """
        mark = convert.MARK + token
        found = self._listed("floatingips", convert.floating_ip, {"description": mark})
        made = next((one for one in found if one.token == token), None)  # whatever was filtered
        if made is not None:
            return made
        where = network or self._external()
        body = {"floatingip": {"floating_network_id": where, "description": mark}}
        return self._made("/floatingips", "floatingip", body, convert.floating_ip)

    def attach_floating_ip(self, address: FloatingIP, server: Server) -> FloatingIP:
        """Let an address stand for the first port of the server that it can reach; 2 requests.

        Raises `ConflictError` where the server has no port (yet).
        """
        natives = self._pages("/ports", "ports", {"device_id": server.id})
        ports = [port["id"] for page in natives for port in page if port.get("fixed_ips")]
        if not ports:
            text = f"{self.name}: {server.name} has no port with an address for {address.name}"
            raise ConflictError(text)
        for port in ports[:-1]:
            try:
                return self._set(address, port)
            except BackendError as error:
                refused = refused_as(error)
                if refused is None or refused.kind not in _UNREACHABLE:
                    raise
        return self._set(address, ports[-1])

    def detach_floating_ip(self, address: FloatingIP) -> FloatingIP:
        return self._set(address, None)

    def release_floating_ip(self, address: FloatingIP) -> None:
        self._drop(f"/floatingips/{quote(address.id, safe='')}")

    def _set(self, address: FloatingIP, port: str | None) -> FloatingIP:
        path = f"/floatingips/{quote(address.id, safe='')}"
        answer = self._call("PUT", path, {"floatingip": {"port_id": port}}, again=True)
        native = self._client.part(answer, f"PUT {path}", "floatingip")
        return self._client.records(f"PUT {path}", convert.floating_ip, [native])[0]

    def _external(self) -> str:
        """Return the id of the external network: the only one, or the one by default."""
        params = {"router:external": "true"}
        natives = [n for page in self._pages("/networks", "networks", params) for n in page]
        if len(natives) > 1:
            natives = [n for n in natives if n.get("is_default")] or natives
        if len(natives) == 1:
            return str(natives[0]["id"])
        known = ", ".join(sorted(native.get("name") or native["id"] for native in natives))
        what = f"several external networks: {known}; name one" if natives else "no external network"
        raise InvalidRequestError(f"{self.name} has {what}")

    def _own(self) -> Mapping[str, str]:
        """Return the filter for what is ours: admins are shown the things of all projects."""
        project = None if self.settings.all_projects else self._client.project_id()
        return {"project_id": project} if project else {}

    def _pages(
        self, path: str, collection: str, params: Mapping[str, str]
    ) -> Iterator[list[dict[str, Any]]]:
        size = self.settings.page_size
        asked = {**params, "limit": str(size)} if size else dict(params)
        return self._client.pages(path, collection, service="network", params=asked)

    def _listed(
        self,
        collection: str,
        record: convert.Convert[T],
        params: Mapping[str, str] | None = None,
        *,
        path: str = "",
    ) -> Iterator[T]:
        path = path or f"/{collection}"
        for page in self._pages(path, collection, params or {}):
            yield from self._client.records(f"GET {path}", record, page)

    def _call(self, method: str, path: str, body: Any = None, *, again: bool = False) -> Any:
        return self._client.call(method, path, service="network", body=body, again=again)

    def _made(self, path: str, key: str, body: Any, record: convert.Convert[T]) -> T:
        native = self._client.part(self._call("POST", path, body), f"POST {path}", key)
        found: Sequence[T] = self._client.records(f"POST {path}", record, [native])
        return found[0]

    def _drop(self, path: str) -> None:
        try:
            self._call("DELETE", path, again=True)
        except NotFoundError:
            return
