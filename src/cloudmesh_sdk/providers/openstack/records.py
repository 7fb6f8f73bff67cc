"""Answers of Nova and Glance as records: pure functions, native data in, records out.

A server takes some 15 µs: tables, no loops where there is nothing to loop over.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from cloudmesh_sdk.models import Action, Flavor, Image, Keypair, Quota, Server, ServerState, Zone

TOKEN = "cloudmesh:token"  # noqa: S105 - the name of a metadata item
"""Metadata item that carries the idempotency token of the operation that made a thing."""

STATES: Mapping[str, ServerState] = {
    "ACTIVE": ServerState.RUNNING,
    "BUILD": ServerState.PENDING,
    "DELETED": ServerState.DELETED,
    "ERROR": ServerState.ERROR,
    "HARD_REBOOT": ServerState.REBOOTING,
    "MIGRATING": ServerState.RESIZING,
    "PASSWORD": ServerState.RUNNING,
    "PAUSED": ServerState.PAUSED,
    "REBOOT": ServerState.REBOOTING,
    "REBUILD": ServerState.PENDING,
    "RESCUE": ServerState.RESCUED,
    "RESIZE": ServerState.RESIZING,
    "REVERT_RESIZE": ServerState.RESIZING,
    "SHELVED": ServerState.SHELVED,
    "SHELVED_OFFLOADED": ServerState.SHELVED,
    "SHUTOFF": ServerState.STOPPED,
    "SOFT_DELETED": ServerState.DELETED,
    "SUSPENDED": ServerState.SUSPENDED,
    "VERIFY_RESIZE": ServerState.RESIZED,
}
"""https://docs.openstack.org/api-guide/compute/server_concepts.html"""

TASKS: Mapping[tuple[str, str], ServerState] = {
    ("ACTIVE", "powering-off"): ServerState.STOPPING,
    ("ACTIVE", "reboot_pending"): ServerState.REBOOTING,
    ("ACTIVE", "reboot_started"): ServerState.REBOOTING,
    ("SHUTOFF", "powering-on"): ServerState.PENDING,
    ("SHELVED", "unshelving"): ServerState.PENDING,
    ("SHELVED_OFFLOADED", "unshelving"): ServerState.PENDING,
    ("SHELVED_OFFLOADED", "spawning"): ServerState.PENDING,
} | {
    (status, task): ServerState.DELETING
    for status in STATES
    if status not in {"DELETED", "SOFT_DELETED"}
    for task in ("deleting", "soft-deleting")
}
"""What a task that is under way makes of a status; the other tasks leave it as it is
(nova/compute/task_states.py)."""

_INNER = re.compile(
    r"10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|127\."
    r"|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd]|fe[89ab]|::1$",
    re.IGNORECASE,
)
"""Addresses that do not leave a site: RFC 1918, 3927, 4193, 4291, 6598."""

_GPU = re.compile(
    r"gpu|nvidia|tesla|quadro|rtx|(?<![a-z])([abhklpv]\d{2,3}|t4|mi\d{2,3}|gh200)(?!\d)",
    re.IGNORECASE,
)
"""Names that sites give to GPUs in `pci_passthrough:alias`."""

_RESOURCE = re.compile(r"resources\d*:[VP]GPU$")
_OF_TYPE = re.compile(r"(volumes|gigabytes|snapshots)_(.+)")
_UNCOUNTED = frozenset({"metadata_items", "key_pairs", "server_group_members"})
"""Limits that Nova tells as unused, whatever is used: they are not of the project."""


def server(native: Mapping[str, Any], cloud: str) -> Server:
    """Return the server that a native one is.

    Its flavor is the name, since from microversion 2.47 on Nova tells no id. One of a cell that is
    down has little more than its id (microversion 2.69).
    """
    get = native.get
    metadata = get("metadata") or {}
    token = metadata.get(TOKEN)
    if token is not None:
        metadata = {key: value for key, value in metadata.items() if key != TOKEN}
    public, private = addresses(get("addresses"))
    groups = get("security_groups")
    image = get("image")
    flavor = get("flavor")
    created = get("created")
    state = state_of(native)
    return Server(
        cloud=cloud,
        id=native["id"],
        name=get("name") or native["id"],
        state=state,
        image=image["id"] if image else None,
        flavor=(flavor.get("original_name") or flavor.get("id")) if flavor else None,
        key=get("key_name"),
        public_ips=public,
        private_ips=private,
        zone=get("OS-EXT-AZ:availability_zone") or None,
        project=get("tenant_id"),
        security_groups=tuple({group["name"]: None for group in groups}) if groups else (),
        tags=metadata,
        created=datetime.fromisoformat(created) if created else None,
        token=token,
        fault=_fault(get("fault")) if state is ServerState.ERROR else None,
        native=native,
    )


def state_of(native: Mapping[str, Any]) -> ServerState:
    """Return the state of a server; a word that is new to us is `UNKNOWN`."""
    status = native.get("status", "")
    task = native.get("OS-EXT-STS:task_state")
    if task is not None and (found := TASKS.get((status, task))) is not None:
        return found
    return STATES.get(status, ServerState.UNKNOWN)


def addresses(
    native: Mapping[str, Iterable[Mapping[str, Any]]] | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the public and the private addresses of a server.

    Public are floating ones, and those of its own that leave a site (provider networks).
    """
    public: list[str] = []
    private: list[str] = []
    for found in native.values() if native else ():
        for address in found:
            text = address["addr"]
            outer = address.get("OS-EXT-IPS:type") == "floating" or not _INNER.match(text)
            (public if outer else private).append(text)
    return tuple(public), tuple(private)


def _fault(native: Mapping[str, Any] | None) -> str | None:
    return (native.get("message") or f"code {native.get('code')}") if native else None


def image(native: Mapping[str, Any], cloud: str) -> Image:
    """Return the image that a Glance image is."""
    return Image(
        cloud=cloud,
        id=native["id"],
        name=native.get("name") or native["id"],
        architecture=native.get("architecture") or native.get("hw_architecture") or None,
        min_ram=native.get("min_ram"),
        min_disk=native.get("min_disk"),
        public=native["visibility"] == "public" if "visibility" in native else None,
        created=moment(native.get("created_at")),
        native=native,
    )


def bootable(native: Mapping[str, Any]) -> bool:
    """Return whether a server can be started from an image: kernels and RAM disks are parts."""
    parts = {"aki", "ari"}
    return native.get("status", "active") == "active" and native.get("disk_format") not in parts


def flavor(native: Mapping[str, Any], cloud: str) -> Flavor:
    """Return the flavor that a native one is; RAM is told in MiB, disk in GiB."""
    return Flavor(
        cloud=cloud,
        id=native["id"],
        name=native.get("name") or native["id"],
        vcpus=native.get("vcpus"),
        ram=native.get("ram"),
        disk=native.get("disk"),
        gpus=gpus(native.get("extra_specs") or {}),
        native=native,
    )


def gpus(specs: Mapping[str, str]) -> int:
    """Return how many GPUs a flavor has, by its extra specs.

    Virtual ones are resources (`resources:VGPU`), whole ones PCI devices by a name of the site's
    choice: https://docs.openstack.org/nova/latest/configuration/extra-specs.html
    """
    counts = [amount for spec, amount in specs.items() if _RESOURCE.match(spec)]
    for alias in specs.get("pci_passthrough:alias", "").split(","):
        name, _, amount = alias.strip().partition(":")
        if _GPU.search(name):
            counts.append(amount or "1")
    return sum(int(amount) for amount in counts if amount.isdigit())


def keypair(native: Mapping[str, Any], cloud: str) -> Keypair:
    """Return a keypair, which lists and single answers put into a further dict."""
    inner = native.get("keypair", native)
    return Keypair(
        cloud=cloud,
        id=inner["name"],
        name=inner["name"],
        fingerprint=inner.get("fingerprint") or None,
        public_key=(inner.get("public_key") or "").strip() or None,
        native=inner,
    )


def zone(native: Mapping[str, Any], cloud: str) -> Zone:
    """Return an availability zone."""
    state = native.get("zoneState") or {}
    return Zone(
        cloud=cloud, name=native["zoneName"], available=bool(state.get("available")), native=native
    )


def action(native: Mapping[str, Any], cloud: str) -> Action:  # noqa: ARG001 - converters are alike
    """Return something that was done to a server, with the step that failed, if its events say."""
    failed = [e for e in native.get("events") or () if e.get("result") == "Error"]
    steps = [": ".join(filter(None, (e.get("event"), e.get("details")))) for e in failed]
    at = moment(native["start_time"])
    if at is None:
        raise ValueError("an action without start_time")
    return Action(
        at=at,
        name=native["action"],
        result="error" if native.get("message") else "",
        message="; ".join(steps) or native.get("message") or "",
        user=native.get("user_id"),
        request_id=native.get("request_id"),
        native=native,
    )


def quotas(limits: Mapping[str, Any], cloud: str) -> Iterable[Quota]:
    """Yield the limits in an answer that tells usage beside each; -1 is no limit.

    Nova and Cinder say `in_use`, Neutron `used`; what is reserved is as good as used.
    """
    for name, native in limits.items():
        if not isinstance(native, Mapping):
            continue  # the id of the project
        limit = native["limit"]
        used = native["in_use"] if "in_use" in native else native["used"]
        yield Quota(
            cloud=cloud,
            name=_limit(name),
            used=None if name in _UNCOUNTED else max(0, used) + max(0, native.get("reserved", 0)),
            limit=limit if limit >= 0 else None,
            native=native,
        )


def _limit(name: str) -> str:
    """Return what a limit is called: Cinder has some for each type of volume."""
    if found := _OF_TYPE.fullmatch(name):
        return "{} of type {}".format(*found.groups())
    return name.replace("_", " ")


def moment(text: str | None) -> datetime | None:
    """Return a time (`2026-11-22T10:00:00Z`, or without a zone, which means UTC too)."""
    if not text:
        return None
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)
