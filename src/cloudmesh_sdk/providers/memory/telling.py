"""What the memory cloud tells beside its lists: consoles, actions, zones, limits, raw answers."""

import json as encoder
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError, UnsupportedError, near
from cloudmesh_sdk.models import Action, Quota, RawAnswer, Server, Zone
from cloudmesh_sdk.providers.base import (
    HasActions,
    HasConsole,
    HasConsoleURL,
    HasQuotas,
    HasRaw,
    HasZones,
)
from cloudmesh_sdk.providers.memory import documents, records, rows
from cloudmesh_sdk.providers.memory.account import Account
from cloudmesh_sdk.providers.memory.documents import ZONES, plain
from cloudmesh_sdk.providers.memory.place import Tables

_SERVICES: Mapping[str, tuple[str, ...]] = {
    "compute": ("servers", "images", "flavors", "keypairs"),
    "network": ("networks", "subnets", "routers", "floating_ips", "groups"),
    "volume": ("volumes", "snapshots"),
}
"""Service → the kinds of documents that a raw request may ask it for."""


class Telling(Account, HasConsole, HasConsoleURL, HasActions, HasZones, HasQuotas, HasRaw):
    """What is told and asked beside lists."""

    def console(self, server: Server) -> str:
        row = self.server(server.id).native
        booted = f"cloudmesh memory cloud {self.name}\n{row['name']} login: "
        return "" if row["status"] == "BUILD" else booted

    def console_url(self, server: Server) -> str:
        row = self.server(server.id).native
        if row["status"] == "BUILD":
            raise ConflictError(f"{server.name} is BUILD; it has a console when it runs")
        return f"http://127.0.0.1/memory/{self.name}/console?token={server.id}"

    def actions(self, server: Server) -> Iterator[Action]:
        self._call("GET", f"/servers/{server.id}/actions")
        tables = self._place.read()
        if server.id not in tables["deleted"]:
            rows.row(tables, "servers", server.id, self.name)
        return (records.action(row) for row in tables["actions"].get(server.id, ()))

    def zones(self) -> Iterator[Zone]:
        self._call("GET", "/zones")
        for name in ZONES:
            native = {"zoneName": name, "zoneState": {"available": True}}
            yield Zone(cloud=self.name, name=name, available=True, native=native)

    def quotas(self) -> Iterator[Quota]:
        self._call("GET", "/quotas")
        tables = self._place.read()
        used = [tables["flavors"][row["flavor"]["id"]] for row in tables["servers"].values()]
        limits = {
            "servers": (len(used), self._settings.quota),
            "vcpus": (sum(flavor["vcpus"] for flavor in used), None),
            "ram": (sum(flavor["ram"] for flavor in used), None),
        }
        for name, (count, limit) in limits.items():
            native = {"name": name, "in_use": count, "limit": -1 if limit is None else limit}
            yield Quota(cloud=self.name, name=name, used=count, limit=limit, native=native)

    def raw(
        self,
        method: str,
        path: str,
        *,
        service: str = "compute",
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RawAnswer:
        """Answer `GET /servers`, `GET /servers/ID` and the like; all else is refused as HTTP is.

        `params` pick documents by what they hold: `{"status": "ACTIVE"}`.
        """
        del headers
        kinds = self._kinds(service)
        base = f"memory://{self.name}"
        path = path.removeprefix(base)
        if "://" in path or not path.startswith("/") or path.startswith("//"):
            raise InvalidRequestError(
                f"{self.name}: {path} is not below {base}; name a path like /servers"
            )
        self._call(method, path)
        status, body = 405, {"message": f"{method} is not done here, only GET is"}
        if method == "GET" and json is None:
            status, body = _looked_up(self._place.read(), kinds, path, params or {})
        request_id = f"req-{self.calls:08x}"
        answered = {"content-type": "application/json", "x-request-id": request_id}
        body = encoder.loads(encoder.dumps(body))
        return RawAnswer(status=status, headers=answered, body=body, request_id=request_id)

    def _kinds(self, service: str) -> tuple[str, ...]:
        if service not in _SERVICES:
            raise UnsupportedError(
                f"{self.name} has no service {service}; {near(service, _SERVICES, what='there')}"
            )
        return _SERVICES[service]


def _looked_up(
    tables: Tables, kinds: tuple[str, ...], path: str, params: Mapping[str, str]
) -> tuple[int, dict[str, Any]]:
    kind, _, number = path.strip("/").partition("/")
    table = tables[kind] if kind in kinds else {}
    now = datetime.now(UTC)
    found = {key: documents.shown({"status": "", **row}, now) for key, row in table.items()}
    if kind in kinds and not number:
        picked = (r for r in found.values() if all(r.get(k) == v for k, v in params.items()))
        return 200, {kind: [plain(row) for row in picked]}
    if number in found:
        return 200, {kind.removesuffix("s"): plain(found[number])}
    return 404, {"message": f"there is nothing at {path}"}
