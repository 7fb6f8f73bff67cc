"""What is on its way and to be cancelled: never sent again, whoever runs it, and found if it is."""

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from tests.operations.cases import BLIND, CASES, DEAD, Scene
from tests.operations.stage import METHODS, Stage, case_of

from cloudmesh_sdk import errors
from cloudmesh_sdk.errors import (
    BackendTimeoutError,
    ConflictError,
    ThrottledError,
    UnavailableError,
)
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.operations import ACTS, Task, gate, run
from cloudmesh_sdk.operations.process import HELD
from cloudmesh_sdk.operations.reconcile import put_back, reconcile
from cloudmesh_sdk.operations.wishes import LATE

CANCELLED, DONE, FAILED = OperationState.CANCELLED, OperationState.DONE, OperationState.FAILED
PENDING, RUNNING, UNKNOWN = OperationState.PENDING, OperationState.RUNNING, OperationState.UNKNOWN

NOTHING = "india shows nothing of it, and it was not sent again"

TELLING = sorted({*CASES} - {"resize"})
"""Acts of which the cloud shows whether they were done."""

SILENT = sorted({*BLIND, "resize"})
"""Acts of which it does not."""

LONG = ThrottledError("busy", retry_after=250)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def wished(stage: Stage) -> Operation:
    """Write down that an operation is to be cancelled, as another process would."""
    while True:
        now = stage.scene.mesh.store.journal.change(stage.now(), cancelling=datetime.now(UTC))
        if now is not None:
            return now


@contextmanager
def cancelled_from_elsewhere(stage: Stage, state: OperationState) -> Iterator[list[Operation]]:
    """Cancel an operation from another thread as soon as it has a state."""
    found: list[Operation] = []

    def act() -> None:
        end = time.monotonic() + 30
        while not (now := stage.scene.mesh.store.journal.get(stage.operation.id)) or (
            now.state is not state
        ):
            assert time.monotonic() < end
            time.sleep(0.01)
        found.append(stage.scene.mesh.cancel_operation(stage.operation.id))

    thread = threading.Thread(target=act)
    thread.start()
    yield found
    thread.join(60)
    assert not thread.is_alive()


# While it runs


def test_what_waits_to_be_sent_again_is_not(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(scene, "start")
    with cancelled_from_elsewhere(stage, UNKNOWN) as found:
        now = stage.play(monkeypatch, *[stage.fails(LONG)] * 9)
    assert (now.state, now.attempts, len(stage.sent)) == (CANCELLED, 1, 1)
    assert now.error is not None
    assert (now.error.kind, now.error.message) == ("Cancelled", NOTHING)
    assert now.finished is not None
    assert found == [now]
    assert isinstance(stage.answer.error, ConflictError)
    assert f"start new ({now.id}) was cancelled: {NOTHING}" in str(stage.answer.error)
    assert "new" not in {server.name for server in scene.cloud.servers()}


def test_what_was_made_all_the_same_is_kept_and_told_of(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(scene, "start")
    with cancelled_from_elsewhere(stage, UNKNOWN) as found:
        now = stage.play(monkeypatch, stage.lies(LONG))
    assert (now.state, now.message, now.error, len(stage.sent)) == (DONE, LATE, None, 1)
    assert [o.state for o in found] == [DONE]
    assert stage.answer.error is None
    assert stage.case.seen(scene, now)


def test_what_waits_for_its_turn_to_be_sent_again_is_not(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudmesh_sdk.retrying.random.uniform", lambda *_: 0.0)
    stage = Stage(scene, "stop")
    bucket = stage.runner.lanes.lane("india").bucket

    def busy(*_: Any) -> None:
        monkeypatch.setattr(bucket, "take", lambda: 200.0)
        raise UnavailableError("no answer")

    with cancelled_from_elsewhere(stage, UNKNOWN):
        now = stage.play(monkeypatch, busy)
    assert (now.state, len(stage.sent)) == (CANCELLED, 1)
    assert scene.mesh.server("india", "web").state == "running"


@pytest.mark.parametrize(
    ("act", "error", "state", "said"),
    [
        ("start", "Throttled", CANCELLED, f"was cancelled: {NOTHING}"),
        ("stop", "Throttled", CANCELLED, f"was cancelled: {NOTHING}"),
        ("lock", "Throttled", FAILED, "was to be cancelled and is not sent again: busy"),
        ("stop", "BackendTimeout", UNKNOWN, "is not sent again: india gave no answer in time"),
    ],
)
def test_a_wish_between_the_last_look_and_the_claim_is_respected(
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
    *,
    act: str,
    error: str,
    state: OperationState,
    said: str,
) -> None:
    monkeypatch.setattr("cloudmesh_sdk.retrying.random.uniform", lambda *_: 0.0)
    stage = Stage(scene, act)
    lane = stage.runner.lanes.lane("india")
    real = lane.again

    def again(*given: Any) -> bool:
        may = real(*given)
        wished(stage)
        return may

    monkeypatch.setattr(lane, "again", again)
    refused = getattr(errors, f"{error}Error")("busy")
    now = stage.play(monkeypatch, stage.fails(refused))
    assert (now.state, now.attempts, len(stage.sent)) == (state, 1, 1)
    assert now.sent == stage.sent[0].sent
    assert now.runner == (None if state is UNKNOWN else stage.sent[0].runner)
    assert said in str(stage.answer.error)


def test_a_call_in_flight_ends_and_what_it_made_is_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(scene, "start")

    def meanwhile(*args: Any) -> Any:
        assert wished(stage).state is RUNNING
        return stage.real(*args)

    now = stage.play(monkeypatch, meanwhile)
    assert (now.state, now.message, now.error) == (DONE, LATE, None)
    assert stage.answer.error is None
    assert stage.case.seen(scene, now)


@pytest.mark.parametrize("error", [LONG, UnavailableError("cut"), BackendTimeoutError("late")])
@pytest.mark.parametrize("act", ["start", "stop", "create_volume"])
def test_a_call_in_flight_that_fails_is_the_last(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, act: str, error: Exception
) -> None:
    stage = Stage(scene, act)

    def meanwhile(*_: Any) -> None:
        wished(stage)
        raise error

    def unwanted(_: Any) -> set[str]:
        raise AssertionError("it waits, though it was heard with the first write")

    monkeypatch.setattr(scene.mesh.store.journal, "unwanted", unwanted)
    now = stage.play(monkeypatch, meanwhile)
    assert len(stage.sent) == 1
    late = isinstance(error, BackendTimeoutError)
    assert now.state is (UNKNOWN if late else CANCELLED)
    assert now.cancelling is not None
    if late:  # it may still come
        assert scene.learn(now).state is UNKNOWN
        past = datetime.now(UTC) - timedelta(minutes=1)
        scene.mesh.store.journal.change(scene.mesh.operation(now.id), doubted=past)
        assert scene.learn(now).state is CANCELLED


def test_what_is_refused_for_good_failed_of_itself(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(scene, "start")

    def meanwhile(*_: Any) -> None:
        wished(stage)
        raise ConflictError("no such flavor")

    now = stage.play(monkeypatch, meanwhile)
    assert (now.state, now.error and now.error.message) == (FAILED, "no such flavor")


def test_what_is_not_known_stays_so_with_its_wish_and_is_cancelled_later(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(scene, "start")
    monkeypatch.setattr(scene.cloud, "settle", 3600.0)

    def meanwhile(*_: Any) -> None:
        wished(stage)
        raise LONG

    now = stage.play(monkeypatch, meanwhile)
    assert (now.state, now.progress.split()[0], len(stage.sent)) == (UNKNOWN, "cancelling", 1)
    monkeypatch.setattr(scene.cloud, "settle", 0.0)
    (now,) = scene.mesh.reconcile()
    assert (now.state, now.error and now.error.message) == (CANCELLED, NOTHING)
    assert now.progress == ""


def test_one_that_waits_with_a_wish_is_never_sent(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(scene, "start")
    stage.operation = attrs.evolve(stage.operation, cancelling=datetime.now(UTC))
    now = stage.play(monkeypatch)
    assert (now.state, now.attempts, now.sent, stage.sent) == (CANCELLED, 0, None, [])
    assert now.error is not None
    assert now.error.message == "it was never sent"


def test_one_that_is_pending_is_cancelled_under_its_runners_hands(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(scene, "start")

    @contextmanager
    def use(name: str) -> Iterator[Any]:
        assert scene.mesh.cancel_operation(stage.operation.id).state is CANCELLED
        with scene.mesh.clouds.use(name) as cloud:
            yield cloud

    stage.runner.use = use
    now = stage.play(monkeypatch)
    assert (now.state, stage.sent) == (CANCELLED, [])
    assert "was cancelled: it was never sent" in str(stage.answer.error)


def test_who_waits_for_his_turn_hears_of_it_at_once_and_the_others_go_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lane is shut for minutes; two of three that wait are cancelled, then it opens."""
    monkeypatch.setattr(run, "_LOOK", 0.05)
    stages = [Stage(scene, "create_volume") for _ in range(3)]
    runner = stages[0].runner
    lane = runner.lanes.lane("india")
    monkeypatch.setattr(lane.bucket, "take", lambda: 200.0)
    ids = [stage.operation.id for stage in stages]
    heard: list[str] = []

    def cancel() -> None:
        scene.mesh.cancel_operations(ids[:2]).complete()

    def told(now: Operation, answer: Any) -> None:
        assert now.state is (CANCELLED if len(heard) < 2 else DONE)
        assert now.id not in HELD
        heard.append(answer.name)
        if len(heard) == 2:
            monkeypatch.setattr(lane.bucket, "take", lambda: 0.0)
            runner.lanes.drop(queue.SimpleQueue())  # wakes the lane

    answers = runner.run(
        [Task(operation=stage.operation) for stage in stages],
        begun=lambda: threading.Timer(0.2, cancel).start(),
        told=told,
    )
    assert {*heard[:2]} == {*ids[:2]}
    assert [stage.now().state for stage in stages] == [CANCELLED, CANCELLED, DONE]
    assert [type(answer.error) for answer in answers] == [ConflictError, ConflictError, type(None)]
    assert "was cancelled: it was never sent" in str(answers[0].error)


def test_who_waits_at_the_gate_of_all_processes_hears_of_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, rates = Stage(scene, "start"), scene.mesh.store.rates
    rates.throttled(gate.scope("india", None), 1000, ago=0.0, pace=None, retry_after=250)
    real, waits = rates.reserve, list[float]()

    def reserve(*args: Any, **kwargs: Any) -> Any:
        assert scene.mesh.cancel_operation(stage.operation.id).state is CANCELLED
        place = real(*args, **kwargs)
        waits.append(place.wait)
        return place

    monkeypatch.setattr(rates, "reserve", reserve)
    now = stage.play(monkeypatch)
    assert (now.state, stage.sent) == (CANCELLED, [])
    (wait,) = waits
    assert wait > 100, "it would have waited long"
    assert "was cancelled: it was never sent" in str(stage.answer.error)


def test_a_worker_that_waits_for_a_clouds_rate_hears_of_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = scene.mesh._acts.runner.lanes.lane("india").bucket
    monkeypatch.setattr(bucket, "take", lambda: 200.0)
    (asked,) = scene.mesh.later.elsewhere.start(name="new", cloud="india")
    cancel = threading.Timer(0.1, scene.mesh.cancel_operation, [asked.id])
    cancel.start()
    assert scene.mesh.run_operation(asked.id) is None
    cancel.join()
    assert scene.mesh.operation(asked.id).state is CANCELLED


def test_a_start_that_succeeds_makes_no_more_round_trips(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, calls = Stage(scene, "start"), Counter[str]()
    journal: Any = scene.mesh.store.journal

    def counted(name: str) -> Callable[..., Any]:
        real = getattr(journal, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            calls[name] += 1
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patched:
        for name in ("add", "change", "get", "find", "take", "held", "unwanted"):
            patched.setattr(journal, name, counted(name))
        stage.runner.run([Task(operation=stage.operation)])
    assert stage.now().state is DONE
    assert calls == {"add": 1, "change": 2}, "the intent, the claim, the outcome"


def test_many_that_wait_are_looked_for_together(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = [Stage(scene, "start") for _ in range(6)]
    asked: list[set[str]] = []
    all_sent = threading.Barrier(6, timeout=30)

    def busy(_: Any) -> None:
        all_sent.wait()
        raise LONG

    real = scene.mesh.store.journal.unwanted

    def unwanted(ids: Any) -> set[str]:
        asked.append(set(ids))
        if len(asked) == 1:
            for stage in stages:
                wished(stage)
        return real(ids)

    monkeypatch.setattr(scene.mesh.store.journal, "unwanted", unwanted)
    monkeypatch.setattr(scene.cloud, "start", busy)
    stages[0].runner.run([Task(operation=stage.operation) for stage in stages])
    assert [stage.now().state for stage in stages] == [CANCELLED] * 6
    assert asked[0] == {stage.operation.id for stage in stages}
    assert len(asked) < 6


def played(monkeypatch: pytest.MonkeyPatch, act: str, before: int, *, lie: bool) -> Stage | None:
    """Cancel an act that is refused once before its runner's so many-th call of the journal.

    Returns None where it has not so many.
    """
    scene = Scene()
    stage, journal = Stage(scene, act), scene.mesh.store.journal
    calls: list[str] = []
    sent: list[int] = []

    def watched(name: str) -> Callable[..., Any]:
        real = getattr(journal, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            if len(calls) == before:
                scene.mesh.cancel_operations(stage.operation.id, timeout=0)
                sent.append(len(stage.sent))
            return real(*args, **kwargs)

        return call

    refused = stage.lies if lie else stage.fails
    with monkeypatch.context() as patched:
        for name in ("change", "get", "find"):
            patched.setattr(journal, name, watched(name))
        patched.setattr(stage, "now", lambda: stage.operation)
        stage.play(patched, refused(ThrottledError("busy")))
    assert sent in ([], [len(stage.sent)]), "nothing is sent after it was to be cancelled"
    return stage if sent else None


@pytest.mark.parametrize("lie", [False, True])
@pytest.mark.parametrize("act", ["start", "stop", "create_volume"])
def test_whenever_it_is_cancelled_it_is_told_truly_what_became_of_it(
    monkeypatch: pytest.MonkeyPatch, act: str, lie: bool
) -> None:
    monkeypatch.setattr("cloudmesh_sdk.retrying.random.uniform", lambda *_: 0.0)
    ends: list[OperationState] = []
    while (stage := played(monkeypatch, act, len(ends) + 1, lie=lie)) is not None:
        now = stage.now()
        assert now.state in (CANCELLED, DONE)
        there = now.state is DONE
        assert stage.case.seen(stage.scene, now) == there
        assert now.message == (LATE if there and now.cancelling else now.message)
        ends.append(now.state)
    assert ends[0] is CANCELLED, "before its first claim it is pending"
    assert ends[-1] is DONE, "it was there by then"
    assert ends == sorted(ends), "once it is done it is never called cancelled"
    assert ends.count(CANCELLED) == 1 if lie else ends.count(CANCELLED) >= 3


# After its runner died


def left(scene: Scene, act: str, **fields: Any) -> Operation:
    """Leave an act that was to be cancelled, as a process that died would."""
    case = case_of(act)
    case.before(scene)
    now = datetime.now(UTC)
    return scene.leave(act, case.target, case.request(scene), **{"cancelling": now, **fields})


def unsendable(scene: Scene, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    def sent(*_: Any) -> None:
        raise AssertionError("it was sent again")

    monkeypatch.setattr(scene.cloud, METHODS.get(act, act), sent)


@pytest.mark.parametrize("state", [RUNNING, UNKNOWN])
@pytest.mark.parametrize("act", TELLING)
def test_nobody_sends_it_after_its_runner_died(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, act: str, state: OperationState
) -> None:
    operation = left(scene, act, state=state)
    unsendable(scene, monkeypatch, act)
    now = scene.learn(operation)
    assert (now.state, now.error and now.error.message) == (CANCELLED, NOTHING)
    assert (now.attempts, now.cancelling) == (1, operation.cancelling)


@pytest.mark.parametrize("act", TELLING)
def test_what_was_done_before_its_runner_died_is_found(scene: Scene, act: str) -> None:
    operation = left(scene, act)
    case_of(act).happen(scene, operation)
    now = scene.learn(operation)
    assert (now.state, now.message, now.error) == (DONE, LATE, None)
    assert case_of(act).seen(scene, now)


@pytest.mark.parametrize("act", SILENT)
def test_what_nothing_tells_of_is_not_called_cancelled(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    operation = left(scene, act)
    unsendable(scene, monkeypatch, act)
    now = scene.learn(operation)
    assert now.state is FAILED
    assert now.error is not None
    assert "it is not known" in now.error.message


def test_what_any_runner_may_do_is_not_put_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = left(scene, "start", later=True)
    real = scene.mesh.store.journal.change
    states: list[Any] = []

    def change(known: Operation, **fields: Any) -> Operation | None:
        states.extend([fields["state"]] if "state" in fields else [])
        return real(known, **fields)

    monkeypatch.setattr(scene.mesh.store.journal, "change", change)
    now = scene.learn(operation)
    assert (now.state, now.attempts, states) == (CANCELLED, 1, [CANCELLED])


def test_a_wish_that_comes_while_it_is_put_back_is_respected(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = left(scene, "start", later=True, cancelling=None)
    journal = scene.mesh.store.journal
    real = journal.change

    def change(known: Operation, **fields: Any) -> Operation | None:
        if fields.get("state") is PENDING:
            assert real(known, cancelling=datetime.now(UTC)) is not None
        return real(known, **fields)

    monkeypatch.setattr(journal, "change", change)
    now = scene.learn(operation)
    assert (now.state, now.error and now.error.message) == (CANCELLED, NOTHING)


def test_one_that_was_put_back_with_a_wish_is_cancelled_by_who_looks(scene: Scene) -> None:
    waits = left(scene, "start", later=True, state=PENDING, runner=None, lease=None)
    now = scene.learn(waits)
    assert (now.state, now.attempts) == (CANCELLED, 1)


def test_one_that_a_dead_runner_took_with_a_wish_is_cancelled(scene: Scene) -> None:
    taken = left(scene, "start", later=True, state=PENDING, attempts=0, sent=None)
    assert taken.runner == DEAD
    now = scene.learn(taken)
    assert (now.state, now.error and now.error.message) == (CANCELLED, "it was never sent")


def test_a_wish_that_comes_while_the_cloud_is_asked_is_respected(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = left(scene, "start", later=True, cancelling=None)
    real = scene.cloud.find

    def find(token: str) -> Any:
        now = scene.mesh.operation(operation.id)
        assert scene.mesh.store.journal.change(now, cancelling=datetime.now(UTC)) is not None
        return real(token)

    monkeypatch.setattr(scene.cloud, "find", find)
    assert scene.learn(operation).state is CANCELLED


def test_a_silent_cloud_leaves_the_wish(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = left(scene, "start")

    def silent(_: str) -> None:
        raise BackendTimeoutError("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(scene.cloud, "find", silent)
        now = scene.learn(operation)
    assert (now.state, now.cancelling) == (UNKNOWN, operation.cancelling)
    scene.mesh.store.journal.change(now, lease=datetime.now(UTC) - timedelta(seconds=1))
    assert scene.learn(operation).state is CANCELLED


def test_what_is_put_back_without_a_wish_waits(scene: Scene) -> None:
    operation = left(scene, "start", later=True, cancelling=None)
    put_back(scene.mesh.store, operation)
    now = scene.mesh.operation(operation.id)
    assert (now.state, now.runner) == (PENDING, None)
    assert reconcile(scene.mesh.store, [], scene.mesh.clouds.use) == []


def test_every_act_is_told_of_or_not() -> None:
    assert {*TELLING, *SILENT} == {act for act in ACTS if not act.endswith("_job")} - {"submit"}
