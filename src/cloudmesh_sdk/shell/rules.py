"""What the words of a firewall rule mean, and how a rule is shown."""

import ipaddress
from collections.abc import Mapping
from typing import ClassVar

import attrs
import click

from cloudmesh_sdk.models import Rule, SecurityGroup

_WITH_PORTS = ("tcp", "udp", "sctp", "dccp", "udplite")
"""Protocols that have ports; for ICMP `--port` is the type and `--to` the code."""

_LAST_PORT = 65535


@attrs.frozen(kw_only=True)
class RuleRow:
    """A rule of a group as a table shows it."""

    columns: ClassVar[tuple[str, ...]] = ("direction", "protocol", "ports", "remote", "open")

    cloud: str
    group: str
    direction: str
    protocol: str
    from_port: int | None
    to_port: int | None
    ports: str
    """`22`, `8000-8010`, `all`."""
    remote: str
    """A range of addresses, or the name of a security group."""
    open: bool
    """Everybody can come in by it."""


def row(group: SecurityGroup, rule: Rule, groups: Mapping[str, str]) -> RuleRow:
    """Return a rule as a row; `groups` names security groups by id."""
    return RuleRow(
        cloud=group.cloud, group=group.name, direction=rule.direction, protocol=rule.protocol,
        from_port=rule.from_port, to_port=rule.to_port, ports=_ports(rule),
        remote=groups.get(rule.remote, rule.remote), open=is_open(rule),
    )  # fmt: skip


def rows(group: SecurityGroup, groups: Mapping[str, str]) -> list[RuleRow]:
    """Return the rules of a group as rows, in an order of our own: clouds have none."""
    found = [row(group, one, groups) for one in group.rules]
    return sorted(
        found,
        key=lambda r: (r.direction != "ingress", r.protocol, r.from_port or 0, r.remote),
    )


def rule(*, port: str | None, last: int | None, protocol: str, remote: str, egress: bool) -> Rule:
    """Return the rule that options mean; raises `click.UsageError`.

    Protocols with ports need `port`: all of them are open only to whom says `all`.
    """
    protocol = protocol.lower()
    first = _first(port, protocol)
    if first is None and last is not None:
        raise click.UsageError("--to needs --port, the first of the ports")
    if first is not None and last is not None and last < first and protocol in _WITH_PORTS:
        raise click.UsageError(f"--to {last} is below --port {first}")
    alone = first if protocol in _WITH_PORTS else None
    return Rule(
        direction="egress" if egress else "ingress",
        protocol=protocol,
        from_port=first,
        to_port=alone if last is None else last,
        remote=remote,
    )


def _first(port: str | None, protocol: str) -> int | None:
    if port is None and protocol in _WITH_PORTS:
        raise click.UsageError(f"{protocol} needs --port N (or --port all)")
    if port is None or port == "all":
        return None
    if protocol == "any":
        raise click.UsageError("--protocol any has no ports; say which protocol")
    if not port.isdecimal() or int(port) > _LAST_PORT:
        raise click.UsageError(f"--port wants a number up to {_LAST_PORT} or all, found {port!r}")
    return int(port)


def cidr(text: str) -> str | None:
    """Return a range of addresses (or one address) in its usual form; None where it is none.

    Raises `click.UsageError` where it has more bits than its length says: it may mean less.
    """
    try:
        found = ipaddress.ip_interface(text)
    except ValueError:
        return None
    if found.ip != found.network.network_address:
        raise click.UsageError(f"{text} is no range; {found.network} or {found.ip}?")
    return str(found.network)


def is_open(rule: Rule) -> bool:
    """Tell whether a rule lets everybody in."""
    return rule.direction == "ingress" and rule.remote in ("", "0.0.0.0/0", "::/0")


def warning(rule: Rule) -> str:
    """Return what is to be said of a rule that lets everybody in; empty for others."""
    if not is_open(rule):
        return ""
    return f"{rule.protocol} {_ports(rule)} is open to all the world"


def words(rule: Rule) -> str:
    """Return a rule as a line says it."""
    way = "to" if rule.direction == "egress" else "from"
    return f"{rule.direction} {rule.protocol} {_ports(rule)} {way} {rule.remote}"


def _ports(rule: Rule) -> str:
    if rule.from_port is None:
        return "all"
    if rule.to_port in (None, rule.from_port):
        return str(rule.from_port)
    return f"{rule.from_port}-{rule.to_port}"
