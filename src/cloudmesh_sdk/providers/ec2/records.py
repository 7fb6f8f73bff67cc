"""EC2's answers as records: pure functions, native data in, records out."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from cloudmesh_sdk.models import Flavor, Image, Keypair, Quota, Server, ServerState, Zone

TOKEN_TAG = "cloudmesh:token"  # noqa: S105 - the name of a tag
"""Tag that carries the idempotency token of the operation that started a server."""

STATES: Mapping[str, ServerState] = {
    "pending": ServerState.PENDING,
    "running": ServerState.RUNNING,
    "shutting-down": ServerState.DELETING,
    "terminated": ServerState.DELETED,
    "stopping": ServerState.STOPPING,
    "stopped": ServerState.STOPPED,
}
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html"""

_WANTED = frozenset({"", "Client.UserInitiatedShutdown", "Client.InstanceInitiatedShutdown"})
"""Reasons of a state that are no fault."""

_QUOTAS = {"max-instances": "instances", "vpc-max-elastic-ips": "elastic ips"}
"""Account attributes that are limits: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/
API_DescribeAccountAttributes.html"""


def instances(reservations: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    """Yield the instances of reservations; `reservation` holds what the answer says around each."""
    for reservation in reservations:
        around = {name: value for name, value in reservation.items() if name != "instancesSet"}
        for instance in reservation.get("instancesSet", ()):
            instance["reservation"] = around
            yield instance


def server(native: Mapping[str, Any], cloud: str) -> Server:
    """Return the server that an instance is; without a Name tag its id is its name."""
    tags = tagged(native)
    instance = native["instanceId"]
    placement = native.get("placement") or {}
    interfaces = native.get("networkInterfaceSet", ())
    return Server(
        cloud=cloud,
        id=instance,
        name=tags.get("Name") or instance,
        state=state(native),
        image=native.get("imageId") or None,
        flavor=native.get("instanceType") or None,
        key=native.get("keyName") or None,
        public_ips=_public(native, interfaces),
        private_ips=_private(native, interfaces),
        zone=placement.get("availabilityZone") or None,
        security_groups=_groups(native, interfaces),
        tags=tags,
        created=moment(native.get("launchTime")),
        token=tags.get(TOKEN_TAG) or native.get("clientToken") or None,
        fault=_fault(native),
        native=native,
    )


def state(native: Mapping[str, Any]) -> ServerState:
    """Return the state of an instance; a word that is new to us is `UNKNOWN`."""
    word = (native.get("instanceState") or {}).get("name", "")
    return STATES.get(word, ServerState.UNKNOWN)


def image(native: Mapping[str, Any], cloud: str) -> Image:
    """Return the image that an AMI is."""
    return Image(
        cloud=cloud,
        id=native["imageId"],
        name=native.get("name") or native.get("imageLocation") or native["imageId"],
        architecture=native.get("architecture") or None,
        min_disk=_root_size(native),
        public={"true": True, "false": False}.get(native.get("isPublic", "")),
        created=moment(native.get("creationDate")),
        native=native,
    )


def flavor(native: Mapping[str, Any], cloud: str) -> Flavor:
    """Return the flavor that an instance type is; `disk` counts disks of its own, not EBS."""
    name = native["instanceType"]
    disk = _number((native.get("instanceStorageInfo") or {}).get("totalSizeInGB"))
    return Flavor(
        cloud=cloud,
        id=name,
        name=name,
        vcpus=_number((native.get("vCpuInfo") or {}).get("defaultVCpus")),
        ram=_number((native.get("memoryInfo") or {}).get("sizeInMiB")),
        disk=None if disk is None else disk * 10**9 // 2**30,
        gpus=sum(int(gpu.get("count", 0)) for gpu in (native.get("gpuInfo") or {}).get("gpus", ())),
        architectures=tuple((native.get("processorInfo") or {}).get("supportedArchitectures", ())),
        native=native,
    )


def keypair(native: Mapping[str, Any], cloud: str) -> Keypair:
    """Return a keypair."""
    return Keypair(
        cloud=cloud,
        id=native["keyName"],
        name=native["keyName"],
        fingerprint=native.get("keyFingerprint") or None,
        public_key=(native.get("publicKey") or "").strip() or None,
        native=native,
    )


def zone(native: Mapping[str, Any], cloud: str) -> Zone:
    """Return the zone that an availability zone is."""
    return Zone(
        cloud=cloud,
        name=native["zoneName"],
        available=native.get("zoneState") == "available",
        native=native,
    )


def quotas(
    attributes: Iterable[Mapping[str, Any]], used: Mapping[str, int], cloud: str
) -> Iterable[Quota]:
    """Yield the limits among the attributes of an account."""
    for native in attributes:
        name = _QUOTAS.get(native.get("attributeName", ""), "")
        values = [value.get("attributeValue") for value in native.get("attributeValueSet", ())]
        if name in used and values:
            yield Quota(
                cloud=cloud, name=name, used=used[name], limit=_number(values[0]), native=native
            )


def tagged(native: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of a thing."""
    return {tag["key"]: tag.get("value", "") for tag in native.get("tagSet", ())}


def moment(text: str | None) -> datetime | None:
    """Return a time as EC2 writes it (`2026-11-22T10:00:00.000Z`); None where there is none."""
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def _public(native: Mapping[str, Any], interfaces: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the addresses that the internet sees; all IPv6 addresses in EC2 are global."""
    found = [native.get("ipAddress")]
    for interface in interfaces:
        for private in interface.get("privateIpAddressesSet", ()):
            found.append((private.get("association") or {}).get("publicIp"))
        found.extend(a.get("ipv6Address") for a in interface.get("ipv6AddressesSet", ()))
    return _unique(found)


def _private(native: Mapping[str, Any], interfaces: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    found = [native.get("privateIpAddress")]
    for interface in interfaces:
        found.extend(
            private.get("privateIpAddress")
            for private in interface.get("privateIpAddressesSet", ())
        )
    return _unique(found)


def _groups(native: Mapping[str, Any], interfaces: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the names of its groups, which some endpoints tell of its interfaces only."""
    return _unique(
        group.get("groupName")
        for part in (native, *interfaces)
        for group in part.get("groupSet", ())
    )


def _unique(found: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address for address in found if address))


def _fault(native: Mapping[str, Any]) -> str | None:
    """Return why EC2 itself ended a server: a start that fails there shows as terminated."""
    reason = native.get("stateReason") or {}
    if state(native) is not ServerState.DELETED or reason.get("code", "") in _WANTED:
        return None
    return str(reason.get("message") or reason["code"])


def _root_size(native: Mapping[str, Any]) -> int | None:
    root = native.get("rootDeviceName")
    for disk in native.get("blockDeviceMapping", ()):
        if disk.get("deviceName") == root:
            return _number((disk.get("ebs") or {}).get("volumeSize"))
    return None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
