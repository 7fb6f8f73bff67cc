"""Twenty processes that look at one real Slurm: what reaches its controller."""

import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest
from tests.labs.slurm_lab import SlurmLab

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(400)]

LOOKERS = 20
MINUTES = 2.0
LIST = "REQUEST_JOB_INFO"

LOOKER = textwrap.dedent("""
    import sys, time
    from cloudmesh_sdk.mesh import Mesh

    with Mesh.open("mongo", config=sys.argv[1], user=sys.argv[2]) as mesh:
        end, looks = time.monotonic() + float(sys.argv[3]), 0
        while time.monotonic() < end:
            found = mesh.jobs().complete()
            assert sys.argv[4] in {job.id for job in found}, found
            looks += 1
            time.sleep(1)
    print(looks)
""")


@pytest.fixture
def config(slurm_lab: SlurmLab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("m")
    path = folder / "cloudmesh.yaml"
    path.write_text(
        f"store: {{directory: {folder}/mongo, linger: 0}}\n"
        "queues: {lab: {driver: slurm, transport: command}}\n"
    )
    return path


def _asked(lab: SlurmLab) -> Counter[str]:
    """Return what the controller counted, but for the questions that the count itself costs."""
    asked = Counter(lab.asked())
    for own in ("REQUEST_STATS_INFO",):
        asked.pop(own, None)
    return asked


def test_twenty_processes_cost_five_questions_in_two_minutes(
    config: Path, slurm_lab: SlurmLab
) -> None:
    job = slurm_lab.run("sbatch", "--parsable", "--hold", "--wrap=true").strip()
    with Mesh.open("mongo", config=Config.load(config)) as mesh:
        before = _asked(slurm_lab)
        lookers = [
            subprocess.Popen(
                [sys.executable, "-c", LOOKER, str(config), f"user{n}", str(60 * MINUTES), job],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for n in range(LOOKERS)
        ]
        said = [looker.communicate() for looker in lookers]
        after = _asked(slurm_lab)
        slurm_lab.run("scancel", job)
        assert [looker.returncode for looker in lookers] == [0] * LOOKERS, said
        looks = [int(out) for out, _ in said]
        assert min(looks) > 20, "each has looked all the time"
        assert sum(looks) > 1000
        reached = after - before
        client = {kind: n for kind, n in reached.items() if "JOB_INFO" in kind or "PING" in kind}
        assert client.keys() <= {LIST}, "a list is one question and no other"
        assert 4 <= client[LIST] <= 5
        (load,) = mesh.queue_load()
        assert load.by_kind == {"jobs": client[LIST]}, "what we count is what reached it"
