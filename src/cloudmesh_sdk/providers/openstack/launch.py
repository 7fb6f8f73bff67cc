"""What is sent to Nova to start servers: bodies of POST /servers, from plain values."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cloudmesh_sdk.models import ServerRequest
from cloudmesh_sdk.providers.openstack.records import TOKEN

UUID = re.compile(
    r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE
)

TAGGED = (2, 52)
"""Microversion from which on a server can have tags when it is started, and be found by them."""

_TAG = re.compile(r"[^,/]{1,60}")
"""https://docs.openstack.org/api-ref/compute/#server-tags-servers-tags"""


def launch(
    request: ServerRequest, networks: Sequence[str], *, tagged: bool, count: int = 1
) -> dict[str, Any]:
    """Return the body that starts `count` like servers on networks given by id.

    The token goes as metadata, which shows in every list, and as a tag, since Nova's list of
    servers can be filtered by tags but not, for a member, by metadata.
    """
    server: dict[str, Any] = {
        "name": request.name,
        "flavorRef": request.flavor,
        "metadata": {**request.tags, TOKEN: request.token},
        "networks": wanted(networks),
        **_disk(request),
        **_optional(request),
    }
    if tagged:
        server["tags"] = [tag(request.token)]
    if count > 1:
        server |= {"min_count": count, "max_count": count, "return_reservation_id": True}
    body: dict[str, Any] = {"server": server}
    if request.hints:
        body["os:scheduler_hints"] = dict(request.hints)
    return body


def tag(token: str) -> str:
    """Return the tag of servers with this token; a token that cannot be a tag is digested."""
    text = f"cloudmesh:{token}"
    if _TAG.fullmatch(text):
        return text
    return f"cloudmesh:{hashlib.sha256(token.encode()).hexdigest()[:48]}"


def wanted(networks: Sequence[str]) -> Any:
    """Return networks as Nova wants them: without any it takes the only one (`auto`).

    `auto` and `none` alone are Nova's own words (microversion 2.37).
    """
    if not networks:
        return "auto"
    if len(networks) == 1 and networks[0] in {"auto", "none"}:
        return networks[0]
    return [{"uuid": network} for network in networks]


def names(name: str, count: int) -> list[str]:
    """Return the names that Nova gives to so many servers (its `multi_instance` naming)."""
    return [name] if count == 1 else [f"{name}-{number}" for number in range(1, count + 1)]


def _disk(request: ServerRequest) -> Mapping[str, Any]:
    if request.boot_volume is None:
        return {"imageRef": request.image}
    mapping = {
        "boot_index": 0,
        "uuid": request.image,
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": request.boot_volume,
        "delete_on_termination": True,
    }
    return {"block_device_mapping_v2": [mapping]}


def _optional(request: ServerRequest) -> Mapping[str, Any]:
    data = request.user_data
    given = {
        "key_name": request.key,
        "security_groups": [{"name": group} for group in request.security_groups] or None,
        "user_data": None if data is None else base64.b64encode(data.encode()).decode(),
        "availability_zone": request.zone,
        "config_drive": request.config_drive,
    }
    return {field: value for field, value in given.items() if value is not None}
