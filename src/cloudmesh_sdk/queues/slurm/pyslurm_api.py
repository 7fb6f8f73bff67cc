"""Slurm by pyslurm, where that is installed and fits the Slurm of this machine.

pyslurm is under the GPL and is no dependency of ours: it is imported when a configuration asks
for it, after a process of its own has shown that it can be. For its import ends the process where
there is no `slurm.conf`, and a build for another Slurm may crash.
"""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from cloudmesh_sdk.errors import (
    BackendError,
    InvalidRequestError,
    NotFoundError,
    PluginError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.models import Health, Job, JobRequest, Node, QueueInfo
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.batch import scripts
from cloudmesh_sdk.queues.slurm import pyslurm_records as records, refusals, rest_errors, tokens
from cloudmesh_sdk.queues.slurm.rest_records import with_files
from cloudmesh_sdk.queues.slurm.settings import SlurmSettings
from cloudmesh_sdk.queues.slurm.transport import Transport

HINT = "install a pyslurm that is built for the Slurm of this machine, or set transport: command"
_TRY = 30.0
"""Seconds that the import in a process of its own may take."""


class PyslurmTransport(Transport):
    """Slurm's library in this process; `called` counts a question, and knows who we are.

    It waits nine seconds for a controller that is away, and cannot be made to wait less: that is
    how libslurm is.
    """

    def __init__(self, name: str, settings: SlurmSettings, called: Callable[[], None]) -> None:
        self._name = name
        self._settings = settings
        self._called = called

    @cached_property
    def native(self) -> Any:
        """The module `pyslurm`; raises `PluginError` where it cannot be had."""
        return imported()

    def ping(self) -> Health:
        with self._asking() as pyslurm:
            answers = list(pyslurm.slurmctld.ping_all())
        if not any(answer.is_responding for answer in answers):
            raise UnavailableError(f"{self._name}: Slurm's controller does not answer")
        hosts = ", ".join(answer.hostname for answer in answers)
        return Health(
            service=self._name,
            version=str(getattr(pyslurm, "__version__", "")),
            identity=f"here at {hosts} (version: pyslurm's)",
        )

    def jobs(self, *, ids: Collection[str] | None = None, user: str | None = None) -> Iterator[Job]:
        wanted = _me() if user == "" else user
        for job in self._listed():
            if user is not None and job.user != wanted:
                continue
            if ids is None or not _names(job).isdisjoint(ids) or arrays.holds(job, ids):
                yield job

    def job(self, id: str) -> Job:  # noqa: A002
        if id.isdecimal():
            with self._asking() as pyslurm:
                told = pyslurm.Job.load(int(id))
            found = records.job(self._name, told, whole=True)
            if found.id == id and found.array is None:
                return found
        parts = [part for part in self._listed() if id in _names(part)]
        if not parts:
            raise NotFoundError(f"{self._name} has no job with id {id}")
        return with_files(arrays.whole(parts)) if parts[0].array == id else parts[0]

    def partitions(self) -> Iterator[QueueInfo]:
        with self._asking() as pyslurm:
            found = list(pyslurm.Partitions.load().values())
        return (records.partition(self._name, told) for told in found)

    def nodes(self) -> Iterator[Node]:
        with self._asking() as pyslurm:
            found = list(pyslurm.Nodes.load().values())
        return (records.node(self._name, told) for told in found)

    def submit(self, request: JobRequest) -> str:
        asked = {name: value for name, value in _described(request).items() if value is not None}
        with self._asking() as pyslurm:
            return str(pyslurm.JobSubmitDescription(**asked).submit())

    def cancel(self, job: Job) -> None:
        for number in self._numbers(job, gone_is_fine=True):
            with self._asking(gone_is_fine=True) as pyslurm:
                pyslurm.Job(number).cancel()

    def hold(self, job: Job) -> None:
        for number in self._numbers(job):
            with self._asking() as pyslurm:
                pyslurm.Job(number).hold()

    def release(self, job: Job) -> None:
        for number in self._numbers(job, gone_is_fine=True):
            with self._asking(gone_is_fine=True) as pyslurm:
                pyslurm.Job(number).release()

    def _listed(self) -> Iterator[Job]:
        with self._asking() as pyslurm:
            found = list(pyslurm.Jobs.load().values())
        return (records.job(self._name, told) for told in found)

    def _numbers(self, job: Job, *, gone_is_fine: bool = False) -> list[int]:
        """Return the numbers by which libslurm knows what an id means.

        One of an array that has not begun has none of its own: `UnsupportedError`.
        """
        if job.id.isdecimal():
            return [int(job.id)]
        parts = [part for part in self._listed() if job.id in _names(part)]
        if alone := [int(part.native["id"]) for part in parts if part.id == job.id]:
            return alone
        if gone_is_fine and not self._waits(job.id):
            return []
        raise UnsupportedError(
            f"{self._name}: pyslurm reaches {job.id} only together with its array, or once it"
            " runs; set transport: command"
        )

    def _waits(self, id: str) -> bool:  # noqa: A002
        array = id.partition("_")[0]
        return any(part.array == array and part.indices for part in self._listed())

    @contextmanager
    def _asking(self, *, gone_is_fine: bool = False) -> Iterator[Any]:
        """Give the module for one question; its errors are raised as ours."""
        pyslurm = self.native
        self._called()
        try:
            yield pyslurm
        except pyslurm.RPCError as error:
            if gone_is_fine and error.errno in rest_errors.GONE:
                return
            raise refusal(self._name, error) from error
        except (ValueError, AttributeError) as error:
            raise InvalidRequestError(f"{self._name}: pyslurm: {error}") from error


def imported() -> Any:
    """Return pyslurm, once a process of its own could import it; raises `PluginError`."""
    try:
        subprocess.run(
            [sys.executable, "-c", "import pyslurm"],
            capture_output=True,
            check=True,
            timeout=_TRY,
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise PluginError(f"pyslurm cannot be imported: {said[-1]}; {HINT}") from error
    except subprocess.TimeoutExpired as error:
        raise PluginError(f"pyslurm was not imported within {_TRY:g} s; {HINT}") from error
    return importlib.import_module("pyslurm")


def refusal(name: str, error: Any) -> BackendError:
    """Return what an `RPCError` of pyslurm means; `errno` is one of Slurm's numbers."""
    said = _said(error)
    kind = rest_errors.BY_NUMBER.get(error.errno) or refusals.kind(said) or UnavailableError
    return kind(f"{name}: {said}")


def _said(error: Any) -> str:
    return " ".join(str(error.msg or error).split())


def _me() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


def _names(job: Job) -> set[str]:
    """Return the ids by which a job is known: its own, its number, that of its array."""
    return {job.id, str(job.native["id"]), *([job.array] if job.array else [])}


def _described(request: JobRequest) -> dict[str, Any]:
    """Return a request in pyslurm's words; raises `UnsupportedError` for sbatch's own words."""
    text = scripts.script(request)
    if request.options or any(scripts.directives(text, "#SBATCH")):
        raise UnsupportedError(
            "pyslurm reads neither options of sbatch nor #SBATCH lines of a script; say it by"
            " --queue, --walltime ..., or set transport: command"
        )
    return {
        "name": request.name,
        "comment": tokens.comment(request.token),
        "script": text,
        "partitions": request.queue,
        "nodes": request.nodes,
        "ntasks": request.tasks,
        "cpus_per_task": request.cores,
        "memory_per_node": None if request.memory is None else f"{request.memory}M",
        "time_limit": None if request.walltime is None else scripts.clock(request.walltime),
        "gres_per_node": None if request.gpus is None else f"gpu:{request.gpus}",
        "account": request.account,
        "array": request.array,
        "dependencies": scripts.after(request),
        # as sbatch does: what is here, and what was asked for beside it
        "environment": {**os.environ, **request.environment},
        "working_directory": request.workdir,
        "standard_output": request.output,
        "standard_error": request.error,
        "priority": 0 if request.held else None,
    }
