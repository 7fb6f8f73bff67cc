"""A queue that is kept in this process's memory: the reference driver, for tests and try-outs.

Its jobs are real processes, and things happen to them when somebody looks. Its settings make it
behave as a bad one: slow, hanging, refusing, talking nonsense, losing answers.
"""

import copy
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import attrs

from cloudmesh_sdk import errors
from cloudmesh_sdk.errors import (
    BackendError,
    BackendTimeoutError,
    ConfigError,
    UnavailableError,
    near,
)
from cloudmesh_sdk.models import Job, JobRequest, JobState
from cloudmesh_sdk.options import option
from cloudmesh_sdk.queues.small import SmallQueue, Table
from cloudmesh_sdk.queues.small.running import end
from cloudmesh_sdk.queues.small.scheduling import Scheduler
from cloudmesh_sdk.queues.small.states import RUNNING
from cloudmesh_sdk.queues.small.table import Documents

__all__ = ["MemoryQueue", "MemoryQueueSettings"]

_FAULTS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, BackendError)
}


@attrs.frozen(kw_only=True)
class MemoryQueueSettings:
    """What the queue in memory reads from the configuration; all may be left out."""

    slots: int = option("how many cores jobs may use at once", default=4)
    queues: tuple[str, ...] = option("names of the queues; the first is the default one",
                                     default=("batch", "long"))  # fmt: skip
    timeout: float = option("seconds to wait for an answer", default=30.0)
    latency: float = option("seconds that every question takes", default=0.0)
    hang: float = option("seconds of silence on top of that, to practise", default=0.0)
    fail: str = option("to practise: the error that every question raises", default="")
    lose: int = option("to practise: how many submits are done but never answered", default=0)
    strange: str = option("to practise: the state that jobs have, a word of its own", default="")
    password: str = option("not needed; shows how secrets are kept", default="", secret=True)


class _Memory(Table):
    """Documents in a dict."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._jobs: Documents = {}

    def read(self) -> Documents:
        with self._lock:
            return copy.deepcopy(self._jobs)

    @contextmanager
    def change(self) -> Iterator[Documents]:
        with self._lock:
            jobs = copy.deepcopy(self._jobs)
            yield jobs
            self._jobs = jobs


class MemoryQueue(SmallQueue):
    """A queue that exists only here; every object is one of its own. Closing it ends its jobs."""

    Settings: ClassVar[type] = MemoryQueueSettings

    def __init__(self, name: str, settings: MemoryQueueSettings | None = None) -> None:
        self._settings = settings = settings or MemoryQueueSettings()
        if settings.fail and settings.fail not in _FAULTS:
            hint = near(settings.fail, _FAULTS)
            raise ConfigError(f"{name}.fail: there is no error named {settings.fail!r}; {hint}")
        if settings.slots < 1 or not settings.queues:
            raise ConfigError(f"{name}: one slot and one queue at least are wanted")
        self._lose = settings.lose
        self._rooms = Path(tempfile.mkdtemp(prefix="cm-jobs-"))
        scheduler = Scheduler(table=_Memory(), directory=self._rooms, slots=settings.slots)
        super().__init__(name, scheduler, settings.queues)

    def __repr__(self) -> str:
        return f"MemoryQueue({self.name!r}, {self._settings!r})"

    def jobs(self) -> Iterator[Job]:
        for job in super().jobs():
            word = self._settings.strange
            if not word:
                yield job
                continue
            native = {**job.native, "state": word}
            yield attrs.evolve(job, state=JobState.UNKNOWN, native=native)

    def submit(self, request: JobRequest) -> Job:
        job = super().submit(request)
        if self._lose > 0:
            self._lose -= 1
            raise UnavailableError(f"{self.name}: no answer to the submit")
        return job

    def close(self) -> None:
        """End all jobs and forget them."""
        with self._scheduler.table.change() as jobs:
            for row in jobs.values():
                if row["state"] == RUNNING:
                    end(row["group"], hard=True)
        shutil.rmtree(self._rooms, ignore_errors=True)

    def _ask(self) -> Documents:
        settings = self._settings
        time.sleep(min(settings.latency + settings.hang, settings.timeout))
        if settings.latency + settings.hang > settings.timeout:
            self.calls += 1
            text = f"{self.name} did not answer within {settings.timeout:g} s"
            raise BackendTimeoutError(text)
        if settings.fail:
            self.calls += 1
            raise _FAULTS[settings.fail](f"{self.name}: {settings.fail}, as its settings say")
        return super()._ask()
