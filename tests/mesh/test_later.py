"""Acts that nobody waits for: they wait in the journal, are run by whoever takes them, once."""

import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from cloudmesh_sdk.errors import (
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnavailableError,
)
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import Operation, OperationState, Server, ServerRequest
from cloudmesh_sdk.operations import feed
from cloudmesh_sdk.operations.reconcile import ATTEMPTS

DEAD = "elsewhere.example.org/1/0.00"
PAST = timedelta(hours=1)


@contextmanager
def served(mesh: Mesh) -> Iterator[None]:
    """Let a worker of this user run for a while."""
    stop = threading.Event()
    thread = threading.Thread(target=mesh.serve, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def waiting(mesh: Mesh, name: str = "web", **fields: Any) -> Operation:
    """Leave a start that waits for a runner, or as a runner that died left it."""
    (found,) = mesh.later.elsewhere.start(name=name, cloud="india")
    if not fields:
        return found
    left = mesh.store.journal.change(found, **fields)
    assert left is not None
    return left


def died(mesh: Mesh, attempts: int = 1, **fields: Any) -> Operation:
    """Leave a start that was sent by a runner that is gone, an hour ago."""
    past = datetime.now(UTC) - PAST
    left = {
        "state": OperationState.RUNNING, "runner": DEAD, "lease": past, "sent": past,
        "attempts": attempts, **fields,
    }  # fmt: skip
    return waiting(mesh, **left)


def names(mesh: Mesh) -> list[str]:
    return sorted(server.name for server in mesh.clouds["india"].servers())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what rests before it is sent again rest not long."""
    module = importlib.import_module("cloudmesh_sdk.operations.reconcile")
    monkeypatch.setattr(module, "_REST", timedelta(milliseconds=1))
    monkeypatch.setattr(module, "PATIENCE", timedelta(milliseconds=1))
    monkeypatch.setattr(feed, "_TEND", 0.05)


def test_what_is_asked_for_later_is_done_without_waiting(mesh: Mesh) -> None:
    before = names(mesh)
    asked = mesh.later.start(name="web-[1-3]", cloud="india")
    assert [o.target for o in asked] == ["web-1", "web-2", "web-3"]
    assert {o.state for o in asked} <= {OperationState.PENDING}
    done = mesh.wait_operations(asked, timeout=30).complete()
    assert {(o.state, o.done, o.total, o.attempts) for o in done} == {("done", 1, 1, 1)}
    assert names(mesh) == sorted([*before, "web-1", "web-2", "web-3"])
    assert {s.id for s in mesh.servers("india", name="web-[1-3]")} == {o.result for o in done}


def test_a_group_tells_how_many_servers_came(mesh: Mesh) -> None:
    (asked,) = mesh.later.start(count=4, cloud="india")
    assert (asked.done, asked.total) == (0, 4)
    (done,) = mesh.wait_operations(asked, timeout=30).complete()
    assert (done.done, done.total, len(done.results)) == (4, 4, 4)


@pytest.mark.parametrize(
    ("act", "state"), [("stop", "stopped"), ("reboot", "running"), ("delete", None)]
)
def test_servers_are_acted_on_later(mesh: Mesh, act: str, state: str | None) -> None:
    server = mesh.start(name="web", cloud="india").one()
    asked = getattr(mesh.later, act)("web")
    mesh.wait_operations(asked, timeout=30).complete()
    found = [s.state for s in mesh.clouds["india"].servers() if s.id == server.id]
    assert found == ([state] if state else [])


def test_elsewhere_it_waits_until_a_worker_comes(mesh: Mesh) -> None:
    asked = waiting(mesh)
    assert mesh.operation(asked.id) == asked
    assert (asked.state, asked.runner, asked.later) == ("pending", None, True)
    assert mesh.reconcile() == []
    with served(mesh):
        (done,) = mesh.wait_operations(asked, timeout=30).complete()
    assert (done.state, names(mesh).count("web")) == ("done", 1)


def test_one_that_waits_is_run_here_and_now_once(mesh: Mesh) -> None:
    asked = waiting(mesh)
    done = mesh.run_operation(asked.id)
    assert done is not None
    assert done.state == "done"
    assert mesh.run_operation(asked.id) is None
    assert names(mesh).count("web") == 1


def test_what_goes_wrong_is_journalled(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: ServerRequest) -> Server:
        raise QuotaError("no room")

    monkeypatch.setattr(mesh.clouds["india"], "start", refuse)
    failed = mesh.run_operation(waiting(mesh).id)
    assert failed is not None
    assert failed.error is not None
    assert (failed.state, failed.error.kind, failed.error.message) == (
        "failed", "QuotaError", "no room",
    )  # fmt: skip


def test_cancelled_while_it_waits_it_is_never_sent(mesh: Mesh) -> None:
    asked = waiting(mesh)
    assert mesh.cancel_operation(asked.id).state == "cancelled"
    with served(mesh):
        (other,) = mesh.wait_operations(waiting(mesh, "other"), timeout=30).complete()
    assert other.state == "done"
    assert "web" not in names(mesh)


def test_secrets_are_refused_as_they_would_be_written_down(mesh: Mesh) -> None:
    with pytest.raises(InvalidRequestError, match="user_data would have to be written down"):
        mesh._deferring.start(name="web", user_data="s3cret", cloud="india")
    assert mesh.operations() == []


def test_what_is_wrong_is_told_at_once(mesh: Mesh) -> None:
    with pytest.raises(NotFoundError, match="server 'nowhere'"):
        mesh.later.delete("nowhere")


def test_a_closed_mesh_leaves_what_was_not_sent_to_others(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, begun = threading.Event(), threading.Event()
    real = mesh.clouds["india"].start

    def held(request: ServerRequest) -> Server:
        begun.set()
        gate.wait(30)
        return real(request)

    monkeypatch.setattr(mesh.clouds["india"], "start", held)
    stop = threading.Event()
    worker = threading.Thread(target=mesh.serve, args=(stop,))
    worker.start()
    asked = mesh.later.elsewhere.start(name="web-[01-12]", cloud="india")
    assert begun.wait(30)
    stop.set()
    gate.set()
    worker.join(30)
    states = [mesh.operation(o.id) for o in asked]
    assert {o.state for o in states} == {"done", "pending"}
    assert {o.runner for o in states if o.state == "pending"} == {None}
    with served(mesh):
        mesh.wait_operations(asked, timeout=30).complete()
    assert len([name for name in names(mesh) if name.startswith("web-")]) == 12


# What dead runners leave


def test_taken_and_never_sent_it_waits_again(mesh: Mesh) -> None:
    past = datetime.now(UTC) - PAST
    left = waiting(mesh, runner=DEAD, lease=past)
    (now,) = mesh.reconcile()
    assert (now.id, now.state, now.runner, now.lease) == (left.id, "pending", None, None)


@pytest.mark.usefixtures("quick")
def test_sent_but_nothing_came_of_it_it_is_sent_again(mesh: Mesh) -> None:
    left = died(mesh)
    with served(mesh):
        (done,) = mesh.wait_operations(left, timeout=30).complete()
    assert (done.state, done.attempts, done.token) == ("done", 2, left.token)
    assert names(mesh).count("web") == 1


@pytest.mark.usefixtures("quick")
def test_sent_and_done_it_is_adopted(mesh: Mesh) -> None:
    left = died(mesh)
    lists = {key: tuple(value) for key, value in left.request.items() if isinstance(value, list)}
    request: dict[str, Any] = {**left.request, **lists}
    made = mesh.clouds["india"].start(ServerRequest(token=left.token, **request))
    with served(mesh):
        (done,) = mesh.wait_operations(left, timeout=30).complete()
    assert (done.state, done.result, done.attempts) == ("done", made.id, 1)
    assert names(mesh).count("web") == 1


@pytest.mark.usefixtures("quick")
def test_one_that_kills_its_runners_does_not_come_back_for_ever(mesh: Mesh) -> None:
    left = died(mesh, attempts=ATTEMPTS)
    (now,) = mesh.reconcile()
    assert now.error is not None
    assert (now.id, now.state, now.error.kind) == (left.id, "failed", "Lost")


@pytest.mark.usefixtures("quick")
def test_a_cloud_that_cuts_the_line_is_asked_again(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, sent = mesh.clouds["india"].start, list[str]()

    def cut(request: ServerRequest) -> Server:
        sent.append(request.token)
        if len(sent) < 3:
            raise UnavailableError("the line was cut")
        return real(request)

    monkeypatch.setattr(mesh.clouds["india"], "start", cut)
    asked = waiting(mesh)
    with served(mesh):
        (done,) = mesh.wait_operations(asked, timeout=30).complete()
    assert (done.state, done.attempts, sent) == ("done", 3, [asked.token] * 3)


def test_it_waits_for_the_account_that_it_was_asked_of(mesh: Mesh) -> None:
    left = waiting(mesh, account="another")
    assert mesh.run_operation(left.id) is None
    now = mesh.operation(left.id)
    assert (now.state, now.runner) == ("pending", None)
    assert "waits for the account of india" in now.message
    assert now.lease is not None
    assert now.lease > datetime.now(UTC)


def test_a_bug_of_a_driver_ends_no_worker(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[[ServerRequest], Server] = mesh.clouds["india"].start

    def buggy(request: ServerRequest) -> Server:
        if request.name == "bad":
            raise KeyError("flavor")
        return real(request)

    monkeypatch.setattr(mesh.clouds["india"], "start", buggy)
    bad = waiting(mesh, "bad")
    with served(mesh):
        (done,) = mesh.wait_operations(waiting(mesh, "good"), timeout=30).complete()
    assert done.state == "done"
    assert attrs.evolve(mesh.operation(bad.id)).state != "done"
