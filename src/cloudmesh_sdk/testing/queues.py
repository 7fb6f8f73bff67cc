"""What the suites of queue managers share: fixtures to give, submitting, waiting, cleaning up."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, ClassVar
from uuid import uuid4

import attrs
import pytest

from cloudmesh_sdk.errors import BackendError, NotFoundError
from cloudmesh_sdk.models import Job, JobRequest, JobState
from cloudmesh_sdk.queues.arrays import expanded, whole
from cloudmesh_sdk.queues.base import HasHistory, Queue
from cloudmesh_sdk.testing.patient import Patient
from cloudmesh_sdk.testing.suite import wanted

Submit = Callable[..., Job]
"""Hands in a command (and fields of `JobRequest`); the job is cancelled after the test."""

SLEEP = ("sleep", "300")
"""A command that does not end within any test."""


def plain(value: Any) -> bool:
    """Tell whether a value is plain data, at any depth."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    return value is None or isinstance(value, str | int | float | bool)


class QueueFixtures(Patient):
    """The fixtures and figures of a queue manager's suites."""

    patience: ClassVar[float] = 60.0
    """Seconds in which what was asked for must have come to pass."""
    step: ClassVar[float] = 0.1
    """Seconds between two questions of ours; a driver without lists of its own may want more."""
    absent: ClassVar[str] = "99999999"
    """An id that no job has."""
    given: ClassVar[dict[str, Any]] = {}
    """Fields of `JobRequest` that every job of the tests needs here (`workdir`, `memory` …)."""
    shortest: ClassVar[int] = 1
    """The least walltime that the manager keeps to, in seconds."""
    overtime: ClassVar[float] = 60.0
    """Seconds that it may let a job go on after that."""

    index_variable: ClassVar[str] = "$SLURM_ARRAY_TASK_ID"
    """Where a job of an array finds its index, as a shell reads it."""
    waits: ClassVar[tuple[str, ...]] = ("after", "afterok", "afternotok", "afterany")
    """How a job can wait for another here; `afterany` is the least."""

    @property
    def between(self) -> float:
        return self.step

    @pytest.fixture
    def queue(self) -> Queue:
        """Give an open driver of a manager that works."""
        wanted(self, "queue", "an open driver object")

    @pytest.fixture
    def second(self, queue: Queue) -> str:
        """Give the name of a queue that is not the default one and takes jobs."""
        others = [info.name for info in queue.info(()) if not info.default]
        if not others:
            wanted(self, "second", "the name of another queue than the default one")
        return others[0]

    @pytest.fixture
    def submit(self, queue: Queue) -> Iterator[Submit]:
        """Hand in jobs that are cancelled after the test."""
        made: list[Job] = []

        def submit(*command: str, **more: Any) -> Job:
            made.append(queue.submit(self.order(*command, **more)))
            return made[-1]

        yield submit
        for job in made:
            with suppress(BackendError):  # a test that failed must not be hidden by its clean-up
                queue.cancel(job)

    def order(self, *command: str, **more: Any) -> JobRequest:
        """Return a request as the tests make it."""
        what = {} if "script" in more else {"command": command or ("true",)}
        asked = {"name": "kit", "token": uuid4().hex, **self.given, **what, **more}
        return JobRequest(**asked)

    def now(self, queue: Queue, job: Job) -> Job:
        """Return a job as it is now; one that is over is looked for in history, too."""
        try:
            return queue.job(job.id)
        except NotFoundError:
            if not isinstance(queue, HasHistory):
                raise
            found = list(queue.history(ids=[job.id]))
            if not found:
                raise
            now = whole(found)
            # of an array some may be over that accounting does not tell of yet
            all_told = now.count >= job.count
            return now if all_told else attrs.evolve(now, state=JobState.UNKNOWN)

    def until(self, queue: Queue, job: Job, reached: Callable[[Job], bool]) -> Job:
        """Wait until a job is as it should be; return it."""
        end = time.monotonic() + self.patience
        while not reached(now := self.now(queue, job)):
            assert time.monotonic() < end, f"after {self.patience:g} s it is {now!r}"
            time.sleep(self.step)
        return now

    def over(self, queue: Queue, job: Job) -> Job:
        """Wait until a job is over; return it."""
        return self.until(queue, job, lambda now: now.state.is_over)

    def running(self, queue: Queue, job: Job) -> Job:
        """Wait until a job runs; return it."""
        return self.until(queue, job, lambda now: now.state is JobState.RUNNING)

    def parts(self, queue: Queue, array: Job) -> list[Job]:
        """Return the jobs of an array one by one, as they are listed or remembered."""
        rows = [row for row in queue.jobs() if array.id in (row.id, row.array)]
        if isinstance(queue, HasHistory) and not any(row.index is not None for row in rows):
            rows = [*queue.history(ids=[array.id])]
        return [one for row in rows for one in expanded(row)]
