"""What can be asked of a cloud, as a table: how it is done, and how to learn if it was done.

Each act converts an operation's plain request into one call of the driver and returns the record
that is then true. After a crash `learn` asks the cloud what became of it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from cloudmesh_sdk.errors import ConflictError, NotFoundError, UnsupportedError
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
    """One act: `go` does it, `learn` finds out whether it was done (or does it again)."""

    go: Callable[[Cloud, Operation, Secrets], Record]
    learn: Callable[[Cloud, Operation], Learned]


def _start(cloud: Cloud, operation: Operation, secrets: Secrets) -> Record:
    return cloud.start(ServerRequest(token=operation.token, **_lists(operation.request), **secrets))


def _lists(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request as the store gave it back, its lists as tuples again."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in request.items()}


def _made(cloud: Cloud, operation: Operation) -> Server | None:
    """Return the server of a start; where servers carry no token, its name must do.

    Names are not given twice by a mesh, and a start under a name that is taken is refused.
    """
    try:
        return cloud.find(operation.token)
    except UnsupportedError:
        return next((s for s in cloud.servers() if s.name == operation.target), None)


def _learn_start(cloud: Cloud, operation: Operation) -> Learned:
    server = _made(cloud, operation)
    if server is not None:
        return Learned(state=OperationState.DONE, record=server)
    sent = operation.sent or operation.created
    if datetime.now(UTC) - sent < timedelta(seconds=cloud.settle):
        why = f"{cloud.name} may not show it yet; asked again after {cloud.settle:g} s"
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


def _again(go: Callable[[Cloud, Operation, Secrets], Record]) -> Callable[..., Learned]:
    """Learn by doing it again: for acts that are the same done once or twice."""

    def learn(cloud: Cloud, operation: Operation) -> Learned:
        try:
            return Learned(state=OperationState.DONE, record=go(cloud, operation, {}))
        except (NotFoundError, ConflictError) as error:
            return Learned(
                state=OperationState.FAILED, record=_now(cloud, operation), why=str(error)
            )

    return learn


def _learn_reboot(cloud: Cloud, operation: Operation) -> Learned:
    why = "the client ended while asking; the server may or may not have been rebooted"
    return Learned(state=OperationState.FAILED, record=_now(cloud, operation), why=why)


def _upload(cloud: Cloud, operation: Operation, _: Secrets) -> Record:
    return _keys(cloud).upload_key(operation.target, operation.request["public_key"])


def _forget_key(cloud: Cloud, operation: Operation, _: Secrets) -> Record:
    _keys(cloud).delete_key(operation.target)
    return Keypair(
        cloud=cloud.name, id=operation.target, name=operation.target, missing=datetime.now(UTC)
    )


def _learn_key(go: Callable[[Cloud, Operation, Secrets], Record]) -> Callable[..., Learned]:
    def learn(cloud: Cloud, operation: Operation) -> Learned:
        try:
            return Learned(state=OperationState.DONE, record=go(cloud, operation, {}))
        except ConflictError as error:
            return Learned(state=OperationState.FAILED, why=str(error))

    return learn


def _keys(cloud: Cloud) -> HasKeypairs:
    if not isinstance(cloud, HasKeypairs):
        raise UnsupportedError(f"{cloud.name} keeps no keypairs")
    return cloud


def _idempotent(go: Callable[[Cloud, Operation, Secrets], Record]) -> Act:
    return Act(go=go, learn=_again(go))


ACTS: Mapping[str, Act] = {
    "start": Act(go=_start, learn=_learn_start),
    "stop": _idempotent(_power(lambda cloud, server: cloud.stop(server))),
    "resume": _idempotent(_power(lambda cloud, server: cloud.resume(server))),
    "reboot": Act(go=_power(lambda cloud, server: cloud.reboot(server)), learn=_learn_reboot),
    "delete": _idempotent(_delete),
    "upload": Act(go=_upload, learn=_learn_key(_upload)),
    "forget": Act(go=_forget_key, learn=_learn_key(_forget_key)),
}
"""Acts by the word that operations are journalled under."""


def laid_to_rest(record: Record, known: Record | None) -> Record:
    """Return what the view shall keep: of a thing that is gone, all that was known of it."""
    if record.missing is None or known is None:
        return record
    if isinstance(known, Server):
        return attrs.evolve(known, missing=record.missing, state=ServerState.DELETED)
    return attrs.evolve(known, missing=record.missing)
