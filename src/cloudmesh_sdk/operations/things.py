"""Acts on keypairs, security groups, floating IPs, volumes and snapshots, as a table."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cloudmesh_sdk.errors import NotFoundError
from cloudmesh_sdk.models import (
    FloatingIP,
    Keypair,
    Operation,
    OperationState,
    Record,
    Rule,
    SecurityGroup,
    Snapshot,
    Volume,
    VolumeRequest,
)
from cloudmesh_sdk.operations.act import (
    Act,
    Learned,
    Reached,
    Records,
    Secrets,
    by_id,
    gone,
    look_at,
    look_for,
    nothing,
    read_again,
    server,
)
from cloudmesh_sdk.providers.base import (
    HasFloatingIPs,
    HasKeypairs,
    HasSecurityGroups,
    HasSnapshots,
    HasVolumes,
)


def _kept(kind: type[Any], operation: Operation) -> Any:
    """Return the thing of a request, as far as it is known here: who it is."""
    id = operation.request.get("id", operation.target)  # noqa: A001 - that of a key is its name
    return kind(cloud=operation.cloud, id=id, name=operation.target)


def _is_gone(now: Record | None, _: Operation) -> bool:
    return now is None


# Keypairs


def _upload(cloud: HasKeypairs, operation: Operation, _: Secrets) -> Records:
    return (cloud.upload_key(operation.target, operation.request["public_key"]),)


def _forget(cloud: HasKeypairs, operation: Operation, _: Secrets) -> Records:
    cloud.delete_key(operation.target)
    return (gone(_kept(Keypair, operation)),)


def _key_now(cloud: HasKeypairs, operation: Operation) -> Keypair | None:
    return next((key for key in cloud.keypairs() if key.name == operation.target), None)


def _key_act(go: Callable[[Any, Operation, Secrets], Records], reached: Reached) -> Act:
    look = look_at(_key_now, partial(_kept, Keypair), reached)
    return Act(go=go, look=look, needs=HasKeypairs, harmless=True)


# Security groups


def _create_group(cloud: HasSecurityGroups, operation: Operation, _: Secrets) -> Records:
    return (cloud.create_security_group(operation.target, operation.request["description"]),)


def _look_for_group(cloud: Any, operation: Operation) -> Learned:
    """Look by name, which nothing had before: groups carry no token."""
    named = [group for group in cloud.security_groups() if group.name == operation.target]
    if not named:
        return nothing(cloud, operation, "security group")
    if len(named) == 1:
        return Learned(state=OperationState.DONE, records=(named[0],))
    ids = ", ".join(group.id for group in named)
    why = f"{cloud.name} has several security groups called {operation.target} ({ids})"
    return Learned(state=OperationState.FAILED, why=why)


def _group_now(cloud: HasSecurityGroups, operation: Operation) -> SecurityGroup | None:
    found: SecurityGroup | None = by_id(cloud.security_groups(), operation)
    return found


def _rule(operation: Operation) -> Rule:
    return Rule(**operation.request["rule"])


def _change_group(verb: str, cloud: Any, operation: Operation, _: Secrets) -> Records:
    getattr(cloud, verb)(_kept(SecurityGroup, operation), _rule(operation))
    now = _group_now(cloud, operation)
    if now is None:
        raise NotFoundError(f"{cloud.name} has no security group {operation.target} any more")
    return (now,)


def _delete_group(cloud: HasSecurityGroups, operation: Operation, _: Secrets) -> Records:
    group = _kept(SecurityGroup, operation)
    cloud.delete_security_group(group)
    return (gone(group),)


def _group_act(go: Callable[[Any, Operation, Secrets], Records], reached: Reached) -> Act:
    look = look_at(_group_now, partial(_kept, SecurityGroup), reached)
    return Act(go=go, look=look, needs=HasSecurityGroups, harmless=True)


def _allows(now: SecurityGroup | None, operation: Operation) -> bool:
    return now is not None and _rule(operation) in now.rules


def _allows_not(now: SecurityGroup | None, operation: Operation) -> bool:
    return now is not None and _rule(operation) not in now.rules


# Floating IPs


def _create_address(cloud: HasFloatingIPs, operation: Operation, _: Secrets) -> Records:
    return (cloud.create_floating_ip(operation.token, operation.request["network"]),)


def _find_address(cloud: HasFloatingIPs, operation: Operation) -> FloatingIP | None:
    return next((row for row in cloud.floating_ips() if row.token == operation.token), None)


def _address_now(cloud: HasFloatingIPs, operation: Operation) -> FloatingIP | None:
    found: FloatingIP | None = by_id(cloud.floating_ips(), operation)
    return found


def _attach_address(cloud: Any, operation: Operation, _: Secrets) -> Records:
    who = server(operation, operation.request["server"])
    now = cloud.attach_floating_ip(_kept(FloatingIP, operation), who)
    return (now, *read_again(cloud, operation))


def _detach_address(cloud: Any, operation: Operation, _: Secrets) -> Records:
    now = cloud.detach_floating_ip(_kept(FloatingIP, operation))
    return (now, *read_again(cloud, operation))


def _release_address(cloud: Any, operation: Operation, _: Secrets) -> Records:
    address = _kept(FloatingIP, operation)
    cloud.release_floating_ip(address)
    return (gone(address), *read_again(cloud, operation))


def _look_at_attached(cloud: Any, operation: Operation) -> Learned:
    """Look whether an address stands for one of the server's own."""
    who = cloud.server(operation.request["server"])
    look = look_at(
        _address_now,
        partial(_kept, FloatingIP),
        lambda now, _: now is not None and now.private_ip in who.private_ips,
    )
    learned: Learned = look(cloud, operation)
    return learned


def _address_act(go: Callable[[Any, Operation, Secrets], Records], reached: Reached) -> Act:
    look = look_at(_address_now, partial(_kept, FloatingIP), reached)
    return Act(go=go, look=look, needs=HasFloatingIPs, harmless=True)


def _is_free(now: FloatingIP | None, _: Operation) -> bool:
    return now is not None and now.port is None and now.private_ip is None


# Volumes


def _create_volume(cloud: HasVolumes, operation: Operation, _: Secrets) -> Records:
    request = VolumeRequest(name=operation.target, token=operation.token, **operation.request)
    return (cloud.create_volume(request),)


def _find_volume(cloud: HasVolumes, operation: Operation) -> Volume | None:
    return next((row for row in cloud.volumes() if row.token == operation.token), None)


def _volume_now(cloud: HasVolumes, operation: Operation) -> Volume | None:
    try:
        return cloud.volume(operation.request["id"])
    except NotFoundError:
        return None


def _attach_volume(cloud: Any, operation: Operation, _: Secrets) -> Records:
    who = server(operation, operation.request["server"])
    volume = cloud.volume(operation.request["id"])
    now = cloud.attach_volume(volume, who, operation.request["device"])
    return (now, *read_again(cloud, operation))


def _detach_volume(cloud: Any, operation: Operation, _: Secrets) -> Records:
    volume = cloud.volume(operation.request["id"])  # where it is now the view may not know
    return (cloud.detach_volume(volume), *read_again(cloud, operation, volume.server))


def _delete_volume(cloud: HasVolumes, operation: Operation, _: Secrets) -> Records:
    cloud.delete_volume(_kept(Volume, operation))
    return (_volume_now(cloud, operation) or gone(_kept(Volume, operation)),)


def _volume_act(go: Callable[[Any, Operation, Secrets], Records], reached: Reached) -> Act:
    look = look_at(_volume_now, partial(_kept, Volume), reached)
    return Act(go=go, look=look, needs=HasVolumes, harmless=True)


def _is_attached(now: Volume | None, operation: Operation) -> bool:
    return now is not None and now.server == operation.request["server"]


def _is_off(now: Volume | None, _: Operation) -> bool:
    return now is not None and now.server is None


def _is_going(now: Volume | Snapshot | None, _: Operation) -> bool:
    return now is None or now.state == "deleting"


# Snapshots


def _create_snapshot(cloud: HasSnapshots, operation: Operation, _: Secrets) -> Records:
    request = operation.request
    volume = Volume(cloud=operation.cloud, id=request["volume"], name=request["volume_name"])
    return (cloud.create_snapshot(volume, operation.target, operation.token),)


def _find_snapshot(cloud: HasSnapshots, operation: Operation) -> Snapshot | None:
    return next((row for row in cloud.snapshots() if row.token == operation.token), None)


def _snapshot_now(cloud: HasSnapshots, operation: Operation) -> Snapshot | None:
    found: Snapshot | None = by_id(cloud.snapshots(), operation)
    return found


def _delete_snapshot(cloud: HasSnapshots, operation: Operation, _: Secrets) -> Records:
    cloud.delete_snapshot(_kept(Snapshot, operation))
    return (_snapshot_now(cloud, operation) or gone(_kept(Snapshot, operation)),)


THING_ACTS: Mapping[str, Act] = {
    "upload": _key_act(_upload, lambda now, _: now is not None),
    "forget": _key_act(_forget, _is_gone),
    "create_security_group": Act(
        go=_create_group, look=_look_for_group, needs=HasSecurityGroups
    ),
    "allow": _group_act(partial(_change_group, "allow"), _allows),
    "revoke": _group_act(partial(_change_group, "revoke"), _allows_not),
    "delete_security_group": _group_act(_delete_group, _is_gone),
    "create_floating_ip": Act(
        go=_create_address, look=look_for("floating IP", _find_address), needs=HasFloatingIPs
    ),
    "attach_floating_ip": Act(
        go=_attach_address, look=_look_at_attached, needs=HasFloatingIPs, harmless=True
    ),
    "detach_floating_ip": _address_act(_detach_address, _is_free),
    "release_floating_ip": _address_act(_release_address, _is_gone),
    "create_volume": Act(
        go=_create_volume, look=look_for("volume", _find_volume), needs=HasVolumes
    ),
    "attach_volume": _volume_act(_attach_volume, _is_attached),
    "detach_volume": _volume_act(_detach_volume, _is_off),
    "delete_volume": _volume_act(_delete_volume, _is_going),
    "create_snapshot": Act(
        go=_create_snapshot, look=look_for("snapshot", _find_snapshot), needs=HasSnapshots
    ),
    "delete_snapshot": Act(
        go=_delete_snapshot,
        look=look_at(_snapshot_now, partial(_kept, Snapshot), _is_going),
        needs=HasSnapshots,
        harmless=True,
    ),
}  # fmt: skip
"""Acts on what is no server: how it is done, and whether it is then as it was wanted."""
