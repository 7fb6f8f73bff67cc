"""Asking clouds for their records and taking the answers into the view."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import attrs

from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.fanout import Answer, Gathered, Source, ask
from cloudmesh_sdk.hooks import tell
from cloudmesh_sdk.mesh.registry import Clouds, guarded
from cloudmesh_sdk.models import Health, Record
from cloudmesh_sdk.operations.runner import fault
from cloudmesh_sdk.providers.base import Cloud, HasKeypairs
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
    """Ask the clouds for the kinds at once; what each says goes into the view as it comes."""
    rows: list[Refreshed] = []
    sources: dict[str, Source] = {}
    begun = datetime.now(UTC)

    def take(answer: Answer[list[Listing]]) -> None:
        listings = answer.value or _all_failed(kinds, answer, begun)
        for listing in listings:
            if listing.error is None:
                rows.append(_store(store, owner, answer.name, listing))
            else:
                store.view.failed(
                    owner, answer.name, listing.kind, fault(listing.error), at=datetime.now(UTC)
                )
        sources[answer.name] = _source(answer, listings)
        _tell(hooks, rows, answer.name)
        if told is not None:
            told(attrs.evolve(answer, error=sources[answer.name].error))

    def question(name: str) -> list[Listing]:
        with clouds.use(name) as cloud:
            return [_list(cloud, kind) for kind in kinds if isinstance(cloud, LISTS[kind][0])]

    ask(names, question, deadline=deadline, told=take)
    order = {name: place for place, name in enumerate(names)}
    rows.sort(key=lambda row: order[row.cloud])
    return Gathered(rows, {name: sources[name] for name in names})


def _tell(hooks: Callable[[], Any] | None, rows: Sequence[Refreshed], cloud: str) -> None:
    for row in rows if hooks is not None else ():
        if row.cloud == cloud and hooks is not None:
            tell(
                hooks().refreshed,
                cloud=cloud,
                kind=row.kind,
                new=row.new,
                changed=row.changed,
                gone=row.gone,
            )


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


def _all_failed(kinds: Sequence[str], answer: Answer[Any], begun: datetime) -> list[Listing]:
    if answer.error is None:
        return []
    return [
        Listing(kind=kind, started=begun, elapsed=answer.elapsed, calls=0, error=answer.error)
        for kind in kinds
    ]


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


def _source(answer: Answer[Any], listings: Sequence[Listing]) -> Source:
    errors = [listing.error for listing in listings if listing.error is not None]
    return Source(
        name=answer.name,
        count=sum(len(listing.records) for listing in listings),
        error=errors[0] if errors else None,
        elapsed=answer.elapsed,
        calls=sum(listing.calls for listing in listings),
    )
