"""Records made of the memory cloud's documents: pure functions."""

import base64
import binascii
import hashlib
from datetime import datetime

from cloudmesh_sdk.errors import InvalidRequestError
from cloudmesh_sdk.models import (
    Action,
    Flavor,
    FloatingIP,
    Image,
    Keypair,
    Network,
    Port,
    Router,
    Rule,
    SecurityGroup,
    Server,
    ServerState,
    Snapshot,
    Subnet,
    Volume,
)
from cloudmesh_sdk.providers.memory.documents import TOKEN, ZONE, Document, addresses, plain

_STATES = {
    "BUILD": ServerState.PENDING,
    "RESUMING": ServerState.PENDING,
    "REBUILD": ServerState.PENDING,
    "ACTIVE": ServerState.RUNNING,
    "REBOOT": ServerState.REBOOTING,
    "HARD_REBOOT": ServerState.REBOOTING,
    "SHUTOFF": ServerState.STOPPED,
    "SUSPENDED": ServerState.SUSPENDED,
    "PAUSED": ServerState.PAUSED,
    "SHELVED_OFFLOADED": ServerState.SHELVED,
    "RESIZE": ServerState.RESIZING,
    "VERIFY_RESIZE": ServerState.RESIZED,
    "RESCUE": ServerState.RESCUED,
    "ERROR": ServerState.ERROR,
    "DELETED": ServerState.DELETED,
}


def server(cloud: str, row: Document) -> Server:
    """Return the record of a server's document."""
    tags = dict(row["metadata"])
    token = tags.pop(TOKEN, None)
    return Server(
        cloud=cloud,
        id=row["id"],
        name=row["name"],
        native=plain(row),
        state=_STATES.get(row["status"], ServerState.UNKNOWN),
        image=row["image"]["id"],
        flavor=row["flavor"]["id"],
        key=row["key_name"],
        public_ips=_ips(row, "floating"),
        private_ips=_ips(row, "fixed"),
        zone=row[ZONE],
        security_groups=tuple(entry["name"] for entry in row["security_groups"]),
        tags=tags,
        token=token,
        created=datetime.fromisoformat(row["created"]),
        fault=row.get("fault", {}).get("message"),
    )


def image(cloud: str, row: Document) -> Image:
    """Return the record of an image's document."""
    return Image(
        cloud=cloud,
        id=row["id"],
        name=row["name"],
        native=plain(row),
        architecture=row["architecture"],
        min_ram=row["min_ram"],
        min_disk=row["min_disk"],
        public=row["visibility"] == "public",
        created=datetime.fromisoformat(row["created_at"]),
    )


def flavor(cloud: str, row: Document) -> Flavor:
    """Return the record of a flavor's document."""
    alias = row["extra_specs"].get("pci_passthrough:alias", "gpu:0")
    return Flavor(
        cloud=cloud,
        id=row["id"],
        name=row["name"],
        native=plain(row),
        vcpus=row["vcpus"],
        ram=row["ram"],
        disk=row["disk"],
        gpus=int(alias.rpartition(":")[2]),
    )


def keypair(cloud: str, row: Document) -> Keypair:
    """Return the record of a keypair's document."""
    name, text = row["name"], row["public_key"]
    return Keypair(
        cloud=cloud, id=name, name=name, native=plain(row),
        fingerprint=row["fingerprint"], public_key=text,
    )  # fmt: skip


def security_group(cloud: str, row: Document) -> SecurityGroup:
    """Return the record of a security group's document."""
    return SecurityGroup(
        cloud=cloud,
        id=row["id"],
        name=row["name"],
        native=plain(row),
        description=row["description"],
        rules=tuple(Rule(**entry) for entry in row["security_group_rules"]),
    )


def network(cloud: str, row: Document) -> Network:
    """Return the record of a network's document."""
    return Network(
        cloud=cloud,
        id=row["id"],
        name=row["name"],
        native=plain(row),
        state=row["status"].lower(),
        subnets=tuple(row["subnets"]),
        external=row["router:external"],
        shared=row["shared"],
        mtu=row["mtu"],
    )


def subnet(cloud: str, row: Document) -> Subnet:
    """Return the record of a subnet's document."""
    return Subnet(
        cloud=cloud,
        id=row["id"],
        name=row["name"],
        native=plain(row),
        network=row["network_id"],
        cidr=row["cidr"],
        gateway=row["gateway_ip"],
        dhcp=row["enable_dhcp"],
        dns=tuple(row["dns_nameservers"]),
    )


def router(cloud: str, row: Document) -> Router:
    """Return the record of a router's document."""
    return Router(
        cloud=cloud, id=row["id"], name=row["name"], native=plain(row),
        state=row["status"].lower(), external=row["external_gateway_info"]["network_id"],
    )  # fmt: skip


def port(cloud: str, row: Document) -> Port:
    """Return the record of a port's document."""
    return Port(
        cloud=cloud,
        id=row["id"],
        name=row["name"],
        native=plain(row),
        state=row["status"].lower(),
        network=row["network_id"],
        addresses=tuple(fixed["ip_address"] for fixed in row["fixed_ips"]),
        mac=row["mac_address"],
        device=row["device_id"],
    )


def floating_ip(cloud: str, row: Document) -> FloatingIP:
    """Return the record of a floating IP's document."""
    return FloatingIP(
        cloud=cloud,
        id=row["id"],
        name=row["floating_ip_address"],
        native=plain(row),
        state=row["status"].lower(),
        network=row["floating_network_id"],
        port=row["port_id"],
        private_ip=row["fixed_ip_address"],
        token=row["description"],
    )


def volume(cloud: str, row: Document) -> Volume:
    """Return the record of a volume's document."""
    at = row["attachments"][0] if row["attachments"] else {}
    return Volume(
        cloud=cloud,
        id=row["id"],
        name=row["name"],
        native=plain(row),
        state=row["status"],
        size=row["size"],
        server=at.get("server_id"),
        device=at.get("device"),
        type=row["volume_type"],
        zone=row["availability_zone"],
        bootable=row["bootable"] == "true",
        created=datetime.fromisoformat(row["created_at"]),
        token=row["metadata"].get(TOKEN),
    )


def snapshot(cloud: str, row: Document) -> Snapshot:
    """Return the record of a snapshot's document."""
    return Snapshot(
        cloud=cloud,
        id=row["id"],
        name=row["name"],
        native=plain(row),
        state=row["status"],
        size=row["size"],
        volume=row["volume_id"],
        created=datetime.fromisoformat(row["created_at"]),
        token=row["metadata"].get(TOKEN),
    )


def action(row: Document) -> Action:
    """Return the record of an action's document."""
    return Action(
        at=datetime.fromisoformat(row["start_time"]), name=row["action"], result="success",
        user=row["user_id"], request_id=row["request_id"], native=plain(row),
    )  # fmt: skip


def _ips(row: Document, kind: str) -> tuple[str, ...]:
    return tuple(entry["addr"] for entry in addresses(row, kind))


def fingerprint(public_key: str) -> str:
    """Return the SHA256 fingerprint of an OpenSSH public key, as `ssh-keygen -l` prints it.

    Raises `InvalidRequestError` where the text is no public key.
    """
    words = public_key.split()
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (IndexError, binascii.Error) as error:
        raise InvalidRequestError(
            "no OpenSSH public key; expected `ssh-ed25519 AAAA… comment` or the like"
        ) from error
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"
