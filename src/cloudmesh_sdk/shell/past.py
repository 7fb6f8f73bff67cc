"""What happened to a server: as seen and asked for from here, and in its cloud's own words."""

from datetime import datetime
from typing import ClassVar

import attrs

from cloudmesh_sdk.errors import CloudmeshError, UnsupportedError
from cloudmesh_sdk.models import Action, Server
from cloudmesh_sdk.shell.output import note
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.store.base import Event


@attrs.frozen(kw_only=True)
class Past:
    """One thing that happened to a server."""

    columns: ClassVar[tuple[str, ...]] = ("at", "by", "what", "detail")

    at: datetime
    by: str
    """`cm` for what was seen and asked for here, else the cloud that tells it."""
    what: str
    detail: str
    result: str = ""
    """`success` or `error`, where the cloud says."""
    user: str | None = None
    request_id: str | None = None


def past(session: Session, server: Server, *, own: bool) -> list[Past]:
    """Return what happened to a server, oldest first; `own` asks no cloud.

    A cloud that does not answer is told of, and is no error.
    """
    found = [_seen(event) for event in session.mesh.history(server)]
    if not own:
        found += [_done(server.cloud, action) for action in _actions(session, server)]
    return sorted(found, key=lambda row: row.at)


def _actions(session: Session, server: Server) -> list[Action]:
    try:
        return session.mesh.actions(server)
    except UnsupportedError:  # there is nothing to ask
        return []
    except CloudmeshError as error:
        note(f"what {server.cloud} itself did is not here: {' '.join(str(error).split())}")
        return []


def _seen(event: Event) -> Past:
    return Past(at=event.at, by="cm", what=event.what, detail=event.detail)


def _done(cloud: str, action: Action) -> Past:
    detail = ": ".join(filter(None, (action.result, action.message)))
    return Past(
        at=action.at, by=cloud, what=action.name, detail=detail, result=action.result,
        user=action.user, request_id=action.request_id,
    )  # fmt: skip
