"""Volumes and snapshots of Cinder."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import orjson

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError, NotFoundError
from cloudmesh_sdk.models import Server, Snapshot, Volume, VolumeRequest
from cloudmesh_sdk.providers.base import HasSnapshots, HasVolumes
from cloudmesh_sdk.providers.openstack.client import Client
from cloudmesh_sdk.providers.openstack.compute import path as server_path
from cloudmesh_sdk.providers.openstack.network_records import Convert
from cloudmesh_sdk.providers.openstack.records import TOKEN, moment
from cloudmesh_sdk.providers.openstack.settings import OpenstackSettings

T = TypeVar("T")

_FILTERED = "3.30"
"""Highest microversion of Cinder that filters lists by metadata whatever its operator chose."""


def volume(native: Mapping[str, Any], cloud: str) -> Volume:
    """Return a volume; of one that many servers have, the first is told."""
    at = (native.get("attachments") or [{}])[0]
    return Volume(
        cloud=cloud,
        id=native["id"],
        name=native.get("name") or "",
        state=(native.get("status") or "").lower(),
        size=native.get("size"),
        server=at.get("server_id"),
        device=at.get("device"),
        type=native.get("volume_type"),
        zone=native.get("availability_zone"),
        bootable={"true": True, "false": False}.get(str(native.get("bootable")).lower()),
        created=moment(native.get("created_at")),
        token=(native.get("metadata") or {}).get(TOKEN),
        native=native,
    )


def snapshot(native: Mapping[str, Any], cloud: str) -> Snapshot:
    """Return a snapshot."""
    return Snapshot(
        cloud=cloud,
        id=native["id"],
        name=native.get("name") or "",
        state=(native.get("status") or "").lower(),
        size=native.get("size"),
        volume=native["volume_id"],
        created=moment(native.get("created_at")),
        token=(native.get("metadata") or {}).get(TOKEN),
        native=native,
    )


class Volumes(HasVolumes, HasSnapshots):
    """What Cinder has for this project, and Nova's part in attaching it.

    Without a Cinder in the catalog all raise `UnsupportedError`.
    """

    _client: Client
    name: str
    settings: OpenstackSettings

    def volumes(self) -> Iterator[Volume]:
        return self._listed_in("volumes", volume)

    def volume(self, id: str) -> Volume:  # noqa: A002
        if not id:
            raise NotFoundError(f"{self.name} has no volume without an id")
        return self._one("volumes", "volume", id, volume)

    def create_volume(self, request: VolumeRequest) -> Volume:
        """Create a volume; 2 requests, since its token is looked up first."""
        if made := self._with("volumes", volume, request.token):
            return made
        body = {
            "name": request.name,
            "size": request.size,
            "volume_type": request.type,
            "availability_zone": request.zone,
            "imageRef": request.image,
            "snapshot_id": request.snapshot,
            "metadata": {TOKEN: request.token},
        }
        return self._create("volumes", "volume", body, volume)

    def delete_volume(self, volume: Volume) -> None:
        """Delete a volume.

        Cinder refuses one in use by a 400 that names its status: a `ConflictError` here.
        """
        try:
            self._forget("volumes", volume.id)
        except InvalidRequestError as error:
            if "status must be" not in str(error):
                raise
            raise ConflictError(str(error), request_id=error.request_id) from error.__cause__

    def attach_volume(self, volume: Volume, server: Server, device: str | None = None) -> Volume:
        """Attach a volume to a server: 2 requests, 1 more where it seems to be there already."""
        wanted = {"volumeId": volume.id} | ({"device": device} if device else {})
        where = server_path(server, "os-volume_attachments")
        try:
            self._client.call("POST", where, body={"volumeAttachment": wanted}, again=False)
        except (ConflictError, InvalidRequestError):
            if not self._has(server, volume):
                raise
        return self.volume(volume.id)

    def detach_volume(self, volume: Volume) -> Volume:
        """Take a volume off its server: 2 requests, and 1 where the record knows no server."""
        now = volume if volume.server else self.volume(volume.id)
        if now.server is None or now.state == "detaching":
            return now
        where = f"/servers/{quote(now.server, safe='')}/os-volume_attachments"
        try:
            self._client.call("DELETE", f"{where}/{quote(volume.id, safe='')}")
        except (NotFoundError, ConflictError, InvalidRequestError):
            found = self.volume(volume.id)
            if found.server is None or found.state == "detaching":
                return found
            raise
        return self.volume(volume.id)

    def snapshots(self) -> Iterator[Snapshot]:
        return self._listed_in("snapshots", snapshot)

    def create_snapshot(self, volume: Volume, name: str, token: str) -> Snapshot:
        """Snapshot a volume, also one in use; 2 requests, since the token is looked up first."""
        if made := self._with("snapshots", snapshot, token):
            return made
        body = {"volume_id": volume.id, "name": name, "force": True, "metadata": {TOKEN: token}}
        return self._create("snapshots", "snapshot", body, snapshot)

    def delete_snapshot(self, snapshot: Snapshot) -> None:
        self._forget("snapshots", snapshot.id)

    def _has(self, server: Server, volume: Volume) -> bool:
        """Return whether a server has a volume, or is about to."""
        answer = self._client.call("GET", server_path(server, "os-volume_attachments"))
        found = self._client.part(answer, "GET os-volume_attachments", "volumeAttachments")
        return any(one.get("volumeId") == volume.id for one in found)

    def _with(self, collection: str, record: Convert[T], token: str) -> T | None:
        """Return what was made with a token; Cinder filters by metadata, the answer decides.

        From microversion 3.31 on an operator chooses the filters, and may choose none (400).
        """
        path = f"/{collection}/detail"
        answer = self._client.call(
            "GET",
            path,
            service="volume",
            params={"metadata": orjson.dumps({TOKEN: token}).decode()},
            microversion=_FILTERED,
        )
        natives = self._client.part(answer, f"GET {path}", collection)
        found = self._client.records(f"GET {path}", record, natives)
        if answer.get(f"{collection}_links"):  # so many that nothing was filtered
            found = list(self._listed_in(collection, record))
        return next((one for one in found if getattr(one, "token", None) == token), None)

    def _listed_in(self, collection: str, record: Convert[T]) -> Iterator[T]:
        path = f"/{collection}/detail"
        params: dict[str, str] = {}
        if self.settings.page_size:
            params["limit"] = str(self.settings.page_size)
        if self.settings.all_projects:
            params["all_tenants"] = "1"
        for page in self._client.pages(path, collection, service="volume", params=params):
            yield from self._client.records(f"GET {path}", record, page)

    def _one(self, collection: str, key: str, number: str, record: Convert[T]) -> T:
        path = f"/{collection}/{quote(number, safe='')}"
        answer = self._client.call("GET", path, service="volume")
        native = self._client.part(answer, f"GET {path}", key)
        return self._client.records(f"GET {path}", record, [native])[0]

    def _create(self, collection: str, key: str, body: Any, record: Convert[T]) -> T:
        path = f"/{collection}"
        given = {key: {name: value for name, value in body.items() if value is not None}}
        answer = self._client.call("POST", path, service="volume", body=given, again=False)
        native = self._client.part(answer, f"POST {path}", key)
        return self._client.records(f"POST {path}", record, [native])[0]

    def _forget(self, collection: str, number: str) -> None:
        try:
            path = f"/{collection}/{quote(number, safe='')}"
            self._client.call("DELETE", path, service="volume")
        except NotFoundError:
            return
