"""Servers, what they are started from, and what is asked for."""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import attrs

from cloudmesh_sdk.models.record import Record


class ServerState(enum.StrEnum):
    """Where a server is in its life, in words common to all clouds."""

    PENDING = "pending"
    RUNNING = "running"
    REBOOTING = "rebooting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    PAUSED = "paused"
    SHELVED = "shelved"
    RESIZING = "resizing"
    RESIZED = "resized"
    """On its new flavor, to be confirmed or taken back."""
    RESCUED = "rescued"
    DELETING = "deleting"
    DELETED = "deleted"
    ERROR = "error"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class Server(Record):
    """A virtual machine at one cloud."""

    kind: ClassVar[str] = "servers"
    columns: ClassVar[tuple[str, ...]] = (
        "cloud", "name", "state", "public_ips", "private_ips", "flavor", "image", "id",
    )  # fmt: skip

    state: ServerState = attrs.field(repr=str)
    image: str | None = None
    """Id of the image it was started from."""
    flavor: str | None = None
    """Id of its flavor, or its name where the cloud tells no id with the server."""
    key: str | None = None
    """Name of its keypair at the cloud."""
    public_ips: tuple[str, ...] = ()
    private_ips: tuple[str, ...] = ()
    zone: str | None = None
    project: str | None = None
    """Id of the project (tenant, account) it belongs to, where the cloud says."""
    security_groups: tuple[str, ...] = ()
    """Their names at the cloud."""
    tags: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    created: datetime | None = None
    token: str | None = attrs.field(default=None, eq=False)
    """Idempotency token of the operation that started it, where the cloud shows it."""
    fault: str | None = None
    """What went wrong, in the cloud's words, where the state is ERROR."""


@attrs.frozen(kw_only=True)
class Image(Record):
    """Something a server can be started from."""

    kind: ClassVar[str] = "images"
    columns: ClassVar[tuple[str, ...]] = ("cloud", "name", "id", "architecture", "created")

    architecture: str | None = None
    """As the cloud names it: `x86_64`, `arm64` …"""
    min_ram: int | None = None
    min_disk: int | None = None
    public: bool | None = None
    created: datetime | None = None


@attrs.frozen(kw_only=True)
class Flavor(Record):
    """A size a server can have."""

    kind: ClassVar[str] = "flavors"
    columns: ClassVar[tuple[str, ...]] = ("cloud", "name", "vcpus", "ram", "disk", "gpus", "id")

    vcpus: int | None = None
    ram: int | None = None
    disk: int | None = None
    gpus: int = 0
    architectures: tuple[str, ...] = ()
    """Architectures of the images that it can run; empty where the cloud does not say."""
    price: float | None = None
    """US dollars an hour, where the cloud says."""


@attrs.frozen(kw_only=True)
class Keypair(Record):
    """The public half of an SSH key that a cloud puts on servers; the id is the name."""

    kind: ClassVar[str] = "keypairs"
    columns: ClassVar[tuple[str, ...]] = ("cloud", "name", "fingerprint")

    fingerprint: str | None = None
    public_key: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class ServerRequest:
    """What a driver needs to start a server; image, flavor and key are the cloud's own ids.

    What is below `tags` only some drivers do: they name it in `Cloud.extras`.
    """

    name: str
    image: str
    flavor: str
    token: str
    """The same token starts the same server, however often it is sent."""
    key: str | None = None
    security_groups: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    user_data: str | None = attrs.field(default=None, repr=False)
    tags: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    zone: str | None = None
    """Availability zone to start in."""
    config_drive: bool | None = None
    """Give it its metadata on a disk as well."""
    boot_volume: int | None = None
    """Boot from a new volume of so many GiB, made from the image, deleted with the server."""
    hints: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    """For the scheduler, in the cloud's own words."""


@attrs.frozen(kw_only=True)
class Action:
    """Something that a cloud did to a server, in the cloud's own words."""

    columns: ClassVar[tuple[str, ...]] = ("at", "name", "result", "message", "request_id")

    at: datetime
    name: str
    """`create`, `stop`, `reboot` …"""
    result: str = ""
    """`success`, `error`; empty where it is not over or the cloud does not say."""
    message: str = ""
    """What went wrong, with the step that failed."""
    user: str | None = None
    """Id of who asked for it."""
    request_id: str | None = None
    native: Mapping[str, Any] = attrs.field(factory=dict, eq=False, repr=False)
