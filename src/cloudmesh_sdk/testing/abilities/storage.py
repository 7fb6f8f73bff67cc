"""What a cloud promises that has volumes, and snapshots of them."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar
from uuid import uuid4

import attrs
import pytest

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError, NotFoundError
from cloudmesh_sdk.models import Server, Snapshot, Volume, VolumeRequest
from cloudmesh_sdk.providers.base import Cloud, HasSnapshots, HasVolumes
from cloudmesh_sdk.testing.clouds import CloudFixtures
from cloudmesh_sdk.testing.listing import check_list

Made = Callable[..., Volume]


class VolumeFixtures(CloudFixtures):
    """Fixtures of those who need volumes."""

    available: ClassVar[str] = "available"
    """The cloud's word for a volume (or snapshot) that can be used."""

    @pytest.fixture
    def disks(self, cloud: Cloud) -> HasVolumes:
        """Return the cloud as one with volumes."""
        assert isinstance(cloud, HasVolumes)
        return cloud

    @pytest.fixture
    def made(self, disks: HasVolumes) -> Iterator[Made]:
        """Create volumes that can be used, with the given fields of a request; deleted at last."""
        volumes: dict[str, Volume] = {}

        def made(**fields: Any) -> Volume:
            given = {"name": f"kit-{uuid4().hex[:12]}", "size": 1, "token": uuid4().hex, **fields}
            volume = disks.create_volume(VolumeRequest(**given))
            volumes[volume.id] = volume
            return self.usable(disks, volume)

        yield made
        for volume in volumes.values():
            self.dropped(disks, volume)

    def usable(self, disks: HasVolumes, volume: Volume) -> Volume:
        """Return the volume once it can be used."""
        return self.eventually(
            lambda: disks.volume(volume.id),
            lambda now: now.state == self.available,
            f"{volume.name} can be used",
        )

    def dropped(self, disks: HasVolumes, volume: Volume) -> None:
        """Take a volume off its server and delete it, as soon as the cloud allows it."""

        def drop() -> None:
            disks.detach_volume(volume)
            disks.delete_volume(volume)

        try:
            disks.volume(volume.id)
        except NotFoundError:
            return
        self.allowed(drop)


class VolumeSuite(VolumeFixtures):
    """Promises of `HasVolumes`."""

    def test_a_created_volume_shows_as_it_was_asked_for(
        self, cloud: Cloud, disks: HasVolumes, made: Made
    ) -> None:
        token = uuid4().hex
        volume = made(size=2, name="kit-two", token=token)
        (row,) = [r for r in check_list(cloud, disks.volumes, Volume) if r.id == volume.id]
        assert (row.name, row.size, row.state) == ("kit-two", 2, self.available)
        assert (row.server, row.device) == (None, None)
        assert row.token in (token, None)
        assert row == disks.volume(volume.id)

    def test_one_token_creates_one_volume(self, disks: HasVolumes, made: Made) -> None:
        token, name = uuid4().hex, f"kit-{uuid4().hex[:12]}"
        ids = {made(token=token, name=name).id, made(token=token, name=name).id}
        assert len(ids) == 1
        assert made(name=name).id not in ids
        assert len([row for row in disks.volumes() if row.name == name]) == 2

    def test_an_unknown_volume_is_not_found(self, disks: HasVolumes) -> None:
        with pytest.raises(NotFoundError):
            disks.volume(self.absent)

    def test_a_volume_is_attached_and_taken_off(
        self, disks: HasVolumes, made: Made, started: Callable[..., Server]
    ) -> None:
        volume, server = made(), started()
        for _ in range(2):
            disks.attach_volume(volume, server)
        there = self.eventually(
            lambda: disks.volume(volume.id),
            lambda now: now.server == server.id and now.device is not None,
            "the volume is at the server",
        )
        assert there.state != self.available
        for _ in range(2):
            self.allowed(lambda: disks.detach_volume(there))
        free = self.usable(disks, volume)
        assert (free.server, free.device) == (None, None)

    def test_a_volume_outlives_its_server(
        self, cloud: Cloud, disks: HasVolumes, made: Made, started: Callable[..., Server]
    ) -> None:
        volume, server = made(), started()
        disks.attach_volume(volume, server)
        self.eventually(
            lambda: disks.volume(volume.id).server, lambda at: at == server.id, "it is attached"
        )
        cloud.delete(server)
        assert self.usable(disks, volume).server is None

    def test_an_attached_volume_is_not_deleted(
        self, disks: HasVolumes, made: Made, started: Callable[..., Server]
    ) -> None:
        volume, server = made(), started()
        disks.attach_volume(volume, server)
        there = self.eventually(
            lambda: disks.volume(volume.id), lambda now: now.server == server.id, "it is attached"
        )
        with pytest.raises((ConflictError, InvalidRequestError)):
            disks.delete_volume(there)
        assert disks.volume(volume.id).server == server.id

    def test_deleting_a_volume_twice_is_no_error(self, disks: HasVolumes, made: Made) -> None:
        volume = made()
        disks.delete_volume(volume)
        self.eventually(
            lambda: [row.id for row in disks.volumes()],
            lambda ids: volume.id not in ids,
            "it is listed no more",
        )
        disks.delete_volume(volume)
        disks.delete_volume(attrs.evolve(volume, id=self.absent))


class SnapshotSuite(VolumeFixtures):
    """Promises of `HasSnapshots`."""

    @pytest.fixture
    def past(self, cloud: Cloud) -> HasSnapshots:
        """Return the cloud as one with snapshots."""
        assert isinstance(cloud, HasSnapshots)
        return cloud

    @pytest.fixture
    def taken_of(
        self,
        made: Made,  # noqa: ARG002 - the volumes are deleted after their snapshots
        past: HasSnapshots,
    ) -> Iterator[Callable[..., Snapshot]]:
        """Take snapshots of volumes, deleted at last."""
        taken: dict[str, Snapshot] = {}

        def taken_of(volume: Volume, token: str = "") -> Snapshot:
            name = f"kit-{uuid4().hex[:12]}"
            snapshot = past.create_snapshot(volume, name, token or uuid4().hex)
            taken[snapshot.id] = snapshot
            return self._ready(past, snapshot)

        yield taken_of
        for snapshot in taken.values():
            self.allowed(partial(past.delete_snapshot, snapshot))
            self._forgotten(past, snapshot)

    def test_a_snapshot_is_listed(
        self, cloud: Cloud, past: HasSnapshots, made: Made, taken_of: Callable[..., Snapshot]
    ) -> None:
        volume = made()
        snapshot = taken_of(volume)
        (row,) = [r for r in check_list(cloud, past.snapshots, Snapshot) if r.id == snapshot.id]
        assert (row.name, row.volume, row.size) == (snapshot.name, volume.id, volume.size)

    def test_one_token_takes_one_snapshot(
        self, past: HasSnapshots, made: Made, taken_of: Callable[..., Snapshot]
    ) -> None:
        volume, token = made(), uuid4().hex
        ids = {taken_of(volume, token).id, taken_of(volume, token).id}
        assert {row.id for row in past.snapshots() if row.volume == volume.id} == ids
        assert len(ids) == 1

    def test_an_attached_volume_is_snapshot_too(
        self,
        disks: HasVolumes,
        made: Made,
        started: Callable[..., Server],
        taken_of: Callable[..., Snapshot],
    ) -> None:
        volume, server = made(), started()
        disks.attach_volume(volume, server)
        there = self.eventually(
            lambda: disks.volume(volume.id),
            lambda now: now.server == server.id and now.device is not None,
            "the volume is at the server",
        )
        assert taken_of(there).volume == volume.id

    def test_a_volume_is_made_from_a_snapshot(
        self, made: Made, taken_of: Callable[..., Snapshot]
    ) -> None:
        snapshot = taken_of(made())
        again = made(snapshot=snapshot.id)
        assert again.id != snapshot.volume
        assert again.size == snapshot.size

    def test_deleting_a_snapshot_twice_is_no_error(
        self, past: HasSnapshots, made: Made, taken_of: Callable[..., Snapshot]
    ) -> None:
        snapshot = taken_of(made())
        past.delete_snapshot(snapshot)
        self._forgotten(past, snapshot)
        past.delete_snapshot(snapshot)
        past.delete_snapshot(attrs.evolve(snapshot, id=self.absent))

    def _ready(self, past: HasSnapshots, snapshot: Snapshot) -> Snapshot:
        def now() -> list[Snapshot]:
            return [row for row in past.snapshots() if row.id == snapshot.id]

        def holds(rows: list[Snapshot]) -> bool:
            return [row.state for row in rows] == [self.available]

        return self.eventually(now, holds, f"{snapshot.name} can be used")[0]

    def _forgotten(self, past: HasSnapshots, snapshot: Snapshot) -> None:
        self.eventually(
            lambda: [row.id for row in past.snapshots()],
            lambda ids: snapshot.id not in ids,
            f"{snapshot.name} is listed no more",
        )
