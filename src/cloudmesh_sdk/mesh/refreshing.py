"""Asking clouds for their records and taking the answers into the view."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import attrs

from cloudmesh_sdk.errors import BackendError, CloudmeshError, StoreError
from cloudmesh_sdk.fanout import Answer, Gathered, Source, ask
from cloudmesh_sdk.hooks import tell
from cloudmesh_sdk.mesh.registry import Clouds
from cloudmesh_sdk.models import Health, Record
from cloudmesh_sdk.operations.runner import fault
from cloudmesh_sdk.providers.base import Cloud, HasKeypairs, guarded
from cloudmesh_sdk.store.base import Store

DEADLINE = 300.0
"""Seconds after which a cloud that answers nothing is given up."""


@attrs.frozen(kw_only=True)
class Refreshed:
    """What a refresh found at one cloud for one kind, in numbers of records."""

    columns: ClassVar[tuple[str, ...]] = (
        "cloud", "kind", "new", "changed", "gone", "same", "calls", "elapsed",
    )  # fmt: skip

    cloud: str
    kind: str
    new: int
    changed: int
    gone: int
    same: int
    calls: int
    elapsed: float
    """Seconds."""


@attrs.frozen(kw_only=True)
class Listing:
    """One complete list of a cloud, or why there is none."""

    kind: str
    started: datetime
    elapsed: float
    calls: int
    records: Sequence[Record] = ()
    error: CloudmeshError | None = None


LISTS: Mapping[str, tuple[type, Callable[[Any], Iterable[Record]]]] = {
    "servers": (Cloud, lambda cloud: cloud.servers()),
    "images": (Cloud, lambda cloud: cloud.images()),
    "flavors": (Cloud, lambda cloud: cloud.flavors()),
    "keypairs": (HasKeypairs, lambda cloud: cloud.keypairs()),
}
"""How each kind is listed, and what a cloud must be for that."""


def refresh(
    store: Store,
    owner: str,
    clouds: Clouds,
    names: Sequence[str],
    kinds: Sequence[str],
    *,
    told: Callable[[Answer[Any]], None] | None = None,
    deadline: float = DEADLINE,
    hooks: Callable[[], Any] | None = None,
) -> Gathered[Refreshed]:
    """Ask the clouds for the kinds at once; what each says goes into the view.

    Raises `StoreError` where the store takes nothing at all. A cloud that hangs at one kind past
    the deadline fails with that one and those after it: what it listed before is taken.
    """
    spoken = {name: _Spoken(kinds) for name in names}
    found: dict[str, list[Refreshed]] = {}
    sources: dict[str, Source] = {}

    def take(answer: Answer[None]) -> None:
        name = answer.name
        listings = spoken[name].all(answer)
        kept = [_keep(store, owner, name, listing) for listing in listings]
        found[name] = [row for row in kept if isinstance(row, Refreshed)]
        errors = [row for row in kept if isinstance(row, CloudmeshError)]
        sources[name] = _source(answer, listings, errors)
        _tell(hooks, found[name])
        if told is not None:
            told(attrs.evolve(answer, error=sources[name].error))

    def question(name: str) -> None:
        with clouds.use(name) as cloud:
            spoken[name].listen(cloud)

    ask(names, question, deadline=deadline, told=take)
    rows = [row for name in spoken for row in found[name]]
    return Gathered(rows, {name: sources[name] for name in spoken})


class _Spoken:
    """What one cloud has said so far: its own thread listens, and may be given up meanwhile."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self._kinds = list(kinds)
        self._listings: list[Listing] = []

    def listen(self, cloud: Cloud) -> None:
        """Ask for each kind that such a cloud has."""
        self._kinds = [kind for kind in self._kinds if isinstance(cloud, LISTS[kind][0])]
        for kind in self._kinds:
            self._listings.append(_list(cloud, kind))

    def all(self, answer: Answer[None]) -> list[Listing]:
        """Return the lists that are complete, and failed ones for the kinds that are missing."""
        listings = list(self._listings)
        if answer.error is None:
            return listings
        known = {listing.kind for listing in listings}
        return listings + [
            Listing(kind=kind, started=datetime.now(UTC), elapsed=0.0, calls=0, error=answer.error)
            for kind in self._kinds
            if kind not in known
        ]


def _tell(hooks: Callable[[], Any] | None, rows: Sequence[Refreshed]) -> None:
    if hooks is None or not rows:
        return
    hear = hooks().refreshed
    for row in rows:
        tell(hear, cloud=row.cloud, kind=row.kind, new=row.new, changed=row.changed, gone=row.gone)


def check(clouds: Clouds, names: Sequence[str], *, deadline: float = 60.0) -> Gathered[Health]:
    """Ask clouds at once who we are there."""

    def question(name: str) -> tuple[Health, int]:
        with clouds.use(name) as cloud:
            before = cloud.calls
            return cloud.check(), cloud.calls - before

    answers = ask(names, question, deadline=deadline)
    found = {answer.name: answer.value for answer in answers if answer.value is not None}
    sources = {
        a.name: Source(
            name=a.name,
            count=int(a.name in found),
            error=a.error,
            elapsed=a.elapsed,
            calls=found[a.name][1] if a.name in found else 0,
        )
        for a in answers
    }
    return Gathered((health for health, _ in found.values()), sources)


def _list(cloud: Cloud, kind: str) -> Listing:
    started, begun, calls = datetime.now(UTC), time.monotonic(), cloud.calls
    records: Sequence[Record] = ()
    error: CloudmeshError | None = None
    try:
        with guarded(cloud.name):
            records = list(LISTS[kind][1](cloud))
    except CloudmeshError as problem:
        error = problem
    return Listing(
        kind=kind,
        started=started,
        elapsed=time.monotonic() - begun,
        calls=cloud.calls - calls,
        records=records,
        error=error,
    )


def _keep(store: Store, owner: str, cloud: str, listing: Listing) -> Refreshed | CloudmeshError:
    """Take a list into the view, or note there why there is none.

    Records that cannot be kept are their cloud's failure and end nothing else; a store that is
    gone cannot note that either, and so is told.
    """
    error = listing.error
    if error is None:
        try:
            return _store(store, owner, cloud, listing)
        except StoreError as problem:
            error = problem
        except Exception as problem:  # noqa: BLE001 - whatever an odd record makes a store trip on
            why = f"{type(problem).__name__}: {problem}"
            error = BackendError(f"{cloud}: its {listing.kind} cannot be kept: {why}")
            error.__cause__ = problem
    store.view.failed(owner, cloud, listing.kind, fault(error), at=datetime.now(UTC))
    return error


def _store(store: Store, owner: str, cloud: str, listing: Listing) -> Refreshed:
    change = store.view.replace(
        owner,
        cloud,
        listing.kind,
        listing.records,
        started=listing.started,
        calls=listing.calls,
        elapsed=listing.elapsed,
    )
    return Refreshed(
        cloud=cloud,
        kind=listing.kind,
        calls=listing.calls,
        elapsed=listing.elapsed,
        **attrs.asdict(change),
    )


def _source(
    answer: Answer[Any], listings: Sequence[Listing], errors: Sequence[CloudmeshError]
) -> Source:
    return Source(
        name=answer.name,
        count=sum(len(listing.records) for listing in listings),
        error=errors[0] if errors else None,
        elapsed=answer.elapsed,
        calls=sum(listing.calls for listing in listings),
    )
