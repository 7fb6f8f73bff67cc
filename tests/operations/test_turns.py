"""Who begins at a service, who follows whom in a process, and when a process's turn ends."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from cloudmesh_sdk.errors import StoreError, UnavailableError
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.operations.amqp import turn
from cloudmesh_sdk.operations.amqp.line import GROUP, Line, messages, scope
from cloudmesh_sdk.operations.amqp.run import run
from cloudmesh_sdk.operations.runner import intent
from cloudmesh_sdk.store.memory import MemoryStore

LATE = 10.0


class Office:
    """A desk whose operations are done at once, and what it did."""

    def __init__(self, limit: int = 4) -> None:
        self.store = MemoryStore()
        self.sent: list[list[str]] = []
        self.done: list[str] = []
        self.settled: list[str] = []
        self.act: Callable[[Operation], object] = lambda _: None
        self.line = Line(store=self.store, limit=lambda _: limit, publish=self.publish)

    def publish(self, operations: Any) -> None:
        self.sent.append([operation.target for operation in operations])

    def ask(self, *names: str, owner: str = "albert", **fields: Any) -> list[Operation]:
        """Let operations wait, the first asked for first."""
        begun = datetime.now(UTC) - timedelta(hours=1)
        asked = [
            attrs.evolve(
                intent(owner, "start", "india", name, later=True),
                created=begun + timedelta(seconds=len(self.done) + number), **fields,
            )
            for number, name in enumerate(names)
        ]  # fmt: skip
        self.store.journal.add(asked)
        return asked

    def run(self, operation: Operation) -> Operation | None:
        now = self.store.journal.get(operation.id)
        assert now is not None
        if now.runner is not None or now.state is not OperationState.PENDING:
            return None
        running = self.store.journal.change(
            now, state=OperationState.RUNNING, runner="h/1/1", attempts=now.attempts + 1
        )
        assert running is not None
        self.act(running)
        self.done.append(operation.target)
        return self.store.journal.change(running, state=OperationState.DONE)

    def settle(self, owner: str) -> None:
        self.settled.append(owner)

    def close(self) -> None:
        self.store.close()

    def held(self) -> set[str]:
        """Return the targets of those that have a slot."""
        ids = [id_ for some in self.store.slots.held().values() for id_ in some]
        return {operation.target for operation in self.store.journal.several(ids)}


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The clock of turns: it stands still until it is set."""
    stands: Any = SimpleNamespace(at=0.0, monotonic=lambda: stands.at)
    monkeypatch.setattr("cloudmesh_sdk.operations.amqp.turn.time", stands)
    return stands


def ids(operations: list[Operation]) -> list[str]:
    return [operation.id for operation in operations]


def hold(office: Office, operations: list[Operation]) -> None:
    """Let operations have slots, as those that were called one by one."""
    for operation in operations:
        where = scope(operation)
        assert office.store.slots.take(where, [operation.id], limit=9, lease=60)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + LATE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_message_calls_the_new_ones_of_one_user_and_each_that_was_begun_alone() -> None:
    def some(owner: str, *attempts: int) -> list[Operation]:
        new = [intent(owner, "start", "india", f"{owner}{n}") for n, _ in enumerate(attempts)]
        return [attrs.evolve(o, attempts=a) for o, a in zip(new, attempts, strict=True)]

    asked = [*some("ann", 0, 1, 0), *some("bob", *[0] * (GROUP + 1))]
    assert [[o.target for o in called] for called in messages(asked)] == [
        ["ann1"], ["ann0", "ann2"], [f"bob{n}" for n in range(GROUP)], [f"bob{GROUP}"],
    ]  # fmt: skip


def test_as_many_begin_as_a_cloud_takes_and_one_message_calls_them(office: Office) -> None:
    office.ask(*"abcdef")
    assert office.line.fill("india", None) == 4
    assert office.sent == [["a", "b", "c", "d"]]
    assert office.line.fill("india", None) == 0
    assert office.held() == {*"abcd"}


def test_slots_whose_message_nobody_takes_are_given_back(office: Office) -> None:
    def refuse(_: object) -> None:
        raise UnavailableError("the broker does not answer")

    line = attrs.evolve(office.line, publish=refuse)
    office.ask("a", "b")
    with pytest.raises(UnavailableError):
        line.fill("india", None)
    assert office.held() == set()


def test_what_follows_begins_in_the_same_process_without_a_message(office: Office) -> None:
    asked = office.ask(*(f"s{n:02}" for n in range(20)))
    office.line.fill("india", None)
    assert office.sent == [["s00", "s01", "s02", "s03"]]
    run(office, ids(asked[:4]))
    assert sorted(office.done) == [operation.target for operation in asked]
    assert len(office.sent) == 1
    assert office.held() == set()


def test_never_more_are_under_way_than_a_cloud_takes(office: Office) -> None:
    lock, under_way, most = threading.Lock(), set[str](), [0]
    together = threading.Barrier(4)

    def act(operation: Operation) -> None:
        with lock:
            under_way.add(operation.id)
            most[0] = max(most[0], len(under_way))
        together.wait(LATE)  # it breaks where fewer ever meet
        with lock:
            under_way.remove(operation.id)

    office.act = act
    asked = office.ask(*(f"s{n:02}" for n in range(16)))
    office.line.fill("india", None)
    run(office, ids(asked[:4]))
    assert len(office.done) == 16
    assert most == [4]


def test_those_that_begin_together_ask_together_who_follows(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "_PATIENCE", 60.0)
    asked = office.ask(*(f"s{n:02}" for n in range(20)))
    office.line.fill("india", None)
    journal, questions = office.store.journal, list[int]()
    waiting = journal.waiting

    def counted(*args: Any, limit: int, **options: Any) -> list[Operation]:
        questions.append(limit)
        return waiting(*args, limit=limit, **options)

    monkeypatch.setattr(journal, "waiting", counted)
    run(office, ids(asked[:4]))
    assert len(office.done) == 20
    assert questions == [4] * 5


def test_users_take_turns_in_one_process() -> None:
    office = Office(limit=1)
    many = office.ask(*(f"a{n}" for n in range(4)))
    office.line.fill("india", None)
    office.ask("b", owner="bertha")
    run(office, ids(many[:1]))
    assert office.done == ["a0", "b", "a1", "a2", "a3"]


def test_what_was_begun_before_is_called_and_does_not_follow() -> None:
    office = Office(limit=1)
    (first,) = office.ask("a")
    office.line.fill("india", None)
    office.ask("poison", attempts=1)
    run(office, [first.id])
    assert office.done == ["a"]
    assert office.sent == [["a"], ["poison"]]
    assert office.held() == {"poison"}


def test_those_that_were_called_one_by_one_are_run_together(office: Office) -> None:
    asked = office.ask("a", "b", "c")
    (begun,) = office.ask("poison", attempts=1)
    hold(office, [*asked, begun])
    together = threading.Barrier(3)
    office.act = lambda _: together.wait(LATE)
    run(office, [asked[0].id])
    assert sorted(office.done) == ["a", "b", "c"]
    office.act = lambda _: None
    office.ask("d")
    run(office, [begun.id])
    assert office.done[-2:] == ["poison", "d"]
    assert office.held() == set()


def test_who_was_begun_before_is_run_alone() -> None:
    office = Office(limit=2)
    (begun,) = office.ask("poison", attempts=1)
    (new,) = office.ask("a")
    hold(office, [begun, new])
    alone: list[set[str]] = []
    office.act = lambda _: alone.append({o.target for o in office.line.called()})
    run(office, [begun.id])
    assert alone[0] == {"a"}, "it waits for another process"


def test_a_turn_ends_where_the_same_one_waits_for_a_process_at_two_looks(clock: Any) -> None:
    office = Office(limit=1)

    def act(operation: Operation) -> None:
        clock.at += 1.5
        if operation.target == "a1":
            hold(office, office.ask("waits", cloud="far"))

    office.act = act
    asked = office.ask(*(f"a{n}" for n in range(9)))
    office.line.fill("india", None)
    run(office, [asked[0].id])
    # looks at 3 s (it is seen first) and at 6 s
    assert office.done == ["a0", "a1", "a2", "a3"]
    assert office.sent == [["a0"], ["a4"]]
    assert office.held() == {"a4", "waits"}


def test_a_turn_goes_on_where_nobody_waits_for_a_process_for_long(clock: Any) -> None:
    office = Office(limit=1)

    def act(operation: Operation) -> None:
        clock.at += 3
        others = office.ask(f"waits-{operation.target}", cloud="far")
        for where, holders in office.store.slots.held().items():
            if where.startswith("far"):
                office.store.slots.release(where, holders)  # another process has it now
        hold(office, others)

    office.act = act
    asked = office.ask(*(f"a{n}" for n in range(5)))
    office.line.fill("india", None)
    run(office, [asked[0].id])
    assert office.done == ["a0", "a1", "a2", "a3", "a4"]


def test_a_turn_ends_after_a_while_in_any_case(clock: Any) -> None:
    office = Office(limit=1)

    def act(_: Operation) -> None:
        clock.at += 100

    office.act = act
    asked = office.ask(*(f"a{n}" for n in range(9)))
    office.line.fill("india", None)
    run(office, [asked[0].id])
    assert office.done == ["a0", "a1", "a2"]
    assert office.sent == [["a0"], ["a3"]]


def test_a_process_that_is_to_end_begins_nothing_more_and_one_message_calls_the_next(
    office: Office,
) -> None:
    asked = office.ask(*"abcdefgh")
    office.line.fill("india", None)
    run(office, ids(asked[:4]), lambda: True)
    assert sorted(office.done) == ["a", "b", "c", "d"]
    assert office.sent == [["a", "b", "c", "d"], ["e", "f", "g", "h"]]
    assert office.held() == {"e", "f", "g", "h"}


def test_what_ends_late_keeps_no_slot_of_those_that_ended_with_the_turn(office: Office) -> None:
    over = threading.Event()
    office.act = lambda operation: operation.target == "d" and over.wait(LATE)
    asked = office.ask(*"abcdefgh")
    office.line.fill("india", None)
    thread = threading.Thread(target=run, args=(office, ids(asked[:4]), lambda: True))
    thread.start()
    until(lambda: len(office.sent) == 2)
    assert office.sent[1] == ["e", "f", "g"]
    assert office.held() == {"d", "e", "f", "g"}
    over.set()
    thread.join(LATE)
    assert office.sent[2] == ["h"]


def test_the_slot_of_what_another_process_runs_is_not_handed_on() -> None:
    office = Office(limit=1)
    mine, other = office.ask("a", "b")
    office.line.fill("india", None)
    real = office.run

    def taken(operation: Operation) -> Operation | None:
        office.store.journal.change(
            operation, state=OperationState.RUNNING, runner="elsewhere/1/1", attempts=1
        )
        return real(operation)

    office.run = taken  # type: ignore[method-assign]
    run(office, [mine.id])
    assert office.done == []
    assert office.held() == {"a"}
    assert office.sent == [["a"]]
    assert office.store.journal.get(other.id) == other


def test_a_second_message_begins_nothing_twice(office: Office) -> None:
    asked = office.ask("a", "b")
    office.line.fill("india", None)
    run(office, ids(asked))
    run(office, ids(asked))
    assert sorted(office.done) == ["a", "b"]
    assert office.held() == set()


def test_what_the_dead_left_is_settled_and_its_slot_handed_on() -> None:
    office = Office(limit=1)
    (left,) = office.ask("a")
    office.line.fill("india", None)
    dead = office.store.journal.change(
        left, state=OperationState.RUNNING, runner="gone.example.org/1/0",
        attempts=1, lease=datetime(2020, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    assert dead is not None
    office.ask("b")
    run(office, [left.id])
    assert office.settled == ["albert"]
    assert office.sent == [["a"], ["b"]]
    assert office.held() == {"b"}


def test_a_bug_is_told_and_who_follows_begins(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(operation: Operation) -> None:
        if operation.target == "a":
            raise ZeroDivisionError

    office.act = stumble
    (first, _) = office.ask("a", "b")
    office.line = attrs.evolve(office.line, limit=lambda _: 1)
    office.line.fill("india", None)
    run(office, [first.id])
    assert office.done == ["b"]
    (told,) = [record.getMessage() for record in caplog.records]
    assert told == f"operation {first.id} met a bug; what became of it is found out later"


def test_a_store_that_is_away_is_told_of_and_keeps_its_slots(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    def away(_: Operation) -> None:
        raise StoreError("the store does not answer")

    office.act = away
    asked = office.ask("a", "b")
    office.line.fill("india", None)
    run(office, ids(asked))
    told = sorted(record.getMessage() for record in caplog.records)
    assert told == sorted(
        f"operation {o.id}: the store does not answer; it is looked for again later" for o in asked
    )
    assert office.held() == {"a", "b"}
