"""A queue driver on commands: counting, refusing, and handing in a job only once."""

import abc
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, ClassVar

import attrs

from cloudmesh_sdk.errors import (
    BackendError,
    BackendTimeoutError,
    NotFoundError,
    UnavailableError,
)
from cloudmesh_sdk.models import Job, JobRequest
from cloudmesh_sdk.options import option
from cloudmesh_sdk.queues.base import HasOutput, Queue
from cloudmesh_sdk.queues.batch.commands import Commands, Done, Here


@attrs.frozen(kw_only=True)
class BatchSettings:
    """Where the commands run; a driver's `Settings` adds what is its own."""

    host: str | None = option(
        "host to log in to by SSH; left out: the commands run on this machine", default=None
    )
    user: str | None = option("user there; left out: as your SSH configuration says", default=None)
    port: int | None = option("port of SSH there", default=None)
    identity: str | None = option(
        "file of the private key; left out: your agent and SSH configuration", default=None
    )
    known_hosts: str | None = option("file of known hosts; left out: your own", default=None)
    ssh_config: str | None = option("SSH configuration; left out: your own", default=None)
    path: str | None = option("directory of the scheduler's commands there", default=None)
    timeout: float = option("seconds that a command may take", default=60.0)


class CommandQueue(Queue, HasOutput):
    """A scheduler whose commands can be run, here or over SSH, and which gets a job only once."""

    environment: ClassVar[Mapping[str, str | None]] = {"TZ": "UTC", "LC_ALL": "C.UTF-8"}
    """What the commands find in their environment: times then are in UTC. None: not there."""

    settle = 2.0

    def __init__(self, name: str, settings: Any, commands: Commands | None = None) -> None:
        super().__init__(name)
        self._settings = settings
        self._commands = commands or transport(settings)
        self._tried: set[str] = set()

    @property
    def native(self) -> Commands:
        """The place where the commands run: `native.run(["squeue"], timeout=60)`."""
        return self._commands

    @abc.abstractmethod
    def _hand_in(self, request: JobRequest) -> Job:
        """Submit a job, whether or not that was done before."""

    @abc.abstractmethod
    def _refusal(self, done: Done) -> BackendError:
        """Return what a command that failed means."""

    def submit(self, request: JobRequest) -> Job:
        if request.token in self._tried and (found := self.find(request.token)) is not None:
            return found
        self._tried.add(request.token)
        try:
            return self._hand_in(request)
        except (UnavailableError, BackendTimeoutError):
            # the way there broke: the job may be in the queue, so it is looked for
            found = self.find(request.token)
            if found is None:
                raise
            return found

    def output(self, job: Job, *, error: bool = False, tail: int | None = None) -> str:
        known = job if job.output else self.job(job.id)
        path = (known.error or known.output) if error else known.output
        if path is None:
            raise NotFoundError(f"{self.name} does not tell where job {job.id} writes to")
        self.calls += 1
        read = self._commands.read(path, tail=tail, timeout=self._settings.timeout)
        return read.decode(errors="replace")

    def close(self) -> None:
        self._commands.close()

    def _run(
        self,
        *argv: str,
        send: bytes = b"",
        fine: Callable[[Done], bool] = lambda done: done.status == 0,
        env: Mapping[str, str | None] | None = None,
        timeout: float | None = None,
    ) -> Done:
        """Run one of the scheduler's commands, or a program that is named by its whole path.

        Raises what its failure means. `env` stands in for `environment`.
        """
        self.calls += 1
        program = str(PurePosixPath(self._settings.path or "", argv[0]))
        done = self._commands.run(
            [program, *argv[1:]],
            send=send,
            env=self.environment if env is None else env,
            timeout=timeout or self._settings.timeout,
        )
        if not fine(done):
            raise self._refusal(done)
        return done


class BatchQueue(CommandQueue):
    """A scheduler that is used by commands alone.

    A driver gives the pure parts: what to run, and what the answer means.
    """

    @abc.abstractmethod
    def _submission(self, request: JobRequest) -> tuple[Sequence[str], bytes]:
        """Return the command that hands in a job, and what it reads."""

    @abc.abstractmethod
    def _submitted(self, request: JobRequest, done: Done) -> Job:
        """Return the job that a successful submission made."""

    def _hand_in(self, request: JobRequest) -> Job:
        argv, send = self._submission(request)
        return self._submitted(request, self._run(*argv, send=send))


def transport(settings: BatchSettings) -> Commands:
    """Return the place that settings name."""
    if settings.host is None:
        return Here()
    from cloudmesh_sdk.queues.batch.ssh import Ssh  # asyncssh takes a fifth of a second

    return Ssh(settings)
