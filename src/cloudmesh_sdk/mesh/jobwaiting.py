"""Waiting until jobs are over: served from the one list that all share."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import attrs

from cloudmesh_sdk.errors import BackendTimeoutError, CloudmeshError, NotFoundError
from cloudmesh_sdk.fanout import Gathered, Source
from cloudmesh_sdk.mesh.vanished import learn, shown
from cloudmesh_sdk.models import Job, JobState
from cloudmesh_sdk.store.base import Query

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh

GIVEN_UP = timedelta(minutes=2)
"""How long after it vanished from the list a job may still be told of."""

_WORST = (
    JobState.RUNNING, JobState.EXITING, JobState.SUSPENDED, JobState.PENDING, JobState.HELD,
    JobState.UNKNOWN, JobState.FAILED, JobState.TIMEOUT, JobState.CANCELLED, JobState.DONE,
)  # fmt: skip
"""The state of an array is the first of these that one of its jobs has."""

Heard = Callable[[Job], None]
"""Hears a job when its state has changed."""


def wait(
    mesh: "Mesh", jobs: Sequence[Job], *, timeout: float, told: Heard | None = None
) -> Gathered[Job]:
    """Wait until jobs are over, `timeout` seconds at most.

    What failed stands in `errors`: the time was over, or nobody knows how a job ended.
    """
    waiting = _Waiting(mesh, jobs, told)
    end = time.monotonic() + timeout
    while not waiting.look() and time.monotonic() < end:
        time.sleep(max(0.0, min(waiting.pause(), end - time.monotonic())))
    return waiting.gathered(timeout)


class _Waiting:
    """The jobs of one call of `wait`."""

    def __init__(self, mesh: "Mesh", jobs: Sequence[Job], told: Heard | None) -> None:
        self._mesh = mesh
        self._jobs = {(job.cloud, job.id): job for job in jobs}
        self._told = told
        self._errors: dict[tuple[str, str], CloudmeshError] = {}
        self._asked: set[tuple[str, str]] = set()

    def look(self) -> bool:
        """Look at all that are not over; tell whether none is left."""
        left = [job for key, job in self._jobs.items() if self._is_open(key, job)]
        managers = dict.fromkeys(job.cloud for job in left)
        silent = self._mesh._polling.look(managers, Job.kind)
        for manager in managers:
            self._of(manager, [job for job in left if job.cloud == manager])
        self._silent = silent
        return not any(self._is_open(key, job) for key, job in self._jobs.items())

    def pause(self) -> float:
        """Return the seconds until the next look: lists come no sooner than their interval."""
        open_ones = {job.cloud for key, job in self._jobs.items() if self._is_open(key, job)}
        return self._mesh._polling.pause(open_ones)

    def gathered(self, timeout: float) -> Gathered[Job]:
        """Return all jobs as last seen, and whose waiting failed."""
        sources: dict[str, Source] = {}
        for key, job in self._jobs.items():
            error = self._errors.get(key)
            if error is None and not job.state.is_over:
                late = f"{job.id} is {job.state.value} after {timeout:g} s"
                error = self._silent.get(job.cloud) or BackendTimeoutError(late)
            sources[job.id] = Source(name=job.id, count=1, error=error)
        return Gathered(self._jobs.values(), sources)

    def _is_open(self, key: tuple[str, str], job: Job) -> bool:
        return not job.state.is_over and key not in self._errors

    def _of(self, manager: str, jobs: Sequence[Job]) -> None:
        rows = _rows(self._mesh, manager, [job.id for job in jobs])
        for job in jobs:
            now = _combined(job, [row for row in rows if job.id in (row.id, row.array)])
            if now.missing is not None and not now.state.is_over:
                now = self._vanished(now)
            self._heard(job, now)

    def _vanished(self, job: Job) -> Job:
        """Ask, once, how a job ended that vanished; give it up when that is long ago.

        For those that were submitted from here every new list has this asked.
        """
        key = job.cloud, job.id
        if key not in self._asked and job.token is None:
            self._asked.add(key)
            with self._mesh._polling.use(job.cloud, "history") as queue:
                (job,) = learn(self._mesh.store, self._mesh._scopes[job.cloud], queue, [job])
        since = job.missing or datetime.now(UTC)
        if job.state is JobState.UNKNOWN and datetime.now(UTC) - since > GIVEN_UP:
            text = f"{job.cloud} lists job {job.id} no more and does not tell how it ended"
            self._errors[key] = NotFoundError(text)
        return job

    def _heard(self, before: Job, now: Job) -> None:
        (placed,) = self._mesh._jobs.placed([now])
        self._jobs[before.cloud, before.id] = placed
        if now.state is not before.state and self._told is not None:
            self._told(placed)


def _rows(mesh: "Mesh", manager: str, ids: Sequence[str]) -> list[Job]:
    """Return jobs with these ids, and those of arrays with these ids."""
    found: dict[str, Job] = {}
    for field in ("id", "array"):
        query = Query(clouds=(manager,), where={field: {"$in": [*ids]}}, missing=True)
        rows = mesh.store.view.find(mesh._scopes[manager], Job.kind, query)
        found |= {row.id: shown(row) for row in rows if isinstance(row, Job)}
    return list(found.values())


def _combined(job: Job, rows: Iterable[Job]) -> Job:
    """Return what the rows of a job say: those of an array are many, and one for what waits."""
    own = [row for row in rows if not (row.indices and row.missing)]
    if not own:
        return job
    if len(own) == 1 and own[0].id == job.id:
        return own[0]
    state = next(state for state in _WORST if any(row.state is state for row in own))
    codes = [row.exit_code for row in own if row.exit_code is not None]
    missing = [row.missing for row in own if row.missing is not None]
    return attrs.evolve(
        job,
        state=state,
        exit_code=max(codes, default=None),
        count=sum(row.count for row in own),
        missing=max(missing) if len(missing) == len(own) else None,
    )
