"""Neutron's answers as records, and rules the other way round: pure functions."""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from cloudmesh_sdk.models import FloatingIP, Network, Port, Router, Rule, SecurityGroup, Subnet

T = TypeVar("T")
Convert: TypeAlias = Callable[[Any, str], T]

MARK = "cloudmesh:token "
"""Begins the description of a floating IP that Cloudmesh took; the token follows."""

_ANYWHERE = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}
_NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
_SAME = {"ipv6-icmp": "icmpv6", "icmp6": "icmpv6"}
_PORTED = frozenset({"tcp", "udp", "sctp", "dccp", "udplite"})
_SIX = frozenset({"icmpv6"})


def network(native: Mapping[str, Any], cloud: str) -> Network:
    """Return a network."""
    return Network(
        cloud=cloud,
        id=native["id"],
        name=native.get("name") or "",
        state=_word(native),
        subnets=tuple(native.get("subnets") or ()),
        external=native.get("router:external"),
        shared=native.get("shared"),
        mtu=native.get("mtu"),
        native=native,
    )


def subnet(native: Mapping[str, Any], cloud: str) -> Subnet:
    """Return a subnet."""
    return Subnet(
        cloud=cloud,
        id=native["id"],
        name=native.get("name") or "",
        network=native["network_id"],
        cidr=native["cidr"],
        gateway=native.get("gateway_ip"),
        dhcp=native.get("enable_dhcp"),
        dns=tuple(native.get("dns_nameservers") or ()),
        native=native,
    )


def router(native: Mapping[str, Any], cloud: str) -> Router:
    """Return a router."""
    return Router(
        cloud=cloud,
        id=native["id"],
        name=native.get("name") or "",
        state=_word(native),
        external=(native.get("external_gateway_info") or {}).get("network_id"),
        native=native,
    )


def port(native: Mapping[str, Any], cloud: str) -> Port:
    """Return a port."""
    return Port(
        cloud=cloud,
        id=native["id"],
        name=native.get("name") or "",
        state=_word(native),
        network=native["network_id"],
        addresses=tuple(fixed["ip_address"] for fixed in native.get("fixed_ips") or ()),
        mac=(native.get("mac_address") or "").lower(),
        device=native.get("device_id") or None,
        native=native,
    )


def floating_ip(native: Mapping[str, Any], cloud: str) -> FloatingIP:
    """Return a floating IP; its name is its address."""
    description = native.get("description") or ""
    return FloatingIP(
        cloud=cloud,
        id=native["id"],
        name=native["floating_ip_address"],
        state=_word(native),
        network=native.get("floating_network_id"),
        port=native.get("port_id"),
        private_ip=native.get("fixed_ip_address"),
        token=description.removeprefix(MARK) if description.startswith(MARK) else None,
        native=native,
    )


def group(native: Mapping[str, Any], cloud: str) -> SecurityGroup:
    """Return a security group with its rules."""
    return SecurityGroup(
        cloud=cloud,
        id=native["id"],
        name=native.get("name") or native["id"],
        description=native.get("description") or "",
        rules=tuple(rule(one) for one in native.get("security_group_rules") or ()),
        native=native,
    )


def rule(native: Mapping[str, Any]) -> Rule:
    """Return a rule; one without a remote is for everybody of its kind of address."""
    protocol = str(native.get("protocol") or "any").lower()
    remote = (
        native.get("remote_ip_prefix")
        or native.get("remote_group_id")
        or native.get("remote_address_group_id")
        or _ANYWHERE.get(native.get("ethertype") or "IPv4", "")
    )
    protocol = _SAME.get(protocol, _NUMBERS.get(protocol, protocol))
    return Rule(
        direction=native["direction"],
        protocol=protocol,
        from_port=native.get("port_range_min"),
        to_port=native.get("port_range_max"),
        remote=remote,
    )


def rule_body(group_id: str, rule: Rule) -> dict[str, Any]:
    """Return a rule as Neutron takes it: for ICMP its ports are type and code.

    https://docs.openstack.org/api-ref/network/v2/#create-security-group-rule
    """
    six = ":" in rule.remote or rule.protocol in _SIX
    single = rule.protocol in _PORTED and rule.to_port is None
    body = {
        "security_group_id": group_id,
        "direction": rule.direction,
        "ethertype": "IPv6" if six else "IPv4",
        "protocol": None if rule.protocol == "any" else rule.protocol,
        "port_range_min": rule.from_port,
        "port_range_max": rule.from_port if single else rule.to_port,
        ("remote_ip_prefix" if is_range(rule.remote) else "remote_group_id"): rule.remote,
    }
    return {field: value for field, value in body.items() if value is not None}


def same(one: Rule, other: Rule) -> bool:
    """Return whether two rules permit the same: a single port may be told once or twice."""
    return _normal(one) == _normal(other)


def is_range(remote: str) -> bool:
    """Return whether a remote is a range of addresses, not the id of a group."""
    try:
        ipaddress.ip_network(remote, strict=False)
    except ValueError:
        return False
    return True


def _normal(rule: Rule) -> tuple[Any, ...]:
    ends = rule.from_port, rule.to_port
    if rule.protocol in _PORTED and rule.to_port is None:
        ends = rule.from_port, rule.from_port
    protocol = _SAME.get(rule.protocol, rule.protocol)
    remote = rule.remote
    if is_range(remote):
        remote = str(ipaddress.ip_network(remote, strict=False))
    return rule.direction, protocol, ends, remote


def _word(native: Mapping[str, Any]) -> str:
    return (native.get("status") or "").lower()
