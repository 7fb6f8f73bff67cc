"""The ways of asking Slurm: each gives the same records. `SlurmQueue` has what they share."""

import abc
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, ClassVar

from cloudmesh_sdk.errors import UnsupportedError
from cloudmesh_sdk.models import Health, Job, JobRequest, Node, QueueInfo


class Transport(abc.ABC):
    """One way of asking one Slurm.

    A transport counts its questions in `calls` of the queue that it was made for, and raises
    the errors of `Queue`. Opening it sends nothing.
    """

    by_commands: ClassVar[bool] = False
    """Whether it asks by commands, which go on when we are gone."""

    @property
    @abc.abstractmethod
    def native(self) -> Any:
        """What it asks with."""

    @property
    def reads_files(self) -> bool:
        """Whether the files that jobs write are where the queue's commands run."""
        return True

    @abc.abstractmethod
    def ping(self) -> Health:
        """Ask whether the controller lives, as quickly as can be; raises `UnavailableError`."""

    @abc.abstractmethod
    def jobs(self, *, ids: Collection[str] | None = None, user: str | None = None) -> Iterable[Job]:
        """Yield jobs in all states by ONE question: all, those of some ids, those of a user.

        `user` is a name, or empty for the one that we are there. Ids that the controller does
        not know are left out; that of an array gives all its parts.
        """

    @abc.abstractmethod
    def job(self, id: str) -> Job:  # noqa: A002
        """Return one job with all that the controller knows of it; raises `NotFoundError`."""

    @abc.abstractmethod
    def partitions(self) -> Iterable[QueueInfo]:
        """Yield the partitions, without numbers of jobs."""

    @abc.abstractmethod
    def nodes(self) -> Iterable[Node]:
        """Yield the nodes."""

    @abc.abstractmethod
    def submit(self, request: JobRequest) -> str:
        """Hand in a job, its token in the comment, and return its id."""

    @abc.abstractmethod
    def cancel(self, job: Job) -> None:
        """End a job; raises `AuthError` for one of another user, none for one that is over."""

    @abc.abstractmethod
    def hold(self, job: Job) -> None:
        """Hold a job that waits; `SlurmQueue` has looked that it does."""

    @abc.abstractmethod
    def release(self, job: Job) -> None:
        """Release a held job."""

    def history(
        self,
        *,
        ids: Collection[str] | None = None,  # noqa: ARG002 - what others can do
        user: str | None = None,  # noqa: ARG002
        since: datetime | None = None,  # noqa: ARG002
    ) -> Iterable[Job]:
        """Yield jobs from the accounting; raises `UnsupportedError` where there is none.

        `user` may be empty, for the one that we are there.
        """
        raise UnsupportedError("this way of asking Slurm does not reach its accounting")

    def close(self) -> None:  # noqa: B027 - most have nothing to give back
        """Give back connections."""
