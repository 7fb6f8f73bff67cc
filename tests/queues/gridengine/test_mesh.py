"""The mesh on a real Grid Engine, by the example package as it is installed: two machines on it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.labs.gridengine_lab import GridEngineLab

pytestmark = pytest.mark.gridengine

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "examples" / "plugin-gridengine"

SCRIPT = """
import json, sys
import cloudmesh
from cloudmesh_sdk import Config

commands, jobs = sys.argv[1:]
config = Config.parse(f'''
profile: {{username: root}}
queues:
  grid:
    driver: gridengine
    path: {commands}
    interval: 1
    machines: {{india: {{queues: [india.q]}}, sierra: {{queues: ["sierra*"]}}}}
''')
told = {}
with cloudmesh.mesh("memory", config=config) as mesh:
    who = {"environment": {"WHO": "eva"}, "workdir": jobs}
    done = mesh.submit("sh", "-c", "echo $WHO", machine="sierra", **who)
    held = {"held": True, "workdir": jobs}
    either = mesh.submit("sleep", "60", name="either", machine="grid", **held)
    array = mesh.submit("sleep", "60", name="array", machine="india", array="1-4", **held)
    told["placed"] = [done.queues, either.machines, array.machines]
    (ended,) = mesh.wait_jobs(done, timeout=60).complete()
    told["ended"] = [ended.state, ended.exit_code, mesh.job_output(done)]
    mesh.jobs(refresh=True)
    told["qinfo"] = {
        machine: {name: queue["totals"] for name, queue in queues.items()}
        for machine, queues in mesh.qinfo().items()
    }
    told["qstat"] = {
        machine: sorted(job["name"] for job in jobs.values())
        for machine, jobs in mesh.qstat().items()
    }
    mesh.release_jobs(array.id).complete()
    told["cancelled"] = [job.state for job in mesh.cancel_jobs([either, array]).complete()]
    told["nodes"] = [node.machines for node in mesh.nodes()]
    told["driver"] = mesh.queue_load()[0].driver
print(json.dumps(told))
"""


def test_two_machines_share_a_grid_engine(gridengine_lab: GridEngineLab, tmp_path: Path) -> None:
    known = tmp_path / "cloudmesh_gridengine-0.1.0.dist-info"  # what an installation leaves
    known.mkdir()
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: cloudmesh-gridengine\n")
    (known / "entry_points.txt").write_text(
        "[cloudmesh.queues]\ngridengine = cloudmesh_gridengine:GridEngineQueue\n"
    )
    path = os.pathsep.join([str(tmp_path), str(PACKAGE / "src")])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, gridengine_lab.commands, gridengine_lab.jobs],
        env={**os.environ, "PYTHONPATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["driver"] == "gridengine"
    assert told["placed"] == [["sierra.q"], ["india", "sierra"], ["india"]]
    assert told["ended"] == ["done", 0, "eva\n"]
    assert told["qinfo"] == {
        "india": {"india.q": {"held": 5}}, "sierra": {"sierra.q": {"held": 1}},
    }  # fmt: skip
    assert told["qstat"] == {"india": ["array", "either"], "sierra": ["either"]}
    assert set(told["cancelled"]) <= {"cancelled", "exiting"}
    assert told["nodes"] == [["india", "sierra"]]
