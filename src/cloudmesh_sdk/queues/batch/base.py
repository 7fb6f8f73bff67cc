"""A queue driver on commands: counting, refusing, and handing in a job only once."""

import abc
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, ClassVar

import attrs

from cloudmesh_sdk.errors import (
    BackendError,
    BackendTimeoutError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.masking import MASK, masked_text
from cloudmesh_sdk.models import Job, JobRequest
from cloudmesh_sdk.options import option
from cloudmesh_sdk.queues.base import HasOutput, Queue
from cloudmesh_sdk.queues.batch import records, refusals, scripts
from cloudmesh_sdk.queues.batch.commands import Commands, Done, Here
from cloudmesh_sdk.queues.batch.telling import telling


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


_OPEN = (UnavailableError, BackendTimeoutError)
"""Errors that leave open whether a job was made."""

_LATE = 30.0
"""Seconds that a command may still be at work on the other side after we lost it."""


class CommandQueue(Queue, HasOutput):
    """A scheduler whose commands can be run, here or over SSH, and which gets a job only once.

    `watch` hears of each command: what was run (`RUN`), where, its exit status and what it
    said; never what it read, which is where jobs' scripts and variables go.
    """

    extras = frozenset(
        {
            "queue", "nodes", "tasks", "cores", "memory", "walltime", "gpus", "account", "array",
            "after", "environment", "workdir", "output", "error", "held", "options",
        }
    )  # fmt: skip
    """All of them; a driver takes away what its scheduler cannot do."""

    names: ClassVar[str | None] = None
    """Names of jobs that the scheduler takes (regular expression), where it says so badly."""

    ranges: ClassVar[str | None] = None
    """Indices of arrays that it takes (the same), where it misreads others."""

    environment: ClassVar[Mapping[str, str | None]] = {"TZ": "UTC", "LC_ALL": "C.UTF-8"}
    """What the commands find in their environment: times then are in UTC. None: not there."""

    refused: ClassVar[refusals.Table] = ()
    """What the commands say when they fail, as errors; what is not here is `UnavailableError`."""

    gone: ClassVar[str | None] = None
    """What they say of a job that is over or none (regular expression): `NotFoundError`."""

    secret: ClassVar[str | None] = None
    """What of their answers must not be shown to a watcher: variables of jobs, say (the same)."""

    settle = 2.0
    late = _LATE
    parallel = 4

    def __init__(self, name: str, settings: Any, commands: Commands | None = None) -> None:
        super().__init__(name)
        self._settings = settings
        self._commands = commands or transport(settings)
        self._counting = threading.Lock()
        self._made: dict[str, str] = {}
        self._files: dict[str, Job] = {}
        self._over: dict[str, Job] = {}
        self._doubted: dict[str, float] = {}

    @property
    def native(self) -> Commands:
        """The place where the commands run: `native.run(["squeue"], timeout=60)`."""
        return self._commands

    @abc.abstractmethod
    def _hand_in(self, request: JobRequest) -> Job:
        """Submit a job, whether or not that was done before."""

    def _refusal(self, done: Done) -> BackendError:
        """Return what a command that failed means."""
        gone = () if self.gone is None else ((NotFoundError, self.gone),)
        return refusals.refusal(self.name, done, (*self.refused, *gone))

    def submit(self, request: JobRequest) -> Job:
        """Hand in a job; it is looked for by its token where it is not known whether it went.

        Raises `UnavailableError` or `BackendTimeoutError` where that stays in doubt: `find` may
        tell later. The same token is not handed in again before a list surely shows it.
        """
        if request.token in self._made:
            return self.job(self._made[request.token])
        self._check(request)
        if (found := self._earlier(request.token)) is not None:
            return found
        try:
            made = self._hand_in(request)
        except _OPEN as error:
            self._doubted[request.token] = time.monotonic()
            made = self._sought(request.token, error)
        except BackendError:
            del self._doubted[request.token]  # it was refused
            raise
        self._made[request.token] = made.id
        if made.output is not None:
            self._files[made.id] = made
        return made

    def _check(self, request: JobRequest) -> None:
        """Raise `InvalidRequestError` for what the scheduler would refuse badly, or misread."""
        limits = (("name", self.names, request.name), ("array", self.ranges, request.array))
        for what, pattern, value in limits:
            if pattern is not None and value is not None and not re.fullmatch(pattern, value):
                raise InvalidRequestError(f"{self.name} takes no {what} such as {value!r}")

    def _earlier(self, token: str) -> Job | None:
        """Return what an earlier submit of a token made; raises where that cannot be seen yet."""
        now = time.monotonic()
        since = self._doubted.setdefault(token, now)
        if since is now:
            return None
        if (left := max(self.settle, _LATE) - (now - since)) > 0:
            why = f"{self.name} may get that job yet, from a submit before; try in {left:.0f} s"
            return self._sought(token, BackendTimeoutError(why))
        found = self.find(token)
        self._doubted[token] = now
        return found

    def _sought(self, token: str, error: BackendError) -> Job:
        """Return the job of a token; raises `error` where it is not to be seen."""
        try:
            found = self.find(token)
        except BackendError as blind:
            # a look that fails says nothing of the job: it stays in doubt, whatever `blind` is
            error.add_note(f"nor could it be looked for: {blind}")
            raise error  # noqa: B904 - it keeps its own cause
        if found is None:
            raise error
        return found

    def output(self, job: Job, *, error: bool = False, tail: int | None = None) -> str:
        # many schedulers do not tell of a job that is over where it wrote to
        known = job if job.output else self._files.get(job.id) or self.job(job.id)
        path = (known.error or known.output) if error else known.output
        if path is None:
            raise NotFoundError(f"{self.name} does not tell where job {job.id} writes to")
        self._count()
        read = self._commands.read(path, tail=tail, timeout=self._settings.timeout)
        return read.decode(errors="replace")

    def close(self) -> None:
        self._commands.close()

    def _gone(self, id: str) -> Job:  # noqa: A002
        """Return a job that the manager has forgotten, as a driver left it in `_over`.

        Raises `NotFoundError` for others.
        """
        if id not in self._over:
            raise NotFoundError(f"{self.name} has no job with id {id}")
        return self._over[id]

    def _looked_at(self, id: str, request: JobRequest) -> Job:  # noqa: A002
        """Return a job that was just handed in: as it is, or as it was asked for."""
        try:
            return self.job(id)
        except BackendError:
            # it is in the queue, whatever keeps us from looking at it
            return records.as_asked(self.name, id, request)

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
        self._count()
        with telling(self.watch, self.name, self._commands.where, argv, self._shown) as told:
            done = self._commands.run(
                [self._program(argv[0]), *argv[1:]],
                send=send,
                env=self.environment if env is None else env,
                timeout=timeout or self._settings.timeout,
            )
            told(done)
        if not fine(done):
            raise self._refusal(done)
        return done

    def _program(self, name: str) -> str:
        return str(PurePosixPath(self._settings.path or "", name))

    def _shown(self, said: str) -> str:
        """Return what a command said as it may be shown."""
        shown = said if self.secret is None else re.sub(self.secret, MASK, said, flags=re.DOTALL)
        return masked_text(shown)

    def _well_or_gone(self, done: Done) -> bool:
        """Tell whether a command did its work, or found that there is no such job any more."""
        said = f"{done.why} {done.text}"
        return done.status == 0 or (self.gone is not None and bool(re.search(self.gone, said)))

    def _count(self) -> None:
        with self._counting:
            self.calls += 1


class BatchQueue(CommandQueue):
    """A scheduler that is used by commands alone.

    A driver gives the pure parts: what to run, and what the answer means.
    """

    inherited: ClassVar[Mapping[str, str | None]] = {}
    """As `environment`, for the command that hands in a job: jobs inherit it from there."""

    @abc.abstractmethod
    def _submission(self, request: JobRequest) -> tuple[Sequence[str], str]:
        """Return the command that hands in a job, and the script that it reads.

        It is run with the variables of `request.environment` in its own environment; most
        schedulers want their names (`-v A,B`) and take the values from there.
        """

    id: ClassVar[str] = r"\s*(\d+)\s*"
    """The line in which the command tells the job's id, as its first group."""

    def _submitted(self, request: JobRequest, done: Done) -> Job:
        """Return the job that a successful submission made; a login may have said more before."""
        for line in reversed(done.text.splitlines()):
            if found := re.fullmatch(self.id, line):
                return self._looked_at(found[1], request)
        raise UnavailableError(f"{self.name}: {done.argv[0]} told no id of a job")

    def _hand_in(self, request: JobRequest) -> Job:
        argv, text = self._submission(request)
        words = [self._program(argv[0]), *argv[1:]]
        send = scripts.program(words, text, request.environment)
        done = self._run(scripts.SHELL, send=send, env=self.inherited, fine=lambda _: True)
        done = attrs.evolve(done, argv=tuple(words))
        if done.status == _NO_COMMAND:
            raise UnsupportedError(f"there is no command {words[0]} at {self._commands.where}")
        if done.status != 0:
            raise self._refusal(done)
        try:
            return self._submitted(request, done)
        except BackendError as error:
            # it took the job: what comes now says nothing of that
            raise UnavailableError(f"{self.name} took a job, but: {error}") from error


_NO_COMMAND = 127
"""How a shell ends that finds no such command (POSIX, Shell Command Language, 2.8.2)."""


def transport(settings: BatchSettings) -> Commands:
    """Return the place that settings name."""
    if settings.host is None:
        return Here()
    from cloudmesh_sdk.queues.batch.ssh import Ssh  # asyncssh takes a fifth of a second

    return Ssh(settings)
