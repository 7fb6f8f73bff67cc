"""Waiting: one question a cloud and poll, of what changed where a cloud can tell that."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import (
    AuthError,
    BackendTimeoutError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from cloudmesh_sdk.mesh import waiting
from cloudmesh_sdk.mesh.registry import Clouds
from cloudmesh_sdk.mesh.waiting import wait
from cloudmesh_sdk.models import Server, ServerState
from cloudmesh_sdk.providers.memory import MemoryCloud

RUNNING, PENDING, DELETED = ServerState.RUNNING, ServerState.PENDING, ServerState.DELETED


class Told(MemoryCloud):
    """A cloud whose answers are given: each list of changes, and what a whole list says."""

    def __init__(self) -> None:
        super().__init__("india")
        self.asked: list[Any] = []
        self.answers: list[list[Server] | Exception] = []
        self.all: list[Server] = []

    def changes(self, since: datetime) -> Iterator[Server]:
        self.asked.append(since)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return iter(answer)

    def servers(self) -> Iterator[Server]:
        self.asked.append("all")
        return iter(self.all)

    def server(self, id: str) -> Server:  # noqa: A002
        self.asked.append(id)
        for server in self.all:
            if server.id == id:
                return server
        raise NotFoundError(id)


class Clock:
    """Time that passes only while somebody sleeps, or a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(waiting, "time", clock)
    return clock


@pytest.fixture
def cloud() -> Told:
    return Told()


@pytest.fixture
def clouds(cloud: Told) -> Clouds:
    found = Clouds(Config.parse("clouds: {india: {driver: memory}}").clouds)
    found._open["india"] = cloud
    return found


def group(count: int = 5, state: ServerState = PENDING, **fields: Any) -> list[Server]:
    seen = datetime.now(UTC)
    return [
        Server(
            cloud="india", id=f"i-{n}", name=f"web-{n}", state=state,
            **{"seen": seen + timedelta(seconds=n), **fields},
        )
        for n in range(count)
    ]  # fmt: skip


def became(state: ServerState, *servers: Server) -> list[Server]:
    return [attrs.evolve(server, state=state, seen=None) for server in servers]


def test_the_first_question_begins_where_the_earliest_was_seen(
    cloud: Told, clouds: Clouds, clock: Clock
) -> None:
    servers = group()
    cloud.answers = [became(RUNNING, *servers)]
    found = wait(servers, RUNNING, clouds, lambda _: None, timeout=60).complete()
    assert {server.state for server in found} == {RUNNING}
    assert cloud.asked == [servers[0].seen]


def test_later_questions_begin_where_the_one_before_was_asked(
    cloud: Told, clouds: Clouds, clock: Clock
) -> None:
    servers, begun = group(), datetime.now(UTC)
    cloud.answers = [became(RUNNING, servers[0]), [], became(RUNNING, *servers[1:])]
    wait(servers, RUNNING, clouds, lambda _: None, timeout=60).complete()
    first, second, third = cloud.asked
    assert first == servers[0].seen
    assert begun <= second <= third <= datetime.now(UTC)


def test_a_server_that_is_not_told_of_keeps_its_state(
    cloud: Told, clouds: Clouds, clock: Clock
) -> None:
    ready, waited = group(2, RUNNING), group(7)[2:]
    stranger = attrs.evolve(waited[0], id="i-99", state=RUNNING)
    cloud.answers = [[stranger], became(RUNNING, *waited)]
    seen: list[Server] = []
    told: list[Server] = []
    found = wait(
        [*ready, *waited], RUNNING, clouds, seen.append, timeout=60, told=told.append
    ).complete()
    assert len(found) == 7
    assert [server.id for server in told] == [server.id for server in [*ready, *waited]]
    assert {server.id for server in seen} == {server.id for server in waited}
    assert len(cloud.asked) == 2


@pytest.mark.parametrize(
    "fields", [{"seen": None}, {"seen": datetime(2026, 1, 1, tzinfo=UTC)}], ids=["never", "old"]
)
def test_where_one_was_not_seen_lately_all_are_listed_first(
    cloud: Told, clouds: Clouds, clock: Clock, fields: dict[str, Any]
) -> None:
    servers = [*group(4), *group(5, **fields)[4:]]
    cloud.all = servers
    cloud.answers = [became(RUNNING, *servers)]
    wait(servers, RUNNING, clouds, lambda _: None, timeout=60).complete()
    assert cloud.asked[0] == "all"
    assert len(cloud.asked) == 2
    assert isinstance(cloud.asked[1], datetime)


def test_a_few_are_asked_for_one_by_one(cloud: Told, clouds: Clouds, clock: Clock) -> None:
    servers = group(3)
    cloud.all = became(RUNNING, *servers)
    wait(servers, RUNNING, clouds, lambda _: None, timeout=60).complete()
    assert cloud.asked == ["i-0", "i-1", "i-2"]


def test_what_was_just_seen_is_not_asked_for_at_once(
    cloud: Told, clouds: Clouds, clock: Clock
) -> None:
    server = group(1)[0]
    cloud.all = became(RUNNING, server)
    begun = clock.now
    wait([server], RUNNING, clouds, lambda _: None, timeout=60).complete()
    assert cloud.asked == [server.id]
    assert 0.5 < clock.now - begun <= 1.0


def test_what_was_seen_long_ago_is_asked_for_at_once(
    cloud: Told, clouds: Clouds, clock: Clock
) -> None:
    server = attrs.evolve(group(1)[0], seen=datetime.now(UTC) - timedelta(seconds=5))
    cloud.all = became(RUNNING, server)
    begun = clock.now
    wait([server], RUNNING, clouds, lambda _: None, timeout=60).complete()
    assert clock.now == begun


def test_once_a_minute_all_are_listed(cloud: Told, clouds: Clouds, clock: Clock) -> None:
    servers = group()
    cloud.answers = [[] for _ in range(100)]
    cloud.all = servers[:1]  # the others are gone, and nothing tells so
    found = wait(servers, DELETED, clouds, lambda _: None, timeout=100)
    assert cloud.asked.count("all") == 1
    assert {s.id: s.state for s in found if s.state is not DELETED} == {"i-0": PENDING}
    assert isinstance(found.errors["web-0"], BackendTimeoutError)


def test_deleted_ones_are_told_as_gone(cloud: Told, clouds: Clouds, clock: Clock) -> None:
    servers = group(4, RUNNING)
    cloud.answers = [
        became(ServerState.DELETING, *servers),
        became(DELETED, *servers),
    ]
    seen: list[Server] = []
    wait(servers, DELETED, clouds, seen.append, timeout=60).complete()
    assert [server.missing is not None for server in seen] == [False] * 4 + [True] * 4


def test_a_silent_cloud_is_asked_again_from_the_same_moment(
    cloud: Told, clouds: Clouds, clock: Clock
) -> None:
    servers = group()
    cloud.answers = [UnavailableError("not now"), became(RUNNING, *servers)]
    wait(servers, RUNNING, clouds, lambda _: None, timeout=60).complete()
    assert cloud.asked == [servers[0].seen] * 2


def test_a_cloud_that_refuses_ends_the_waiting(cloud: Told, clouds: Clouds, clock: Clock) -> None:
    cloud.answers = [AuthError("who are you?")]
    found = wait(group(), RUNNING, clouds, lambda _: None, timeout=60)
    assert len(found.errors) == 5
    assert len(cloud.asked) == 1


def test_a_cloud_that_cannot_tell_changes_is_asked_for_all(
    cloud: Told, clouds: Clouds, clock: Clock
) -> None:
    servers = group()
    cloud.answers = [InvalidRequestError("changes-since?")]
    cloud.all = became(RUNNING, *servers)
    wait(servers, RUNNING, clouds, lambda _: None, timeout=60).complete()
    assert cloud.asked == [servers[0].seen, "all"]


def test_one_that_a_whole_list_may_not_show_yet_is_waited_for(
    cloud: Told, clouds: Clouds, clock: Clock
) -> None:
    servers = group(4, RUNNING, seen=None)
    cloud.settle = 10.0
    cloud.answers = [[], [], []]
    cloud.all = servers[:3]
    found = wait(servers, RUNNING, clouds, lambda _: None, timeout=30)
    assert "web-3 is deleted, not running" in str(found.errors["web-3"])
    assert clock.now >= 1010


def test_nothing_new_is_not_written_again(cloud: Told, clouds: Clouds, clock: Clock) -> None:
    servers = group(4)
    cloud.answers = [[attrs.evolve(s) for s in servers], became(RUNNING, *servers)]
    seen: list[Server] = []
    wait(servers, RUNNING, clouds, seen.append, timeout=60).complete()
    assert [server.state for server in seen] == [RUNNING] * 4


@pytest.mark.parametrize(
    "state",
    [
        ServerState.PENDING, ServerState.REBOOTING, ServerState.RESIZING, ServerState.RESIZED,
        ServerState.STOPPING, ServerState.STOPPED, ServerState.SUSPENDED, ServerState.PAUSED,
        ServerState.SHELVED, ServerState.RESCUED, ServerState.UNKNOWN,
    ],
)  # fmt: skip
def test_a_state_that_may_lead_to_running_is_waited_out(
    cloud: Told, clouds: Clouds, clock: Clock, state: ServerState
) -> None:
    servers = group(4)
    cloud.answers = [became(state, *servers), became(RUNNING, *servers)]
    wait(servers, RUNNING, clouds, lambda _: None, timeout=60).complete()
    assert len(cloud.asked) == 2


@pytest.mark.parametrize(
    ("wanted", "states"),
    [
        ("running", ["deleting"]),
        ("stopped", ["error"]),
        ("resized", ["resizing", "error"]),
        ("deleted", ["deleting", "error"]),
        ("error", ["deleted"]),
    ],
)
def test_what_can_never_be_ends_the_waiting_at_once(
    cloud: Told, clouds: Clouds, clock: Clock, wanted: str, states: list[str]
) -> None:
    servers = group(4)
    cloud.answers = [became(ServerState(state), *servers) for state in states]
    found = wait(servers, ServerState(wanted), clouds, lambda _: None, timeout=60)
    assert len(cloud.asked) == len(states)
    assert {type(error) for error in found.errors.values()} == {ConflictError}
    assert f"web-0 is {states[-1]}, not {wanted}" in str(found.errors["web-0"])


def test_a_server_in_error_can_be_waited_for_until_it_is_deleted(
    cloud: Told, clouds: Clouds, clock: Clock
) -> None:
    servers = group(4, ServerState.ERROR)
    cloud.answers = [[], became(ServerState.DELETING, *servers), became(DELETED, *servers)]
    wait(servers, DELETED, clouds, lambda _: None, timeout=60).complete()
    assert len(cloud.asked) == 3


def test_the_clouds_of_a_wait_are_asked_at_once_and_apart(clock: Clock) -> None:
    entries = Config.parse("clouds: {india: {driver: memory}, sierra: {driver: memory}}").clouds
    clouds, tellers = Clouds(entries), [Told(), Told()]
    clouds._open.update(zip(("india", "sierra"), tellers, strict=True))
    tellers[1].name = "sierra"
    one = group(4)
    two = [attrs.evolve(s, cloud="sierra", seen=datetime.now(UTC)) for s in group(4)]
    tellers[0].answers = [became(RUNNING, *one)]
    tellers[1].answers = [[], became(RUNNING, *two)]
    wait([*one, *two], RUNNING, clouds, lambda _: None, timeout=60).complete()
    assert [len(teller.asked) for teller in tellers] == [1, 2]
    assert tellers[1].asked[0] == min(s.seen for s in two if s.seen)
