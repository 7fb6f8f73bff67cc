"""What was asked for, as its user may see it."""

from collections.abc import Iterable, Sequence

from cloudmesh_sdk.errors import NotFoundError
from cloudmesh_sdk.mesh.names import states
from cloudmesh_sdk.models import Operation, OperationState, Server
from cloudmesh_sdk.operations import SERVER_ACTS
from cloudmesh_sdk.store.base import Event, Journal, Store


def operations(
    journal: Journal,
    owner: str,
    *,
    state: str | Iterable[str] | None,
    cloud: str | None = None,
    target: str | None = None,
    limit: int | None = None,
) -> list[Operation]:
    """Return a user's operations, newest first."""
    asked = states(OperationState, state or ())
    return journal.find(owner=owner, states=asked, cloud=cloud, target=target, limit=limit)


def operation(journal: Journal, owner: str, id: str) -> Operation:  # noqa: A002
    """Return one of a user's operations by its id, or by the beginning of it."""
    found = journal.get(id)
    if found is not None and found.owner == owner:
        return found
    close = [o for o in journal.find(owner=owner) if o.id.startswith(id)]
    if len(close) != 1:
        raise NotFoundError(f"{len(close)} operations have an id that begins with {id!r}")
    return close[0]


def named(journal: Journal, owner: str, ids: Sequence[str]) -> list[Operation]:
    """Return a user's operations by their ids, or the beginnings of them, in order."""
    known = {found.id: found for found in journal.several(ids) if found.owner == owner}
    return [known.get(id_) or operation(journal, owner, id_) for id_ in ids]


def history(store: Store, owner: str, server: Server) -> list[Event]:
    """Return what happened to a server and what was asked of it, oldest first."""
    seen = store.view.events(owner, server.cloud, server.id)
    for asked in store.journal.find(owner=owner, cloud=server.cloud):
        if not _about(asked, server):
            continue
        detail = f"{asked.state} ({asked.id})"
        if asked.error is not None:
            detail += f": {asked.error.message}"
        seen.append(Event(at=asked.created, what=asked.act, detail=detail))
    return sorted(seen, key=lambda event: event.at)


def _about(asked: Operation, server: Server) -> bool:
    """Tell whether an operation was about a server: by its id, as a name may have had others."""
    request = asked.request
    if asked.act not in SERVER_ACTS:
        return server.id in request.get("servers", ())
    if server.id in (request.get("id"), asked.result, *asked.results):
        return True
    came_to_nothing = asked.result is None and "id" not in request
    return came_to_nothing and server.name in request.get("names", (asked.target,))
