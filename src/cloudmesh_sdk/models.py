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
class Rule:
    """One permission of a security group: who may come in (or go out), on which ports."""

    columns: ClassVar[tuple[str, ...]] = (
        "direction", "protocol", "from_port", "to_port", "remote",
    )  # fmt: skip

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

    kind: ClassVar[str] = "security_groups"
    columns: ClassVar[tuple[str, ...]] = ("cloud", "name", "description", "id")

    description: str = ""
    rules: tuple[Rule, ...] = ()


@attrs.frozen(kw_only=True)
class Network(Record):
    """A network that servers can be on."""

    kind: ClassVar[str] = "networks"
    columns: ClassVar[tuple[str, ...]] = (
        "cloud", "name", "state", "subnets", "external", "shared", "id",
    )  # fmt: skip

    state: str = ""
    """In the cloud's own word, lower case: `active`, `down` …"""
    subnets: tuple[str, ...] = ()
    """Ids of its subnets; `Subnet` has their addresses."""
    external: bool | None = None
    """Floating IPs come from such a one."""
    shared: bool | None = None
    """Other projects use it too."""
    mtu: int | None = None


@attrs.frozen(kw_only=True)
class Subnet(Record):
    """A range of addresses on a network."""

    kind: ClassVar[str] = "subnets"
    columns: ClassVar[tuple[str, ...]] = (
        "cloud", "name", "cidr", "gateway", "dhcp", "network", "id",
    )  # fmt: skip

    network: str = ""
    """Id of its network."""
    cidr: str = ""
    gateway: str | None = None
    dhcp: bool | None = None
    dns: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Router(Record):
    """What joins networks, and lets them out."""

    kind: ClassVar[str] = "routers"
    columns: ClassVar[tuple[str, ...]] = ("cloud", "name", "state", "external", "id")

    state: str = ""
    external: str | None = None
    """Id of the external network it goes out by; None where it does not."""


@attrs.frozen(kw_only=True)
class Port(Record):
    """A place on a network that a server (or a router) is plugged into."""

    kind: ClassVar[str] = "ports"
    columns: ClassVar[tuple[str, ...]] = (
        "cloud", "name", "state", "addresses", "mac", "device", "network", "id",
    )  # fmt: skip

    state: str = ""
    network: str = ""
    """Id of its network."""
    addresses: tuple[str, ...] = ()
    mac: str = ""
    device: str | None = None
    """Id of the server or router that has it; None where nobody does."""


@attrs.frozen(kw_only=True)
class FloatingIP(Record):
    """A public address that can be moved from server to server; the name is the address."""

    kind: ClassVar[str] = "floating_ips"
    columns: ClassVar[tuple[str, ...]] = (
        "cloud", "name", "state", "private_ip", "port", "network", "id",
    )  # fmt: skip

    state: str = ""
    """In the cloud's own word, lower case: `active`, `down` …"""
    network: str | None = None
    """Id of the external network it comes from."""
    port: str | None = None
    """Id of the port it is attached to; None while it is free."""
    private_ip: str | None = None
    """Address it stands for; None while it is free."""
    token: str | None = attrs.field(default=None, eq=False)
    """Idempotency token of the operation that created it, where the cloud shows it."""


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


_KINDS = (
    Server, Image, Flavor, Keypair, SecurityGroup, Network, FloatingIP, Volume,
    Subnet, Router, Port, Snapshot,
)  # fmt: skip
KINDS: Mapping[str, type[Record]] = {c.kind: c for c in _KINDS}
"""Record classes by kind: what a mesh can refresh, list and store."""


@attrs.frozen(kw_only=True)
class Quota:
    """One limit of an account; `limit` None means unlimited, `used` None not known."""

    columns: ClassVar[tuple[str, ...]] = ("cloud", "name", "used", "limit")

    cloud: str
    name: str
    used: int | None
    limit: int | None
    native: Mapping[str, Any] = attrs.field(factory=dict, eq=False, repr=False)


@attrs.frozen(kw_only=True)
class Zone:
    """A part of a cloud that fails by itself: an availability zone."""

    columns: ClassVar[tuple[str, ...]] = ("cloud", "name", "available")

    cloud: str
    name: str
    available: bool
    native: Mapping[str, Any] = attrs.field(factory=dict, eq=False, repr=False)


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


@attrs.frozen(kw_only=True)
class RawAnswer:
    """What a service answered to a request of the user's own making."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str] = attrs.field(repr=False)
    """Without secrets."""
    body: Any = attrs.field(repr=False)
    """Plain data where the answer is JSON, else its text; None where it is empty."""
    request_id: str | None = None


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
    """Native id of what came of it, of the first where that are several."""
    results: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    """Native ids of all that came of it, where that are several: a group of servers."""
    account: str | None = None
    """Stands for the account that the cloud's entry meant then; None where that is not known."""
    error: Fault | None = None
    created: datetime
    sent: datetime | None = None
    """When the last attempt was handed to the driver."""
    doubted: datetime | None = None
    """When its answer was given up, where that was lost."""
    finished: datetime | None = None
