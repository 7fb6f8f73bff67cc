"""Native documents of the memory cloud, as they are made and as time changes them: pure functions.

They look like those of a real cloud (OpenStack's shape, odd keys included), so that what works
here has met colons, dots and nesting.
"""

import itertools
from datetime import UTC, datetime
from typing import Any

from cloudmesh_sdk.models import ServerRequest, VolumeRequest

Document = dict[str, Any]

MASK = "***"
"""Stands in native data where a secret was."""
TOKEN = "cloudmesh.token"  # noqa: S105 - the name of a tag
INNER, OUTER = "net-0001", "net-0002"
"""Ids of the network that servers are on, and of the one that floating IPs come from."""
ZONES = ("nova", "edge")
READY = "OS-SRV-USG:launched_at"
ZONE = "OS-EXT-AZ:availability_zone"
UPDATED = "updated"

BECOMES = {
    "BUILD": "ACTIVE",
    "RESUMING": "ACTIVE",
    "REBOOT": "ACTIVE",
    "HARD_REBOOT": "ACTIVE",
    "REBUILD": "ACTIVE",
    "RESIZE": "VERIFY_RESIZE",
    "creating": "available",
}
"""State → what comes of it by itself when the time that the document names has come."""

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
_COUNTERS = ("server", "group", "floating", "volume", "snapshot", "request")


def seed(servers: int) -> dict[str, Document]:
    """Return the tables of a new cloud: what every account has, and so many servers."""
    images = (_image(f"img-{n:04d}", *row) for n, row in enumerate(_IMAGES, 1))
    flavors = (_flavor(str(n), row) for n, row in enumerate(_FLAVORS, 1))
    tables: dict[str, Document] = {
        "images": {row["id"]: row for row in images},
        "flavors": {row["id"]: row for row in flavors},
        "keypairs": {},
        "groups": {"sg-00000000": group("sg-00000000", "default", "what every account has")},
        **_wires(),
        "floating_ips": {},
        "volumes": {},
        "snapshots": {},
        "servers": {},
        "deleted": {},
        "actions": {},
        "tokens": {},
        "sets": {},
        "last": dict.fromkeys(_COUNTERS, 0),
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


def _image(number: str, name: str, arch: str, ram: int, disk: int) -> Document:
    distro = name.rpartition("/")[2].partition("-")[0]
    return {
        "id": number, "name": name, "status": "active", "visibility": "public",
        "architecture": arch, "min_ram": ram, "min_disk": disk, "created_at": _BORN,
        "properties": {"os.distro": distro, "hw:boot_menu": False},
    }  # fmt: skip


def _flavor(number: str, row: tuple[str, int, int, int, int]) -> Document:
    name, vcpus, ram, disk, gpus = row
    return {
        "id": number, "name": name, "vcpus": vcpus, "ram": ram, "disk": disk,
        "OS-FLV-EXT-DATA:ephemeral": 0, "os-flavor-access:is_public": True,
        "extra_specs": {"pci_passthrough:alias": f"gpu:{gpus}"} if gpus else {},
    }  # fmt: skip


def _wires() -> dict[str, Document]:
    """Return an inner network, an outer one, and the router between them."""
    networks = ((INNER, "private", "10.0.0.0/8"), (OUTER, "public", "198.18.0.0/15"))
    tables: dict[str, Document] = {"networks": {}, "subnets": {}, "routers": {}}
    for network, name, cidr in networks:
        subnet = network.replace("net", "subnet")
        tables["networks"][network] = {
            "id": network, "name": name, "status": "ACTIVE", "subnets": [subnet],
            "router:external": network == OUTER, "shared": True, "mtu": 1450,
            "provider:network_type": "memory",
        }  # fmt: skip
        gateway = cidr.replace(".0.0/", ".0.1/").partition("/")[0]
        tables["subnets"][subnet] = {
            "id": subnet, "name": name, "network_id": network, "cidr": cidr, "ip_version": 4,
            "gateway_ip": gateway, "enable_dhcp": True, "dns_nameservers": ["192.0.2.53"],
        }  # fmt: skip
    tables["routers"]["router-0001"] = {
        "id": "router-0001", "name": "out", "status": "ACTIVE",
        "external_gateway_info": {"network_id": OUTER},
    }  # fmt: skip
    return tables


def group(number: str, name: str, description: str) -> Document:
    """Return the document of a security group that lets nothing in."""
    return {"id": number, "name": name, "description": description, "security_group_rules": []}


def born(request: ServerRequest, number: int, *, ready: str, now: str) -> Document:
    """Return the document of a server that was just asked for; `ready` is when it will run."""
    high, low = divmod(number, 250)
    return {
        "id": f"i-{number:08x}",
        "name": request.name,
        "status": "BUILD",
        "locked": False,
        "image": {"id": request.image},
        "flavor": {"id": request.flavor},
        "key_name": request.key,
        "security_groups": [{"name": name} for name in request.security_groups or ("default",)],
        "networks": list(request.networks),
        "metadata": {**request.tags, TOKEN: request.token},
        "user_data": None if request.user_data is None else MASK,
        "config_drive": "True" if request.config_drive else "",
        "OS-SCH-HNT:scheduler_hints": dict(request.hints),
        "addresses": {
            "private": [
                {"addr": f"10.{high // 250}.{high % 250}.{low + 1}", "version": 4,
                 "OS-EXT-IPS:type": "fixed"},
                {"addr": f"198.18.{high % 250}.{low + 1}", "version": 4,
                 "OS-EXT-IPS:type": "floating"},
            ]
        },
        ZONE: request.zone or ZONES[0],
        "OS-EXT-STS:task_state": None,
        READY: ready,
        "created": now,
        UPDATED: now,
    }  # fmt: skip


def port(server: Document) -> Document:
    """Return the document of the port that a server is plugged into."""
    number = int(server["id"].rpartition("-")[2], 16)
    octets = number.to_bytes(4, "big").hex(":")
    fixed = [entry["addr"] for entry in addresses(server, "fixed")]
    return {
        "id": f"port-{number:08x}",
        "name": "",
        "status": "ACTIVE",
        "network_id": INNER,
        "mac_address": f"fa:16:{octets}",
        "device_id": server["id"],
        "device_owner": "compute:nova",
        "fixed_ips": [{"ip_address": a, "subnet_id": "subnet-0001"} for a in fixed],
    }


def floating(number: int, token: str) -> Document:
    """Return the document of a public address that stands for nothing yet."""
    return {
        "id": f"fip-{number:08x}", "floating_ip_address": f"198.19.{number // 250}.{number % 250}",
        "floating_network_id": OUTER, "status": "DOWN", "port_id": None, "fixed_ip_address": None,
        "description": token,
    }  # fmt: skip


def volume(request: VolumeRequest, number: int, *, ready: str, now: str) -> Document:
    """Return the document of a volume that was just asked for; `ready` is when it can be used."""
    return {
        "id": f"vol-{number:08x}", "name": request.name, "status": "creating",
        "size": request.size, "volume_type": request.type or "memory",
        "availability_zone": request.zone or ZONES[0], "attachments": [],
        "bootable": "true" if request.image else "false", "snapshot_id": request.snapshot,
        "metadata": {TOKEN: request.token}, "created_at": now, READY: ready,
    }  # fmt: skip


def snapshot(of: Document, number: int, name: str, token: str, *, ready: str, now: str) -> Document:
    """Return the document of a snapshot of a volume."""
    return {
        "id": f"snap-{number:08x}", "name": name, "status": "creating", "volume_id": of["id"],
        "size": of["size"], "metadata": {TOKEN: token}, "created_at": now, READY: ready,
    }  # fmt: skip


def shown(row: Document, now: datetime) -> Document:
    """Return a document as it is at this moment: what was booting may run by now."""
    if row["status"] in BECOMES and datetime.fromisoformat(row[READY]) <= now:
        return {**row, "status": BECOMES[row["status"]], UPDATED: row[READY]}
    return row


def moved(row: Document, status: str, ready: str) -> Document:
    """Return a server's document in another state; `ready` is when that is over, if it ends."""
    return {**row, "status": status, READY: ready if status in BECOMES else row[READY]}


def addresses(row: Document, kind: str) -> list[Document]:
    """Return the addresses of a server's document: `fixed` ones, or `floating` ones."""
    entries = itertools.chain.from_iterable(row["addresses"].values())
    return [entry for entry in entries if entry["OS-EXT-IPS:type"] == kind]


def plain(value: Any) -> Any:
    """Return a copy of plain data that shares nothing with it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def later(seconds: float) -> str:
    """Return the moment so many seconds from now, as documents hold it."""
    return datetime.fromtimestamp(datetime.now(UTC).timestamp() + seconds, UTC).isoformat()
