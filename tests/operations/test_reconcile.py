"""What becomes of operations whose process is gone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import UnavailableError, UnsupportedError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import Operation, OperationState, ServerRequest
from cloudmesh_sdk.operations.process import identity, orphaned
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
    lost, never = _sent(mesh, "start"), _sent(mesh, "start", target="lost-2")

    def cannot(token: str) -> None:
        raise UnsupportedError(f"no tokens of {len(token)} characters here")

    monkeypatch.setattr(mesh.clouds["india"], "find", cannot)
    now = {o.id: o for o in mesh.reconcile()}
    assert (now[lost.id].state, now[lost.id].result) == (OperationState.DONE, server.id)
    assert now[never.id].state is OperationState.FAILED


def test_a_delete_is_finished(mesh: Mesh) -> None:
    server = mesh.start(cloud="india").one()
    _sent(mesh, "delete", request={"id": server.id})
    (now,) = mesh.reconcile()
    assert now.state is OperationState.DONE
    assert list(mesh.clouds["india"].servers()) == []
    assert mesh.servers("india") == []


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
    assert "may or may not have been rebooted" in now.error.message


def test_what_a_living_process_runs_is_left_alone(mesh: Mesh) -> None:
    mesh.store.journal.add([intent(mesh.user, "start", "india", "mine")])
    assert mesh.reconcile() == []


def test_who_is_gone() -> None:
    operation = intent("albert", "start", "india", "x")
    assert operation.runner == identity()
    assert not orphaned(operation)
    host, pid, _ = identity().split("/")
    assert orphaned(attrs.evolve(operation, runner=f"{host}/{pid}/0.00"))
    assert orphaned(attrs.evolve(operation, runner=f"{host}/999999999/0.00"))
    assert orphaned(attrs.evolve(operation, runner=None))
    elsewhere = attrs.evolve(operation, runner=DEAD)
    assert not orphaned(elsewhere)
    assert orphaned(attrs.evolve(elsewhere, lease=datetime.now(UTC) - timedelta(seconds=1)))


def test_other_users_operations_are_not_ours_to_settle(mesh: Mesh) -> None:
    _left(mesh, "start")
    mesh.activate("marie")
    assert mesh.reconcile() == []
