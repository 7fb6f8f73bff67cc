"""The same over SSH, at a real sshd: scripts, variables and output go there and come back."""

import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from tests.labs.sshd_lab import running_sshd
from tests.queues.pbs import fake_pbs

from cloudmesh_sdk.models import Job, JobRequest, JobState
from cloudmesh_sdk.queues.pbs import PbsQueue, PbsSettings


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PbsQueue]:
    """Give a queue whose commands are a fake PBS behind an sshd."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / "pbs").mkdir()
    (tmp_path / "sshd").mkdir()
    fake_pbs.install(tmp_path / "pbs")
    with running_sshd(tmp_path / "sshd") as sshd:
        way = {k: v for k, v in attrs.asdict(sshd.settings()).items() if v is not None}
        with PbsQueue("hpc", PbsSettings(**way | {"path": str(tmp_path / "pbs")})) as queue:
            yield queue
            fake_pbs.stop(tmp_path / "pbs")


def over(queue: PbsQueue, job: Job) -> Job:
    end = time.monotonic() + 30
    while not (now := queue.job(job.id)).state.is_over:
        assert time.monotonic() < end, f"it is still {now!r}"
        time.sleep(0.05)
    return now


def test_a_job_lives_and_ends_over_there(queue: PbsQueue, tmp_path: Path) -> None:
    odd = 'it\'s "so", $HOME\n\\ ü'
    request = JobRequest(
        name="far", token="t1", command=("sh", "-c", 'pwd; printf %s "$ODD"; exit 3'),
        environment={"ODD": odd}, workdir=str(tmp_path), output=f"{tmp_path}/out",
    )  # fmt: skip
    job = over(queue, queue.submit(request))
    assert (job.state, job.exit_code, job.token) == (JobState.FAILED, 3, "t1")
    assert queue.output(job) == f"{tmp_path}\n{odd}"
    assert [one.id for one in queue.history(ids=[job.id])] == [job.id]


def test_a_held_job_is_released_and_cancelled_over_there(queue: PbsQueue) -> None:
    request = JobRequest(name="far", token="t2", command=("sleep", "300"), held=True)
    job = queue.submit(request)
    assert job.state is JobState.HELD
    queue.release(job)
    assert queue.job(job.id).state is JobState.RUNNING
    queue.cancel(job)
    assert over(queue, job).state is JobState.CANCELLED
