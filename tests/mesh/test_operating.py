"""Waiting for operations, cancelling them, asking again: whoever runs them."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from cloudmesh_sdk.errors import (
    BackendTimeoutError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnsupportedError,
)
from cloudmesh_sdk.mesh import Mesh, settling
from cloudmesh_sdk.models import Operation, OperationState, Server, ServerRequest
from cloudmesh_sdk.operations.runner import intent

DEAD = "elsewhere.example.org/1/0.00"


def left(mesh: Mesh, act: str = "start", **fields: Any) -> Operation:
    """Leave an operation as a process that is gone would."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    found = attrs.evolve(
        intent(mesh.user, act, "india", "lost-1"), **{"runner": DEAD, "lease": past, **fields}
    )
    mesh.store.journal.add([found])
    return found


def failed(mesh: Mesh, monkeypatch: pytest.MonkeyPatch, **asked: Any) -> Operation:
    """Return a start that the cloud refused, and lets through the next time."""

    def refuse(_: ServerRequest) -> Server:
        raise QuotaError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(mesh.clouds["india"], "start", refuse)
        with pytest.raises(QuotaError, match="no room"):
            mesh.start(cloud="india", name="web", **asked)
    (found,) = (o for o in mesh.operations() if o.act == "start")
    return found


class Gate:
    """Holds the starts of a cloud until it is opened."""

    def __init__(self, mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
        cloud = mesh.clouds["india"]
        real = cloud.start
        self._open = threading.Event()

        def held(request: ServerRequest) -> Server:
            assert self._open.wait(30)
            return real(request)

        monkeypatch.setattr(cloud, "start", held)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    mesh.refresh("india")
    gate = Gate(mesh, monkeypatch)
    yield gate
    gate.open()


def until(true: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def running(mesh: Mesh) -> Sequence[Operation]:
    return mesh.operations(state="running", limit=None)


# Waiting


def test_what_another_thread_runs_is_waited_for(mesh: Mesh, gate: Gate) -> None:
    starting = threading.Thread(target=lambda: mesh.start(name="w-[1-3]", cloud="india"))
    starting.start()
    until(lambda: len(running(mesh)) == 3)
    asked = mesh.operations()
    late = mesh.wait_operations(asked, timeout=0)
    assert [type(e) for e in late.errors.values()] == [BackendTimeoutError] * 3
    assert "is running after 0 s" in str(late.errors[asked[0].id])
    told: list[Operation] = []
    threading.Timer(0.1, gate.open).start()
    found = mesh.wait_operations([o.id[:10] for o in asked], timeout=30, told=told.append)
    starting.join()
    assert found.errors == {}
    assert [o.id for o in found] == [o.id for o in asked]
    assert {o.state for o in found} == {OperationState.DONE}
    assert sorted(o.id for o in told) == sorted(o.id for o in asked)


def test_what_nobody_runs_any_more_is_settled_while_waiting(mesh: Mesh) -> None:
    never = left(mesh)
    sent = datetime.now(UTC) - timedelta(minutes=1)
    lost = left(mesh, state=OperationState.RUNNING, attempts=1, sent=sent, target="lost-2")
    made = left(mesh, state=OperationState.RUNNING, attempts=1, sent=sent, target="lost-3")
    image, flavor = mesh.images("india")[0].id, mesh.flavors("india")[0].id
    request = ServerRequest(name="lost-3", image=image, flavor=flavor, token=made.token)
    server = mesh.clouds["india"].start(request)
    found = {o.id: o for o in mesh.wait_operations([never, lost, made], timeout=30)}
    assert found[never.id].state is OperationState.CANCELLED
    assert found[lost.id].state is OperationState.FAILED
    assert (found[made.id].state, found[made.id].result) == (OperationState.DONE, server.id)
    errors = mesh.wait_operations([never, lost, made]).errors
    assert set(errors) == {never.id, lost.id}
    assert "was cancelled: it was never sent" in str(errors[never.id])
    assert "india has no server of it" in str(errors[lost.id])


def test_one_that_failed_says_so_as_the_act_did(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = failed(mesh, monkeypatch)
    told: list[Operation] = []
    found = mesh.wait_operations(old, told=told.append)
    assert isinstance(found.errors[old.id], QuotaError)
    assert [o.id for o in told] == [old.id]


def test_an_operation_that_there_is_not_is_refused(mesh: Mesh) -> None:
    other = attrs.evolve(intent("berta", "start", "india", "w"))
    mesh.store.journal.add([other])
    with pytest.raises(NotFoundError, match="0 operations have an id that begins with"):
        mesh.wait_operations(other.id)
    with pytest.raises(NotFoundError):
        mesh.cancel_operation(other.id)
    with pytest.raises(NotFoundError):
        mesh.retry_operation(other.id)


def test_a_cloud_that_cannot_know_yet_is_asked_less_and_less(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "_AGAIN", (0.01, 10.0))
    monkeypatch.setattr(settling, "_LEAST", 0.001)
    cloud = mesh.clouds["india"]
    asked: list[str] = []
    monkeypatch.setattr(cloud, "settle", 3600.0)
    monkeypatch.setattr(cloud, "find", asked.append)
    lost = left(mesh, state=OperationState.RUNNING, attempts=1, sent=datetime.now(UTC))
    late = mesh.wait_operations(lost, timeout=0.5)
    assert "is unknown after 0.5 s: india may not show it yet" in str(late.errors[lost.id])
    assert 2 <= len(asked) <= 7, "0.01 s is doubled each time: 0, 0.02, 0.06, 0.14, 0.3 …"


# Cancelling


def test_what_is_pending_is_cancelled_and_never_sent(mesh: Mesh, gate: Gate) -> None:
    """More are asked for than the cloud is asked at a time; one of those that wait is cancelled."""
    at_once = mesh.config.clouds["india"].limits.parallel
    many = at_once + 4
    thread = threading.Thread(target=lambda: mesh.start(name=f"w-[1-{many}]", cloud="india"))
    thread.start()
    until(lambda: len(running(mesh)) == at_once)
    pending = mesh.operations(state="pending")[0]
    now = mesh.cancel_operation(pending.id[:10])
    assert (now.id, now.state) == (pending.id, OperationState.CANCELLED)
    assert now.finished is not None
    gate.open()
    thread.join()
    names = {server.name for server in mesh.clouds["india"].servers()}
    assert len([name for name in names if name.startswith("w-")]) == many - 1
    assert pending.target not in names
    assert mesh.operation(pending.id).state is OperationState.CANCELLED


def test_what_is_sent_has_a_wish_and_ends(mesh: Mesh, gate: Gate) -> None:
    heard: list[Any] = []
    thread = threading.Thread(target=lambda: heard.append(mesh.start(name="w", cloud="india")))
    thread.start()
    until(lambda: len(running(mesh)) == 1)
    (sent,) = running(mesh)
    now = mesh.cancel_operation(sent.id, timeout=0)
    assert (now.state, now.progress) == (OperationState.RUNNING, "cancelling")
    late = mesh.cancel_operations(now, timeout=0)
    assert [o.cancelling for o in late] == [now.cancelling], "asked for once, at first"
    assert "is running after 0 s; it is never sent again" in str(late.errors[sent.id])
    threading.Timer(0.1, gate.open).start()
    told: list[Operation] = []
    found = mesh.cancel_operations([sent, sent.id[:10]], timeout=30, told=told.append)
    thread.join()
    (done,) = found
    assert told == [done]
    assert (done.state, done.message) == ("done", "it was there before it could be cancelled")
    assert str(found.errors[sent.id]) == (
        f"start w ({sent.id}) was done before it could be cancelled: cm vm delete w undoes it"
    )
    assert [server.name for server in heard[0]] == ["w"]
    assert mesh.server("india", "w").id == done.result
    with pytest.raises(ConflictError, match=r"is done already: cm vm delete w undoes it$"):
        mesh.cancel_operation(sent.id)


def test_what_a_dead_process_left_is_cancelled_where_nothing_came_of_it(mesh: Mesh) -> None:
    sent = datetime.now(UTC) - timedelta(minutes=1)
    lost = left(mesh, state=OperationState.RUNNING, attempts=1, sent=sent)
    made = left(mesh, state=OperationState.UNKNOWN, attempts=1, sent=sent, target="lost-3")
    never = left(mesh, target="lost-4")
    over = left(mesh, state=OperationState.FAILED, target="lost-5")
    image, flavor = mesh.images("india")[0].id, mesh.flavors("india")[0].id
    request = ServerRequest(name="lost-3", image=image, flavor=flavor, token=made.token)
    server = mesh.clouds["india"].start(request)
    told: list[Operation] = []
    found = mesh.cancel_operations([lost, made, never, over], timeout=30, told=told.append)
    assert {o.target: o.state for o in found} == {
        "lost-1": "cancelled", "lost-3": "done", "lost-4": "cancelled"
    }  # fmt: skip
    assert sorted(o.id for o in told) == sorted(o.id for o in found)
    assert set(found.errors) == {made.id, over.id}
    assert "is failed already" in str(found.errors[over.id])
    assert mesh.operation(made.id).result == server.id
    assert found.sources.keys() == {lost.id, made.id, never.id, over.id}


def test_a_wish_is_told_to_who_watches(mesh: Mesh) -> None:
    alive = datetime.now(UTC) + timedelta(minutes=1)
    sent = left(mesh, state=OperationState.RUNNING, attempts=1, sent=alive, lease=alive)
    with mesh.watch("operations", timeout=20) as happenings:
        mesh.cancel_operation(sent.id, timeout=0)
        happening = next(iter(happenings))
    assert (happening.id, happening.state) == (sent.id, "running")
    assert happening.detail == "start cancelling"


def test_of_a_cancellation_and_an_end_at_once_each_is_told_truly(mesh: Mesh) -> None:
    """Whoever is first: an operation that was done is never said to be cancelled."""
    mesh.refresh("india")
    for number in range(15):
        (asked,) = mesh.later.elsewhere.start(name=f"w-{number}", cloud="india")
        thread = threading.Thread(target=mesh.run_operation, args=(asked.id,))
        thread.start()
        if number % 3:
            until(lambda: mesh.operation(asked.id).runner is not None)  # noqa: B023 - run at once
        errors = mesh.cancel_operations(asked, timeout=20).errors
        thread.join()
        now = mesh.operation(asked.id)
        there = now.target in {server.name for server in mesh.clouds["india"].servers()}
        assert now.state is (OperationState.DONE if there else OperationState.CANCELLED)
        assert bool(errors) == there


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("done", "is done already: cm vm delete lost-1 undoes it$"),
        ("failed", "is failed already$"),
        ("cancelled", "is cancelled already$"),
    ],
)
def test_what_cannot_be_cancelled_says_what_it_is(mesh: Mesh, state: str, said: str) -> None:
    sent = datetime.now(UTC) - timedelta(minutes=1)
    old = left(mesh, state=OperationState(state), attempts=1, sent=sent)
    with pytest.raises(ConflictError, match=said):
        mesh.cancel_operation(old.id)
    assert mesh.store.journal.get(old.id) == old


# Asking again


def test_what_failed_is_asked_for_again(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    old = failed(mesh, monkeypatch, tags={"team": "red"})
    told: list[Operation] = []
    new = mesh.retry_operation(old.id[:10], told=told.append)
    assert (new.state, new.retry_of, new.request) == (OperationState.DONE, old.id, old.request)
    assert new.id != old.id
    assert new.token != old.token
    assert told == [new]
    assert mesh.operation(old.id) == old
    (server,) = [row for row in mesh.clouds["india"].servers() if row.name == "web"]
    assert (server.id, server.token) == (new.result, new.token)
    assert server.tags["team"] == "red"


def test_it_is_asked_for_again_once_only(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    old = failed(mesh, monkeypatch)
    new = mesh.retry_operation(old.id)
    mesh.delete("web")
    with pytest.raises(ConflictError, match=f"asked for again already: {new.id} is done"):
        mesh.retry_operation(old.id)
    assert "web" not in {row.name for row in mesh.clouds["india"].servers()}


def test_of_two_who_ask_again_at_once_one_goes_on_at_most(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have looked and journalled their own before either sends."""
    old = failed(mesh, monkeypatch)
    journal, real = mesh.store.journal, mesh.store.journal.add
    rival = intent(mesh.user, "start", "india", "web", old.request, retry_of=old.id)

    def add(operations: Sequence[Operation]) -> None:
        real([*operations, rival])

    monkeypatch.setattr(journal, "add", add)
    with pytest.raises(ConflictError, match=f"again already: .*{rival.id} is pending"):
        mesh.retry_operation(old.id)
    (mine,) = [o for o in mesh.operations() if o.id not in (rival.id, old.id)]
    assert (mine.retry_of, mine.state) == (old.id, OperationState.CANCELLED)
    assert "web" not in {row.name for row in mesh.clouds["india"].servers()}


def test_many_threads_that_ask_again_make_one_server_at_most(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = failed(mesh, monkeypatch)

    def again(_: int) -> bool:
        try:
            return mesh.retry_operation(old.id).state is OperationState.DONE
        except ConflictError:
            return False

    with ThreadPoolExecutor(8) as pool:
        done = sum(pool.map(again, range(8)))
    if not done:  # each saw another one: nothing was sent
        assert again(0)
    assert done <= 1
    assert [row.name for row in mesh.clouds["india"].servers()].count("web") == 1


def test_what_fails_once_more_is_raised_and_may_be_asked_for_again(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = failed(mesh, monkeypatch)

    def refuse(_: ServerRequest) -> Server:
        raise QuotaError("still no room")

    with monkeypatch.context() as patched:
        patched.setattr(mesh.clouds["india"], "start", refuse)
        with pytest.raises(QuotaError, match="still no room"):
            mesh.retry_operation(old.id)
    assert mesh.retry_operation(old.id).state is OperationState.DONE


def test_a_start_whose_name_was_taken_since_is_not_repeated(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = failed(mesh, monkeypatch)
    mesh.start(cloud="india", name="web")
    with pytest.raises(ConflictError, match="india has a server called 'web' already"):
        mesh.retry_operation(old.id)
    assert [row.name for row in mesh.clouds["india"].servers()].count("web") == 1


def test_a_group_whose_name_was_taken_since_is_not_repeated(mesh: Mesh) -> None:
    old = left(
        mesh, "create_security_group", state=OperationState.CANCELLED, target="club",
        request={"description": ""},
    )  # fmt: skip
    mesh.create_security_group("club", cloud="india")
    with pytest.raises(ConflictError, match="has a security group called 'club' already"):
        mesh.retry_operation(old.id)


def test_what_had_secrets_is_refused_and_names_them(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = failed(mesh, monkeypatch, user_data="password=canary-9")
    assert old.withheld == ("user_data",)
    with pytest.raises(InvalidRequestError, match=r"had user_data: that is not kept") as raised:
        mesh.retry_operation(old.id)
    assert "canary-9" not in str(raised.value) + repr(mesh.operations())
    assert "web" not in {row.name for row in mesh.clouds["india"].servers()}


def test_what_an_older_release_wrote_may_have_had_secrets(mesh: Mesh) -> None:
    old = left(mesh, state=OperationState.FAILED, withheld=None)
    with pytest.raises(InvalidRequestError, match=r"older release, .* it had user_data"):
        mesh.retry_operation(old.id)


def test_a_job_is_never_asked_for_again_without_what_it_runs(
    make: Callable[[str], Mesh],
) -> None:
    mesh = make("queues: {fg: {driver: memory}}")
    job = mesh.submit("sleep", "1", held=True)
    mesh.cancel_jobs(job)
    (asked,) = mesh.operations(target=job.name, state="done")[-1:]
    assert asked.withheld == ("command",)
    now = mesh.store.journal.change(asked, state=OperationState.FAILED)
    assert now is not None
    with pytest.raises(InvalidRequestError, match="had command"):
        mesh.retry_operation(asked.id)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("done", "is done: there is nothing to ask for again"),
        ("pending", "is pending: wait for it, or cancel it"),
        ("running", "is running: wait for it"),
        ("unknown", "may have been done: reconcile first"),
    ],
)
def test_what_did_not_come_to_nothing_is_not_asked_for_again(
    mesh: Mesh, state: str, said: str
) -> None:
    old = left(mesh, state=OperationState(state), attempts=1, sent=datetime.now(UTC))
    with pytest.raises(ConflictError, match=said):
        mesh.retry_operation(old.id)
    assert [o.id for o in mesh.operations()] == [old.id]


def test_neither_is_what_another_account_was_asked_nor_an_unknown_act(mesh: Mesh) -> None:
    other = left(mesh, state=OperationState.FAILED, account="0" * 32)
    with pytest.raises(ConflictError, match="asked of another account than india is now"):
        mesh.retry_operation(other.id)
    strange = left(mesh, "teleport", state=OperationState.FAILED)
    with pytest.raises(UnsupportedError, match="knows no act 'teleport'"):
        mesh.retry_operation(strange.id)
