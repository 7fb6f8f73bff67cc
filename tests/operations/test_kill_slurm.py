"""Kill -9 at every step, at a real Slurm: no job is handed in twice, none is there unknown."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.labs.slurm_lab import SlurmLab
from tests.operations.killing import killed

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import JobState, Operation, OperationState

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(900)]

OPEN = (OperationState.PENDING, OperationState.RUNNING, OperationState.UNKNOWN)
PATIENCE = 60.0
"""Seconds in which a manager surely shows what it was handed, or nothing."""


@pytest.fixture
def config(slurm_lab: SlurmLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("m")
    path = folder / "cloudmesh.yaml"
    path.write_text(
        "profile: {username: albert}\n"
        f"store: {{directory: {folder}/mongo, linger: 0}}\n"
        "queues: {lab: {driver: slurm, transport: command, interval: 0}}\n"
    )
    yield path
    slurm_lab.run("scancel", *_ids(slurm_lab))


def _ids(lab: SlurmLab) -> list[str]:
    """Return the ids of the jobs that victims handed in, as Slurm's own command says."""
    lines = lab.run("squeue", "--noheader", "--format=%i %j").splitlines()
    return [line.split()[0] for line in lines if line.split()[1].startswith("own-")]


def _settled(mesh: Mesh) -> Sequence[Operation]:
    """Return all operations once none is open, as the next commands would leave them."""
    end = time.monotonic() + PATIENCE
    while mesh.reconcile() and mesh.operations(state=OPEN):
        assert time.monotonic() < end
        time.sleep(0.5)
    return mesh.operations(limit=None)


def test_killed_while_handing_in(config: Path, slurm_lab: SlurmLab) -> None:
    with Mesh.open("mongo", config=Config.load(config)) as keeper:
        before = set(_ids(slurm_lab))
        step, running = 1, True
        while running:
            running = killed(config, "submit", step)
            with Mesh.open("mongo", config=Config.load(config)) as mesh:
                operations = _settled(mesh)
                there = set(_ids(slurm_lab)) - before
                done = {o.result for o in operations if o.state is OperationState.DONE}
                assert there == done, f"step {step}"
                names = [o.target for o in operations]
                assert len(names) == len(set(names)), "each victim handed in once"
                seen = {job.id for job in mesh.jobs() if job.name.startswith("own-")}
                assert there <= seen, f"step {step}"
            step += 1
        assert step > 8, "the intent, the claim, the job, its record and the outcome are steps"
        assert there
        assert {job.state for job in keeper.jobs(name=sorted(there))} == {JobState.HELD}


def test_killed_while_asking_for_jobs(
    config: Path, slurm_lab: SlurmLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudmesh_sdk.mesh.polling.CALM", 0.0)  # victims follow each other fast
    monkeypatch.setattr("cloudmesh_sdk.queues.base.Queue.floor", 0.0)
    job = slurm_lab.run("sbatch", "--parsable", "--hold", "--job-name=own-0", "--wrap=true").strip()
    step = 1
    while killed(config, "jobs", step):
        with Mesh.open("mongo", config=Config.load(config)) as mesh:
            found = mesh.jobs(refresh=True)
            assert found.errors == {}, f"step {step}"
            assert job in {row.id for row in found}, f"step {step}"
        step += 1
    assert step > 6
