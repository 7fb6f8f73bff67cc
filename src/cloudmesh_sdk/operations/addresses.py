"""Acts on floating IPs, as a table."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import attrs

from cloudmesh_sdk.errors import NotFoundError
from cloudmesh_sdk.models import FloatingIP, Operation, Server
from cloudmesh_sdk.operations.act import (
    Act,
    Learned,
    Reached,
    Records,
    Secrets,
    by_id,
    gone,
    is_gone,
    kept,
    look_at,
    look_for,
    read_again,
    server,
)
from cloudmesh_sdk.providers.base import Cloud, HasFloatingIPs


def _create_address(cloud: HasFloatingIPs, operation: Operation, _: Secrets) -> Records:
    return (cloud.create_floating_ip(operation.token, operation.request["network"]),)


def _find_address(cloud: HasFloatingIPs, operation: Operation) -> FloatingIP | None:
    return next((row for row in cloud.floating_ips() if row.token == operation.token), None)


def _address_now(cloud: HasFloatingIPs, operation: Operation) -> FloatingIP | None:
    found: FloatingIP | None = by_id(cloud.floating_ips(), operation)
    return found


def _servers(cloud: Cloud, operation: Operation) -> tuple[Server, ...]:
    """Return the servers concerned as they are to show an address: Nova takes seconds to do so."""
    address, at = operation.target, operation.request.get("server")
    shown = []
    for row in read_again(cloud, operation):
        others = tuple(ip for ip in row.public_ips if ip != address)
        shown.append(attrs.evolve(row, public_ips=(*others, address) if row.id == at else others))
    return tuple(shown)


def _attach_address(cloud: Any, operation: Operation, _: Secrets) -> Records:
    who = server(operation, operation.request["server"])
    now = cloud.attach_floating_ip(kept(FloatingIP, operation), who)
    return (now, *_servers(cloud, operation))


def _detach_address(cloud: Any, operation: Operation, _: Secrets) -> Records:
    now = cloud.detach_floating_ip(kept(FloatingIP, operation))
    return (now, *_servers(cloud, operation))


def _release_address(cloud: Any, operation: Operation, _: Secrets) -> Records:
    address = kept(FloatingIP, operation)
    cloud.release_floating_ip(address)
    return (gone(address), *_servers(cloud, operation))


def _look_at_attached(cloud: Any, operation: Operation) -> Learned:
    """Look whether an address stands for one of the server's own."""
    try:
        own = cloud.server(operation.request["server"]).private_ips
    except NotFoundError:
        own = ()
    learned: Learned = _look_at_address(lambda now, _: now is not None and now.private_ip in own)(
        cloud, operation
    )
    return learned


def _look_at_address(reached: Reached) -> Any:
    return look_at(_address_now, partial(kept, FloatingIP), reached, _servers)


def _address_act(go: Callable[[Any, Operation, Secrets], Records], reached: Reached) -> Act:
    return Act(go=go, look=_look_at_address(reached), needs=HasFloatingIPs, harmless=True)


def _is_free(now: FloatingIP | None, _: Operation) -> bool:
    return now is not None and now.port is None and now.private_ip is None


ADDRESS_ACTS: Mapping[str, Act] = {
    "create_floating_ip": Act(
        go=_create_address, look=look_for("floating IP", _find_address), needs=HasFloatingIPs
    ),
    "attach_floating_ip": Act(
        go=_attach_address, look=_look_at_attached, needs=HasFloatingIPs, harmless=True
    ),
    "detach_floating_ip": _address_act(_detach_address, _is_free),
    "release_floating_ip": _address_act(_release_address, is_gone),
}  # fmt: skip
"""Acts on floating IPs: how it is done, and whether it is then as it was wanted."""
