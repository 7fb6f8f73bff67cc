"""Acts on servers, as a table."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from cloudmesh_sdk.errors import NotFoundError, UnsupportedError
from cloudmesh_sdk.models import (
    Operation,
    OperationState,
    Server,
    ServerRequest,
    ServerState as State,
)
from cloudmesh_sdk.operations.act import (
    Act,
    Learned,
    Reached,
    Records,
    Secrets,
    absent,
    gone,
    look_at,
    nothing,
)
from cloudmesh_sdk.providers import base
from cloudmesh_sdk.providers.base import Cloud, StartsMany

_CLOCKS = timedelta(minutes=2)
"""How far a cloud's clock may be behind ours."""

# Starting


def _request(operation: Operation, secrets: Secrets) -> ServerRequest:
    given = {key: value for key, value in operation.request.items() if key != "names"}
    lists = {key: tuple(value) for key, value in given.items() if isinstance(value, list)}
    return ServerRequest(token=operation.token, **{**given, **lists, **secrets})


def _start(cloud: Cloud, operation: Operation, secrets: Secrets) -> Records:
    return (cloud.start(_request(operation, secrets)),)


def _start_many(cloud: StartsMany, operation: Operation, secrets: Secrets) -> Records:
    names = operation.request["names"]
    return tuple(cloud.start_many(_request(operation, secrets), list(names)))


def _look_for_start(cloud: Cloud, operation: Operation) -> Learned:
    try:
        found = cloud.find(operation.token)
    except UnsupportedError:
        return _look_for_name(cloud, operation)
    if found is not None:
        return Learned(state=OperationState.DONE, records=(found,))
    return absent(cloud, operation, "server")


def _look_for_name(cloud: Cloud, operation: Operation) -> Learned:
    """Look where servers carry no token: the name, and that it is new, must do.

    A cloud may have given another name, so that nothing of this name is no proof that there is
    nothing.
    """
    named = [row for row in cloud.servers() if row.name == operation.target]
    if not named:
        learned = nothing(cloud, operation, "server")
        if learned.state is OperationState.UNKNOWN:
            return learned
        why = (
            f"{cloud.name} has no server called {operation.target}, which is all that can be "
            "looked for, as its servers carry no token"
        )
        return Learned(state=OperationState.FAILED, why=why)
    earliest = (operation.sent or operation.created) - _CLOCKS
    new = [row for row in named if row.created and row.created >= earliest]
    if len(new) == 1:
        return Learned(state=OperationState.DONE, records=(new[0],))
    ids = ", ".join(row.id for row in named)
    why = f"{cloud.name} has {operation.target} ({ids}) and cannot tell whether this start made it"
    return Learned(state=OperationState.FAILED, why=why)


def _look_for_many(cloud: Any, operation: Operation) -> Learned:
    """Look for a group: once it is late enough what there is is adopted, what lacks is told."""
    found: Sequence[Server] = cloud.find_many(operation.token)
    names: Sequence[str] = operation.request["names"]
    if len(found) < len(names):
        early = absent(cloud, operation, "server")
        if not found or early.state is OperationState.UNKNOWN:
            return early
    place = {name: number for number, name in enumerate(names)}
    found = sorted(found, key=lambda row: (place.get(row.name, len(place)), row.name))
    why = ""
    if len(found) < len(names):
        why = f"{cloud.name} has {len(found)} of the {len(names)} servers of {operation.target}"
    return Learned(state=OperationState.DONE, records=tuple(found), why=why)


# What is there


def _now(cloud: Cloud, operation: Operation) -> Server | None:
    try:
        return cloud.server(operation.request["id"])
    except NotFoundError:
        return None


def _kept(operation: Operation, state: State = State.UNKNOWN) -> Server:
    """Return the server of a request, as far as it is known here."""
    return Server(
        cloud=operation.cloud, id=operation.request["id"], name=operation.target, state=state
    )


def _deleted(operation: Operation) -> Server:
    return _kept(operation, State.DELETED)


def _delete(cloud: Cloud, operation: Operation, _: Secrets) -> Records:
    cloud.delete(_kept(operation))
    left = _now(cloud, operation)  # some clouds show it for a while
    if left is not None and left.state is not State.DELETED:
        return (left,)
    return (gone(_deleted(operation)),)


def _is_deleted(now: Server | None, _: Operation) -> bool:
    return now is None or now.state in (State.DELETING, State.DELETED)


Verb = Callable[[Any, Server, Mapping[str, Any]], Server | None]
"""Asks a driver for an act on a server, with the request; some return the server as it is then."""


def _act(
    asked: Verb,
    *states: State,
    needs: type = Cloud,
    harmless: bool = True,
    reached: Reached | None = None,
) -> Act:
    """Return an act that leads to one of some states."""

    def go(cloud: Any, operation: Operation, _: Secrets) -> Records:
        done = asked(cloud, _kept(operation), operation.request)
        return (done if done is not None else cloud.server(operation.request["id"]),)

    def there(now: Server | None, _: Operation) -> bool:
        return now is not None and now.state in states

    blind = not harmless or not (states or reached)
    look = look_at(_now, _deleted, reached or there, blind=blind)
    return Act(go=go, look=look, needs=needs, harmless=harmless)


def _is_renamed(now: Server | None, operation: Operation) -> bool:
    return now is not None and now.name == operation.request["name"]


def _is_tagged(now: Server | None, operation: Operation) -> bool:
    wanted: Mapping[str, str | None] = operation.request["tags"]
    return now is not None and all(now.tags.get(key) == value for key, value in wanted.items())


SERVER_ACTS: Mapping[str, Act] = {
    "start": Act(go=_start, look=_look_for_start),
    "start_many": Act(go=_start_many, look=_look_for_many, needs=StartsMany),
    "delete": Act(go=_delete, look=look_at(_now, _deleted, _is_deleted), harmless=True),
    "stop": _act(lambda cloud, row, _: cloud.stop(row), State.STOPPED, State.STOPPING),
    "resume": _act(lambda cloud, row, _: cloud.resume(row), State.RUNNING, State.PENDING),
    "reboot": _act(lambda cloud, row, _: cloud.reboot(row), State.REBOOTING, harmless=False),
    "hard_reboot": _act(
        lambda cloud, row, _: cloud.hard_reboot(row), State.REBOOTING,
        needs=base.HasHardReboot, harmless=False,
    ),
    "suspend": _act(
        lambda cloud, row, _: cloud.suspend(row), State.SUSPENDED, needs=base.HasSuspend
    ),
    "pause": _act(lambda cloud, row, _: cloud.pause(row), State.PAUSED, needs=base.HasPause),
    "unpause": _act(lambda cloud, row, _: cloud.unpause(row), State.RUNNING, needs=base.HasPause),
    "shelve": _act(lambda cloud, row, _: cloud.shelve(row), State.SHELVED, needs=base.HasShelve),
    "unshelve": _act(
        lambda cloud, row, _: cloud.unshelve(row), State.RUNNING, State.PENDING,
        needs=base.HasShelve,
    ),
    "resize": _act(
        lambda cloud, row, asked: cloud.resize(row, asked["flavor"]),
        State.RESIZING, State.RESIZED, needs=base.HasResize, harmless=False,
    ),
    "confirm_resize": _act(
        lambda cloud, row, _: cloud.confirm_resize(row), State.RUNNING, State.STOPPED,
        needs=base.HasResize,
    ),
    "revert_resize": _act(
        lambda cloud, row, _: cloud.revert_resize(row),
        State.RUNNING, State.STOPPED, State.RESIZING, needs=base.HasResize,
    ),
    "rebuild": _act(
        lambda cloud, row, asked: cloud.rebuild(row, asked["image"]),
        needs=base.HasRebuild, harmless=False,
    ),
    "rescue": _act(
        lambda cloud, row, asked: cloud.rescue(row, asked.get("image")), State.RESCUED,
        needs=base.HasRescue,
    ),
    "unrescue": _act(
        lambda cloud, row, _: cloud.unrescue(row), State.RUNNING, needs=base.HasRescue
    ),
    "lock": _act(lambda cloud, row, _: cloud.lock(row), needs=base.HasLock),
    "unlock": _act(lambda cloud, row, _: cloud.unlock(row), needs=base.HasLock),
    "rename": _act(
        lambda cloud, row, asked: cloud.rename(row, asked["name"]),
        needs=base.HasRename, reached=_is_renamed,
    ),
    "tag": _act(
        lambda cloud, row, asked: cloud.tag(row, asked["tags"]),
        needs=base.HasTags, reached=_is_tagged,
    ),
}  # fmt: skip
"""Acts on servers: how it is asked for, the states that it leads to, what the cloud must be.

What tears a server from its work (reboot, resize, rebuild) is never done a second time unasked.
"""
