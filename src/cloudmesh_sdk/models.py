"""What the mesh talks about: plain, frozen records.

Times are aware datetimes in UTC, memory is in MiB, disk in GiB, durations are in seconds.
`native` is the service's own answer, complete and unchanged but for masked secrets; it takes no
part in equality. Add a kind of record by writing its class and its line in `KINDS`.
"""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import attrs

from cloudmesh_sdk.tables import html_table


class ServerState(enum.StrEnum):
    """Where a server is in its life, in words common to all clouds."""

    PENDING = "pending"
    RUNNING = "running"
    REBOOTING = "rebooting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    DELETING = "deleting"
    DELETED = "deleted"
    ERROR = "error"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class Record:
    """What every record has: whose it is, who it is, how fresh it is."""

    kind: ClassVar[str] = ""
    columns: ClassVar[tuple[str, ...]] = ("cloud", "name", "id")

    cloud: str
    id: str
    """The service's own id."""
    name: str
    seen: datetime | None = attrs.field(default=None, eq=False, repr=False)
    """When the cloud last said so."""
    stale: datetime | None = attrs.field(default=None, eq=False, repr=False)
    """Since when the cloud has failed to answer; None while it answers."""
    missing: datetime | None = attrs.field(default=None, eq=False, repr=False)
    """Since when the cloud no longer lists it; None while it does."""
    native: Mapping[str, Any] = attrs.field(factory=dict, eq=False, repr=False)

    def _repr_html_(self) -> str:
        """Return this record as an HTML table, native data folded below."""
        fields = [field.name for field in attrs.fields(type(self)) if field.name != "native"]
        rows = [(name, getattr(self, name)) for name in fields]
        native = html_table(("native", ""), sorted(self.native.items(), key=lambda i: str(i[0])))
        head = html_table((type(self).__name__, ""), rows)
        return f"{head}<details><summary>native</summary>{native}</details>"


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
    """Id of its flavor."""
    key: str | None = None
    """Name of its keypair at the cloud."""
    public_ips: tuple[str, ...] = ()
    private_ips: tuple[str, ...] = ()
    zone: str | None = None
    security_groups: tuple[str, ...] = ()
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


KINDS: Mapping[str, type[Record]] = {c.kind: c for c in (Server, Image, Flavor, Keypair)}
"""Record classes by kind: what a mesh can refresh, list and store."""


@attrs.frozen(kw_only=True)
class Rule:
    """One permission of a security group: who may come in (or go out), on which ports."""

    direction: str = "ingress"
    protocol: str = "tcp"
    """`tcp`, `udp`, `icmp`, or `any`."""
    from_port: int | None = None
    to_port: int | None = None
    remote: str = "0.0.0.0/0"
    """A CIDR, or the id of another security group."""


@attrs.frozen(kw_only=True)
class SecurityGroup(Record):
    """A named set of firewall rules."""

    columns: ClassVar[tuple[str, ...]] = ("cloud", "name", "description", "id")

    description: str = ""
    rules: tuple[Rule, ...] = ()


@attrs.frozen(kw_only=True)
class Quota:
    """One limit of an account; `limit` None means unlimited, `used` None not known."""

    cloud: str
    name: str
    used: int | None
    limit: int | None
    native: Mapping[str, Any] = attrs.field(factory=dict, eq=False, repr=False)


@attrs.frozen(kw_only=True)
class ServerRequest:
    """What a driver needs to start a server; image, flavor and key are the cloud's own ids."""

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


@attrs.frozen(kw_only=True)
class Health:
    """What a check of a service found."""

    service: str
    version: str = ""
    identity: str = ""
    """Who the service says we are."""
    skew: float | None = None
    """Seconds our clock is ahead of the service's; None where it does not say."""
    warnings: tuple[str, ...] = ()


class OperationState(enum.StrEnum):
    """Where an operation is: `pending → running → done | failed | cancelled`.

    `unknown` is a crashed one that the cloud could not yet be asked about.
    """

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class Fault:
    """An error as it is kept: its class, its text, and whether trying again is sensible."""

    kind: str
    message: str
    transient: bool = False

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.kind}: {self.message}"


@attrs.frozen(kw_only=True)
class Operation:
    """Something asked for, journalled before it was done."""

    columns: ClassVar[tuple[str, ...]] = (
        "id", "act", "cloud", "target", "state", "attempts", "created", "error",
    )  # fmt: skip

    id: str
    owner: str
    act: str
    """`start`, `stop`, `resume`, `reboot`, `delete`, `upload` …"""
    cloud: str
    target: str
    """Name of what is acted on."""
    token: str
    request: Mapping[str, Any] = attrs.field(factory=dict, hash=False)
    """Arguments of the act as plain data, without secrets."""
    state: OperationState = attrs.field(default=OperationState.PENDING, repr=str)
    attempts: int = 0
    runner: str | None = None
    """Who runs it: `host/pid/start time of the process`."""
    lease: datetime | None = None
    """Until when the runner may be taken to be alive."""
    result: str | None = None
    """Native id of what came of it."""
    error: Fault | None = None
    created: datetime
    sent: datetime | None = None
    """When the last attempt was handed to the driver."""
    doubted: datetime | None = None
    """When its answer was given up, where that was lost."""
    finished: datetime | None = None
