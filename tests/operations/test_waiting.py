"""Waiting for what another process runs, and for what it ran when it was killed."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import OperationState

START = """
import sys
from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
mesh = Mesh.open("mongo", config=Config.load(sys.argv[1]))
cloud = mesh.clouds["india"]
real = cloud.start
def start(request):
    made = real(request) if sys.argv[2] == "after" else None
    print("there", flush=True)
    sys.stdin.readline()
    return made or real(request)
cloud.start = start
mesh.start(name="web")
mesh.close()
"""


def _started(config: Path, moment: str) -> "subprocess.Popen[str]":
    """Return a process in the middle of a start: before or after the cloud made the server."""
    process = subprocess.Popen(
        [sys.executable, "-c", START, str(config), moment],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    return process


def test_what_another_process_runs_is_waited_for(config: Path, keeper: Mesh) -> None:
    with _started(config, "before") as process, ThreadPoolExecutor(1) as pool:
        (asked,) = keeper.operations()
        assert asked.state is OperationState.RUNNING
        waiting = pool.submit(keeper.wait_operations, asked, timeout=60)
        process.communicate("go\n", timeout=60)
        (now,) = waiting.result(timeout=60).complete()
    assert process.returncode == 0
    assert now.state is OperationState.DONE
    assert [server.id for server in keeper.clouds["india"].servers()] == [now.result]


@pytest.mark.parametrize(("moment", "state"), [("before", "failed"), ("after", "done")])
def test_what_a_killed_process_ran_is_settled_by_who_waits(
    config: Path, keeper: Mesh, moment: str, state: str
) -> None:
    with _started(config, moment) as process, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(keeper.wait_operations, keeper.operations(), timeout=60)
        process.kill()
        assert process.wait(timeout=60) == -signal.SIGKILL
        found = waiting.result(timeout=60)
    (now,) = found
    assert now.state == state
    servers = [server.id for server in keeper.clouds["india"].servers()]
    assert servers == ([now.result] if state == "done" else [])
    if state == "failed":
        with pytest.raises(CloudmeshError, match="india has no server of it"):
            found.one()
        new = keeper.retry_operation(now.id)
        assert new.state is OperationState.DONE
        assert [s.id for s in keeper.clouds["india"].servers()] == [new.result]
