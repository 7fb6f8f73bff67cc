"""Acts on volumes and snapshots, as a table."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cloudmesh_sdk.errors import NotFoundError
from cloudmesh_sdk.models import Operation, Snapshot, Volume, VolumeRequest
from cloudmesh_sdk.operations.act import (
    Act,
    Reached,
    Records,
    Secrets,
    by_id,
    gone,
    kept,
    look_at,
    look_for,
    read_again,
    server,
)
from cloudmesh_sdk.providers.base import HasSnapshots, HasVolumes

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
    now = cloud.attach_volume(kept(Volume, operation), who, operation.request["device"])
    return (now, *read_again(cloud, operation))


def _detach_volume(cloud: Any, operation: Operation, _: Secrets) -> Records:
    volume = cloud.volume(operation.request["id"])  # where it is now the view may not know
    return (cloud.detach_volume(volume), *read_again(cloud, operation, volume.server))


def _delete_volume(cloud: HasVolumes, operation: Operation, _: Secrets) -> Records:
    cloud.delete_volume(kept(Volume, operation))
    return (_volume_now(cloud, operation) or gone(kept(Volume, operation)),)


def _volume_act(go: Callable[[Any, Operation, Secrets], Records], reached: Reached) -> Act:
    look = look_at(_volume_now, partial(kept, Volume), reached)
    return Act(go=go, look=look, needs=HasVolumes, harmless=True)


def _is_attached(now: Volume | None, operation: Operation) -> bool:
    return now is not None and (
        now.server == operation.request["server"] or now.state == "attaching"
    )


def _is_off(now: Volume | None, _: Operation) -> bool:
    return now is not None and (now.server is None or now.state == "detaching")


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
    cloud.delete_snapshot(kept(Snapshot, operation))
    return (_snapshot_now(cloud, operation) or gone(kept(Snapshot, operation)),)


STORAGE_ACTS: Mapping[str, Act] = {
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
        look=look_at(_snapshot_now, partial(kept, Snapshot), _is_going),
        needs=HasSnapshots,
        harmless=True,
    ),
}  # fmt: skip
"""Acts on disks: how it is done, and whether it is then as it was wanted."""
