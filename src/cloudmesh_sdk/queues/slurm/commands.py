"""Slurm by its commands: `squeue`, `sbatch`, `scontrol` ..., here or over SSH."""

import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from pathlib import PurePosixPath

import attrs

from cloudmesh_sdk.errors import (
    BackendError,
    BackendTimeoutError,
    NotFoundError,
    UnavailableError,
)
from cloudmesh_sdk.models import Health, Job, JobRequest, Node, QueueInfo
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.batch import Commands, Done, Run, scripts
from cloudmesh_sdk.queues.slurm import accounting, blocks, lines, refusals, submitting
from cloudmesh_sdk.queues.slurm.environment import AS_USER
from cloudmesh_sdk.queues.slurm.settings import SlurmSettings
from cloudmesh_sdk.queues.slurm.transport import Transport

_TIME = re.compile(r"^sdiag output at .*\((\d+)\)", re.MULTILINE)
HEDGE = 2.0
"""Seconds after which a command that has not answered makes us ask whether anybody is there."""


class CommandTransport(Transport):
    """Slurm's own commands; `run` is that of the queue, `where` the place where it runs them."""

    by_commands = True

    def __init__(self, name: str, settings: SlurmSettings, run: Run, where: Commands) -> None:
        self._name = name
        self._settings = settings
        self._run = run
        self._where = where
        self._cluster = (f"--clusters={settings.cluster}",) if settings.cluster else ()

    @property
    def native(self) -> Commands:
        return self._where

    def ping(self) -> Health:
        said = self._run("scontrol", "ping", fine=_any).text
        if "is UP" not in said:
            raise UnavailableError(f"{self._name}: {_down(said)}")
        config = self._run("scontrol", *self._cluster, "show", "config").text
        told = dict(_setting(line) for line in config.splitlines() if "=" in line)
        return Health(
            service=self._name,
            version=told.get("SLURM_VERSION", ""),
            identity=f"{self._where.where} at {told.get('ClusterName', '?')}",
            skew=self._skew(),
        )

    def _skew(self) -> float | None:
        """Return how far our clock is ahead of the controller's, to the second."""
        one = (f"--cluster={self._settings.cluster}",) if self._cluster else ()  # its word for it
        asked = time.time()
        found = _TIME.search(self._run("sdiag", *one, fine=_any).text)
        return None if found is None else float(round(asked) - int(found[1]))

    def jobs(self, *, ids: Collection[str] | None = None, user: str | None = None) -> Iterator[Job]:
        filters: list[str] = []
        if user is not None:
            filters.append(f"--user={user}" if user else "--me")
        if ids is not None and len(ids) == 1:
            filters.append(f"--jobs={next(iter(ids))}")
        for job in self._listed(lines.LISTED, filters):
            if ids is None or not _names(job).isdisjoint(ids) or arrays.holds(job, ids):
                yield job

    def job(self, id: str) -> Job:  # noqa: A002
        # one of an array that still waits is within its array's line, unless --array splits it
        single = ("--array",) if "_" in id else ()
        listed = self._listed(lines.WHOLE, (f"--jobs={id}", *single))
        found = [job for job in listed if id in _names(job)]
        if not found:
            raise NotFoundError(f"{self._name} has no job with id {id}")
        job = _whole(found) if found[0].array == id else found[0]
        if job.indices:
            return job  # scontrol would tell of each of the array, however many they are
        shown = blocks.fields(self._shown("job", job.id).replace("\n", " "))
        return attrs.evolve(job, native={**job.native, **shown})

    def partitions(self) -> Iterator[QueueInfo]:
        return blocks.partitions(self._name, self._shown("partition"))

    def nodes(self) -> Iterator[Node]:
        return blocks.nodes(self._name, self._shown("node"))

    def submit(self, request: JobRequest) -> str:
        words = submitting.options(request, cluster=self._settings.cluster)
        sbatch = str(PurePosixPath(self._settings.path or "", "sbatch"))
        send = scripts.program([sbatch, *words], scripts.script(request), request.environment)
        done = self._run(scripts.SHELL, send=send, env=AS_USER)
        return submitting.submitted(self._name, done)

    def cancel(self, job: Job) -> None:
        self._run("scancel", *self._cluster, job.id, fine=_over)

    def hold(self, job: Job) -> None:
        self._run("scontrol", *self._cluster, "hold", job.id, fine=_well)

    def release(self, job: Job) -> None:
        self._run("scontrol", *self._cluster, "release", job.id, fine=_over)

    def history(
        self,
        *,
        ids: Collection[str] | None = None,
        user: str | None = None,
        since: datetime | None = None,
    ) -> Iterable[Job]:
        between = accounting.delimiter()
        words = accounting.words(ids=ids, user=user, since=since, between=between)
        try:
            done = self._run("sacct", *self._cluster, *words, fine=_known)
        except BackendError as error:
            if ids is None or not accounting.is_off(error):
                raise
            # what the controller still remembers (MinJobAge) is all that there is
            return (job for job in self.jobs(ids=ids, user=user) if job.state.is_over)
        return accounting.jobs(self._name, done.out, between=between, since=since)

    def _listed(self, fields: Collection[str], filters: Iterable[str]) -> Iterator[Job]:
        form = lines.Format(fields=tuple(fields))
        words = ("-h", "-a", "-t", "all", *self._cluster, *filters, "-O", form.option)
        done = self._asked("squeue", *words, fine=_known)
        return lines.jobs(self._name, done.out, form)

    def _shown(self, *what: str) -> str:
        return self._asked("scontrol", *self._cluster, "-o", "show", *what, fine=_known).text

    def _asked(self, *argv: str, fine: Callable[[Done], bool] | None = None) -> Done:
        """Run a command that asks the controller; a dead one is not waited for.

        Slurm's commands try for nine seconds to reach a controller. So one that has not answered
        soon is asked whether it lives, by `scontrol ping`, which knows at once. What was begun
        ends by itself.
        """
        asking = _Asking(lambda: self._run(*argv, fine=fine or _well))
        done = asking.wait(HEDGE)
        if done is None:
            said = self._run("scontrol", "ping", fine=_any).text
            if "is DOWN" in said and "is UP" not in said:
                raise UnavailableError(f"{self._name}: {_down(said)}")
            done = asking.wait(None)
        if done is None:
            raise BackendTimeoutError(f"{self._name}: {argv[0]} did not end")
        return done


class _Asking:
    """A command that runs beside us."""

    def __init__(self, ask: Callable[[], Done]) -> None:
        self._ask = ask
        self._done: Done | None = None
        self._error: BaseException | None = None
        # a daemon: one that is given up must not keep the program from ending
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def wait(self, seconds: float | None) -> Done | None:
        """Return the answer, None where it did not come; raises what asking raised."""
        self._thread.join(seconds)
        if self._error is not None:
            raise self._error
        return self._done

    def _work(self) -> None:
        try:
            self._done = self._ask()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            self._error = error


def _any(done: Done) -> bool:  # noqa: ARG001
    return True


def _well(done: Done) -> bool:
    return not refusals.failed(done)


def _known(done: Done) -> bool:
    """Tell whether an answer is one; that there is no such job or user is one, too."""
    if _well(done) or done.out.strip():
        return _well(done)
    return any(said.search(done.why) for said in (refusals.GONE, refusals.NOBODY))


def _over(done: Done) -> bool:
    """Tell whether a command did what it should, or found the job over."""
    return _well(done) or refusals.GONE.search(done.why) is not None


def _names(job: Job) -> set[str]:
    """Return the ids by which Slurm knows a job: its own, that of its array or its siblings."""
    told = job.native
    return {job.id, told["JobID"], told["ArrayJobID"], told["HetJobID"]}


def _whole(found: list[Job]) -> Job:
    return lines.with_files(arrays.whole(found), dict(found[0].native))


def _setting(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name.strip(), value.strip()


def _down(said: str) -> str:
    first = next((line for line in said.splitlines() if " is " in line), "it does not answer")
    return f"Slurm's controller cannot be reached: {first.strip()}"
