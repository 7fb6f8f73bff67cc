"""The Slurm driver: what holds for every way of asking it."""

import importlib.util
import shutil
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from cloudmesh_sdk.errors import (
    BackendError,
    ConfigError,
    ConflictError,
    NotFoundError,
    UnsupportedError,
)
from cloudmesh_sdk.models import Health, Job, JobRequest, JobState, Node, QueueInfo
from cloudmesh_sdk.queues.base import HasHistory
from cloudmesh_sdk.queues.batch import CommandQueue, Commands, Done, records
from cloudmesh_sdk.queues.slurm.environment import ENVIRONMENT
from cloudmesh_sdk.queues.slurm.refusals import refusal
from cloudmesh_sdk.queues.slurm.settings import SlurmSettings
from cloudmesh_sdk.queues.slurm.transport import Transport

_LATELY = timedelta(days=1)
"""How far back a job is looked for by its token, where the controller has forgotten it."""


class SlurmQueue(CommandQueue, HasHistory):
    """One Slurm. Output is read where the commands run, whichever way it is asked."""

    Settings = SlurmSettings
    environment = ENVIRONMENT

    def __init__(
        self, name: str, settings: SlurmSettings, commands: Commands | None = None
    ) -> None:
        super().__init__(name, settings, commands)
        self._transport = _chosen(self, settings)
        self.late = self.late if self._transport.by_commands else 0.0

    @property
    def native(self) -> Any:
        return self._transport.native

    def check(self) -> Health:
        return self._transport.ping()

    def info(self, jobs: Iterable[Job] | None = None) -> Iterator[QueueInfo]:
        given = self.jobs() if jobs is None else jobs
        return records.counted(self._transport.partitions(), given)

    def jobs(self) -> Iterable[Job]:
        return self._transport.jobs()

    def job(self, id: str) -> Job:  # noqa: A002
        return self._transport.job(id)

    def find(self, token: str) -> Job | None:
        mine = self._transport.jobs(user="")
        found = next((job for job in mine if job.token == token), None)
        if found is None:
            return self._past(token)
        return found if found.array is None else self.job(found.array)

    def _past(self, token: str) -> Job | None:
        """Return a job that the controller has forgotten already, where there is accounting."""
        try:
            past = self._transport.history(user="", since=datetime.now(UTC) - _LATELY)
        except UnsupportedError:
            return None
        return next((job for job in past if job.token == token), None)

    def cancel(self, job: Job) -> None:
        self._transport.cancel(job)

    def hold(self, job: Job) -> None:
        # Slurm takes the hold of a running job, silently, and from then on calls it held
        states = {part.state for part in self._transport.jobs(ids=(job.id,))}
        if not states:
            raise NotFoundError(f"{self.name} has no job with id {job.id}")
        if states.isdisjoint(records.WAITS):
            now = ", ".join(sorted(states))
            raise ConflictError(
                f"{self.name}: job {job.id} is {now}; only one that waits can be held"
            )
        if JobState.PENDING in states:
            self._transport.hold(job)

    def release(self, job: Job) -> None:
        self._transport.release(job)

    def nodes(self) -> Iterable[Node]:
        return self._transport.nodes()

    def history(
        self,
        *,
        ids: Collection[str] | None = None,
        user: str | None = None,
        since: datetime | None = None,
    ) -> Iterable[Job]:
        return self._transport.history(ids=ids, user=user, since=since)

    def output(self, job: Job, *, error: bool = False, tail: int | None = None) -> str:
        if not self._transport.reads_files:
            raise UnsupportedError(
                f"{self.name}: what jobs write cannot be read from here, for slurmrestd sends no "
                "files; set a host that has them, to log in to"
            )
        return super().output(job, error=error, tail=tail)

    def close(self) -> None:
        self._transport.close()
        super().close()

    def _hand_in(self, request: JobRequest) -> Job:
        return self._looked_at(self._transport.submit(request), request)

    def _refusal(self, done: Done) -> BackendError:
        return refusal(self.name, done)


def _chosen(queue: SlurmQueue, settings: SlurmSettings) -> Transport:
    """Return the transport that the settings name, or the one that there is."""
    wanted = _auto(settings) if settings.transport == "auto" else settings.transport
    if wanted == "rest":
        from cloudmesh_sdk.queues.slurm.rest import RestTransport

        return RestTransport(queue, settings)
    if wanted == "pyslurm":
        from cloudmesh_sdk.queues.slurm.pyslurm_api import PyslurmTransport

        return PyslurmTransport(queue.name, settings, queue._count)
    from cloudmesh_sdk.queues.slurm.commands import CommandTransport

    return CommandTransport(queue.name, settings, queue._run, queue._commands)


def _auto(settings: SlurmSettings) -> str:
    """Return the way that there is; raises `ConfigError` where there is none."""
    if settings.host is not None or shutil.which("squeue", path=settings.path) is not None:
        return "command"
    if settings.url is not None or settings.socket is not None:
        return "rest"
    if importlib.util.find_spec("pyslurm") is not None:
        return "pyslurm"
    raise ConfigError(
        "there is no squeue here and none of host, url and socket is set: name the host to log in "
        "to (host), or slurmrestd's address (url)"
    )
