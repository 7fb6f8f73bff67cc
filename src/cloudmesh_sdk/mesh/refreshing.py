"""Asking clouds for their records and taking the answers into the view."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar

import attrs

from cloudmesh_sdk.driver import guarded
from cloudmesh_sdk.errors import (
    BackendError,
    CloudmeshError,
    InvalidRequestError,
    StoreError,
    UnsupportedError,
)
from cloudmesh_sdk.fanout import Answer, Gathered, Source, ask
from cloudmesh_sdk.hooks import tell
from cloudmesh_sdk.mesh.abilities import OF_KIND
from cloudmesh_sdk.mesh.registry import Clouds, Drivers
from cloudmesh_sdk.mesh.sharing import Sharing, source_of
from cloudmesh_sdk.models import CLOUD_KINDS, Health, Operation, Record
from cloudmesh_sdk.operations.runner import fault
from cloudmesh_sdk.providers.base import Cloud, ListsChanges
from cloudmesh_sdk.store.base import Store, Sync

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
    whole: bool = True
    """Whether the cloud was asked for all its records; else for those that changed."""


@attrs.frozen(kw_only=True)
class Listing:
    """One list of a cloud, of all its records or of what changed, or why there is none."""

    kind: str
    started: datetime
    elapsed: float
    calls: int
    records: Sequence[Record] = ()
    error: CloudmeshError | None = None
    whole: bool = True


LISTS: Mapping[str, type] = {
    kind: OF_KIND.get(record, Cloud) for kind, record in CLOUD_KINDS.items()
}
"""What a cloud must be that a kind is listed of: it then has a method of that name."""

USUAL = (
    "servers", "images", "flavors", "keypairs",
    "security_groups", "networks", "floating_ips", "volumes",
)  # fmt: skip
"""Kinds that are asked for where none is named; the others tell what few want to see."""


def refresh(
    store: Store,
    owner: str,
    clouds: Clouds,
    names: Sequence[str],
    kinds: Sequence[str] | None = None,
    *,
    told: Callable[[Answer[Any]], None] | None = None,
    deadline: float = DEADLINE,
    hooks: Callable[[], Any] | None = None,
    full: bool = False,
    account: Callable[[str], str | None] = lambda _: None,
) -> Gathered[Refreshed]:
    """Ask the clouds for the kinds (`USUAL`) at once; what each says goes into the view.

    A cloud that can tell what changed is asked for that alone while its last whole list is young
    (`complete_every`), unless it is to be `full`. Raises `StoreError` where the store takes
    nothing at all. A cloud that hangs at one kind past the deadline fails with that one and those
    after it: what it listed before is taken. A kind that a cloud does not have is left out.
    Where the same is being asked for already, by whatever process of this user, that answer is
    waited for and nothing is asked here; `account` tells whose a cloud is.
    """
    known = {(sync.cloud, sync.kind): sync for sync in store.view.syncs(owner)}
    spoken = {
        name: _Spoken(kinds or USUAL, {k: s for (c, k), s in known.items() if c == name}, full=full)
        for name in names
    }
    found: dict[str, list[Refreshed]] = {}
    sources: dict[str, Source] = {}
    runs = Sharing(store, owner, kinds or USUAL, account, full=full, deadline=deadline)

    def take(answer: Answer[None]) -> None:
        name = answer.name
        if (run := runs.other(name)) is not None:
            found[name] = _joined(store, owner, run, kinds or USUAL)
            sources[name] = source_of(run, found[name])
        else:
            keep_all(answer)
        if told is not None:
            told(attrs.evolve(answer, error=sources[name].error))

    def keep_all(answer: Answer[None]) -> None:
        name = answer.name
        listings = spoken[name].all(answer)
        kept = [keep(store, owner, name, listing) for listing in listings]
        _note(store, owner, name, spoken[name].lacking)
        found[name] = [row for row in kept if isinstance(row, Refreshed)]
        errors = [row for row in kept if isinstance(row, CloudmeshError)]
        sources[name] = _source(answer, listings, errors)
        runs.end(name, found[name], errors)
        tell_refreshed(hooks, found[name])

    def question(name: str) -> None:
        if runs.begin(name):
            with clouds.use(name) as cloud:
                spoken[name].listen(cloud)

    try:
        ask(names, question, deadline=deadline, told=take)
    finally:
        runs.close()
    rows = [row for name in spoken for row in found[name]]
    return Gathered(rows, {name: sources[name] for name in spoken})


def _joined(store: Store, owner: str, run: Operation, kinds: Iterable[str]) -> list[Refreshed]:
    """Return what another's run found at a cloud, as the view has it: nothing was asked here."""
    known = {sync.kind: sync for sync in store.view.syncs(owner) if sync.cloud == run.cloud}
    return [
        Refreshed(
            cloud=run.cloud, kind=kind, new=0, changed=0, gone=0, same=known[kind].count,
            calls=0, elapsed=0.0, whole=known[kind].complete == known[kind].refreshed,
        )
        for kind in kinds
        if kind in known and known[kind].failed is None
    ]  # fmt: skip


class _Spoken:
    """What one cloud has said so far: its own thread listens, and may be given up meanwhile."""

    def __init__(self, kinds: Sequence[str], known: Mapping[str, Sync], *, full: bool) -> None:
        self._kinds = list(kinds)
        self._known = known
        self._full = full
        self._listings: list[Listing] = []
        self.lacking: list[str] = []
        """Kinds that the cloud was never seen to have, and says it has not."""

    def listen(self, cloud: Cloud) -> None:
        """Ask for each kind that such a cloud has."""
        self._kinds = [kind for kind in self._kinds if isinstance(cloud, LISTS[kind])]
        for kind in [*self._kinds]:
            listing = _list(cloud, kind, None if self._full else self._since(cloud, kind))
            if isinstance(listing.error, UnsupportedError) and LISTS[kind] is not Cloud:
                self._lacks(kind)
            else:
                self._listings.append(listing)

    def _since(self, cloud: Cloud, kind: str) -> datetime | None:
        """Return since when changes are enough; None where a whole list is due."""
        sync = self._known.get(kind)
        if kind != "servers" or sync is None or not isinstance(cloud, ListsChanges):
            return None
        if sync.refreshed is None or sync.complete is None:
            return None
        now = datetime.now(UTC)
        age = (now - sync.complete).total_seconds()
        # a moment to come is one of a clock that was set back since: nothing follows it
        young = 0 <= age < cloud.complete_every and sync.refreshed <= now
        return sync.refreshed if young else None

    def _lacks(self, kind: str) -> None:
        self._kinds.remove(kind)
        if (sync := self._known.get(kind)) is None or sync.refreshed is None:
            self.lacking.append(kind)

    def all(self, answer: Answer[None]) -> list[Listing]:
        """Return the lists that came to an end, and failed ones for the kinds that are missing."""
        listings = list(self._listings)
        if answer.error is None:
            return listings
        known = {listing.kind for listing in listings}
        return listings + [
            Listing(kind=kind, started=datetime.now(UTC), elapsed=0.0, calls=0, error=answer.error)
            for kind in self._kinds
            if kind not in known
        ]


def _note(store: Store, owner: str, cloud: str, lacking: Sequence[str]) -> None:
    """Note of kinds that a cloud has none: who looks into the view need not ask again."""
    for kind in lacking:
        store.view.replace(owner, cloud, kind, (), started=datetime.now(UTC))


def tell_refreshed(hooks: Callable[[], Any] | None, rows: Sequence[Refreshed]) -> None:
    """Let plug-ins hear what a refresh found."""
    if hooks is None or not rows:
        return
    hear = hooks().refreshed
    for row in rows:
        tell(hear, cloud=row.cloud, kind=row.kind, new=row.new, changed=row.changed, gone=row.gone)


def check(
    clouds: Drivers[Any], names: Sequence[str], *, deadline: float = 60.0
) -> Gathered[Health]:
    """Ask services at once who we are there."""

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


def _list(cloud: Cloud, kind: str, since: datetime | None) -> Listing:
    started, begun, calls = datetime.now(UTC), time.monotonic(), cloud.calls
    records: Sequence[Record] = ()
    error: CloudmeshError | None = None
    whole = since is None
    try:
        with guarded(cloud.name):
            records, whole = _records(cloud, kind, since)
    except CloudmeshError as problem:
        error = problem
    return Listing(
        kind=kind,
        started=started,
        elapsed=time.monotonic() - begun,
        calls=cloud.calls - calls,
        records=records,
        error=error,
        whole=whole,
    )


def _records(cloud: Any, kind: str, since: datetime | None) -> tuple[Sequence[Record], bool]:
    """Return what a cloud lists, and whether that is all there is."""
    if since is not None:
        # it may be too long ago for it, or an older release: then it is asked for all
        with suppress(UnsupportedError, InvalidRequestError):
            return list(cloud.changes(since)), False
    return list(getattr(cloud, kind)()), True


def keep(store: Store, owner: str, cloud: str, listing: Listing) -> Refreshed | CloudmeshError:
    """Take a list into the view, or note there why there is none; return what came of that.

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
    take = store.view.replace if listing.whole else store.view.merge
    change = take(
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
        whole=listing.whole,
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
