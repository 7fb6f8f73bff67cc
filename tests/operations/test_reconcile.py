"""What becomes of operations whose process is gone."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import (
    BackendTimeoutError,
    StoreError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import Operation, OperationState, Record, Server, ServerRequest
from cloudmesh_sdk.operations.process import HELD, identity, orphaned
from cloudmesh_sdk.operations.runner import intent

DEAD = "elsewhere.example.org/1/0.00"


@pytest.fixture
def mesh() -> Mesh:
    return Mesh.open("memory", config=Config.parse("clouds: {india: {driver: memory}}"))


def _left(mesh: Mesh, act: str, **fields: Any) -> Operation:
    """Leave an operation behind as a process that died would."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    dead = {"runner": DEAD, "lease": past, **fields}
    operation = attrs.evolve(intent(mesh.user, act, "india", "lost-1"), **dead)
    mesh.store.journal.add([operation])
    return operation


def _sent(mesh: Mesh, act: str, **fields: Any) -> Operation:
    sent = datetime.now(UTC) - timedelta(minutes=1)
    return _left(mesh, act, state=OperationState.RUNNING, attempts=1, sent=sent, **fields)


def test_what_was_never_sent_is_cancelled(mesh: Mesh) -> None:
    left = _left(mesh, "start")
    (now,) = mesh.reconcile()
    assert (now.id, now.state) == (left.id, OperationState.CANCELLED)
    assert now.finished is not None
    assert mesh.clouds["india"].calls == 0


def test_a_start_that_arrived_is_adopted(mesh: Mesh) -> None:
    left = _sent(mesh, "start")
    image = mesh.images("india")[0].id
    flavor = mesh.flavors("india")[0].id
    mesh.servers("india")
    request = ServerRequest(name="lost-1", image=image, flavor=flavor, token=left.token)
    server = mesh.clouds["india"].start(request)
    (now,) = mesh.reconcile()
    assert (now.state, now.result) == (OperationState.DONE, server.id)
    assert [s.name for s in mesh.servers("india")] == ["lost-1"]


def test_a_start_that_did_not_arrive_is_failed_and_says_so(mesh: Mesh) -> None:
    _sent(mesh, "start")
    (now,) = mesh.reconcile()
    assert now.state is OperationState.FAILED
    assert now.error is not None
    assert "india has no server of it" in now.error.message


def test_a_start_that_a_cloud_may_not_show_yet_is_asked_again(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sent(mesh, "start")
    monkeypatch.setattr(mesh.clouds["india"], "settle", 3600.0)
    (now,) = mesh.reconcile()
    assert now.state is OperationState.UNKNOWN
    monkeypatch.setattr(mesh.clouds["india"], "settle", 0.0)
    (now,) = mesh.reconcile()
    assert now.state is OperationState.FAILED


def test_while_the_cloud_is_silent_it_stays_unknown(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sent(mesh, "start")

    def silent(token: str) -> None:
        raise UnavailableError(f"cannot ask for {len(token)}")

    monkeypatch.setattr(mesh.clouds["india"], "find", silent)
    (now,) = mesh.reconcile()
    assert now.state is OperationState.UNKNOWN
    assert now.finished is None
    assert mesh.reconcile(patient=True) == [], "the next command does not wait for it again"
    assert len(mesh.reconcile()) == 1


def test_where_servers_carry_no_token_the_name_tells(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = mesh.start(name="lost-1").one()
    old = mesh.start(name="lost-3").one()
    lost, never = _sent(mesh, "start"), _sent(mesh, "start", target="lost-2")

    def cannot(token: str) -> None:
        raise UnsupportedError(f"no tokens of {len(token)} characters here")

    monkeypatch.setattr(mesh.clouds["india"], "find", cannot)
    now = {o.id: o for o in mesh.reconcile()}
    assert (now[lost.id].state, now[lost.id].result) == (OperationState.DONE, server.id)
    assert now[never.id].state is OperationState.FAILED
    later = datetime.now(UTC) + timedelta(hours=1)
    doubtful = _sent(mesh, "start", target="lost-3")
    mesh.store.journal.change(doubtful, sent=later)
    (now_doubtful,) = mesh.reconcile()
    assert now_doubtful.state is OperationState.FAILED, "it was there before"
    assert now_doubtful.error is not None
    assert old.id in now_doubtful.error.message


def test_a_delete_is_finished(mesh: Mesh) -> None:
    server = mesh.start(cloud="india").one()
    _sent(mesh, "delete", request={"id": server.id})
    (now,) = mesh.reconcile()
    assert now.state is OperationState.DONE
    assert list(mesh.clouds["india"].servers()) == []
    assert mesh.servers("india") == []


def test_a_stop_is_not_repeated_when_something_was_asked_for_since(mesh: Mesh) -> None:
    server = mesh.start(name="lost-1", cloud="india").one()
    _sent(mesh, "stop", request={"id": server.id})
    mesh.resume(server)
    (now,) = mesh.reconcile()
    assert now.state is OperationState.FAILED
    assert mesh.clouds["india"].server(server.id).state == "running"


def test_a_stop_of_yesterday_is_not_repeated(mesh: Mesh) -> None:
    server = mesh.start(cloud="india").one()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    _sent(mesh, "stop", request={"id": server.id}, created=yesterday)
    (now,) = mesh.reconcile()
    assert now.state is OperationState.FAILED
    assert mesh.clouds["india"].server(server.id).state == "running"


def test_a_cloud_that_is_configured_no_more_is_given_up_in_the_end(mesh: Mesh) -> None:
    _sent(mesh, "start", cloud="gone")
    (now,) = mesh.reconcile()
    assert now.state is OperationState.UNKNOWN
    long_ago = datetime.now(UTC) - timedelta(days=8)
    _sent(mesh, "start", cloud="gone", created=long_ago)
    states = {o.created == long_ago: o.state for o in mesh.reconcile()}
    assert states == {True: OperationState.FAILED, False: OperationState.UNKNOWN}


def test_an_act_of_a_newer_version_stops_no_other(mesh: Mesh) -> None:
    odd, lost = _sent(mesh, "teleport"), _sent(mesh, "start", target="lost-2")
    now = {o.id: o for o in mesh.reconcile()}
    assert now[odd.id].state is OperationState.FAILED
    assert now[lost.id].state is OperationState.FAILED
    error = now[odd.id].error
    assert error is not None
    assert "no act 'teleport'" in error.message


def test_a_start_that_ran_out_of_time_may_still_arrive(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.servers()
    requests: list[ServerRequest] = []

    def late(request: ServerRequest) -> None:
        requests.append(request)
        raise BackendTimeoutError("no answer within 60 s")

    cloud = mesh.clouds["india"]
    real = cloud.start
    monkeypatch.setattr(cloud, "start", late)
    with pytest.raises(BackendTimeoutError):
        mesh.start(cloud="india")
    (operation,) = mesh.operations()
    assert operation.state is OperationState.UNKNOWN, "it is too early to say"
    server = real(requests[0])
    (now,) = mesh.reconcile()
    assert (now.state, now.result) == (OperationState.DONE, server.id)


def test_a_driver_that_trips_leaves_nothing_open(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.servers()

    def trip(request: ServerRequest) -> object:
        return dict[str, object]()[request.name]

    monkeypatch.setattr(mesh.clouds["india"], "start", trip)
    with pytest.raises(UnavailableError, match="the driver failed: KeyError"):
        mesh.start(cloud="india")
    assert [o.state for o in mesh.operations()] == [OperationState.FAILED]


def test_a_store_that_fails_after_the_act_loses_nothing(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.servers()

    def full(owner: str, record: Record) -> None:
        raise StoreError(f"no room for {record.name} of {owner}")

    with monkeypatch.context() as broken:
        broken.setattr(mesh.store.view, "put", full)
        with pytest.raises(StoreError):
            mesh.start(cloud="india")
    (now,) = mesh.reconcile()
    assert now.state is OperationState.DONE
    assert [s.id for s in mesh.servers("india")] == [now.result]


def test_threads_that_reconcile_at_once_ask_once(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = mesh.start(cloud="india").one()
    _sent(mesh, "stop", request={"id": server.id})
    cloud = mesh.clouds["india"]
    real, stops = cloud.stop, []

    def counted(which: Server) -> None:
        stops.append(which.id)
        time.sleep(0.05)
        real(which)

    monkeypatch.setattr(cloud, "stop", counted)
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda _: mesh.reconcile(), range(3)))
    assert stops == [server.id]
    assert sum(map(len, runs)) == 1


def test_a_stop_is_finished_and_a_reboot_is_not_repeated(mesh: Mesh) -> None:
    server = mesh.start(cloud="india").one()
    _sent(mesh, "stop", request={"id": server.id})
    (now,) = mesh.reconcile()
    assert now.state is OperationState.DONE
    assert mesh.server("india", server.id).state == "stopped"
    _sent(mesh, "reboot", request={"id": server.id})
    (now,) = mesh.reconcile()
    assert now.state is OperationState.FAILED
    assert now.error is not None
    assert "whether india was asked to reboot it is not known" in now.error.message


def test_what_a_living_process_runs_is_left_alone(mesh: Mesh) -> None:
    operation = intent(mesh.user, "start", "india", "mine")
    HELD.take([operation.id])
    mesh.store.journal.add([operation])
    assert mesh.reconcile() == []
    HELD.leave([operation.id])
    assert [o.state for o in mesh.reconcile()] == ["cancelled"]


def test_who_is_gone() -> None:
    operation = intent("albert", "start", "india", "x")
    assert operation.runner is not None
    assert operation.runner.startswith(identity())
    assert orphaned(operation), "this process lives, but does not work on it"
    HELD.take([operation.id])
    assert not orphaned(operation)
    HELD.leave([operation.id])
    host, pid, _ = identity().split("/")
    assert orphaned(attrs.evolve(operation, runner=f"{host}/{pid}/0.00"))
    assert orphaned(attrs.evolve(operation, runner=f"{host}/999999999/0.00"))
    assert orphaned(attrs.evolve(operation, runner=None))
    elsewhere = attrs.evolve(operation, runner=DEAD)
    assert not orphaned(elsewhere)
    assert orphaned(attrs.evolve(elsewhere, lease=datetime.now(UTC) - timedelta(seconds=1)))


TELL = """
import sys
from cloudmesh_sdk.operations.process import claim
print(claim(), flush=True)
sys.stdin.readline()
"""


def test_another_process_lives_until_it_ends_and_a_zombie_does_not() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", TELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    runner = process.stdout.readline().strip()
    operation = attrs.evolve(intent("albert", "start", "india", "x"), runner=runner)
    assert not orphaned(operation)
    process.kill()
    end = time.monotonic() + 10
    while not orphaned(operation):  # killed and not waited for: a zombie
        assert time.monotonic() < end
        time.sleep(0.01)
    process.communicate()
    assert orphaned(operation)


def test_other_users_operations_are_not_ours_to_settle(mesh: Mesh) -> None:
    _left(mesh, "start")
    mesh.activate("marie")
    assert mesh.reconcile() == []
