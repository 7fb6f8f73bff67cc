"""What drivers do with records alike, whatever their scheduler is."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

import attrs

from cloudmesh_sdk.errors import ConflictError
from cloudmesh_sdk.models import Job, JobRequest, JobState, QueueInfo

WAITS = (JobState.PENDING, JobState.HELD)
"""States of jobs that have not begun."""


def counted(queues: Iterable[QueueInfo], jobs: Iterable[Job]) -> Iterator[QueueInfo]:
    """Yield queues with the numbers of jobs in them; one that may go to several counts in each."""
    totals: dict[str, Counter[str]] = {}
    for job in jobs:
        for name in job.queues:
            totals.setdefault(name, Counter())[job.state.value] += job.count
    for queue in queues:
        yield attrs.evolve(queue, totals=dict(totals.get(queue.name, ())))


def as_asked(name: str, id: str, request: JobRequest) -> Job:  # noqa: A002
    """Return a job that was handed in and cannot be looked at just now; `name` is the manager's."""
    return Job(
        cloud=name,
        id=id,
        name=request.name,
        state=JobState.HELD if request.held else JobState.PENDING,
        token=request.token,
        queues=(request.queue,) if request.queue else (),
    )


def past(
    jobs: Iterable[Job],
    *,
    ids: Collection[str] | None = None,
    user: str | None = None,
    since: datetime | None = None,
) -> list[Job]:
    """Return the jobs that are over, oldest first: those of some ids or arrays, of a user, since.

    Of one that is there twice, for it ran again, the last.
    """
    ended = [
        (job.ended, job)
        for job in jobs
        if job.state.is_over and job.ended is not None and user in (None, job.user)
        and (ids is None or job.id in ids or job.array in ids)
        and (since is None or job.ended >= since)
    ]  # fmt: skip
    ended.sort(key=lambda each: each[0])
    last = {job.id: job for _, job in ended}
    return [job for _, job in ended if last[job.id] is job]


def late(job: Job) -> Job:
    """Return a job that a signal ended; as `TIMEOUT` where it had run as long as it might."""
    used_up = job.walltime is not None and (job.elapsed or 0) >= job.walltime
    return attrs.evolve(job, state=JobState.TIMEOUT) if job.signal and used_up else job


def must_wait(job: Job) -> None:
    """Raise `ConflictError` for a job that has begun: many schedulers hold it without a word."""
    if job.state not in WAITS:
        raise ConflictError(
            f"{job.cloud}: job {job.id} is {job.state}; only one that waits can be held"
        )
