"""Names for new servers: those that a user gives, or the next numbers of a prefix."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError
from cloudmesh_sdk.mesh.names import MOST, hostlists, several
from cloudmesh_sdk.models import Server, ServerState
from cloudmesh_sdk.providers.base import StartsMany
from cloudmesh_sdk.store.base import Query

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh

_ALL = ""
"""Owner of the counters: users of one prefix share it, since they may share an account."""

_GOING = (ServerState.DELETING, ServerState.DELETED)
"""States of servers whose name is free again."""


def new_names(mesh: "Mesh", cloud: str, name: Any, count: int | None) -> list[str]:
    """Return the names of servers to start at a cloud.

    Raises `InvalidRequestError` where names and count make no sense, `ConflictError` where the
    cloud has such a server now; it is asked for one list where names are given.
    """
    _check_count(count)
    if name is None:
        return _numbered(mesh, cloud, mesh.default("prefix", cloud=cloud).value, count or 1)
    names = hostlists(several(name))
    if not names:
        raise InvalidRequestError("no name was given; leave it out for the next of your prefix")
    if count is not None and count != len(names):
        if len(names) > 1:
            raise InvalidRequestError(f"{len(names)} names for a count of {count}")
        return _numbered(mesh, cloud, names[0], count)
    require_free(mesh, cloud, names)
    return names


def require_free(mesh: "Mesh", cloud: str, names: Sequence[str]) -> None:
    """Raise `ConflictError` where a server of the cloud has one of these names; asks one list."""
    there = _there(mesh, cloud, names)
    for each in names:
        if each in there:
            raise ConflictError(f"{cloud} has a server called {each!r} already; choose another")


def new_group(
    mesh: "Mesh", cloud: str, name: Any, count: int | None
) -> tuple[str, Sequence[str]] | None:
    """Return what several servers are started as by one request, and the names they will have.

    None where each has to be started by itself: the cloud cannot do it, they have names of their
    own, or there is but one.
    """
    _check_count(count)
    driver = mesh.clouds[cloud]
    if count is None or count == 1 or not isinstance(driver, StartsMany):
        return None
    bases = [None] if name is None else hostlists(several(name))
    if len(bases) != 1:
        return None
    prefix = bases[0] or mesh.default("prefix", cloud=cloud).value
    while True:
        (base,) = _next(mesh, prefix, 1)
        names = driver.names_of_many(base, count)
        if not _taken(mesh, cloud, [base, *names]):
            return base, names


def _check_count(count: int | None) -> None:
    if count is not None and count < 1:
        raise InvalidRequestError(f"count must be 1 or more, found {count}")
    if count is not None and count > MOST:
        raise InvalidRequestError(f"count must be {MOST:,} or less, found {count}")


def _there(mesh: "Mesh", cloud: str, names: Sequence[str]) -> set[str]:
    """Return the names of a cloud's servers: as listed now, and as started a moment ago."""
    with mesh.clouds.use(cloud) as driver:
        listed = list(driver.servers())
        settle = timedelta(seconds=driver.settle)
    query = Query(clouds=(cloud,), names=names)
    known: list[Any] = mesh.store.view.find(mesh.user, Server.kind, query)
    since = datetime.now(UTC) - settle  # what was seen later, a list may not show yet
    new = [row for row in known if row.seen is not None and row.seen > since]
    return {row.name for row in (*listed, *new) if row.state not in _GOING}


def _numbered(mesh: "Mesh", cloud: str, prefix: Any, count: int) -> list[str]:
    """Return the next free names of a prefix; nobody else ever gets the same."""
    names: list[str] = []
    while len(names) < count:
        new = _next(mesh, prefix, count - len(names))
        taken = _taken(mesh, cloud, new)
        names += [name for name in new if name not in taken]
    return names


def _next(mesh: "Mesh", prefix: Any, count: int) -> list[str]:
    if not prefix:
        raise InvalidRequestError("the prefix of names is empty; cm default set prefix NAME")
    numbers = mesh.store.settings.numbers(_ALL, str(prefix), count)
    return [f"{prefix}-{number:04d}" for number in numbers]


def _taken(mesh: "Mesh", cloud: str, names: Sequence[str]) -> set[str]:
    """Return those of some names that servers were seen to have."""
    clouds = list(dict.fromkeys([*mesh.active, cloud]))
    return {row.name for row in mesh.servers(clouds, name=names)}
