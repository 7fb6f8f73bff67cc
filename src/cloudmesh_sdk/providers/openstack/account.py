"""What OpenStack tells of the account: who it is, its limits, the zones; a check of it all."""

from collections.abc import Iterator, Mapping
from typing import Any

from cloudmesh_sdk.models import Health, Quota, Zone
from cloudmesh_sdk.providers.base import HasQuotas, HasZones
from cloudmesh_sdk.providers.openstack import records
from cloudmesh_sdk.providers.openstack.client import Client

SKEW = 30.0
"""Seconds that our clock may be off before we say so: lists of changes go by it."""

FULL = 0.9
"""How much of a limit may be used before we say so."""

_WRITERS = frozenset({"member", "admin", "manager", "_member_"})
"""Roles that may start servers by the services' own rules."""

_EXPECTED = {"image": "images", "network": "networks, security groups and floating IPs"}

_LIMITS = (
    ("totalInstancesUsed", "maxTotalInstances", "servers"),
    ("totalCoresUsed", "maxTotalCores", "virtual CPUs"),
    ("totalRAMUsed", "maxTotalRAMSize", "MiB of memory"),
)
"""https://docs.openstack.org/api-ref/compute/#show-rate-and-absolute-limits"""


class Account(HasQuotas, HasZones):
    """The project that we work in."""

    _client: Client
    name: str

    def check(self) -> Health:
        """Return Nova's versions, who we are, our clock's skew, and what may be in the way.

        2 requests and a login.
        """
        version = self._client.part(self._client.call("GET", "/"), "GET /", "version")
        absolute = self._limits()
        skew = self._client.skew
        warnings = [*_missing(self._client), *_roles(self._client), *_full(absolute)]
        if skew is not None and abs(skew) > SKEW:
            warnings.append(f"the clock of this machine is {skew:+.0f} s off the service's")
        low, high = version.get("min_version"), version.get("version")
        return Health(
            service=self.name,
            version=f"Nova {self._client.microversion()} (offers {low} to {high})",
            identity=_identity(self._client),
            skew=skew,
            warnings=tuple(warnings),
        )

    def quotas(self) -> Iterator[Quota]:
        """Yield limits of Nova, Neutron and Cinder with what is used; 1 request for each."""
        project = self._client.project_id()
        answer = self._client.call("GET", f"/os-quota-sets/{project}/detail")
        yield from self._quotas(answer, "quota_set")
        if self._client.has("network"):
            path = f"/quotas/{project}/details"
            answer = self._client.call("GET", path, service="network")
            yield from self._quotas(answer, "quota")
        if self._client.has("volume"):
            path, params = f"/os-quota-sets/{project}", {"usage": "true"}
            answer = self._client.call("GET", path, service="volume", params=params)
            yield from self._quotas(answer, "quota_set")

    def _quotas(self, answer: Any, key: str) -> list[Quota]:
        found = self._client.part(answer, "GET quotas", key)
        whole = self._client.records("GET quotas", _all_quotas, [found])
        return whole[0]

    def zones(self) -> Iterator[Zone]:
        """Yield Nova's availability zones; 1 request."""
        path = "/os-availability-zone"
        found = self._client.part(self._client.call("GET", path), path, "availabilityZoneInfo")
        yield from self._client.records(f"GET {path}", records.zone, found)

    def _limits(self) -> Mapping[str, Any]:
        limits = self._client.part(self._client.call("GET", "/limits"), "GET /limits", "limits")
        found: Mapping[str, Any] = self._client.part(limits, "GET /limits", "absolute")
        return found


def _all_quotas(native: Any, cloud: str) -> list[Quota]:
    return list(records.quotas(native, cloud))


def _identity(client: Client) -> str:
    access = client.token()
    if access is None:
        return client.user_id()
    user = access.username or access.user_id or "?"
    where = access.project_name or access.project_id or access.domain_name or "system"
    return f"{user}@{where}"


def _missing(client: Client) -> Iterator[str]:
    for service, what in _EXPECTED.items():
        if not client.has(service):
            yield f"the catalog names no {service} service: no {what}"


def _roles(client: Client) -> Iterator[str]:
    access = client.token()
    roles = list(access.role_names or ()) if access is not None else []
    if roles and not _WRITERS & {role.lower() for role in roles}:
        yield f"the account may only look (roles: {', '.join(roles)})"


def _full(absolute: Mapping[str, Any]) -> Iterator[str]:
    for used, most, what in _LIMITS:
        limit = absolute.get(most)
        if limit is None or limit < 0:
            continue
        if (taken := absolute.get(used) or 0) >= FULL * limit:
            yield f"{taken} of {limit} {what} are used"
