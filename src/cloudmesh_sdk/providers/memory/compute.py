"""Servers of the memory cloud: started, found, told of, deleted."""

from collections.abc import Iterator
from datetime import UTC, datetime

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError, QuotaError, near
from cloudmesh_sdk.models import Flavor, Image, Server, ServerRequest, VolumeRequest
from cloudmesh_sdk.providers.memory import documents, records, rows
from cloudmesh_sdk.providers.memory.account import Account
from cloudmesh_sdk.providers.memory.documents import ZONES, Document
from cloudmesh_sdk.providers.memory.network import unplug
from cloudmesh_sdk.providers.memory.place import Tables
from cloudmesh_sdk.providers.memory.storage import loosen, new_volume


class Compute(Account):
    """What every cloud has."""

    extras = frozenset({"zone", "config_drive", "boot_volume", "hints"})

    def servers(self) -> Iterator[Server]:
        for row in self._pages("servers"):
            yield records.server(self.name, documents.shown(row, datetime.now(UTC)))

    def images(self) -> Iterator[Image]:
        return self._records("images", records.image)

    def flavors(self) -> Iterator[Flavor]:
        return self._records("flavors", records.flavor)

    def server(self, id: str) -> Server:  # noqa: A002
        self._call("GET", f"/servers/{id}")
        return self._record(rows.row(self._place.read(), "servers", id, self.name))

    def find(self, token: str) -> Server | None:
        self._call("GET", "/servers")
        tables = self._place.read()
        row = tables["servers"].get(tables["tokens"].get(token, ""))
        return None if row is None else self._record(row)

    def start(self, request: ServerRequest) -> Server:
        self._call("POST", "/servers")
        with self._place.change() as tables:
            row = self._known(tables, request.token)
            if row is None:
                self._possible(tables, request)
                row = self._born(tables, request)
        self._answered()
        return self._record(row)

    def delete(self, server: Server) -> None:
        self._call("DELETE", f"/servers/{server.id}")
        with self._place.change() as tables:
            row = tables["servers"].get(server.id)
            if row is None:
                return
            unlocked(row)
            for floating in list(tables["floating_ips"].values()):
                if floating["port_id"] == documents.port(row)["id"]:
                    unplug(tables, floating)
            loosen(tables, server.id)
            del tables["servers"][server.id]
            rows.note(tables, server.id, "delete", at=documents.later(0))

    def _known(self, tables: Tables, token: str) -> Document | None:
        """Return the server that this token made, even one that is deleted by now."""
        number = tables["tokens"].get(token, "")
        return tables["servers"].get(number) or tables["deleted"].get(number)

    def _possible(self, tables: Tables, request: ServerRequest, count: int = 1) -> None:
        """Raise `BackendError` where so many of these cannot be started."""
        wanted = (("images", request.image), ("flavors", request.flavor), ("keypairs", request.key))
        for kind, number in wanted:
            if number is not None:
                rows.row(tables, kind, number, self.name)
        groups = rows.names(tables["groups"]) | set(tables["groups"])
        self._among("security group", set(request.security_groups), groups)
        nets = rows.names(tables["networks"]) | set(tables["networks"])
        self._among("network", set(request.networks), nets)
        self._among("zone", {request.zone or ZONES[0]}, set(ZONES))
        quota, there = self._settings.quota, len(tables["servers"])
        if quota is not None and there + count > quota:
            found = "as many" if there >= quota else f"{there}, which leaves no room for {count}"
            raise QuotaError(f"{self.name} allows {quota} servers and has {found}")

    def _among(self, what: str, wanted: set[str], known: set[str]) -> None:
        if unknown := min(wanted - known, default=""):
            raise InvalidRequestError(
                f"{self.name} has no {what} {unknown}; {near(unknown, known)}"
            )

    def _born(self, tables: Tables, request: ServerRequest) -> Document:
        now = documents.later(0)
        row = documents.born(request, rows.number(tables, "server"), ready=self._ready(), now=now)
        number = row["id"]
        tables["servers"][number] = row
        tables["tokens"].setdefault(request.token, number)
        rows.note(tables, number, "create", at=now)
        if request.boot_volume is not None:
            disk = VolumeRequest(
                name="", size=request.boot_volume, token=f"{number}-disk", image=request.image
            )
            there = {"server_id": number, "device": "/dev/vda", "delete_on_termination": True}
            new_volume(tables, disk, now, status="in-use", attachments=[there])
        return row


def unlocked(row: Document) -> None:
    """Raise `ConflictError` where a server is locked."""
    if row.get("locked"):
        raise ConflictError(f"{row['name']} is locked; unlock it first")
