"""From Moon's documents to records and back: pure functions, tested on answers Moon gave."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cloudmesh_sdk.models import Flavor, Image, Server, ServerRequest, ServerState

_STATES: Mapping[str, ServerState] = {
    "launching": ServerState.PENDING,
    "landed": ServerState.RUNNING,
    "kicked": ServerState.REBOOTING,
    "eclipsed": ServerState.STOPPED,
    "crashed": ServerState.ERROR,
}
"""Moon's words → ours; a new word of Moon's becomes UNKNOWN and stays readable in `native`."""


def server(cloud: str, row: dict[str, Any]) -> Server:
    """Return the record of a machine."""
    return Server(
        cloud=cloud,
        id=row["id"],
        name=row["name"],
        native=row,
        state=_STATES.get(row["phase"], ServerState.UNKNOWN),
        image=row["image"],
        flavor=row["size"],
        public_ips=tuple(row["addresses"]),
        zone=row["crater"],
        tags=row["tags"],
        token=row["request_id"],
        created=datetime.fromtimestamp(row["launched"], UTC),
        fault=row.get("crash:report"),
    )


def image(cloud: str, row: dict[str, Any]) -> Image:
    """Return the record of an image."""
    return Image(cloud=cloud, id=row["id"], name=row["title"], native=row, architecture=row["cpu"])


def flavor(cloud: str, row: dict[str, Any]) -> Flavor:
    """Return the record of a size; Moon counts memory in GiB, cloudmesh in MiB."""
    return Flavor(
        cloud=cloud,
        id=row["id"],
        name=row["id"],
        native=row,
        vcpus=row["cores"],
        ram=row["memory.gib"] * 1024,
        disk=row["disk.gib"],
    )


def order(request: ServerRequest) -> dict[str, Any]:
    """Return the body of a start; Moon starts one machine for one `request_id`."""
    return {
        "name": request.name,
        "image": request.image,
        "size": request.flavor,
        "request_id": request.token,
        "tags": dict(request.tags),
        "user_data": request.user_data,
    }
