"""Volumes and their snapshots, as the facade offers them."""

from cloudmesh_sdk.mesh.facade import Facade
from cloudmesh_sdk.models import Image, Server, Snapshot, Volume


class Storage(Facade):
    """Disks that outlive servers. Without `cloud` one is looked for at all active clouds.

    Raises `NotFoundError` with near names, `InvalidRequestError` where several have the name,
    `UnsupportedError` where the cloud has no such things.
    """

    def create_volume(
        self,
        name: str,
        size: int,
        *,
        cloud: str | None = None,
        type: str | None = None,  # noqa: A002
        zone: str | None = None,
        image: str | Image | None = None,
        snapshot: str | Snapshot | None = None,
    ) -> Volume:
        """Create a volume of `size` GiB at a cloud (the default one), not waiting for it."""
        return self._things.create_volume(
            cloud, name, size, kind=type, zone=zone, image=image, snapshot=snapshot
        )

    def attach_volume(
        self,
        volume: str | Volume,
        server: str | Server,
        *,
        device: str | None = None,
        cloud: str | None = None,
    ) -> Volume:
        """Attach a volume to a server of its cloud, as `device` where the cloud lets one choose."""
        return self._things.attach_volume(volume, server, device, cloud)

    def detach_volume(self, volume: str | Volume, *, cloud: str | None = None) -> Volume:
        """Take a volume off its server; one that is on none is no error."""
        return self._things.detach_volume(volume, cloud)

    def delete_volume(self, volume: str | Volume, *, cloud: str | None = None) -> Volume:
        """Delete a volume and all that is on it, and return what it was."""
        return self._things.act("delete_volume", Volume, volume, cloud)

    def create_snapshot(
        self, volume: str | Volume, name: str, *, cloud: str | None = None
    ) -> Snapshot:
        """Keep a volume as it is now, under a name; not waiting for it."""
        return self._things.create_snapshot(volume, name, cloud)

    def delete_snapshot(self, snapshot: str | Snapshot, *, cloud: str | None = None) -> Snapshot:
        """Delete a snapshot and return what it was."""
        return self._things.act("delete_snapshot", Snapshot, snapshot, cloud)
