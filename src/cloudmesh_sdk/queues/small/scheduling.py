"""What happens to jobs next: who has ended, who must end, who may start. Pure but for the rooms."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import attrs

from cloudmesh_sdk.errors import UnavailableError
from cloudmesh_sdk.queues.small import running
from cloudmesh_sdk.queues.small.running import Room
from cloudmesh_sdk.queues.small.states import (
    CANCELLED,
    DONE,
    FAILED,
    OVER,
    RUNNING,
    RUNS,
    STARTING,
    TIMEOUT,
    WAITING,
)
from cloudmesh_sdk.queues.small.table import Document, Documents, Table

GRACE = 5.0
"""Seconds between asking a job to end and ending it."""

KEPT = 7 * 86_400.0
"""Seconds that a job is remembered after its end."""

_SIGNALS = 128
"""A shell's exit status of a program that a signal ended is this and its number."""

_MET: Mapping[str, Callable[[str], bool]] = {
    "after": lambda state: state in (RUNNING, *OVER),
    "afterany": lambda state: state in OVER,
    "afterok": lambda state: state == DONE,
    "afternotok": lambda state: state in (FAILED, TIMEOUT, CANCELLED),
}
"""How a job may wait for another: whether that one's state is what it waits for."""


@attrs.frozen(kw_only=True)
class Scheduler:
    """The jobs of one table, run in rooms below a directory, `slots` cores at a time."""

    table: Table
    directory: Path
    slots: int

    def room(self, job: Document) -> Room:
        """Return the room of a job."""
        return Room(self.directory / job["id"])

    def base(self, job: Document) -> Room:
        """Return the room with the script and the variables, which those of an array share."""
        return Room(self.directory / job["base"])

    def step(self) -> int:
        """Let happen what is due; return how many jobs are not over yet.

        Any process may do this at any time: each start is written down before it is made.
        """
        with self.table.change() as jobs:
            opened = {job["base"] for job in jobs.values() if job["state"] not in OVER}
            for job in list(jobs.values()):
                self._settle(job)
                self._drop(jobs, job)
            chosen = [self._begin(job) for job in _next(jobs, self.slots)]
            left = {job["base"] for job in jobs.values() if job["state"] not in OVER}
        for base in opened - left:
            Room(self.directory / base).forget_environment()
        for job in chosen:
            self._launch(job)
        return sum(job["state"] not in OVER for job in self.table.read().values())

    # what has become of those that run

    def _settle(self, job: Document) -> None:
        if job["state"] == STARTING:
            self._adopt(job)
        if job["state"] == RUNNING:
            self._look(job)

    def _adopt(self, job: Document) -> None:
        """Find out what became of a start whose starter died."""
        if running.lives(*job["starter"]):
            return
        if self.room(job).claim(job["attempt"]):
            job["state"] = WAITING
        elif (pid := self.room(job).pid()) is not None:
            _runs(job, running.Launched(group=os.getpgid(pid), pid=pid, began=running.began(pid)))

    def _look(self, job: Document) -> None:
        status, now = self.room(job).status(), time.time()
        alive = running.lives(job["pid"], job["began"])
        if status is not None or not alive:
            _over(job, status, now)
        elif job["ending"]:
            self._hasten(job, now)
        elif job["walltime"] is not None and now - job["started"] >= job["walltime"]:
            end_soon(job, TIMEOUT)

    def _hasten(self, job: Document, now: float) -> None:
        hard = now - job["asked"] >= GRACE
        running.end(job["group"], hard=hard)

    def _drop(self, jobs: Documents, job: Document) -> None:
        """Forget a job whose end is long ago; the newest stays, so that ids go on from it."""
        newest = next(reversed(jobs))
        if job["state"] in OVER and time.time() - job["ended"] > KEPT and job["id"] != newest:
            self.room(job).remove()
            if all(one is job or one["base"] != job["base"] for one in jobs.values()):
                self.base(job).remove()
            del jobs[job["id"]]

    # who begins

    def _begin(self, job: Document) -> Document:
        """Write down that a job is about to start, by whom."""
        me = os.getpid()
        job |= {
            "state": STARTING, "attempt": job["attempt"] + 1, "starter": [me, running.began(me)],
            "reason": None,
        }  # fmt: skip
        return dict(job)

    def _launch(self, job: Document) -> None:
        error = job["error"] or job["output"]
        launched, why = None, ""
        try:
            launched = self.room(job).launch(
                self.base(job), job["attempt"], workdir=job["workdir"], output=job["output"],
                error=error, more=_variables(job),
            )  # fmt: skip
        except UnavailableError as failure:
            why = str(failure)
        with self.table.change() as jobs:
            now = jobs.get(job["id"])
            if now is None or (now["state"], now["attempt"]) != (STARTING, job["attempt"]):
                return
            if launched is not None:
                _runs(now, launched)
            else:
                now |= {"state": FAILED, "reason": why, "ended": time.time()}


def end_soon(job: Document, state: str) -> None:
    """Ask a job that runs to end; then it will be in a state."""
    job |= {"ending": state, "asked": time.time()}
    running.end(job["group"], hard=False)


def _runs(job: Document, launched: running.Launched) -> None:
    job |= {"state": RUNNING, "started": time.time(), **attrs.asdict(launched)}
    if job["ending"]:
        end_soon(job, job["ending"])


def _over(job: Document, status: int | None, now: float) -> None:
    """Write down how a job ended."""
    if job["ending"]:
        job |= {"state": job["ending"], "ended": now, "exit": status}
    elif status is None:
        job |= {"state": FAILED, "ended": now, "reason": "its processes are gone"}
    else:
        killed = status - _SIGNALS if status > _SIGNALS else None
        state = DONE if status == 0 else FAILED
        job |= {"state": state, "ended": now, "exit": status, "signal": killed}


def _next(jobs: Documents, slots: int) -> Iterator[Document]:
    """Yield the jobs that may start now, the oldest first; each takes its cores."""
    free = slots - sum(job["cores"] for job in jobs.values() if job["state"] in RUNS)
    running_of: dict[str, int] = {}
    for job in jobs.values():
        if job["state"] in RUNS and job["array"]:
            running_of[job["array"]] = running_of.get(job["array"], 0) + 1
    for job in [job for job in jobs.values() if job["state"] == WAITING]:
        array = job["array"]
        job["reason"] = _waits_for(job, jobs)
        most = job["throttle"] or slots
        if job["reason"] is None and array and running_of.get(array, 0) >= most:
            job["reason"] = "its array has as many running as it may"
        if job["reason"] is None and job["cores"] > free:
            job["reason"] = "all slots are taken"
        if job["reason"] is None:
            free -= job["cores"]
            running_of[array] = running_of.get(array, 0) + 1
            yield job


def _waits_for(job: Document, jobs: Mapping[str, Document]) -> str | None:
    """Return for what a job waits, None where that has come to pass."""
    for how, ids in job["after"].items():
        for id in ids:  # noqa: A001
            of_it = [one for one in jobs.values() if id in (one["id"], one["array"])]
            if not all(_MET[how](one["state"]) for one in of_it):
                return f"{how}:{id}"
    return None


def _variables(job: Document) -> dict[str, str]:
    """Return the variables that tell a job who it is."""
    index = {} if job["index"] is None else {"CLOUDMESH_ARRAY_INDEX": str(job["index"])}
    return {"CLOUDMESH_JOB_ID": job["id"], **index}
