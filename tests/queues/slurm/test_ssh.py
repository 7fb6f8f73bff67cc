"""Slurm's commands over SSH keep what every queue promises, at a real Slurm and a real sshd."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import pytest
from tests.labs.openstack.processes import wait
from tests.labs.slurm_lab import SlurmLab
from tests.labs.sshd_lab import Sshd, running_sshd
from tests.queues.slurm.promises import SlurmPromises

from cloudmesh_sdk.errors import BackendTimeoutError
from cloudmesh_sdk.models import JobRequest
from cloudmesh_sdk.queues.slurm import SlurmQueue, SlurmSettings

pytestmark = pytest.mark.slurm


def settings_of(sshd: Sshd) -> Mapping[str, Any]:
    """Return what a queue needs to log in there."""
    given = attrs.asdict(sshd.settings())
    return {name: value for name, value in given.items() if value is not None}


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture(scope="module")
def accounting_sshd(
    _slurm_accounting_lab: SlurmLab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sshd]:
    """An sshd whose sessions find the Slurm with accounting."""
    env = _slurm_accounting_lab.environment
    with running_sshd(tmp_path_factory.mktemp("sshd"), env=env) as made:
        yield made


class TestSlurmOverSsh(SlurmPromises):
    @pytest.fixture
    def settings(self, accounting_sshd: Sshd) -> Mapping[str, Any]:
        return settings_of(accounting_sshd)


BEFORE = """#!/bin/sh
touch {place}/begun
while [ -e {place}/wait ]; do sleep 0.05; done
exec /usr/bin/sbatch "$@"
"""
AFTER = """#!/bin/sh
/usr/bin/sbatch "$@" >{place}/said || exit
touch {place}/begun
while [ -e {place}/wait ]; do sleep 0.05; done
cat {place}/said
"""


class Cutting:
    """A Slurm over SSH whose `sbatch` waits before or after its work, for the way to be cut."""

    def __init__(self, lab: SlurmLab, sshd: Sshd, place: Path) -> None:
        self.lab = lab
        self.sshd = sshd
        self.place = place
        lab.as_user(place, "root")
        (place / "wait").touch()
        (place / "sinfo").symlink_to("/usr/bin/sinfo")
        chosen = SlurmSettings(**{**settings_of(sshd), "path": str(place), "transport": "command"})
        self.queue = SlurmQueue("hpc", chosen)

    def cut(self) -> threading.Thread:
        """Cut the way once sbatch runs."""

        def after() -> None:
            wait("sbatch", (self.place / "begun").exists, 30)
            self.sshd.cut()

        thread = threading.Thread(target=after)
        thread.start()
        return thread

    def sbatch(self, text: str) -> None:
        """Put another sbatch in the place of the real one."""
        (self.place / "sbatch").write_text(text.format(place=self.place))

    def asked(self) -> JobRequest:
        """Return a job that waits until somebody releases it."""
        workdir = str(self.lab.jobs)
        return JobRequest(
            name="cut", token=uuid4().hex, command=("true",), held=True, workdir=workdir
        )

    def made(self, token: str) -> list[str]:
        """Return the jobs with a token, as Slurm's own command lists them."""
        lines = self.lab.run("squeue", "-h", "-a", "-t", "all", "-O", "JobID:20,Comment:200")
        return [line.split()[0] for line in lines.splitlines() if f"cloudmesh:{token}" in line]


@pytest.fixture
def cutting(slurm_lab: SlurmLab, tmp_path: Path) -> Iterator[Cutting]:
    for name in ("sshd", "commands"):
        (tmp_path / name).mkdir()
    with running_sshd(tmp_path / "sshd", env=slurm_lab.environment) as sshd:
        made = Cutting(slurm_lab, sshd, tmp_path / "commands")
        yield made
        made.queue.close()
    slurm_lab.run("scancel", "--name=cut")


def test_a_cut_after_sbatch_did_its_work_finds_its_job(cutting: Cutting) -> None:
    cutting.sbatch(AFTER)
    request, thread = cutting.asked(), cutting.cut()
    job = cutting.queue.submit(request)
    thread.join()
    assert job.token == request.token
    assert cutting.queue.submit(request).id == job.id
    assert cutting.made(request.token) == [job.id]


def test_a_cut_before_sbatch_did_its_work_makes_one_job_in_the_end(cutting: Cutting) -> None:
    cutting.sbatch(BEFORE)
    request, thread = cutting.asked(), cutting.cut()
    for why in ("whether it did its work is not known", "may get that job yet"):
        with pytest.raises(BackendTimeoutError, match=why):
            cutting.queue.submit(request)
    thread.join()
    (cutting.place / "wait").unlink()
    wait("the job", lambda: bool(cutting.made(request.token)), 30)
    job = cutting.queue.submit(request)
    assert cutting.made(request.token) == [job.id]


def test_one_connection_serves_a_whole_conversation(cutting: Cutting) -> None:
    (cutting.place / "wait").unlink()
    queue = cutting.queue
    job = queue.submit(cutting.asked())
    for _ in range(5):
        assert job.id in {one.id for one in queue.jobs()}
    list(queue.info())
    queue.release(job)
    assert len({p.pid for p in cutting.sshd.sessions() if p.ppid() == _pid(cutting.sshd)}) == 1


def _pid(sshd: Sshd) -> int:
    assert sshd.process is not None
    return sshd.process.pid
