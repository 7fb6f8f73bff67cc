"""Security groups of EC2: its permissions as rules, and the other way round."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cloudmesh_sdk.errors import ConflictError, NotFoundError
from cloudmesh_sdk.models import Rule, SecurityGroup
from cloudmesh_sdk.providers.ec2.client import Client
from cloudmesh_sdk.providers.ec2.errors import code_of
from cloudmesh_sdk.providers.ec2.launch import filtered

_PROTOCOLS = {"-1": "any", "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
_LAST_PORT = 65535
_SOURCES = (
    ("ipRanges", "cidrIp"),
    ("ipv6Ranges", "cidrIpv6"),
    ("groups", "groupId"),
    ("prefixListIds", "prefixListId"),
)
"""Where a permission says who: list and field."""


def security_groups(
    client: Client, params: Mapping[str, str] | None = None
) -> Iterator[SecurityGroup]:
    """Yield the security groups that fit these parameters."""
    pages = client.pages("DescribeSecurityGroups", "securityGroupInfo", params, size=1000)
    for page in pages:
        yield from client.records("DescribeSecurityGroups", group, page)


def group(native: Mapping[str, Any], cloud: str) -> SecurityGroup:
    """Return the security group that a native one is."""
    return SecurityGroup(
        cloud=cloud,
        id=native["groupId"],
        name=native.get("groupName") or native["groupId"],
        description=native.get("groupDescription") or "",
        rules=(
            *rules("ingress", native.get("ipPermissions", ())),
            *rules("egress", native.get("ipPermissionsEgress", ())),
        ),
        native=native,
    )


def rules(direction: str, permissions: Iterable[Mapping[str, Any]]) -> Iterator[Rule]:
    """Yield a rule for everyone to whom a permission is given."""
    for permission in permissions:
        word = permission.get("ipProtocol", "")
        first, last = _port(permission.get("fromPort")), _port(permission.get("toPort"))
        if (first, last) == (0, _LAST_PORT):
            first = last = None
        for collection, field in _SOURCES:
            for source in permission.get(collection, ()):
                yield Rule(
                    direction=direction,
                    protocol=_PROTOCOLS.get(word, word),
                    from_port=first,
                    to_port=last,
                    remote=source.get(field) or "",
                )


def permission(rule: Rule) -> dict[str, str]:
    """Return a rule as parameters; ports left out are all ports (-1 for ICMP: all types)."""
    params = {"IpPermissions.1.IpProtocol": "-1" if rule.protocol == "any" else rule.protocol}
    if rule.protocol in {"tcp", "udp"}:
        first = 0 if rule.from_port is None else rule.from_port
        last = rule.to_port if rule.to_port is not None else rule.from_port
        params["IpPermissions.1.FromPort"] = str(first)
        params["IpPermissions.1.ToPort"] = str(_LAST_PORT if last is None else last)
    elif rule.protocol in {"icmp", "icmpv6"}:
        params["IpPermissions.1.FromPort"] = str(-1 if rule.from_port is None else rule.from_port)
        params["IpPermissions.1.ToPort"] = str(-1 if rule.to_port is None else rule.to_port)
    return params | {f"IpPermissions.1.{_source(rule.remote)}": rule.remote}


def create(client: Client, name: str, description: str) -> SecurityGroup:
    """Return a group of this name in the default network, made unless it is there and empty.

    A group that lets somebody in, or has another description, is another one: `ConflictError`.
    """
    text = description or name  # EC2 wants one
    try:
        answer = client.call("CreateSecurityGroup", {"GroupName": name, "GroupDescription": text})
    except ConflictError as error:
        if code_of(error) != "InvalidGroup.Duplicate":
            raise
        for found in security_groups(client, filtered({"group-name": (name,)})):
            closed = all(rule.direction != "ingress" for rule in found.rules)
            if closed and found.description == text:
                return found
        raise
    native = {**answer, "groupName": name, "groupDescription": text}
    return client.records("CreateSecurityGroup", group, [native])[0]


def delete(client: Client, group_id: str) -> None:
    """Delete a group; one that is gone already is no error."""
    try:
        client.call("DeleteSecurityGroup", {"GroupId": group_id})
    except NotFoundError:
        return


def change(client: Client, verb: str, group_id: str, rule: Rule) -> None:
    """Authorize or Revoke a rule; one that is so already is no error."""
    action = f"{verb}SecurityGroup{'Egress' if rule.direction == 'egress' else 'Ingress'}"
    try:
        client.call(action, {"GroupId": group_id, **permission(rule)})
    except (ConflictError, NotFoundError) as error:
        if code_of(error) not in {"InvalidPermission.Duplicate", "InvalidPermission.NotFound"}:
            raise


def ids(client: Client, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ids of groups that are given by id or name.

    Raises `NotFoundError` for a name that no group has, `ConflictError` for one of several.
    """
    wanted = [name for name in names if not name.startswith("sg-")]
    if not wanted:
        return names
    found: dict[str, list[str]] = {}
    for each in security_groups(client, filtered({"group-name": wanted})):
        found.setdefault(each.name, []).append(each.id)
    return tuple(name if name.startswith("sg-") else _only(client, name, found) for name in names)


def _only(client: Client, name: str, found: Mapping[str, list[str]]) -> str:
    matches = found.get(name, [])
    if not matches:
        raise NotFoundError(f"{client.name} has no security group named {name}")
    if len(matches) > 1:
        raise ConflictError(
            f"{client.name} has several security groups named {name}: {', '.join(matches)}; "
            "give the id of one"
        )
    return matches[0]


def _source(remote: str) -> str:
    if remote.startswith("sg-"):
        return "Groups.1.GroupId"
    if remote.startswith("pl-"):
        return "PrefixListIds.1.PrefixListId"
    return "Ipv6Ranges.1.CidrIpv6" if ":" in remote else "IpRanges.1.CidrIp"


def _port(text: str | None) -> int | None:
    return int(text) if text and text != "-1" else None
