"""Networks, what is on them, and who may come in."""

from typing import ClassVar

import attrs

from cloudmesh_sdk.models.record import Record


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
