"""A small slurmrestd that keeps jobs: enough of v0.0.38 to hand in, hold, release and cancel.

It runs nothing: a job that does not wait is shown as running until somebody cancels it. How a real
one behaves the tests marked `slurm` show.
"""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
from tests.queues.slurm.rest_fakes import captured, listed

from cloudmesh_sdk.testing import Loopback, Reply, Request

_HELD, _WAITS = "JobHeldUser", "Dependency"


@attrs.define
class SmallSlurmrestd:
    """Its jobs, as it tells of them, by id."""

    jobs: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)
    _numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    def answer(self, request: Request) -> Reply:
        """Do what is asked, one after the other."""
        known = {("GET", "jobs"): self._list, ("POST", "job/submit"): self._submit}
        one = {"GET": self._show, "POST": self._update, "DELETE": self._cancel}
        _, _, version, what = request.path.split("/", 3)
        with self._lock:
            if version != "v0.0.38":
                return captured("22.05", "err-path.404.txt")
            if (act := known.get((request.method, what))) is not None:
                return act(request)
            job = self.jobs.get(what.removeprefix("job/"))
            if job is None:
                return captured("22.05", "err-job-unknown.500.json")
            return one[request.method](job, request)

    def _list(self, _: Request) -> Reply:
        return listed(*self.jobs.values())

    def _submit(self, request: Request) -> Reply:
        asked = json.loads(request.body)["job"]
        number = next(self._numbers)
        several = asked.get("array")
        held, waits = asked.get("hold", False), "dependency" in asked
        self.jobs[str(number)] = {
            "job_id": number,
            "name": asked["name"],
            "comment": asked["comment"],
            "user_name": "albert",
            "partition": "india",
            "job_state": "PENDING" if held or waits else "RUNNING",
            "state_reason": _HELD if held else _WAITS if waits else "None",
            "dependency": asked.get("dependency", ""),
            "submit_time": 1795341451,
            "array_job_id": number if several else 0,
            "array_task_string": several or "",
        }
        return Reply(body={"errors": [], "job_id": number, "step_id": "BATCH"})

    def _show(self, job: dict[str, Any], _: Request) -> Reply:
        return listed(job)

    def _update(self, job: dict[str, Any], request: Request) -> Reply:
        if json.loads(request.body)["hold"]:
            job["state_reason"] = _HELD
        elif job["state_reason"] == _HELD:
            job |= {"state_reason": "None", "job_state": "RUNNING"}
        return Reply(body={"errors": []})

    def _cancel(self, job: dict[str, Any], _: Request) -> Reply:
        job |= {"job_state": "CANCELLED", "state_reason": "None"}
        return Reply(body={"errors": []})


@contextmanager
def small_slurmrestd() -> Iterator[str]:
    """Give the address of one that has no jobs."""
    with Loopback(SmallSlurmrestd().answer) as server:
        yield server.url
