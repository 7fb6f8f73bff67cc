"""Looking things up in the view, and saying how fresh they are."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import attrs

from cloudmesh_sdk import errors
from cloudmesh_sdk.errors import CloudmeshError, InvalidRequestError, NotFoundError
from cloudmesh_sdk.fanout import Gathered, Source
from cloudmesh_sdk.mesh.names import hostlists, only, several, states
from cloudmesh_sdk.models import (
    CLOUD_KINDS,
    Fault,
    FloatingIP,
    Record,
    SecurityGroup,
)
from cloudmesh_sdk.store.base import Query, Store, Sync

R = TypeVar("R", bound=Record)

Fetch = Callable[[Sequence[str], str], Gathered[Any]]
"""Refreshes some clouds for one kind."""


class Viewing:
    """The view of one user."""

    def __init__(self, store: Store, owner: str, fetch: Fetch) -> None:
        self._store = store
        self._owner = owner
        self._fetch = fetch

    def rows(
        self,
        kind: type[R],
        clouds: Sequence[str],
        *,
        name: str | Iterable[str] | None = None,
        state: str | Iterable[str] | None = None,
        where: Mapping[Any, Any] | None = None,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        missing: bool = False,
    ) -> Gathered[R]:
        """Return the records of a kind; clouds that were never asked are asked now."""
        query = Query(
            clouds=tuple(clouds),
            names=None if name is None else hostlists(several(name)),
            states=None if state is None else _states(kind, state),
            where=where or {},
            sort=Query().sort if sort is None else tuple(several(sort)),
            limit=limit,
            missing=missing,
        )
        syncs = self._asked(kind.kind, clouds)
        found: list[Any] = self._store.view.find(self._owner, kind.kind, query)
        counts: dict[str, int] = {}
        for row in found:
            counts[row.cloud] = counts.get(row.cloud, 0) + 1
        return Gathered(found, {c: source(c, syncs.get(c), counts.get(c, 0)) for c in clouds})

    def one(self, kind: type[R], clouds: Sequence[str], name: str) -> R:
        """Return the record that a name or id means, with its native data.

        A name that the view does not know is looked for at the clouds once more.
        """
        found = self._named(kind, clouds, name)
        if not found:
            asked = self._fetch(clouds, kind.kind)
            found = self._named(kind, clouds, name)
            if not found:
                raise_alone(asked)
        if not found:
            raise self._unknown(kind, clouds, name)
        row = only(found, name, what=word(kind))
        return self._whole(kind, row)

    def listed(self, kind: type[Record], cloud: str) -> bool:
        """Tell whether a cloud has ever been asked for a list of a kind, at the cost of a call.

        One that has no such things is noted as empty, and cost nothing.
        """
        syncs = self._store.view.syncs(self._owner)
        return any(s.calls for s in syncs if (s.cloud, s.kind) == (cloud, kind.kind))

    def require(self, kind: type[Record], cloud: str, name: str) -> None:
        """Raise `NotFoundError` where a cloud has no such record.

        One that was never asked for the kind, or does not answer now, is not held to that.
        """
        syncs = self._store.view.syncs(self._owner)
        if not any(s.refreshed for s in syncs if (s.cloud, s.kind) == (cloud, kind.kind)):
            return
        if self._named(kind, [cloud], name):
            return
        asked = self._fetch([cloud], kind.kind)  # it may be new
        if not asked.errors and not self._named(kind, [cloud], name):
            raise self._unknown(kind, [cloud], name)

    def _unknown(self, kind: type[Record], clouds: Sequence[str], name: str) -> NotFoundError:
        known = [row.name for row in self.rows(kind, clouds)]
        hint = errors.near(name, known, what="there")
        return NotFoundError(f"{lack(clouds)} {word(kind)} {name!r}; {hint}")

    def _named(self, kind: type[R], clouds: Sequence[str], name: str) -> list[R]:
        self._asked(kind.kind, clouds)
        query = Query(clouds=tuple(clouds), names=(name,))
        found: list[Any] = self._store.view.find(self._owner, kind.kind, query)
        return found

    def _whole(self, kind: type[R], row: R) -> R:
        whole: Any = self._store.view.get(self._owner, kind.kind, row.cloud, row.id)
        return whole if whole is not None else row

    def _asked(self, kind: str, clouds: Sequence[str]) -> dict[str, Sync]:
        """Return what is known of the clouds for a kind, asking those never asked."""
        syncs = self._store.view.syncs(self._owner)
        if new := never_asked(syncs, kind, clouds):
            self._fetch(new, kind)
            syncs = self._store.view.syncs(self._owner)
        return {sync.cloud: sync for sync in syncs if sync.kind == kind}


def never_asked(syncs: Iterable[Sync], kind: str, clouds: Iterable[str]) -> list[str]:
    """Return the clouds that were never asked for a kind.

    One that failed then, and has answered something since, counts as never asked.
    """
    failed: dict[str, datetime | None] = {}
    answered: dict[str, datetime] = {}
    for sync in syncs:
        if sync.kind == kind:
            failed[sync.cloud] = sync.failed if sync.refreshed is None else None
        elif sync.refreshed is not None:
            answered[sync.cloud] = max(sync.refreshed, answered.get(sync.cloud, sync.refreshed))
    return [
        cloud
        for cloud in clouds
        if cloud not in failed
        or ((since := failed[cloud]) and cloud in answered and answered[cloud] > since)
    ]


def word(kind: type[Record]) -> str:
    """Return what one record of a kind is called, such as `security group`."""
    return _WORDS.get(kind, kind.__name__.lower())


_WORDS: Mapping[type[Record], str] = {FloatingIP: "floating IP", SecurityGroup: "security group"}


def lack(clouds: Sequence[str]) -> str:
    """Return how a sentence begins that some clouds do not have something."""
    if not clouds:
        return "no cloud is active that has a"
    return f"{', '.join(clouds)} {'has' if len(clouds) == 1 else 'have'} no"


def raise_alone(asked: Gathered[Any]) -> None:
    """Raise what the only cloud asked has raised, if it did: better than that nothing is there."""
    if len(asked.sources) == 1:
        for error in asked.errors.values():
            raise error


def _states(kind: type[Record], words: str | Iterable[str]) -> tuple[StrEnum, ...]:
    field = attrs.fields_dict(attrs.resolve_types(kind)).get("state")
    if field is None or not (isinstance(field.type, type) and issubclass(field.type, StrEnum)):
        raise InvalidRequestError(f"{kind.kind} have no state")
    return states(field.type, words)


def source(name: str, sync: Sync | None, count: int) -> Source:
    """Return how fresh the rows of a service are."""
    if sync is None:
        return Source(name=name, count=count)
    return Source(
        name=name,
        count=count,
        seen=sync.refreshed,
        stale=sync.failed,
        error=None if sync.error is None else revive(sync.error),
    )


def revive(kept: Fault) -> CloudmeshError:
    """Return an error that was kept, as the exception it was."""
    found = getattr(errors, kept.kind, None)
    if isinstance(found, type) and issubclass(found, CloudmeshError):
        return found(kept.message)
    return CloudmeshError(kept.message)


def kind_of(name: str) -> type[Record]:
    """Return the record class of a kind that clouds have; raises `ValueError` naming them."""
    if name not in CLOUD_KINDS:
        raise ValueError(f"there is no kind {name!r}; there are {', '.join(CLOUD_KINDS)}")
    return CLOUD_KINDS[name]
