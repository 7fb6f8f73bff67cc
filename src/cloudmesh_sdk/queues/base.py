"""The interface every queue driver fills in, and the abilities it may have beside it."""

import abc
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import ClassVar

from cloudmesh_sdk.driver import Driver
from cloudmesh_sdk.errors import NotFoundError
from cloudmesh_sdk.models import Health, Job, JobRequest, Node, QueueInfo


class Queue(Driver):
    """One batch system, as one account sees it; `Driver` has the rules that hold for all.

    A scheduler has other things to do than to answer us: whatever is asked, it is asked by as few
    questions as can be, each counted in `calls`.
    """

    extras: ClassVar[frozenset[str]] = frozenset()
    """Fields of `JobRequest` below `script` that `submit` does; the mesh refuses the others."""

    floor: ClassVar[float] = 1.0
    """Seconds that must be between two lists, whatever the configuration says."""

    def check(self) -> Health:
        """Return what the manager says of us; raises `AuthError` or `UnavailableError`."""
        for _ in self.info(()):
            break
        return Health(service=self.name)

    @abc.abstractmethod
    def info(self, jobs: Iterable[Job] | None = None) -> Iterable[QueueInfo]:
        """Yield the queues, with the numbers of jobs in them.

        Where `jobs` are given (those that `jobs()` gave a moment ago), a manager that does not
        tell the numbers with its queues is not asked for them: these are counted.
        """

    @abc.abstractmethod
    def jobs(self) -> Iterable[Job]:
        """Yield all jobs that the manager shows, of all users, in all states: ONE question.

        Those of an array that stand in one line there are one record here (`Job.count`).
        """

    def job(self, id: str) -> Job:  # noqa: A002
        """Return one job as it is now, with all the manager knows of it; raises `NotFoundError`.

        An id of a whole array gives a record that stands for it.
        """
        for job in self.jobs():
            if job.id == id:
                return job
        raise NotFoundError(f"{self.name} has no job with id {id}")

    def find(self, token: str) -> Job | None:
        """Return the job (or the array) that a submit with this token made, None for none."""
        return next((job for job in self.jobs() if job.token == token), None)

    @abc.abstractmethod
    def submit(self, request: JobRequest) -> Job:
        """Hand in a job and return it as it then is, without waiting until it runs.

        Idempotent by `request.token`: the same token never makes a second job, also when the
        answer to the first was lost.
        """

    @abc.abstractmethod
    def cancel(self, job: Job) -> None:
        """End a job, or keep it from beginning; one that is over or gone is no error."""

    @abc.abstractmethod
    def hold(self, job: Job) -> None:
        """Keep a waiting job from beginning; one that is held already is no error.

        Raises `ConflictError` for one that runs or is over.
        """

    @abc.abstractmethod
    def release(self, job: Job) -> None:
        """Let a held job begin when its time comes; one that is not held is no error."""

    @abc.abstractmethod
    def nodes(self) -> Iterable[Node]:
        """Yield the nodes that jobs run on."""


class HasHistory(abc.ABC):
    """A manager that knows jobs which are over and in its list no more (accounting)."""

    @abc.abstractmethod
    def history(
        self,
        *,
        ids: Collection[str] | None = None,
        user: str | None = None,
        since: datetime | None = None,
    ) -> Iterable[Job]:
        """Yield jobs that are over, oldest first: those of some ids, of a user, ended since (UTC).

        By ONE question, however many ids. Ids that it does not know are left out. Raises
        `UnsupportedError` where this site keeps no accounting.
        """


class HasOutput(abc.ABC):
    """A manager whose jobs' output can be read from here."""

    @abc.abstractmethod
    def output(self, job: Job, *, error: bool = False, tail: int | None = None) -> str:
        """Return what a job wrote so far (or its errors), the last `tail` bytes of it.

        Raises `NotFoundError` where there is no such file yet.
        """
