"""Kill -9 at every step: after the next command nothing is lost, doubled or unknown."""

import threading
from collections import Counter
from pathlib import Path

import pytest
from tests.operations.killing import killed

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.providers.memory import MemoryCloud

OVER = {OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED}


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
    started = {made for o in done if o.act in ("start", "start_many") for made in _made(o)}
    deleted = {o.request["id"] for o in done if o.act == "delete"}
    assert {s.id for s in mesh.clouds["india"].servers()} == started - deleted


def _made(operation: Operation) -> tuple[str | None, ...]:
    return operation.results or (operation.result,)


def _truth_of(mesh: Mesh, kind: str, act: str) -> None:
    """Check that the cloud, the view and the journal say the same of things that an act makes."""
    at_cloud = {row.id for row in getattr(mesh.clouds["india"], kind)()}
    in_view = {row.id for row in getattr(mesh, kind)("india")}
    assert at_cloud == in_view
    operations = [o for o in mesh.operations(limit=None) if o.act == act]
    assert {operation.state for operation in operations} <= OVER
    made = [o.result for o in operations if o.state == "done"]
    assert len(made) == len(set(made))
    assert at_cloud - {"default", "sg-default"} >= set(made)
    assert len(at_cloud) - len(made) <= 1, "nothing is there that no operation made, but a default"


@pytest.mark.timeout(300)
def test_killed_while_starting(config: Path, keeper: Mesh) -> None:
    step = 1
    while killed(config, "start", step):
        with _next_command(config) as mesh:
            _truth(mesh)
        step += 1
    assert step > 14, "claims, starts, puts and outcomes of two servers are steps"
    names = [operation.target for operation in keeper.operations(limit=None)]
    assert len(names) == len(set(names))
    assert keeper.orphans().complete() == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("act", "attempts"), [("start_busy", 2), ("start_lying", 1)])
def test_killed_while_a_start_is_tried_again(
    config: Path, keeper: Mesh, act: str, attempts: int
) -> None:
    text = config.read_text()
    config.write_text(text.replace("india.json}", "india.json, limits: {rate: 1000}}"))
    step = 1
    while killed(config, act, step):
        with _next_command(config) as mesh:
            _truth(mesh)
        step += 1
    assert step > 12, "the intent, the claims, the doubt, the start, the put, the outcome"
    last = keeper.operations()[0]
    assert (last.state, last.attempts) == ("done", attempts)


def _work_off(mesh: Mesh) -> None:
    """Be a worker until nothing waits any more."""
    stop = threading.Event()
    worker = threading.Thread(target=mesh.serve, args=(stop,))
    worker.start()
    try:
        mesh.wait_operations([*mesh.operations(limit=None)], timeout=60)
    finally:
        stop.set()
        worker.join(30)


@pytest.mark.timeout(300)
def test_killed_while_it_is_cancelled(config: Path, keeper: Mesh) -> None:
    """Each second step is enough: after one call is as good as before the next."""
    step = 1
    while killed(config, "start_unwanted", step):
        with _next_command(config) as mesh:
            _work_off(mesh)
            _truth(mesh)
        step += 2
    found = keeper.operations(limit=None)
    there = {server.name for server in keeper.clouds["india"].servers()}
    unwanted = {o.target for o in found if o.cancelling is not None}
    assert len(unwanted) >= 3, "the doubt, the outcome, and the one that is not killed"
    assert not unwanted & there
    assert {o.target for o in found if o.state == "cancelled"} == unwanted
    assert there == {o.target for o in found if o.state == "done"}


@pytest.mark.timeout(300)
def test_a_worker_killed_while_starting_is_followed_by_another(config: Path, keeper: Mesh) -> None:
    step = 1
    while killed(config, "start_later", step):
        with _next_command(config) as mesh:
            _work_off(mesh)
            _truth(mesh)
            assert {o.state for o in mesh.operations(limit=None)} <= {"done"}
        step += 1
    assert step > 9, "the number, the intent, the taking, the claim, the start, the outcome"
    operations = keeper.operations(limit=None)
    assert len({operation.target for operation in operations}) == len(operations)
    assert len(list(keeper.clouds["india"].servers())) == len(operations)
    assert keeper.orphans().complete() == []


@pytest.mark.timeout(300)
def test_killed_while_starting_a_group(config: Path, keeper: Mesh) -> None:
    step = 1
    while killed(config, "start_many", step):
        with _next_command(config) as mesh:
            _truth(mesh)
        step += 1
    assert step > 9, "the number, the intent, the claim, the start, three puts, the outcome"
    groups = [o for o in keeper.operations(limit=None) if o.state == "done"]
    assert groups
    assert {len(operation.results) for operation in groups} == {3}
    assert len({operation.target for operation in groups}) == len(groups)
    assert keeper.orphans().complete() == []


MADE = {
    "create_floating_ip": "floating_ips",
    "create_volume": "volumes",
    "create_snapshot": "snapshots",
    "create_security_group": "security_groups",
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("act", MADE)
def test_killed_while_creating(config: Path, keeper: Mesh, act: str) -> None:
    if act == "create_snapshot":
        keeper.create_volume("disk", 1)
    getattr(keeper, MADE[act])("india")
    step = 1
    while killed(config, act, step):
        with _next_command(config) as mesh:
            _truth_of(mesh, MADE[act], act)
        step += 1
    assert step > 6
    assert "done" in {o.state for o in keeper.operations() if o.act == act}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("act", ["attach_floating_ip", "attach_volume"])
def test_killed_while_attaching(config: Path, keeper: Mesh, act: str) -> None:
    server = keeper.start(name="doomed").one()
    keeper.servers()
    address = keeper.create_floating_ip()
    volume = keeper.create_volume("disk", 1)
    cloud = keeper.clouds["india"]
    assert isinstance(cloud, MemoryCloud)
    step = 1
    while killed(config, act, step):
        with _next_command(config) as mesh:
            shown = mesh.server("india", "doomed").public_ips
            assert shown == cloud.server(server.id).public_ips
            assert mesh.volume("india", "disk").server == cloud.volume(volume.id).server
            (there,) = cloud.floating_ips()
            assert mesh.floating_ip("india", address.id) == there
            done = {o.state for o in mesh.operations(limit=None) if o.act == act}
            assert done <= OVER
            mesh.detach_floating_ip(address)
            mesh.detach_volume("disk")
        step += 1
    assert step > 8


@pytest.mark.timeout(300)
@pytest.mark.parametrize("act", ["delete", "stop"])
def test_killed_while_deleting_or_stopping(config: Path, keeper: Mesh, act: str) -> None:
    step, again = 1, True
    while again:
        if not keeper.servers("india", name="doomed", state="running"):
            keeper.delete(keeper.servers("india", name="doomed") or [keeper.start().one()])
            keeper.start(name="doomed")
        again = killed(config, act, step)
        with _next_command(config) as mesh:
            _truth(mesh)
        step += 1
    assert step > 6
    assert keeper.orphans().complete() == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("act", ["refresh", "refresh_whole"])
def test_killed_while_refreshing(config: Path, keeper: Mesh, act: str) -> None:
    keeper.start(count=3)
    cloud = keeper.clouds["india"]
    step, again = 1, True
    while again:
        first = next(iter(cloud.servers()))
        cloud.delete(first)
        again = killed(config, act, step)
        with _next_command(config) as mesh:
            known = {s.name for s in mesh.servers("india", missing=True)}
            assert first.name in known, "what vanished is never silently dropped"
            mesh.refresh("india", "servers").complete()
            listed = {server.name for server in cloud.servers()}
            assert {s.name for s in mesh.servers("india")} == listed
        keeper.start()
        step += 1
    assert step > 3
