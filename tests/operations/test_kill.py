"""Kill -9 at every step: after the next command nothing is lost, doubled or unknown."""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import OperationState

VICTIM = Path(__file__).with_name("victim.py")
OVER = {OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED}


def _killed(config: Path, act: str, step: int) -> bool:
    done = subprocess.run(
        [sys.executable, str(VICTIM), str(config), act, str(step)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    assert (done.returncode == 0) == (done.stdout == "done\n")
    return done.returncode != 0


def _next_command(config: Path) -> Mesh:
    """What any next command does first."""
    return Mesh.open("mongo", config=Config.load(config))


def _truth(mesh: Mesh) -> None:
    """Check that the cloud, the view and the journal say the same."""
    at_cloud = Counter(server.name for server in mesh.clouds["india"].servers())
    in_view = Counter(server.name for server in mesh.servers("india"))
    assert at_cloud == in_view
    assert set(at_cloud.values()) <= {1}
    operations = mesh.operations(limit=None)
    assert {operation.state for operation in operations} <= OVER
    done = [o for o in operations if o.state == "done"]
    started = {o.result for o in done if o.act == "start"}
    deleted = {o.request["id"] for o in done if o.act == "delete"}
    assert {s.id for s in mesh.clouds["india"].servers()} == started - deleted


@pytest.mark.timeout(300)
def test_killed_while_starting(config: Path, keeper: Mesh) -> None:
    step = 1
    while _killed(config, "start", step):
        with _next_command(config) as mesh:
            _truth(mesh)
        step += 1
    assert step > 14, "claims, starts, puts and outcomes of two servers are steps"
    names = [operation.target for operation in keeper.operations(limit=None)]
    assert len(names) == len(set(names))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("act", ["delete", "stop"])
def test_killed_while_deleting_or_stopping(config: Path, keeper: Mesh, act: str) -> None:
    step, killed = 1, True
    while killed:
        if not keeper.servers("india", name="doomed", state="running"):
            keeper.delete(keeper.servers("india", name="doomed") or [keeper.start().one()])
            keeper.start(name="doomed")
        killed = _killed(config, act, step)
        with _next_command(config) as mesh:
            _truth(mesh)
        step += 1
    assert step > 6


@pytest.mark.timeout(300)
def test_killed_while_refreshing(config: Path, keeper: Mesh) -> None:
    keeper.start(count=3)
    cloud = keeper.clouds["india"]
    step, killed = 1, True
    while killed:
        first = next(iter(cloud.servers()))
        cloud.delete(first)
        killed = _killed(config, "refresh", step)
        with _next_command(config) as mesh:
            known = {s.name for s in mesh.servers("india", missing=True)}
            assert first.name in known, "what vanished is never silently dropped"
            mesh.refresh("india", "servers").complete()
            listed = {server.name for server in cloud.servers()}
            assert {s.name for s in mesh.servers("india")} == listed
        keeper.start()
        step += 1
    assert step > 3
