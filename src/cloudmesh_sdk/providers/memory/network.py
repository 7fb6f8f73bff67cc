"""Networks of the memory cloud, and public addresses that move."""

from collections.abc import Iterator
from typing import Any

from cloudmesh_sdk.models import FloatingIP, Network, Port, Router, Server, Subnet
from cloudmesh_sdk.providers.base import HasFloatingIPs, HasNetworks, HasPorts, HasRouters
from cloudmesh_sdk.providers.memory import documents, records, rows
from cloudmesh_sdk.providers.memory.account import Account
from cloudmesh_sdk.providers.memory.documents import Document
from cloudmesh_sdk.providers.memory.place import Tables

_FREE = {"status": "DOWN", "port_id": None, "fixed_ip_address": None}


class Wires(Account, HasNetworks, HasRouters, HasPorts, HasFloatingIPs):
    """What servers are plugged into."""

    def networks(self) -> Iterator[Network]:
        return self._records("networks", records.network)

    def subnets(self) -> Iterator[Subnet]:
        return self._records("subnets", records.subnet)

    def routers(self) -> Iterator[Router]:
        return self._records("routers", records.router)

    def ports(self) -> Iterator[Port]:
        for row in self._pages("ports", self._plugged):
            yield records.port(self.name, row)

    def _plugged(self) -> dict[str, Any]:
        plugged = map(documents.port, self._place.read()["servers"].values())
        return {row["id"]: row for row in plugged}

    def floating_ips(self) -> Iterator[FloatingIP]:
        return self._records("floating_ips", records.floating_ip)

    def create_floating_ip(self, token: str, network: str | None = None) -> FloatingIP:
        self._call("POST", "/floating_ips")
        with self._place.change() as tables:
            if network is not None:
                rows.row(tables, "networks", network, self.name)
            row = rows.of_token(tables["floating_ips"], token)
            if row is None:
                row = documents.floating(rows.number(tables, "floating"), token)
                tables["floating_ips"][row["id"]] = row
        return records.floating_ip(self.name, row)

    def attach_floating_ip(self, address: FloatingIP, server: Server) -> FloatingIP:
        self._call("PUT", f"/floating_ips/{address.id}")
        with self._place.change() as tables:
            row = rows.row(tables, "floating_ips", address.id, self.name)
            there = rows.row(tables, "servers", server.id, self.name)
            port = documents.port(there)
            if row["port_id"] != port["id"]:
                unplug(tables, row)
                shown = {"addr": row["floating_ip_address"], "version": 4}
                _show(tables, there["id"], {**shown, "OS-EXT-IPS:type": "floating"})
                fixed = port["fixed_ips"][0]["ip_address"]
                new = {"status": "ACTIVE", "port_id": port["id"], "fixed_ip_address": fixed}
                row = tables["floating_ips"][row["id"]] = {**row, **new}
        return records.floating_ip(self.name, row)

    def detach_floating_ip(self, address: FloatingIP) -> FloatingIP:
        self._call("PUT", f"/floating_ips/{address.id}")
        with self._place.change() as tables:
            row = rows.row(tables, "floating_ips", address.id, self.name)
            row = unplug(tables, row)
        return records.floating_ip(self.name, row)

    def release_floating_ip(self, address: FloatingIP) -> None:
        self._call("DELETE", f"/floating_ips/{address.id}")
        with self._place.change() as tables:
            if address.id in tables["floating_ips"]:
                unplug(tables, tables["floating_ips"][address.id])
                del tables["floating_ips"][address.id]


def unplug(tables: Tables, row: Document) -> Document:
    """Let a floating IP stand for nothing, and its server show it no more."""
    if row["port_id"] is None:
        return row
    server = row["port_id"].replace("port-", "i-")
    if server in tables["servers"]:
        _show(tables, server, {"addr": row["floating_ip_address"]}, away=True)
    free: Document = {**row, **_FREE}
    tables["floating_ips"][row["id"]] = free
    return free


def _show(tables: Tables, server: str, entry: Document, *, away: bool = False) -> None:
    row = tables["servers"][server]
    kept = [old for old in row["addresses"]["private"] if old["addr"] != entry["addr"]]
    entries = kept if away else [*kept, entry]
    tables["servers"][server] = {**row, "addresses": {**row["addresses"], "private": entries}}
