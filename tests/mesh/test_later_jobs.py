"""Acts on jobs that nobody waits for, and what of a job is kept until it is handed in."""

import importlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.mesh.conftest import Make
from tests.mesh.manager import Manager

from cloudmesh_sdk.errors import (
    AuthError,
    ConfigError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
)
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import Job, JobState, Operation, OperationState

SHARED = """
profile: {username: albert}
queues: {fg: {driver: memory, interval: 0, machines: {india: {queues: [batch, long]}}}}
"""
SECRET = "correct-horse"
DEAD = "elsewhere.example.org/1/0.00"


@pytest.fixture
def fg() -> Manager:
    return Manager("fg")


@pytest.fixture
def mesh(make: Make, fg: Manager, monkeypatch: pytest.MonkeyPatch) -> Mesh:
    made = make(SHARED)
    monkeypatch.setitem(made.queues._open, "fg", fg)
    return made


def over(mesh: Mesh, operation: Operation) -> Operation:
    """Wait until an operation is over; see that nothing of its parcel is left."""
    (now,) = mesh.wait_operations(operation, timeout=30)
    assert now == mesh.operation(now.id)
    assert (now.parcel, now.withheld) == ({}, ("command",))
    return now


def waiting(mesh: Mesh, **fields: Any) -> Operation:
    """Leave a job that waits for a worker, or as a runner that died left it."""
    (asked,) = mesh.later.elsewhere.submit("login", SECRET, name="fit")
    if not fields:
        return asked
    left = mesh.store.journal.change(asked, **fields)
    assert left is not None
    return left


def test_a_job_is_handed_in_without_waiting_and_its_command_is_dropped(
    mesh: Mesh, fg: Manager
) -> None:
    (asked,) = mesh.later.submit("python", "fit.py", name="fit", nodes=2, walltime="1h")
    assert (asked.state, asked.target, asked.later) == ("pending", "fit", True)
    assert asked.request == {"queue": "batch", "nodes": 2, "walltime": 3600}
    done = over(mesh, asked)
    (request,) = fg.requests
    assert (done.state, fg.table[str(done.result)].name) == ("done", "fit")
    assert (request.command, request.nodes, request.token) == (
        ("python", "fit.py"), 2, asked.token,
    )  # fmt: skip


def test_a_script_reaches_the_manager_as_it_is(mesh: Mesh, fg: Manager) -> None:
    text = "#!/bin/sh\necho $a.b\n"
    mesh.wait_operations(mesh.later.submit(script=text), timeout=30).complete()
    assert [(request.script, request.command) for request in fg.requests] == [(text, ())]


def test_what_waits_shows_no_command_in_words(mesh: Mesh) -> None:
    asked = waiting(mesh)
    assert asked.parcel == {"command": ["login", SECRET]}
    assert SECRET not in repr(mesh.operation(asked.id))


def test_what_a_manager_refuses_keeps_no_command(
    mesh: Mesh, fg: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> Job:
        raise QuotaError("no more jobs")

    monkeypatch.setattr(fg, "submit", refuse)
    asked = waiting(mesh)
    mesh.run_operation(asked.id)
    assert over(mesh, asked).state == "failed"
    with pytest.raises(InvalidRequestError, match="had command: that is not kept"):
        mesh.retry_operation(asked.id)


def test_what_cannot_be_sent_at_all_keeps_no_command(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AuthError("fg: the key is none")

    monkeypatch.setattr(mesh._polling, "use", refuse)
    asked = waiting(mesh)
    mesh.run_operation(asked.id)
    failed = over(mesh, asked)
    assert (failed.state, failed.attempts) == ("failed", 0)


def test_what_is_cancelled_while_it_waits_keeps_no_command(mesh: Mesh, fg: Manager) -> None:
    asked = waiting(mesh)
    assert mesh.cancel_operation(asked.id).state == "cancelled"
    assert over(mesh, asked).state == "cancelled"
    assert fg.requests == []


def _past(**fields: Any) -> dict[str, Any]:
    past = datetime.now(UTC) - timedelta(hours=1)
    return {"runner": DEAD, "lease": past, "sent": past, "attempts": 1, **fields}


def test_what_was_sent_by_a_dead_runner_and_is_not_there_is_sent_again(
    mesh: Mesh, fg: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconcile = importlib.import_module("cloudmesh_sdk.operations.reconcile")
    monkeypatch.setattr(reconcile, "_REST", timedelta(0))
    left = waiting(mesh, state=OperationState.RUNNING, **_past())
    mesh.reconcile()
    again = mesh.run_operation(left.id)
    assert again is not None
    assert (over(mesh, left).state, again.attempts) == ("done", 2)
    assert [r.command for r in fg.requests] == [("login", SECRET)]


@pytest.mark.parametrize("how", ["given up", "cancelled"])
def test_what_a_dead_runner_leaves_for_good_keeps_no_command(
    mesh: Mesh, fg: Manager, how: str
) -> None:
    wish = datetime.now(UTC) if how == "cancelled" else None
    attempts = 1 if wish else 5
    fields = _past(state=OperationState.RUNNING, cancelling=wish, attempts=attempts)
    left = waiting(mesh, **fields)
    mesh.reconcile()
    assert over(mesh, left).state == ("cancelled" if wish else "failed")
    assert fg.requests == []


def test_what_was_wanted_no_more_before_it_was_put_back_keeps_no_command(mesh: Mesh) -> None:
    past = datetime.now(UTC) - timedelta(hours=1)
    left = waiting(mesh, runner=DEAD, lease=past, cancelling=past)
    mesh.reconcile()
    assert over(mesh, left).state == "cancelled"


@pytest.mark.parametrize(
    ("act", "before", "after"),
    [
        ("cancel_jobs", JobState.RUNNING, JobState.CANCELLED),
        ("hold_jobs", JobState.PENDING, JobState.HELD),
        ("release_jobs", JobState.HELD, JobState.PENDING),
    ],
)
def test_jobs_are_acted_on_later(
    mesh: Mesh, fg: Manager, act: str, before: JobState, after: JobState
) -> None:
    for id_ in ("1", "2"):
        fg.put(id_, state=before)
    asked = getattr(mesh.later, act)(["1", "2"])
    assert [(o.cloud, o.request["id"], o.parcel) for o in asked] == [
        ("fg", "1", {}), ("fg", "2", {}),
    ]  # fmt: skip
    mesh.wait_operations(asked, timeout=30).complete()
    assert {fg.job(id_).state for id_ in ("1", "2")} == {after}


def test_elsewhere_a_job_waits_until_a_worker_comes(mesh: Mesh, fg: Manager) -> None:
    asked = waiting(mesh)
    assert (mesh.operation(asked.id).runner, fg.requests) == (None, [])
    stop = threading.Event()
    worker = threading.Thread(target=mesh.serve, args=(stop,))
    worker.start()
    try:
        assert over(mesh, asked).state == "done"
    finally:
        stop.set()
        worker.join(30)


Wrong = Callable[[Mesh], object]

WRONG: dict[str, tuple[Wrong, type[Exception], str]] = {
    "no job": (lambda mesh: mesh.later.cancel_jobs("4711"), NotFoundError, "4711"),
    "no machine": (lambda mesh: mesh.later.submit("a", machine="x"), ConfigError, "'x'"),
    "no command": (lambda mesh: mesh.later.submit(), InvalidRequestError, "a command or a script"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told_at_once_and_nothing_written_down(mesh: Mesh, what: str) -> None:
    act, kind, words = WRONG[what]
    with pytest.raises(kind, match=words):
        act(mesh)
    assert mesh.operations() == []


def test_variables_are_refused_as_they_would_be_written_down(mesh: Mesh) -> None:
    asked = [("fg", "fit", {"queue": "batch"})]
    with pytest.raises(InvalidRequestError, match=r"^environment would have to be written down"):
        mesh._deferring._acts.run(
            "submit", asked, secrets={"command": ["a"], "environment": {"KEY": SECRET}}
        )
    assert mesh.operations() == []
