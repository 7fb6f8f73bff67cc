"""Two machines on one real Slurm: what each shows adds up to what Slurm itself says."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.labs.slurm_lab import SlurmLab

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import InvalidRequestError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import JobState

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(300)]

CONFIG = """
profile: {{username: albert}}
store: {{directory: {folder}/mongo, linger: 0}}
queues:
  lab:
    driver: slurm
    transport: command
    interval: 0
    machines:
      india: {{queues: [india, short]}}
      sierra: {{nodes: "s[001-004]"}}
"""

STATES = {
    "RUNNING": "running", "COMPLETING": "exiting", "COMPLETED": "done", "FAILED": "failed",
    "CANCELLED": "cancelled", "TIMEOUT": "timeout", "PENDING": "pending",
}  # fmt: skip
HELD = ("(JobHeldUser)", "(JobHeldAdmin)")


@pytest.fixture(scope="module")
def config(slurm_lab: SlurmLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A configuration, and jobs of all kinds: who ran, runs, waits, is held, at both machines."""
    folder = tmp_path_factory.mktemp("m")
    path = folder / "cloudmesh.yaml"
    path.write_text(CONFIG.format(folder=folder))
    batch = ("sbatch", "--parsable", "--time=5")
    long = ("--wrap=sleep 300",)
    lab = slurm_lab
    made = [
        lab.run(*batch, "--partition=india", "--wrap=true"),
        lab.run(*batch, "--partition=sierra", "--wrap=false"),
        lab.run(*batch, "--partition=india", "--mem=10", *long),
        lab.run(*batch, "--partition=shared", "--nodelist=s004", "--mem=10", *long),
        lab.run(*batch, "--partition=shared", "--nodelist=i004", "--mem=10", *long),
        lab.run(*batch, "--partition=india,sierra", "--begin=now+1hour", *long),
        lab.run(*batch, "--partition=india", "--hold", "--array=1-2000%3", *long),
        lab.run(*batch, "--partition=short", "--hold", *long),
        lab.run(*batch, "--partition=sierra", "--begin=now+1hour", "--array=0-9:3", *long),
    ]
    _until_quiet(lab)
    yield path
    lab.run("scancel", *(job.strip() for job in made))


def _until_quiet(lab: SlurmLab) -> None:
    """Wait until no job is between two states any more."""
    end = time.monotonic() + 60
    while True:
        words = {line.split()[1] for line in _lines(lab)}
        started = sum(line.split()[1] == "RUNNING" for line in _lines(lab))
        if not words & {"COMPLETING", "CONFIGURING"} and started >= 3:
            return
        assert time.monotonic() < end, _lines(lab)
        time.sleep(0.5)


def _lines(lab: SlurmLab) -> list[str]:
    """Return partitions, state and reason of every job, those of arrays one by one."""
    return lab.run(
        "squeue", "--noheader", "--all", "--array", "--states=all", "--format=%P %T %r"
    ).splitlines()


def _totals(lab: SlurmLab) -> dict[str, Counter[str]]:
    """Return what Slurm's own command counts, by partition."""
    found: dict[str, Counter[str]] = {}
    for line in _lines(lab):
        partitions, word, reason = line.split(maxsplit=2)
        held = word == "PENDING" and f"({reason})" in HELD
        for partition in partitions.split(","):
            found.setdefault(partition, Counter())["held" if held else STATES[word]] += 1
    return found


def test_totals_are_those_of_squeue(config: Path, slurm_lab: SlurmLab) -> None:
    with Mesh.open("mongo", config=Config.load(config)) as mesh:
        mine = {queue.name: queue.totals for queue in mesh.queue_info() if queue.totals}
    assert mine == _totals(slurm_lab)
    assert mine["india"]["held"] == 2000


def test_the_shell_tells_the_same(config: Path, slurm_lab: SlurmLab) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("cm"), "queue", "info", "--format", "json"],
        capture_output=True,
        text=True,
        env={**os.environ, "CLOUDMESH_CONFIG": str(config)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = {row["name"]: row["totals"] for row in json.loads(done.stdout) if row["totals"]}
    assert told == _totals(slurm_lab)


def test_each_machine_shows_its_own_and_a_job_of_both_counts_once(
    config: Path, slurm_lab: SlurmLab
) -> None:
    with Mesh.open("mongo", config=Config.load(config)) as mesh:
        jobs = mesh.jobs()
        by_queue = {(",".join(sorted(job.queues)), job.hosts): job.machines for job in jobs}
        assert by_queue["india,sierra", ""] == ("india", "sierra")
        assert by_queue["shared", "s004"] == ("sierra",)
        assert by_queue["shared", "i004"] == ("unassigned",)
        assert by_queue["short", ""] == ("india",)
        found = mesh.qstat()
        assert list(found) == ["india", "sierra", "unassigned"]
        both = next(job.id for job in jobs if job.machines == ("india", "sierra"))
        assert both in found["india"]
        assert both in found["sierra"]
        assert sum(map(len, found.values())) == len(jobs) + 1
        info = mesh.qinfo()
        assert set(info["india"]) == {"india", "short"}
        assert "sierra" in info["sierra"]
        assert sum(job.count for job in jobs) == len(_lines(slurm_lab))


def test_nodes_are_their_machines(config: Path, slurm_lab: SlurmLab) -> None:
    with Mesh.open("mongo", config=Config.load(config)) as mesh:
        found = {node.name: node.machines for node in mesh.nodes()}
    assert {name for name, machines in found.items() if "sierra" in machines} == {*slurm_lab.sierra}
    assert {name for name, machines in found.items() if "india" in machines} == {*slurm_lab.india}


def test_a_life_of_jobs(config: Path, tmp_path: Path) -> None:
    with Mesh.open("mongo", config=Config.load(config)) as mesh:
        first = mesh.submit(
            "sh", "-c", "echo hello $WHO; echo why >&2", machine="india", walltime="5m", memory=10,
            environment={"WHO": "world, 'all'"}, output=str(tmp_path / "out"),
            error=str(tmp_path / "err"),
        )  # fmt: skip
        bad = mesh.submit("sh", "-c", "exit 3", machine="sierra", walltime="5m", memory=10,
                          after={"afterany": first}, output="/dev/null")  # fmt: skip
        assert bad.queues == ("sierra",)
        heard: list[str] = []
        done = mesh.wait_jobs(
            [first, bad], timeout=120, told=lambda job: heard.append(f"{job.id} {job.state}")
        )
        assert done.errors == {}
        states = {job.id: (job.state, job.exit_code) for job in done}
        assert states == {first.id: (JobState.DONE, 0), bad.id: (JobState.FAILED, 3)}
        assert f"{bad.id} failed" in heard
        assert mesh.job_output(first.id) == "hello world, 'all'\n"
        assert mesh.job_output(first.id, error=True) == "why\n"
        with pytest.raises(InvalidRequestError, match="sierra has no queue 'india'"):
            mesh.submit("true", machine="sierra", queue="india")
        held = mesh.submit("sleep", "300", machine="india", held=True, memory=10)
        assert mesh.jobs(state="held", name=held.id)
        assert mesh.release_jobs(held).one().state in (JobState.PENDING, JobState.RUNNING)
        assert mesh.cancel_jobs(held).one().state in (JobState.CANCELLED, JobState.EXITING)
