"""Kill -9 at every step, at a real OpenStack: nothing is lost, doubled or left unknown."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml
from tests.labs.openstack_lab import OpenstackLab
from tests.operations.killing import killed
from tests.providers.openstack.lab_project import Project, project

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import Operation, OperationState

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(900)]

OPEN = (OperationState.PENDING, OperationState.RUNNING, OperationState.UNKNOWN)
PATIENCE = 60.0
"""Seconds in which a cloud surely shows what it was asked for, or nothing."""


@pytest.fixture
def place(openstack_lab: OpenstackLab) -> Iterator[Project]:
    with project(openstack_lab) as place:
        place.router()
        yield place
        _emptied(place)


def _emptied(place: Project) -> None:
    """Delete what the operations made: a project with servers does not go."""
    with place.opened() as cloud:
        for address in cloud.floating_ips():
            cloud.release_floating_ip(address)
        for server in cloud.servers():
            cloud.delete(server)
        end = time.monotonic() + PATIENCE
        while list(cloud.servers()):
            assert time.monotonic() < end
            time.sleep(0.5)


@pytest.fixture
def config(place: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("m")
    entry = {
        "driver": "openstack",
        "auth_url": place.lab.auth_url,
        "username": place.user,
        "password": place.password,
        "project_name": place.name,
        "user_domain_name": place.lab.domain,
        "project_domain_name": place.lab.domain,
        "cache": False,
    }
    told = {
        "profile": {"username": "albert"},
        "store": {"directory": f"{folder}/mongo", "linger": 0},
        "clouds": {"india": entry},
    }
    path = folder / "cloudmesh.yaml"
    path.write_text(yaml.safe_dump(told))
    return path


def _settled(mesh: Mesh) -> Sequence[Operation]:
    """Return all operations once none is open, as the next commands would leave them."""
    end = time.monotonic() + PATIENCE
    while mesh.reconcile() and mesh.operations(state=OPEN):
        assert time.monotonic() < end
        time.sleep(1)
    return mesh.operations(limit=None)


def _made(operations: Sequence[Operation]) -> set[str | None]:
    done = [o for o in operations if o.state is OperationState.DONE]
    return {made for o in done for made in o.results or (o.result,)}


@pytest.mark.parametrize(
    ("act", "kind", "each"),
    [("start_many", "servers", 3), ("create_floating_ip", "floating_ips", 1)],
)
def test_killed_at_every_step(config: Path, act: str, kind: str, each: int) -> None:
    with Mesh.open("mongo", config=Config.load(config)) as keeper:
        keeper.refresh().complete()
        step, running = 1, True
        while running:
            running = killed(config, act, step)
            with Mesh.open("mongo", config=Config.load(config)) as mesh:
                operations = _settled(mesh)
                there = {row.id for row in getattr(mesh.clouds["india"], kind)()}
                assert there == _made(operations), f"step {step}"
                assert there == {row.id for row in getattr(mesh, kind)("india")}, f"step {step}"
                assert len(there) % each == 0
            step += 1
        assert step > 9
        assert there
