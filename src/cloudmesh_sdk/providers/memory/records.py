"""Native documents of the memory cloud, and the records made of them: pure functions.

The documents look like those of a real cloud (OpenStack's shape, odd keys included), so that
what works here has met colons, dots and nesting.
"""

import base64
import binascii
import hashlib
import itertools
from datetime import UTC, datetime
from typing import Any

from cloudmesh_sdk.errors import InvalidRequestError
from cloudmesh_sdk.models import (
    Flavor,
    Image,
    Keypair,
    Rule,
    SecurityGroup,
    Server,
    ServerRequest,
    ServerState,
)

MASK = "***"
"""Stands in native data where a secret was."""
TOKEN = "cloudmesh.token"  # noqa: S105 - the name of a tag
_READY = "OS-SRV-USG:launched_at"

_STATES = {
    "BUILD": ServerState.PENDING,
    "RESUMING": ServerState.PENDING,
    "ACTIVE": ServerState.RUNNING,
    "REBOOT": ServerState.REBOOTING,
    "SHUTOFF": ServerState.STOPPED,
    "SUSPENDED": ServerState.SUSPENDED,
    "ERROR": ServerState.ERROR,
    "DELETED": ServerState.DELETED,
}
_BOOTING = {"BUILD", "RESUMING", "REBOOT"}
"""States that become ACTIVE when the time in `launched_at` has come."""

_IMAGES = (
    ("futuregrid/ubuntu-14.04", "x86_64", 512, 5),
    ("ubuntu-24.04", "x86_64", 1024, 8),
    ("ubuntu-24.04-arm64", "arm64", 1024, 8),
    ("debian-13", "x86_64", 512, 4),
    ("rocky-9", "x86_64", 1024, 10),
    ("cirros-0.6.3", "x86_64", 64, 1),
)
_FLAVORS = (
    ("m1.tiny", 1, 512, 1, 0),
    ("m1.small", 1, 2048, 20, 0),
    ("m1.medium", 2, 4096, 40, 0),
    ("m1.large", 4, 8192, 80, 0),
    ("g1.large", 8, 65536, 160, 1),
)
_BORN = "2026-01-01T00:00:00+00:00"


def seed(servers: int) -> dict[str, dict[str, Any]]:
    """Return the tables of a new cloud: images, flavors, a default group, so many servers."""
    images = (_image(f"img-{n:04d}", *row) for n, row in enumerate(_IMAGES, 1))
    flavors = (_flavor(str(n), row) for n, row in enumerate(_FLAVORS, 1))
    tables: dict[str, dict[str, Any]] = {
        "images": {row["id"]: row for row in images},
        "flavors": {row["id"]: row for row in flavors},
        "keypairs": {},
        "groups": {"sg-00000000": group("sg-00000000", "default", "what every account has")},
        "servers": {},
        "deleted": {},
        "tokens": {},
        "last": {"server": 0, "group": 0},
    }
    kinds = itertools.cycle(itertools.product(list(tables["flavors"])[:4], tables["images"]))
    for number, (flavor, image) in zip(range(1, servers + 1), kinds, strict=False):
        request = ServerRequest(
            name=f"seed-{number:04d}", image=image, flavor=flavor, token=f"seed-{number}"
        )
        row = born(request, number, ready=_BORN, now=_BORN)
        tables["servers"][row["id"]] = row
    tables["last"]["server"] = servers
    return tables


def _image(number: str, name: str, arch: str, ram: int, disk: int) -> dict[str, Any]:
    distro = name.rpartition("/")[2].partition("-")[0]
    return {
        "id": number, "name": name, "status": "active", "visibility": "public",
        "architecture": arch, "min_ram": ram, "min_disk": disk, "created_at": _BORN,
        "properties": {"os.distro": distro, "hw:boot_menu": False},
    }  # fmt: skip


def _flavor(number: str, row: tuple[str, int, int, int, int]) -> dict[str, Any]:
    name, vcpus, ram, disk, gpus = row
    return {
        "id": number, "name": name, "vcpus": vcpus, "ram": ram, "disk": disk,
        "OS-FLV-EXT-DATA:ephemeral": 0, "os-flavor-access:is_public": True,
        "extra_specs": {"pci_passthrough:alias": f"gpu:{gpus}"} if gpus else {},
    }  # fmt: skip


def group(number: str, name: str, description: str) -> dict[str, Any]:
    """Return the document of a security group that lets nothing in."""
    return {"id": number, "name": name, "description": description, "security_group_rules": []}


def born(request: ServerRequest, number: int, *, ready: str, now: str) -> dict[str, Any]:
    """Return the document of a server that was just asked for; `ready` is when it will run."""
    high, low = divmod(number, 250)
    return {
        "id": f"i-{number:08x}",
        "name": request.name,
        "status": "BUILD",
        "image": {"id": request.image},
        "flavor": {"id": request.flavor},
        "key_name": request.key,
        "security_groups": [{"name": name} for name in request.security_groups or ("default",)],
        "networks": list(request.networks),
        "metadata": {**request.tags, TOKEN: request.token},
        "user_data": None if request.user_data is None else MASK,
        "addresses": {
            "private": [
                {"addr": f"10.{high // 250}.{high % 250}.{low + 1}", "version": 4,
                 "OS-EXT-IPS:type": "fixed"},
                {"addr": f"198.18.{high % 250}.{low + 1}", "version": 4,
                 "OS-EXT-IPS:type": "floating"},
            ]
        },
        "OS-EXT-AZ:availability_zone": "nova",
        "OS-EXT-STS:task_state": None,
        _READY: ready,
        "created": now,
    }  # fmt: skip


def shown(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return a server's document as it is at this moment: what was booting may run by now."""
    if row["status"] in _BOOTING and datetime.fromisoformat(row[_READY]) <= now:
        return {**row, "status": "ACTIVE"}
    return row


def moved(row: dict[str, Any], status: str, ready: str) -> dict[str, Any]:
    """Return a server's document in another state; `ready` is when it runs, if it boots."""
    return {**row, "status": status, _READY: ready if status in _BOOTING else row[_READY]}


def plain(value: Any) -> Any:
    """Return a copy of plain data that shares nothing with it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def server(cloud: str, row: dict[str, Any]) -> Server:
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
        public_ips=_addresses(row, "floating"),
        private_ips=_addresses(row, "fixed"),
        zone=row["OS-EXT-AZ:availability_zone"],
        security_groups=tuple(entry["name"] for entry in row["security_groups"]),
        tags=tags,
        token=token,
        created=datetime.fromisoformat(row["created"]),
        fault=row.get("fault", {}).get("message"),
    )


def _addresses(row: dict[str, Any], kind: str) -> tuple[str, ...]:
    entries = itertools.chain.from_iterable(row["addresses"].values())
    return tuple(entry["addr"] for entry in entries if entry["OS-EXT-IPS:type"] == kind)


def image(cloud: str, row: dict[str, Any]) -> Image:
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


def flavor(cloud: str, row: dict[str, Any]) -> Flavor:
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


def keypair(cloud: str, row: dict[str, Any]) -> Keypair:
    """Return the record of a keypair's document."""
    name, text = row["name"], row["public_key"]
    return Keypair(
        cloud=cloud, id=name, name=name, native=plain(row),
        fingerprint=row["fingerprint"], public_key=text,
    )  # fmt: skip


def security_group(cloud: str, row: dict[str, Any]) -> SecurityGroup:
    """Return the record of a security group's document."""
    return SecurityGroup(
        cloud=cloud,
        id=row["id"],
        name=row["name"],
        native=plain(row),
        description=row["description"],
        rules=tuple(Rule(**entry) for entry in row["security_group_rules"]),
    )


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


def later(seconds: float) -> str:
    """Return the moment so many seconds from now, as documents hold it."""
    return datetime.fromtimestamp(datetime.now(UTC).timestamp() + seconds, UTC).isoformat()
