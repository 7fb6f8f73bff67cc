"""Jobs that the controller has forgotten, at a real Slurm with slurmdbd."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.labs.slurm_lab import SlurmLab, new_lab

from cloudmesh_sdk.errors import NotFoundError, UnavailableError
from cloudmesh_sdk.models import JobRequest, JobState
from cloudmesh_sdk.queues.slurm import SlurmQueue, SlurmSettings

pytestmark = pytest.mark.slurm


@pytest.fixture(scope="module")
def lab() -> Iterator[SlurmLab]:
    with new_lab(accounting=True, remembered=2) as lab, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", lab.environment["SLURM_CONF"])
        yield lab


def test_a_job_that_was_forgotten_is_told_by_the_accounting(lab: SlurmLab) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    with SlurmQueue("hpc", SlurmSettings(transport="command")) as queue:
        request = JobRequest(
            name="odd\nname", token="t1", command=("sh", "-c", "exit 3"), workdir=str(lab.jobs)
        )
        failed = queue.submit(request)
        tasks = queue.submit(
            JobRequest(
                name="arr", token="t2", command=("true",), array="1-3", workdir=str(lab.jobs)
            )
        )
        deadline = time.monotonic() + 100
        while {job.id for job in queue.jobs()}:
            assert time.monotonic() < deadline
            time.sleep(1)
        with pytest.raises(NotFoundError):
            queue.job(failed.id)
        past = {job.id: job for job in queue.history(ids=[failed.id, tasks.id, "99999"])}
        assert set(past) == {failed.id, *(f"{tasks.id}_{index}" for index in (1, 2, 3))}
        ended = past[failed.id]
        assert (ended.state, ended.exit_code, ended.name) == (JobState.FAILED, 3, "odd\nname")
        assert past[f"{tasks.id}_2"].state is JobState.DONE
        assert queue.find("t1") == ended
        assert {job.id for job in queue.history(user="root", since=began)} == set(past)
        assert list(queue.history(user=lab.other_user)) == []
        assert list(queue.history(since=datetime.now(UTC) + timedelta(hours=1))) == []
        with lab.without("slurmdbd"), pytest.raises(UnavailableError, match="sacct"):
            queue.history(ids=[failed.id])
