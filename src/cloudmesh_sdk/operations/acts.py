"""What can be asked of a cloud, as a table: how it is done, and how to learn if it was done.

Each act converts an operation's plain request into one call of the driver and returns the record
that is then true. After a crash `learn` asks the cloud what became of it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from cloudmesh_sdk.errors import (
    BackendTimeoutError,
    ConflictError,
    NotFoundError,
    UnsupportedError,
)
from cloudmesh_sdk.models import (
    Keypair,
    Operation,
    OperationState,
    Record,
    Server,
    ServerRequest,
    ServerState,
)
from cloudmesh_sdk.providers.base import Cloud, HasKeypairs

_CLOCKS = timedelta(minutes=2)
"""How far a cloud's clock may be behind ours."""

_LATE = timedelta(seconds=30)
"""How long a start that got no answer in time may still make its server."""

Secrets = Mapping[str, Any]
"""Arguments that are handed to the driver and never written down."""


@attrs.frozen(kw_only=True)
class Learned:
    """What a cloud says became of an operation whose runner died."""

    state: OperationState
    record: Record | None = None
    why: str = ""
    silent: bool = False
    """The cloud did not answer."""


@attrs.frozen(kw_only=True)
class Act:
    """One act: `go` does it, `look` finds out what became of it without doing anything.

    `harmless` says that doing it twice is the same as doing it once.
    """

    go: Callable[[Cloud, Operation, Secrets], Record]
    look: Callable[[Cloud, Operation], Learned]
    harmless: bool = False


def _start(cloud: Cloud, operation: Operation, secrets: Secrets) -> Record:
    return cloud.start(ServerRequest(token=operation.token, **_lists(operation.request), **secrets))


def _lists(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request as the store gave it back, its lists as tuples again."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in request.items()}


def _look_for_start(cloud: Cloud, operation: Operation) -> Learned:
    try:
        server = cloud.find(operation.token)
    except UnsupportedError:
        return _look_for_name(cloud, operation)
    if server is not None:
        return Learned(state=OperationState.DONE, record=server)
    return _nothing(cloud, operation)


def _look_for_name(cloud: Cloud, operation: Operation) -> Learned:
    """Look where servers carry no token: the name, and that it is new, must do."""
    named = [server for server in cloud.servers() if server.name == operation.target]
    if not named:
        return _nothing(cloud, operation)
    earliest = (operation.sent or operation.created) - _CLOCKS
    new = [server for server in named if server.created and server.created >= earliest]
    if len(new) == 1:
        return Learned(state=OperationState.DONE, record=new[0])
    ids = ", ".join(server.id for server in named)
    why = f"{cloud.name} has {operation.target} ({ids}) and cannot tell whether this start made it"
    return Learned(state=OperationState.FAILED, why=why)


def _nothing(cloud: Cloud, operation: Operation) -> Learned:
    since = operation.doubted or operation.sent or operation.created
    patience = timedelta(seconds=cloud.settle)
    if operation.error is not None and operation.error.kind == BackendTimeoutError.__name__:
        patience = max(patience, _LATE)  # what was asked for may still happen
    if datetime.now(UTC) - since < patience:
        wait = patience.total_seconds()
        why = f"{cloud.name} may not show it yet; asked again after {wait:g} s"
        return Learned(state=OperationState.UNKNOWN, why=why)
    why = f"the client ended while starting it, and {cloud.name} has no server of it"
    return Learned(state=OperationState.FAILED, why=why)


def _now(cloud: Cloud, operation: Operation) -> Server | None:
    try:
        return cloud.server(operation.request["id"])
    except NotFoundError:
        return None


def _kept(operation: Operation, state: ServerState) -> Server:
    """Return the server of a request when its cloud shows it no more."""
    return Server(
        cloud=operation.cloud, id=operation.request["id"], name=operation.target, state=state
    )


def _delete(cloud: Cloud, operation: Operation, _: Secrets) -> Record:
    cloud.delete(_kept(operation, ServerState.UNKNOWN))
    left = _now(cloud, operation)  # some clouds show it for a while
    if left is not None and left.state is not ServerState.DELETED:
        return left
    return attrs.evolve(_kept(operation, ServerState.DELETED), missing=datetime.now(UTC))


def _power(verb: Callable[[Cloud, Server], None]) -> Callable[[Cloud, Operation, Secrets], Record]:
    def go(cloud: Cloud, operation: Operation, _: Secrets) -> Record:
        verb(cloud, _kept(operation, ServerState.UNKNOWN))
        return cloud.server(operation.request["id"])

    return go


def _look_at_server(cloud: Cloud, operation: Operation) -> Learned:
    why = f"whether {cloud.name} was asked to {operation.act} it is not known"
    return Learned(state=OperationState.FAILED, record=_now(cloud, operation), why=why)


def _look_at_key(cloud: Cloud, operation: Operation) -> Learned:
    why = f"whether {cloud.name} was asked to {operation.act} it is not known"
    keys = _keys(cloud).keypairs()
    return Learned(
        state=OperationState.FAILED,
        record=next((key for key in keys if key.name == operation.target), None),
        why=why,
    )


def _upload(cloud: Cloud, operation: Operation, _: Secrets) -> Record:
    return _keys(cloud).upload_key(operation.target, operation.request["public_key"])


def _forget_key(cloud: Cloud, operation: Operation, _: Secrets) -> Record:
    _keys(cloud).delete_key(operation.target)
    return Keypair(
        cloud=cloud.name, id=operation.target, name=operation.target, missing=datetime.now(UTC)
    )


def _keys(cloud: Cloud) -> HasKeypairs:
    if not isinstance(cloud, HasKeypairs):
        raise UnsupportedError(f"{cloud.name} keeps no keypairs")
    return cloud


def _of_server(verb: Callable[[Cloud, Server], None], *, harmless: bool = True) -> Act:
    return Act(go=_power(verb), look=_look_at_server, harmless=harmless)


ACTS: Mapping[str, Act] = {
    "start": Act(go=_start, look=_look_for_start),
    "stop": _of_server(lambda cloud, server: cloud.stop(server)),
    "resume": _of_server(lambda cloud, server: cloud.resume(server)),
    "reboot": _of_server(lambda cloud, server: cloud.reboot(server), harmless=False),
    "delete": Act(go=_delete, look=_look_at_server, harmless=True),
    "upload": Act(go=_upload, look=_look_at_key, harmless=True),
    "forget": Act(go=_forget_key, look=_look_at_key, harmless=True),
}
"""Acts by the word that operations are journalled under."""


def learn(cloud: Cloud, operation: Operation, *, again: bool) -> Learned:
    """Find out what became of an operation; raises `BackendError` where the cloud is silent.

    A harmless act is simply done again where `again` allows it.
    """
    act = ACTS.get(operation.act)
    if act is None:
        why = f"this version knows no act {operation.act!r}"
        return Learned(state=OperationState.FAILED, why=why)
    if not (again and act.harmless):
        return act.look(cloud, operation)
    try:
        return Learned(state=OperationState.DONE, record=act.go(cloud, operation, {}))
    except (NotFoundError, ConflictError) as error:
        return attrs.evolve(act.look(cloud, operation), why=str(error))


def laid_to_rest(record: Record, known: Record | None) -> Record:
    """Return what the view shall keep: of a thing that is gone, all that was known of it."""
    if record.missing is None or known is None:
        return record
    if isinstance(known, Server):
        return attrs.evolve(known, missing=record.missing, state=ServerState.DELETED)
    return attrs.evolve(known, missing=record.missing)
