"""Which servers a name means, told before anything is asked or done."""

from collections.abc import Iterable, Mapping, Sequence

from cloudmesh_sdk.errors import CloudmeshError, InvalidRequestError
from cloudmesh_sdk.mesh.names import hostlists
from cloudmesh_sdk.models import Server
from cloudmesh_sdk.shell.session import Session


def servers(session: Session, cloud: str | None, names: Sequence[str]) -> list[Server]:
    """Return the servers that names, ids and hostlists mean, each once.

    The clouds are asked for those that the view does not know. Raises `NotFoundError` with near
    names, `InvalidRequestError` where a name means several.
    """
    mesh, wanted = session.mesh, hostlists(names)
    known = _by_word(mesh.servers(cloud, name=names))
    for name in wanted:
        if name not in known:
            mesh.server(cloud, name)
            known = _by_word(mesh.servers(cloud, name=names))
    meant = (_only(known, name) for name in wanted)
    return list({(s.cloud, s.id): s for s in meant if s is not None}.values())


def server(session: Session, cloud: str | None, name: str) -> Server:
    """Return one server with its native data, also one that its cloud lists no more.

    Raises `NotFoundError` with near names, `InvalidRequestError` where a name means several.
    """
    mesh = session.mesh
    known = _only(_by_word(mesh.servers(cloud, name=[name])), name)
    if known is not None:
        return mesh.server(known.cloud, known.id)
    try:
        return mesh.server(cloud, name)
    except CloudmeshError:
        gone = [s for s in mesh.servers(cloud, name=[name], missing=True) if s.missing]
        if not gone:
            raise
        last = max(gone, key=lambda s: str(s.missing))
    found = mesh.store.view.get(mesh.user, Server.kind, last.cloud, last.id)
    return found if isinstance(found, Server) else last


def _by_word(found: Iterable[Server]) -> Mapping[str, list[Server]]:
    """Return servers by name and by id; those whose id a word is come alone."""
    names: dict[str, list[Server]] = {}
    ids: dict[str, list[Server]] = {}
    for each in found:
        names.setdefault(each.name, []).append(each)
        ids.setdefault(each.id, []).append(each)
    return names | ids


def _only(known: Mapping[str, list[Server]], name: str) -> Server | None:
    """Return the only server of a name or id; None where there is none."""
    found = known.get(name, [])
    if len(found) < 2:  # noqa: PLR2004 - one, or none
        return found[0] if found else None
    places = ", ".join(f"{s.cloud}:{s.id}" for s in found[:5])
    clouds = {s.cloud for s in found}
    ids = {s.id for s in found}
    say = "give the id" if len(clouds) == 1 else "--cloud NAME says which"
    if 1 < len(clouds) < len(found) and len(ids) > 1:
        say += ", or the id"
    raise InvalidRequestError(f"{len(found)} servers are called {name!r} ({places}); {say}")
