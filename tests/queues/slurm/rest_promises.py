"""Fixtures of the suites of Slurm by slurmrestd."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest
from tests.labs.slurm_lab import SlurmLab
from tests.queues.slurm.promises import Opened, SlurmSuite

from cloudmesh_sdk.models import JobState
from cloudmesh_sdk.queues.base import Queue
from cloudmesh_sdk.queues.slurm import SlurmQueue
from cloudmesh_sdk.testing import CANARY, Loopback, Proxy, Reply, closed_port, silence
from cloudmesh_sdk.testing.queues import Submit

EMPTY: Mapping[str, Any] = {"errors": [], "jobs": []}
STRANGE = {"job_id": 1, "job_state": "MOONWALK", "partition": "india", "user_name": "albert"}
VERSION = "v0.0.38"
"""That of 22.05, where no question is to be asked for it."""


class RestPromises(SlurmSuite):
    """By slurmrestd of 22.05; `settings` tells where it is."""

    transport: ClassVar[str] = "rest"
    lacks: ClassVar[Mapping[str, str]] = {
        "history_tells_how_jobs_ended": "slurmrestd 22.05 tells exit code 0 of all jobs that are "
        "over and were not killed; the test of that below stands in for it"
    }

    @pytest.fixture
    def refused(self, opened: Opened) -> SlurmQueue:
        return opened(token=CANARY, slurm_user="root")

    @pytest.fixture
    def unreachable(self, opened: Opened) -> SlurmQueue:
        return opened(socket=None, url=f"http://127.0.0.1:{closed_port()}")

    @pytest.fixture
    def hanging(self, opened: Opened) -> Iterator[SlurmQueue]:
        with silence() as port:
            yield opened(socket=None, url=f"http://127.0.0.1:{port}", timeout=self.deadline)

    @pytest.fixture
    def garbage(self, opened: Opened) -> Iterator[SlurmQueue]:
        with Loopback(lambda _: Reply(body="PANIC: out of cheese")) as server:
            yield opened(socket=None, url=server.url)

    @pytest.fixture
    def unknown_state(self, opened: Opened) -> Iterator[SlurmQueue]:
        with Loopback(lambda _: Reply(body={**EMPTY, "jobs": [STRANGE]})) as server:
            yield opened(socket=None, url=server.url, api_version=VERSION)

    @pytest.fixture
    def lossy(
        self, opened: Opened, queue: SlurmQueue, slurm_accounting_lab: SlurmLab
    ) -> Iterator[SlurmQueue]:
        with Proxy(slurm_accounting_lab.lab.base + 1) as proxy:
            proxy.faults.append("lose")
            yield opened(socket=None, url=proxy.url, api_version=VERSION)
        slurm_accounting_lab.run("scancel", "--user=root")

    def test_history_tells_of_ends_what_is_known(self, queue: Queue, submit: Submit) -> None:
        good, bad = submit("true"), submit("sh", "-c", "exit 4")
        killed = submit(script="#!/bin/sh\nkill -9 $$\n")
        for job in (good, bad, killed):
            self.over(queue, job)
        found = self._remembered(queue, [good.id, bad.id, killed.id])
        assert (found[good.id].state, found[good.id].exit_code) == (JobState.DONE, 0)
        assert (found[bad.id].state, found[bad.id].exit_code) == (JobState.FAILED, None)
        assert (found[killed.id].state, found[killed.id].signal) == (JobState.FAILED, 9)
