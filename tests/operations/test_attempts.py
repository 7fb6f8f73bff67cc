"""What is sent again, and what never: every act against every kind of error."""

import signal
import threading
import time
from datetime import timedelta
from typing import Any

import attrs
import pytest
from tests.operations.cases import BLIND, CASES, Scene, of_server
from tests.operations.stage import Stage

from cloudmesh_sdk.errors import (
    BackendError,
    BackendTimeoutError,
    ConflictError,
    ThrottledError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.operations import ACTS
from cloudmesh_sdk.operations.jobs import JOB_ACTS
from cloudmesh_sdk.operations.runner import intent

TOKEN = {"start", "start_many", "create_floating_ip", "create_volume", "create_snapshot"}
"""Acts that make what carries a token."""

ONCE = {"create_security_group", "reboot", "hard_reboot", "resize", "rebuild"}
"""Acts that nothing makes safe to repeat."""

HARMLESS = {*CASES, *BLIND} - TOKEN - ONCE

SEEN = sorted({*CASES} - {"resize"})
"""Acts whose outcome the memory cloud shows at once."""

DONE, FAILED, UNKNOWN = OperationState.DONE, OperationState.FAILED, OperationState.UNKNOWN

KINDS = {"harmless": HARMLESS, "token": TOKEN, "once": ONCE}

NOT_DONE = {
    ("harmless", ThrottledError): (2, {DONE}),
    ("harmless", UnavailableError): (2, {DONE}),
    ("harmless", BackendTimeoutError): (2, {DONE}),
    ("harmless", ConflictError): (1, {FAILED}),
    ("token", ThrottledError): (2, {DONE}),
    ("token", UnavailableError): (1, {FAILED}),
    ("token", BackendTimeoutError): (1, {UNKNOWN}),
    ("token", ConflictError): (1, {FAILED}),
    ("once", ThrottledError): (1, {FAILED}),
    ("once", UnavailableError): (1, {FAILED}),
    ("once", BackendTimeoutError): (1, {FAILED, UNKNOWN}),
    ("once", ConflictError): (1, {FAILED}),
}
"""How often an act is sent whose first sending raised an error and did nothing; how that ends."""

ALL = [
    (act, error, NOT_DONE[kind, error]) for kind, error in NOT_DONE for act in sorted(KINDS[kind])
]


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pauses be as short as a service allows."""
    monkeypatch.setattr("cloudmesh_sdk.retrying.random.uniform", lambda *_: 0.0)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_every_act_is_of_one_kind() -> None:
    assert {*HARMLESS, *TOKEN, *ONCE, *JOB_ACTS} == set(ACTS)
    assert {act for act in ACTS if ACTS[act].harmless} - set(JOB_ACTS) == HARMLESS


@pytest.mark.parametrize(("act", "error", "outcome"), ALL)
def test_sent_again_is_what_was_not_done_and_only_where_that_is_safe(
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
    act: str,
    error: type[BackendError],
    outcome: tuple[int, set[OperationState]],
) -> None:
    stage, (times, ends) = Stage(scene, act), outcome
    now = stage.play(monkeypatch, stage.fails(error("not that time")))
    assert len(stage.sent) == times
    assert now.state in ends
    assert now.attempts == times
    assert [(o.state, o.attempts) for o in stage.sent] == [
        (OperationState.RUNNING, number + 1) for number in range(times)
    ], "journalled before it goes out"
    if now.state is DONE:
        assert (now.error, stage.answer.error) == (None, None)
        assert stage.case.seen(scene, now)
    else:
        assert isinstance(stage.answer.error, error)
        assert now.error is not None
        assert now.error.kind == error.__name__


@pytest.mark.parametrize("error", [ThrottledError, UnavailableError, BackendTimeoutError])
@pytest.mark.parametrize("act", SEEN)
def test_what_was_done_whatever_was_said_is_never_sent_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, act: str, error: type[BackendError]
) -> None:
    stage = Stage(scene, act)
    now = stage.play(monkeypatch, stage.lies(error("no answer")))
    assert len(stage.sent) == now.attempts == 1
    assert (now.state, now.error) == (DONE, None)
    assert stage.case.seen(scene, now)


@pytest.mark.parametrize("error", [ThrottledError, UnavailableError, BackendTimeoutError])
@pytest.mark.parametrize("act", sorted(ONCE))
def test_what_tears_a_server_from_its_work_is_sent_once_whatever_is_said(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, act: str, error: type[BackendError]
) -> None:
    stage = Stage(scene, act)
    stage.play(monkeypatch, stage.lies(error("no answer")))
    assert len(stage.sent) == 1


@pytest.mark.parametrize(("attempts", "times"), [(1, 1), (2, 2), (5, 5)])
@pytest.mark.parametrize("act", ["stop", "start"])
def test_it_is_sent_as_often_as_the_limit_says(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, act: str, attempts: int, times: int
) -> None:
    stage = Stage(scene, act, attempts=attempts)
    now = stage.play(monkeypatch, *[stage.fails(ThrottledError("busy"))] * 9)
    assert (len(stage.sent), now.attempts, now.state) == (times, times, FAILED)
    assert now.error is not None
    assert (now.error.kind, now.error.message) == ("ThrottledError", "busy")


def test_it_is_not_sent_after_its_deadline(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(scene, "stop", deadline=50)
    now = stage.play(monkeypatch, stage.fails(ThrottledError("busy", retry_after=60)))
    assert (len(stage.sent), now.state) == (1, FAILED)


def test_what_a_cloud_may_not_show_yet_is_not_made_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(scene, "start")
    monkeypatch.setattr(scene.cloud, "settle", 3600.0)
    now = stage.play(monkeypatch, stage.fails(ThrottledError("busy")))
    assert (len(stage.sent), now.state) == (1, UNKNOWN)
    assert "what became of it is found out later" in str(stage.answer.error)


def test_servers_without_tokens_are_never_made_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(scene, "start")
    monkeypatch.setattr(scene.cloud, "find", stage.fails(UnsupportedError("no tokens here")))
    now = stage.play(monkeypatch, stage.fails(ThrottledError("busy")))
    assert (len(stage.sent), now.state) == (1, FAILED)


def test_who_lost_a_start_hears_which_servers_it_may_have_made(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, real = Stage(scene, "start"), scene.cloud.servers
    monkeypatch.setattr(scene.cloud, "find", stage.fails(UnsupportedError("no tokens here")))
    before = {row.id for row in real()}
    monkeypatch.setattr(
        scene.cloud, "servers", lambda: [attrs.evolve(row, created=None) for row in real()]
    )
    now = stage.play(monkeypatch, stage.lies(UnavailableError("cut off")))
    (made,) = [row for row in real() if row.id not in before]
    assert (len(stage.sent), now.state, now.result) == (1, FAILED, None)
    assert now.error is not None
    for text in (now.error.message, str(stage.answer.error)):
        assert text.startswith("cut off; ")
        assert f"({made.id}) and cannot tell whether this start made it" in text


def test_who_lost_a_start_hears_what_could_be_looked_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(scene, "start")
    monkeypatch.setattr(scene.cloud, "find", stage.fails(UnsupportedError("no tokens here")))
    now = stage.play(monkeypatch, stage.fails(UnavailableError("cut off")))
    assert (len(stage.sent), now.state) == (1, FAILED)
    assert now.error is not None
    assert f"no server called {now.target}, which is all that can be" in now.error.message
    assert str(stage.answer.error) == now.error.message


@pytest.mark.parametrize(
    ("error", "more"),
    [
        (UnavailableError, "; whether india was asked to reboot it is not known"),
        (ThrottledError, ""),
    ],
)
def test_who_lost_a_reboot_hears_that_it_may_have_been_asked_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, error: type[BackendError], more: str
) -> None:
    stage = Stage(scene, "reboot")
    now = stage.play(monkeypatch, stage.fails(error("no answer", request_id="req-7")))
    assert (len(stage.sent), now.state) == (1, FAILED)
    raised = stage.answer.error
    assert type(raised) is error
    assert (str(raised), raised.request_id) == (f"no answer{more}", "req-7")
    assert now.error is not None
    assert now.error.message == str(raised)


def test_a_cloud_too_busy_to_tell_is_asked_again_before_anything_is_sent(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(scene, "start", attempts=4)
    looks, real = [], scene.cloud.find

    def find(token: str) -> Any:
        looks.append(len(stage.sent))
        if len(looks) < 3:
            raise ThrottledError("busy")
        return real(token)

    monkeypatch.setattr(scene.cloud, "find", find)
    now = stage.play(monkeypatch, stage.fails(ThrottledError("busy")))
    assert looks == [1, 1, 1]
    assert (len(stage.sent), now.state) == (2, DONE)


def test_a_dead_cloud_is_not_waited_for_again_and_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, late = Stage(scene, "stop", attempts=9), BackendTimeoutError("no answer")
    looks: list[str] = []

    def look(id: str) -> Any:  # noqa: A002
        looks.append(id)
        raise late

    monkeypatch.setattr(scene.cloud, "server", look)
    now = stage.play(monkeypatch, *[stage.fails(late)] * 9)
    assert (len(stage.sent), len(looks), now.state) == (1, 1, UNKNOWN)


def test_what_the_user_changed_his_mind_about_is_not_done_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(scene, "stop")

    def meanwhile(*_: Any) -> None:
        other = intent(scene.mesh.user, "resume", "india", "web", of_server(scene))
        scene.mesh.store.journal.add([other])
        raise ThrottledError("busy")

    now = stage.play(monkeypatch, meanwhile)
    assert (len(stage.sent), now.state) == (1, FAILED)


def test_refused_the_second_time_it_is_done_where_the_first_was_late(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(scene, "suspend")
    late, refusal = BackendTimeoutError("no answer"), ConflictError("it is suspended already")
    now = stage.play(monkeypatch, stage.fails(late), stage.lies(refusal))
    assert (len(stage.sent), now.state, now.error) == (2, DONE, None)
    scene = Scene()
    stage = Stage(scene, "suspend")
    now = stage.play(monkeypatch, stage.fails(late), stage.fails(refusal))
    assert (len(stage.sent), now.state) == (2, FAILED)
    assert stage.answer.error is refusal


def test_a_refusal_for_the_load_slows_down_what_else_goes_there(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(scene, "stop")
    bucket = stage.runner.lanes.lane("india").bucket
    assert bucket.rate == 1000
    stage.play(monkeypatch, stage.fails(ThrottledError("busy", retry_after=0.01)))
    assert len(stage.sent) == 2
    assert 500 <= bucket.rate < 1000


def test_a_busy_cloud_leaves_the_others_their_speed(scene: Scene) -> None:
    lanes = Stage(scene, "stop").runner.lanes
    lanes.lane("india").throttled(time.monotonic() + 1, 60)
    assert lanes.lane("india").bucket.take() > 50
    assert lanes.lane("sierra").bucket.take() == 0


def test_ctrl_c_ends_the_wait_before_another_attempt(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(scene, "stop")

    def interrupt() -> None:
        end = time.monotonic() + 20
        while stage.now().state is not UNKNOWN:
            assert time.monotonic() < end
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def busy(*_: Any) -> None:
        threading.Thread(target=interrupt, daemon=True).start()
        raise ThrottledError("busy", retry_after=250)

    with pytest.raises(KeyboardInterrupt):
        stage.play(monkeypatch, busy)
    assert len(stage.sent) == 1
    assert stage.now().state is FAILED
    assert scene.mesh.server("india", "web").state == "running"


def test_the_lease_of_what_waits_is_renewed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(scene, "stop")
    monkeypatch.setattr("cloudmesh_sdk.operations.heart.LEASE", timedelta(seconds=0.03))
    leases = set[Any]()
    real = scene.mesh.store.journal.change

    def change(operation: Operation, **fields: Any) -> Operation | None:
        now = real(operation, **fields)
        if set(fields) == {"lease"} and now is not None and now.state is UNKNOWN:
            leases.add(now.lease)
        return now

    monkeypatch.setattr(scene.mesh.store.journal, "change", change)
    now = stage.play(monkeypatch, stage.fails(ThrottledError("busy", retry_after=0.3)))
    assert now.state is DONE
    assert leases, "nobody else takes over what waits for its turn"
