"""Volumes of the memory cloud, and what they were."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cloudmesh_sdk.errors import ConflictError
from cloudmesh_sdk.models import Server, Snapshot, Volume, VolumeRequest
from cloudmesh_sdk.providers.base import HasSnapshots, HasVolumes
from cloudmesh_sdk.providers.memory import documents, records, rows
from cloudmesh_sdk.providers.memory.account import Account
from cloudmesh_sdk.providers.memory.documents import Document, shown
from cloudmesh_sdk.providers.memory.place import Tables


class Storage(Account, HasVolumes, HasSnapshots):
    """Disks that outlive servers."""

    def volumes(self) -> Iterator[Volume]:
        return self._records("volumes", _volume)

    def volume(self, id: str) -> Volume:  # noqa: A002
        self._call("GET", f"/volumes/{id}")
        return _volume(self.name, rows.row(self._place.read(), "volumes", id, self.name))

    def create_volume(self, request: VolumeRequest) -> Volume:
        self._call("POST", "/volumes")
        with self._place.change() as tables:
            row = rows.of_token(tables["volumes"], request.token)
            if row is None:
                for kind, number in (("images", request.image), ("snapshots", request.snapshot)):
                    if number is not None:
                        rows.row(tables, kind, number, self.name)
                row = new_volume(tables, request, self._ready())
        return _volume(self.name, row)

    def delete_volume(self, volume: Volume) -> None:
        self._call("DELETE", f"/volumes/{volume.id}")
        with self._place.change() as tables:
            row = tables["volumes"].get(volume.id, {"attachments": []})
            if at := row["attachments"]:
                text = f"{volume.name} is at the server {at[0]['server_id']}; detach it first"
                raise ConflictError(text)
            if any(of["volume_id"] == volume.id for of in tables["snapshots"].values()):
                raise ConflictError(f"{volume.name} has snapshots; delete them first")
            tables["volumes"].pop(volume.id, None)

    def attach_volume(self, volume: Volume, server: Server, device: str | None = None) -> Volume:
        self._call("POST", f"/servers/{server.id}/volumes")
        with self._place.change() as tables:
            row = rows.row(tables, "volumes", volume.id, self.name)
            rows.row(tables, "servers", server.id, self.name)
            row = self._attached(tables, shown(row, datetime.now(UTC)), server, device)
        return _volume(self.name, row)

    def _attached(
        self, tables: Tables, row: Document, server: Server, device: str | None
    ) -> Document:
        if [at["server_id"] for at in row["attachments"]] == [server.id]:
            return row
        if row["status"] != "available":
            text = f"{row['name']} is {row['status']}; attaching it needs an available one"
            raise ConflictError(text)
        place = device or _device(tables, server.id)
        there = {"server_id": server.id, "device": place}
        attached: Document = {**row, "status": "in-use", "attachments": [there]}
        tables["volumes"][row["id"]] = attached
        return attached

    def detach_volume(self, volume: Volume) -> Volume:
        self._call("DELETE", f"/volumes/{volume.id}/attachments")
        with self._place.change() as tables:
            row = rows.row(tables, "volumes", volume.id, self.name)
            if row["attachments"]:
                row = {**row, "status": "available", "attachments": []}
                tables["volumes"][volume.id] = row
        return _volume(self.name, row)

    def snapshots(self) -> Iterator[Snapshot]:
        return self._records("snapshots", _snapshot)

    def create_snapshot(self, volume: Volume, name: str, token: str) -> Snapshot:
        self._call("POST", "/snapshots")
        with self._place.change() as tables:
            row = rows.of_token(tables["snapshots"], token)
            if row is None:
                of = rows.row(tables, "volumes", volume.id, self.name)
                number, now = rows.number(tables, "snapshot"), documents.later(0)
                row = documents.snapshot(of, number, name, token, ready=self._ready(), now=now)
                tables["snapshots"][row["id"]] = row
        return _snapshot(self.name, row)

    def delete_snapshot(self, snapshot: Snapshot) -> None:
        self._call("DELETE", f"/snapshots/{snapshot.id}")
        with self._place.change() as tables:
            tables["snapshots"].pop(snapshot.id, None)


def new_volume(tables: Tables, request: VolumeRequest, ready: str, **fields: Any) -> Document:
    """Put a new volume in its table, with other fields than a new one has, and return it."""
    number = rows.number(tables, "volume")
    made = documents.volume(request, number, ready=ready, now=documents.later(0))
    row: Document = {**made, **fields}
    tables["volumes"][row["id"]] = row
    return row


def loosen(tables: Tables, server: str) -> None:
    """Take the volumes off a server that is gone; delete those that were to go with it."""
    for number, row in list(tables["volumes"].items()):
        if server in [at["server_id"] for at in row["attachments"]]:
            if row["attachments"][0].get("delete_on_termination"):
                del tables["volumes"][number]
            else:
                tables["volumes"][number] = {**row, "status": "available", "attachments": []}


def _device(tables: Tables, server: str) -> str:
    """Return the first name that is free, `/dev/vda` being the server's own disk."""
    attachments = [at for row in tables["volumes"].values() for at in row["attachments"]]
    taken = {at["device"] for at in attachments if at["server_id"] == server}
    names = (f"/dev/vd{letter}" for letter in "bcdefghijklmnopqrstuvwxyz")
    free = next((name for name in names if name not in taken), None)
    if free is None:
        raise ConflictError(f"the server {server} has no place for another volume")
    return free


def _volume(cloud: str, row: Document) -> Volume:
    return records.volume(cloud, shown(row, datetime.now(UTC)))


def _snapshot(cloud: str, row: Document) -> Snapshot:
    return records.snapshot(cloud, shown(row, datetime.now(UTC)))
