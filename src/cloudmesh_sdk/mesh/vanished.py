"""Jobs that their manager lists no more: how they ended, from accounting or their own record.

Until that is known they are `unknown`: that a job is gone from a list says nothing of its end.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import attrs

from cloudmesh_sdk.errors import NotFoundError, UnsupportedError
from cloudmesh_sdk.models import Job, JobState
from cloudmesh_sdk.queues.base import HasHistory, Queue
from cloudmesh_sdk.store.base import Query, Store

OPEN = tuple(state for state in JobState if not state.is_over)
"""States of jobs of which the end is not known."""

AGAIN = tuple(timedelta(minutes=minutes) for minutes in (0, 1, 5, 15, 60))
"""How long after it vanished a job's end is asked for: accounting may be behind."""

_MANY = 500
"""Jobs that one question to accounting names."""

_FEW = 5
"""Jobs that are asked for one by one where there is no accounting, after each list."""

Use = Callable[[], AbstractContextManager[Queue]]
"""Lends the driver of a manager."""


def shown(job: Job) -> Job:
    """Return a job as it may be shown: the state of one that vanished is not known."""
    if job.missing is None or job.state.is_over or job.state is JobState.UNKNOWN:
        return job
    return attrs.evolve(job, state=JobState.UNKNOWN)


def vanished(store: Store, scope: str, manager: str, before: datetime | None) -> list[Job]:
    """Return the jobs submitted from here that vanished, and whose end it is time to ask for.

    `before` is when that was thought of last.
    """
    now = datetime.now(UTC)
    since = (before or now) - AGAIN[-1]
    query = Query(
        clouds=(manager,),
        states=OPEN,
        where={"missing": {"$gte": since}, "token": {"$ne": None}},
        limit=_MANY,
        missing=True,
    )
    found = [job for job in store.view.find(scope, Job.kind, query) if isinstance(job, Job)]
    # those of an array stand there one by one
    return [job for job in found if not job.indices and _is_due(job, before, now)]


def _is_due(job: Job, before: datetime | None, now: datetime) -> bool:
    """Tell whether one of the moments to ask for a job has come since the last time."""
    if before is None or job.missing is None:
        return True
    return any(before < job.missing + after <= now for after in AGAIN)


def learn_vanished(
    store: Store, scope: str, manager: str, use: Use, *, before: datetime | None
) -> None:
    """Ask a manager how the jobs ended that vanished; raises `BackendError`."""
    if gone := vanished(store, scope, manager, before):
        with use() as queue:
            learn(store, scope, queue, gone)


def learn(store: Store, scope: str, queue: Queue, gone: Sequence[Job]) -> list[Job]:
    """Return jobs as their manager says they ended, `unknown` where it does not; keep that."""
    told = {job.id: job for job in _told(queue, [job.id for job in gone])}
    now = [_ended(job, told.get(job.id)) for job in gone]
    for job in now:
        store.view.put(scope, job)
    return now


def _told(queue: Queue, ids: Sequence[str]) -> Iterable[Job]:
    if isinstance(queue, HasHistory):
        try:
            return list(queue.history(ids=ids))
        except UnsupportedError:
            pass  # this site keeps no accounting: their own records may still be there
    return _own_records(queue, ids[:_FEW])


def _own_records(queue: Queue, ids: Sequence[str]) -> list[Job]:
    found = []
    for id in ids:  # noqa: A001
        try:
            found.append(queue.job(id))
        except NotFoundError:
            continue
    return found


def _ended(job: Job, told: Job | None) -> Job:
    """Return a vanished job with what its manager told of it."""
    now = datetime.now(UTC)
    if told is None or told.state is JobState.UNKNOWN:
        return attrs.evolve(job, state=JobState.UNKNOWN)
    missing = (job.missing or now) if told.state.is_over else None
    return attrs.evolve(told, token=job.token, seen=now, missing=missing)
