"""Servers that cloud and journal do not agree about: leaked ones, and such as are gone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import attrs

from cloudmesh_sdk.errors import CloudmeshError, UnsupportedError
from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.models import (
    Operation,
    OperationState,
    Orphan,
    OrphanKind,
    Server,
    ServerState,
)
from cloudmesh_sdk.operations.runner import is_token

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh

_STARTS = ("start", "start_many")
_NOTHING = (OperationState.FAILED, OperationState.CANCELLED)
_GOING = (ServerState.DELETING, ServerState.DELETED)

_TOLD = timedelta(days=7)
"""How long one that is gone is told of: as long as the view keeps it, as a tombstone."""

Key = tuple[str, str]
"""Cloud and id."""


def orphans(mesh: "Mesh", clouds: Sequence[str]) -> Gathered[Orphan]:
    """Ask clouds for whole lists, and compare them with the journal, which is read after that.

    So a server that is being started meanwhile has its operation there.
    """
    asked = mesh.refresh(clouds, [Server.kind], full=True)
    heard = [cloud for cloud in clouds if cloud not in asked.errors]
    rows = mesh.servers(heard, missing=True) if heard else []
    journal = mesh.store.journal.find()
    leaked = list(_leaked(mesh, rows, journal))
    prices, errors = _prices(mesh, {orphan.cloud for orphan in leaked})
    leaked = [attrs.evolve(row, price=prices.get((row.cloud, row.flavor or ""))) for row in leaked]
    found = [*leaked, *_gone(mesh, heard, rows, journal)]
    errors |= {cloud: _blind(cloud) for cloud in heard if not mesh.clouds[cloud].shows_tokens}
    sources = {
        name: attrs.evolve(
            source,
            count=sum(orphan.cloud == name for orphan in found),
            error=source.error or errors.get(name),
        )
        for name, source in asked.sources.items()
    }
    return Gathered(found, sources)


def _blind(cloud: str) -> CloudmeshError:
    return UnsupportedError(
        f"{cloud}: its servers carry no tokens, so what leaked there cannot be told; "
        "what is gone can"
    )


# What is there


def _leaked(mesh: "Mesh", rows: Iterable[Server], journal: Iterable[Operation]) -> Iterator[Orphan]:
    known = {operation.token: operation for operation in journal}
    for row in rows:
        if row.missing is not None or row.state in _GOING or not is_token(row.token):
            continue
        if not mesh.clouds[row.cloud].is_ours(row):
            continue
        operation = known.get(row.token or "")
        if operation is not None and operation.owner != mesh.user:
            continue  # another user's, who is told of it
        why = _unanswered(row, operation)
        if why:
            yield _there(row, operation, why)


def _unanswered(row: Server, operation: Operation | None) -> str:
    """Return why no operation answers for a server; empty where one does, or may yet."""
    if operation is None:
        return "no operation in this store asked for it"
    if operation.state in _NOTHING:
        return f"its operation is {operation.state}"
    made = _made(operation)
    if operation.state is OperationState.DONE and made and row.id not in made:
        return f"its operation came to {', '.join(made)}"
    return ""


def _there(row: Server, operation: Operation | None, why: str) -> Orphan:
    return Orphan(
        what=OrphanKind.LEAKED, cloud=row.cloud, name=row.name, id=row.id, state=row.state,
        flavor=row.flavor, created=row.created, age=_age(row.created), token=row.token,
        operation=None if operation is None else operation.id, why=why,
    )  # fmt: skip


def _prices(
    mesh: "Mesh", clouds: Iterable[str]
) -> tuple[dict[Key, float], dict[str, CloudmeshError]]:
    """Return the prices of flavors by cloud and by id or name, and which clouds do not answer."""
    names = sorted(clouds)
    flavors = mesh.flavors(names) if names else Gathered()
    told = {
        (row.cloud, word): row.price
        for row in flavors
        for word in (row.name, row.id)
        if row.price is not None
    }
    return told, flavors.errors


# What is gone


def _gone(
    mesh: "Mesh", clouds: Sequence[str], rows: Iterable[Server], journal: Sequence[Operation]
) -> Iterator[Orphan]:
    seen: Mapping[Key, Server] = {(row.cloud, row.id): row for row in rows}
    deleted = {
        (operation.cloud, operation.request.get("id"))
        for operation in journal
        if operation.act == "delete" and operation.state not in _NOTHING
    }
    for operation in journal:
        if not _is_ours(mesh, clouds, operation):
            continue
        for id_, name in zip(_made(operation), _names(operation), strict=True):
            row = seen.get((operation.cloud, id_))
            settle = timedelta(seconds=mesh.clouds[operation.cloud].settle)
            if (operation.cloud, id_) not in deleted and _is_gone(row, operation, settle):
                yield _not_there(operation, id_, name, row)


def _is_ours(mesh: "Mesh", clouds: Sequence[str], operation: Operation) -> bool:
    """Tell whether an operation of this user started servers at one of these clouds."""
    if operation.act not in _STARTS or operation.state is not OperationState.DONE:
        return False
    asked = operation.owner == mesh.user and operation.cloud in clouds
    return asked and mesh._belonging.ours(operation)


def _is_gone(row: Server | None, operation: Operation, settle: timedelta) -> bool:
    """Tell whether a server is gone, and not so long that the view has forgotten it.

    One that its cloud does not list may be too new for that, unless it says that it is deleted.
    """
    now = datetime.now(UTC)
    if row is not None and (row.missing is None or row.state is ServerState.DELETED):
        return row.state is ServerState.DELETED
    if operation.finished is None or now - operation.finished < settle:
        return False
    return row is not None or now - operation.created < _TOLD


def _not_there(operation: Operation, id: str, name: str, row: Server | None) -> Orphan:  # noqa: A002
    return Orphan(
        what=OrphanKind.GONE, cloud=operation.cloud, name=name if row is None else row.name,
        id=id, state=ServerState.DELETED, flavor=None if row is None else row.flavor,
        created=operation.created, age=_age(operation.created), token=operation.token,
        missing=None if row is None else row.missing, operation=operation.id,
        why="nobody deleted it from here",
    )  # fmt: skip


def _made(operation: Operation) -> tuple[str, ...]:
    """Return the ids of what came of an operation."""
    return operation.results or ((operation.result,) if operation.result else ())


def _names(operation: Operation) -> Sequence[str]:
    """Return what the servers of an operation were called when it was asked for."""
    names: Sequence[str] = operation.request.get("names", ())
    made = _made(operation)
    return names if len(names) == len(made) else [operation.target] * len(made)


def _age(created: datetime | None) -> int | None:
    if created is None:
        return None
    return max(0, int((datetime.now(UTC) - created).total_seconds()))
