"""Every act, left behind by a process that died: what the cloud then says became of it."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from tests.operations.cases import BLIND, CASES, Case, Scene, born, of_server, request_of

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError
from cloudmesh_sdk.models import OperationState, Server
from cloudmesh_sdk.operations import ACTS
from cloudmesh_sdk.operations.jobs import JOB_ACTS


@pytest.fixture
def scene() -> Scene:
    return Scene()


def _yesterday() -> datetime:
    """Return when an act was asked for that is too old to be done again."""
    return datetime.now(UTC) - timedelta(days=1)


def test_every_act_has_its_case() -> None:
    assert {*CASES, *BLIND, *JOB_ACTS} == set(ACTS)


@pytest.mark.parametrize("act", CASES)
def test_what_came_to_pass_is_adopted(scene: Scene, act: str) -> None:
    case = CASES[act]
    case.before(scene)
    left = scene.leave(act, case.target, case.request(scene), created=_yesterday())
    case.happen(scene, left)
    now = scene.learn(left)
    assert (now.state, now.error) == (OperationState.DONE, None)
    assert case.seen(scene, now)


@pytest.mark.parametrize("act", CASES)
def test_what_did_not_is_finished_where_that_is_harmless_else_failed(
    scene: Scene, act: str
) -> None:
    case = CASES[act]
    case.before(scene)
    now = scene.learn(scene.leave(act, case.target, case.request(scene)))
    if ACTS[act].harmless:
        assert (now.state, now.error) == (OperationState.DONE, None)
        assert case.seen(scene, now)
    else:
        assert now.state is OperationState.FAILED
        assert now.error is not None


@pytest.mark.parametrize("act", [*CASES, *BLIND])
def test_what_did_not_and_is_old_is_failed(scene: Scene, act: str) -> None:
    case = CASES.get(act) or Case("web", of_server, lambda *_: None, lambda *_: True)
    case.before(scene)
    left = scene.leave(act, case.target, case.request(scene), created=_yesterday())
    now = scene.learn(left)
    assert now.state is OperationState.FAILED
    assert now.error is not None
    assert "not known" in now.error.message or "of it" in now.error.message


def test_a_group_that_came_in_part_is_adopted_and_what_lacks_is_told(scene: Scene) -> None:
    names = ["new-1", "new-2", "new-3"]
    request = {**born(scene, "new"), "names": names}
    left = scene.leave("start_many", "new-[1-3]", request)
    first = scene.cloud.start_many(request_of(scene, left), names)[0]
    scene.cloud.delete(first)
    now = scene.learn(left)
    assert now.state is OperationState.DONE
    assert len(now.results) == 2
    assert now.error is not None
    assert now.error.message == "india has 2 of the 3 servers of new-[1-3]"


def test_a_group_that_a_cloud_may_not_show_in_full_yet_is_asked_for_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["new-1", "new-2"]
    left = scene.leave("start_many", "new-[1-2]", {**born(scene, "new"), "names": names})
    made = scene.cloud.start_many(request_of(scene, left), names)
    monkeypatch.setattr(scene.cloud, "settle", 3600.0)
    with monkeypatch.context() as early:
        early.setattr(scene.cloud, "find_many", lambda token: made[:1])
        assert scene.learn(left).state is OperationState.UNKNOWN
    now = scene.learn(left)
    assert (now.state, now.error) == (OperationState.DONE, None)
    assert now.results == tuple(server.id for server in made)


def test_of_groups_of_one_name_none_is_taken_for_ours(scene: Scene) -> None:
    scene.cloud.create_security_group("club", "")
    first = next(group for group in scene.cloud.security_groups() if group.name == "club")
    with scene.cloud.native.change() as tables:
        row = tables["groups"][first.id]
        tables["groups"]["sg-other"] = {**row, "id": "sg-other"}
    now = scene.learn(scene.leave("create_security_group", "club", {"description": ""}))
    assert now.state is OperationState.FAILED
    assert now.error is not None
    assert "india has several security groups called club" in now.error.message


@pytest.mark.parametrize("error", [ConflictError, InvalidRequestError])
def test_an_act_that_is_refused_the_second_time_was_done_if_its_state_says_so(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    scene.cloud.suspend(scene.server)

    def refuse(server: Server) -> None:
        raise error(f"{server.name} is suspended already")

    monkeypatch.setattr(scene.cloud, "suspend", refuse)
    now = scene.learn(scene.leave("suspend", "web", of_server(scene)))
    assert (now.state, now.error) == (OperationState.DONE, None)
    scene.cloud.resume(scene.server)
    now = scene.learn(scene.leave("suspend", "web", of_server(scene)))
    assert now.state is OperationState.FAILED
    assert now.error is not None
    assert now.error.message == "web is suspended already"


def test_an_act_that_the_driver_lost_is_failed_and_asks_nobody(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = scene.leave("suspend", "web", of_server(scene))

    class Less:
        """A driver of a later release that cannot suspend."""

    act = attrs.evolve(ACTS["suspend"], needs=Less)
    monkeypatch.setitem(ACTS, "suspend", act)
    calls = scene.cloud.calls
    now = scene.learn(left)
    assert now.state is OperationState.FAILED
    assert now.error is not None
    assert now.error.message == "the driver of india cannot suspend any more"
    assert scene.cloud.calls == calls
