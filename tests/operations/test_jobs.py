"""Acts on jobs that a process left behind when it died: what their manager then says of them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.mesh.manager import Manager

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import UnavailableError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import JobState, Operation, OperationState
from cloudmesh_sdk.operations.runner import intent

CONFIG = "{profile: {username: albert}, queues: {fg: {driver: memory, interval: 0}}}"
DEAD = "elsewhere/1/2/3"


@pytest.fixture
def manager() -> Manager:
    found = Manager()
    found.settle = 0.0
    return found


@pytest.fixture
def mesh(manager: Manager) -> Iterator[Mesh]:
    with Mesh.open("memory", config=Config.parse(CONFIG)) as made:
        made.queues._open["fg"] = manager
        yield made


def left(mesh: Mesh, act: str, request: dict[str, Any], *, sent: bool = True) -> Operation:
    """Leave an operation of a process that is gone, asked for an hour ago."""
    before = datetime.now(UTC) - timedelta(hours=1)
    operation = intent("albert", act, "fg", "sim", request, account=mesh._scopes["fg"])
    fields = {"runner": DEAD, "lease": before, "created": before}
    mesh.store.journal.add([operation])
    state = OperationState.RUNNING if sent else OperationState.PENDING
    return _changed(mesh, operation, state=state, sent=before if sent else None, **fields)


def _changed(mesh: Mesh, operation: Operation, **fields: Any) -> Operation:
    now = mesh.store.journal.change(operation, **fields)
    assert now is not None
    return now


def settled(mesh: Mesh, operation: Operation) -> Operation:
    mesh.reconcile()
    now = mesh.store.journal.get(operation.id)
    assert now is not None
    return now


def test_a_job_that_was_handed_in_is_adopted(mesh: Mesh, manager: Manager) -> None:
    operation = left(mesh, "submit", {"queue": "batch"})
    manager.put("9", token=operation.token, state=JobState.PENDING)
    now = settled(mesh, operation)
    assert (now.state, now.result, now.error) == (OperationState.DONE, "9", None)
    assert [job.id for job in mesh.jobs()] == ["9"]
    assert manager.requests == []


def test_one_that_was_not_is_failed_and_never_handed_in_again(mesh: Mesh, manager: Manager) -> None:
    now = settled(mesh, left(mesh, "submit", {"queue": "batch"}))
    assert now.state is OperationState.FAILED
    assert now.error is not None
    assert "fg has no job of it" in now.error.message
    assert manager.requests == []


def test_one_that_was_never_sent_is_cancelled_without_a_question(
    mesh: Mesh, manager: Manager
) -> None:
    now = settled(mesh, left(mesh, "submit", {}, sent=False))
    assert now.state is OperationState.CANCELLED
    assert manager.asked == []


def test_while_the_manager_is_silent_it_is_unknown(
    mesh: Mesh, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = left(mesh, "submit", {})

    def silent(token: str) -> None:
        raise UnavailableError("fg: the controller is down")

    with monkeypatch.context() as down:
        down.setattr(manager, "find", silent)
        assert settled(mesh, operation).state is OperationState.UNKNOWN
    manager.put("9", token=operation.token)
    assert settled(mesh, operation).state is OperationState.DONE


@pytest.mark.parametrize(
    ("act", "before", "after"),
    [
        ("cancel_job", JobState.RUNNING, JobState.CANCELLED),
        ("hold_job", JobState.PENDING, JobState.HELD),
        ("release_job", JobState.HELD, JobState.PENDING),
    ],
)
def test_an_act_that_came_to_pass_is_adopted_and_one_that_did_not_is_failed(
    mesh: Mesh, manager: Manager, act: str, before: JobState, after: JobState
) -> None:
    manager.put("9", state=after)
    assert settled(mesh, left(mesh, act, {"id": "9"})).state is OperationState.DONE
    manager.put("9", state=before)
    failed = settled(mesh, left(mesh, act, {"id": "9"}))
    assert failed.state is OperationState.FAILED
    assert failed.error is not None
    assert act.removesuffix("_job") in failed.error.message


def test_a_cancel_of_one_that_is_gone_is_done(mesh: Mesh) -> None:
    now = settled(mesh, left(mesh, "cancel_job", {"id": "9"}))
    assert now.state is OperationState.DONE


def test_an_operation_of_another_manager_of_that_name_is_left_alone(
    mesh: Mesh, manager: Manager
) -> None:
    operation = left(mesh, "submit", {})
    _changed(mesh, operation, account="queue:another")
    assert settled(mesh, operation).state is OperationState.RUNNING
    assert manager.asked == []
