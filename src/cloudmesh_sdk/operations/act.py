"""What an act is: how it is done, and how to learn whether it was.

Each act converts an operation's plain request into calls of the driver and returns the records
that are then true. After a crash `look` asks the cloud what became of it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from cloudmesh_sdk.driver import Driver
from cloudmesh_sdk.errors import BackendTimeoutError, NotFoundError
from cloudmesh_sdk.models import Operation, OperationState, Record, Server, ServerState
from cloudmesh_sdk.providers.base import Cloud

_LATE = timedelta(seconds=30)
"""How long an act that got no answer in time may still make what it was to make."""

LOST = "Lost"
"""Kind of the error of an operation whose runner died."""

_NOUNS = ("_floating_ip", "_volume", "_snapshot", "_security_group", "_job")

Secrets = Mapping[str, Any]
"""Arguments that are handed to the driver and never written down."""

Records = tuple[Record, ...]
"""What came of an act. The first tells the kind; those of another kind were read beside it."""


@attrs.frozen(kw_only=True)
class Learned:
    """What a cloud says became of an operation whose runner died."""

    state: OperationState
    records: Records = ()
    why: str = ""
    silent: bool = False
    """The cloud did not answer."""
    absent: bool = False
    """It has nothing that carries the token, and would show it by now: it may be sent again."""
    undone: bool = False
    """It shows nothing of what the act would bring about, and would by now."""


@attrs.frozen(kw_only=True)
class Act:
    """One act: `go` does it, `look` finds out what became of it without doing anything.

    `needs` is what a cloud must be for it. `harmless` says that doing it twice is the same as
    doing it once.
    """

    go: Callable[[Any, Operation, Secrets], Records]
    look: Callable[[Any, Operation], Learned]
    needs: type = Cloud
    harmless: bool = False


def results(records: Records) -> Records:
    """Return the records that came of an act, without those that were read beside."""
    return tuple(record for record in records if record.kind == records[0].kind)


Now = Callable[[Any, Operation], Record | None]
"""Asks a cloud for the thing of an operation as it is now."""

Reached = Callable[[Any, Operation], bool]
"""Tells of such a thing (None: it is gone) whether it is as the operation wanted it."""


Beside = Callable[[Any, Operation], tuple[Server, ...]]
"""Reads again what an act changed beside its thing."""


def look_at(
    now: Now,
    kept: Callable[[Operation], Record],
    reached: Reached,
    beside: Beside | None = None,
    *,
    blind: bool = False,
) -> Any:
    """Return a `look` that asks for the thing: it is as wanted, or nothing is known.

    Of a `blind` act the thing may show nothing though it was done.
    """
    again = beside or read_again

    def look(cloud: Cloud, operation: Operation) -> Learned:
        found = now(cloud, operation)
        if not reached(found, operation):
            return Learned(
                state=OperationState.FAILED,
                records=() if found is None else (found,),
                why=f"whether {cloud.name} was asked to {verb(operation)} it is not known",
                undone=not blind,
            )
        there = found if found is not None else gone(kept(operation))
        return Learned(state=OperationState.DONE, records=(there, *again(cloud, operation)))

    return look


def look_for(what: str, find: Callable[[Any, Operation], Record | None]) -> Any:
    """Return a `look` for a thing that carries the token of the operation that made it."""

    def look(cloud: Driver, operation: Operation) -> Learned:
        found = find(cloud, operation)
        if found is None:
            return absent(cloud, operation, what)
        return Learned(state=OperationState.DONE, records=(found,))

    return look


def nothing(cloud: Driver, operation: Operation, what: str) -> Learned:
    """Return what is learnt where a cloud shows nothing of an operation: too early, or failed."""
    since = operation.doubted or operation.sent or operation.created
    patience = max(timedelta(seconds=cloud.settle), _lateness(cloud, operation))
    if datetime.now(UTC) - since < patience:
        wait = patience.total_seconds()
        why = f"{cloud.name} may not show it yet; asked again after {wait:g} s"
        return Learned(state=OperationState.UNKNOWN, why=why)
    why = f"the client ended while asking for it, and {cloud.name} has no {what} of it"
    return Learned(state=OperationState.FAILED, why=why, undone=True)


def _lateness(cloud: Driver, operation: Operation) -> timedelta:
    """Return for how long what was asked for may still happen."""
    if operation.error is None or operation.error.kind == LOST:
        return timedelta(seconds=cloud.late)
    return _LATE if _is_late(operation) else timedelta()


def may_come(operation: Operation) -> bool:
    """Tell whether an act that got no answer in time may still be done."""
    since = operation.doubted or operation.sent or operation.created
    return _is_late(operation) and datetime.now(UTC) - since < _LATE


def _is_late(operation: Operation) -> bool:
    return operation.error is not None and operation.error.kind == BackendTimeoutError.__name__


def absent(cloud: Driver, operation: Operation, what: str) -> Learned:
    """Return the same where it was looked for by its token, which one thing has at most."""
    learned = nothing(cloud, operation, what)
    return attrs.evolve(learned, absent=learned.state is OperationState.FAILED)


def verb(operation: Operation) -> str:
    """Return what was asked for, to be read: `reboot`, `attach`, `hard reboot`."""
    word = operation.act
    for noun in _NOUNS:
        word = word.removesuffix(noun)
    return word.replace("_", " ")


def by_id(records: Iterable[Any], operation: Operation) -> Any:
    """Return the record that an operation is about, None where it is not there."""
    return next((row for row in records if row.id == operation.request["id"]), None)


def kept(kind: type[Any], operation: Operation) -> Any:
    """Return the thing of a request, as far as it is known here: who it is."""
    id = operation.request.get("id", operation.target)  # noqa: A001 - that of a key is its name
    return kind(cloud=operation.cloud, id=id, name=operation.target)


def is_gone(now: Record | None, _: Operation) -> bool:
    """Tell that a thing is there no more."""
    return now is None


def gone(record: Record) -> Record:
    """Return a record as the tombstone of what is gone."""
    return attrs.evolve(record, missing=datetime.now(UTC))


def server(operation: Operation, id: str) -> Server:  # noqa: A002
    """Return a server as far as a driver needs it for an act: who it is."""
    return Server(cloud=operation.cloud, id=id, name=id, state=ServerState.UNKNOWN)


def read_again(cloud: Cloud, operation: Operation, *also: str | None) -> tuple[Server, ...]:
    """Return the servers that an act on another thing changed: no list of changes shows them."""
    found: list[Server] = []
    for id in dict.fromkeys((*operation.request.get("servers", ()), *also)):  # noqa: A001
        try:
            found += [cloud.server(id)] if id else []
        except NotFoundError:
            continue  # deleted meanwhile: the next refresh tells
    return tuple(found)
