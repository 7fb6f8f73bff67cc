"""Disks that outlive servers."""

from datetime import datetime
from typing import ClassVar

import attrs

from cloudmesh_sdk.models.record import Record


@attrs.frozen(kw_only=True)
class Volume(Record):
    """A disk that outlives the servers it is attached to."""

    kind: ClassVar[str] = "volumes"
    columns: ClassVar[tuple[str, ...]] = (
        "cloud", "name", "state", "size", "server", "device", "type", "id",
    )  # fmt: skip

    state: str = ""
    """In the cloud's own word, lower case: `available`, `in-use`, `creating`, `error` …"""
    size: int | None = None
    """GiB."""
    server: str | None = None
    """Id of the server that has it; None while it is free."""
    device: str | None = None
    """Where that server sees it: `/dev/vdb`."""
    type: str | None = None
    zone: str | None = None
    bootable: bool | None = None
    created: datetime | None = None
    token: str | None = attrs.field(default=None, eq=False)
    """Idempotency token of the operation that created it, where the cloud shows it."""


@attrs.frozen(kw_only=True)
class Snapshot(Record):
    """A volume as it was at one moment."""

    kind: ClassVar[str] = "snapshots"
    columns: ClassVar[tuple[str, ...]] = (
        "cloud", "name", "state", "size", "volume", "created", "id",
    )  # fmt: skip

    state: str = ""
    size: int | None = None
    """GiB."""
    volume: str = ""
    """Id of the volume."""
    created: datetime | None = None
    token: str | None = attrs.field(default=None, eq=False)
    """Idempotency token of the operation that created it, where the cloud shows it."""


@attrs.frozen(kw_only=True)
class VolumeRequest:
    """What a driver needs to create a volume."""

    name: str
    size: int
    """GiB."""
    token: str
    """The same token creates the same volume, however often it is sent."""
    type: str | None = None
    zone: str | None = None
    image: str | None = None
    """Id of the image to fill it with."""
    snapshot: str | None = None
    """Id of the snapshot to fill it with."""
