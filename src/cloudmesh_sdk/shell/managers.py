"""What is known of queue managers without asking one: what was seen there, who we are there."""

import getpass
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.mesh.machines import Machines
from cloudmesh_sdk.mesh.scopes import Scopes
from cloudmesh_sdk.models import Record
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.store.base import Query, Sync

_ACCOUNTS = ("slurm_user", "user")
"""Options that say whose account a manager is used with."""


def seen(session: Session, kind: str) -> Iterator[Record]:
    """Yield the records of a kind that active managers had, as last seen."""
    mesh = session.mesh
    for manager, scope in _scopes(session).items():
        if mesh.config.queues[manager].active:
            yield from mesh.store.view.find(scope, kind, Query(clouds=(manager,)))


def syncs(session: Session) -> dict[tuple[str, str], Sync]:
    """Return what is known of the lists of each manager, by manager and kind."""
    view = session.mesh.store.view
    return {
        (manager, sync.kind): sync
        for manager, scope in _scopes(session).items()
        for sync in view.syncs(scope)
        if sync.cloud == manager
    }


def machines_meant(
    session: Session, names: Iterable[str] | None
) -> dict[str, frozenset[str] | None]:
    """Return the managers that names mean, and of each which machines; None where that is all.

    Raises `ConfigError` with near names.
    """
    return Machines(session.mesh.config.queues).chosen(names)


def account(session: Session, manager: str) -> str:
    """Return whose jobs at a manager are the user's own: the account there, else the login name."""
    entry = session.mesh.config.queues[manager]
    found: Mapping[str, object] = entry.options
    with suppress(CloudmeshError):  # asking the manager will say what is wrong
        found = entry.resolved()
    named = (found.get(option) for option in _ACCOUNTS)
    return next((str(name) for name in named if name), None) or getpass.getuser()


def _scopes(session: Session) -> dict[str, str]:
    mesh = session.mesh
    scopes = Scopes(mesh.config.queues, mesh.user)
    found = {manager: scopes.account(manager) for manager in scopes}
    return {manager: scope for manager, scope in found.items() if scope is not None}
