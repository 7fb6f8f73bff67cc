"""What a store's journal and settings promise: nothing lost, nobody wins twice, numbers once."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import attrs
import pytest

from cloudmesh_sdk.models import Fault, Operation, OperationState
from cloudmesh_sdk.store.base import Store, User
from cloudmesh_sdk.testing.stores import StoreFixtures
from cloudmesh_sdk.testing.suite import wanted

T = TypeVar("T")


def at_once(count: int, act: Callable[[int], T]) -> list[T]:
    """Return what so many threads got that began together, in any order."""
    gate = threading.Barrier(count)
    results: list[T] = []

    def run(number: int) -> None:
        gate.wait()
        results.append(act(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == count, "a thread raised"
    return results


class OperationFixtures(StoreFixtures):
    """What suites of a journal need."""

    @pytest.fixture
    def operation(self, owner: str) -> Callable[..., Operation]:
        """Make an operation, so many seconds old."""

        def operation(age: float = 0, **fields: Any) -> Operation:
            moment = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=age)
            given = {
                "id": uuid4().hex, "owner": owner, "act": "start", "cloud": "india",
                "target": "web-001", "token": uuid4().hex, "created": moment,
            }  # fmt: skip
            return Operation(**{**given, **fields})

        return operation


class JournalSuite(OperationFixtures):
    """Promises of `Journal`; give the fixtures `store` and `reopen`."""

    @pytest.fixture
    def reopen(self) -> Callable[[], Store]:
        wanted(self, "reopen", "opens the place of `store` a second time")

    def test_operations_come_back_equal(
        self, store: Store, operation: Callable[..., Operation]
    ) -> None:
        plain = operation()
        full = operation(
            request={"name": "w", "tags": {"a.b": "1", "$x": [1, None, True]}},
            parcel={"command": ["echo", "$a.b"], "$x.y": "1"},
            state=OperationState.FAILED, attempts=3, runner="host/1/2", lease=plain.created,
            result="i-1", error=Fault(kind="AuthError", message="no", transient=False),
            sent=plain.created, finished=plain.created, withheld=("user_data",),
            retry_of=plain.id, cancelling=plain.created,
        )  # fmt: skip
        store.journal.add([plain, full])
        assert store.journal.get(plain.id) == plain
        assert store.journal.get(full.id) == full
        assert store.journal.get(uuid4().hex) is None

    def test_a_parcel_that_is_dropped_is_gone(
        self, store: Store, owner: str, operation: Callable[..., Operation]
    ) -> None:
        first = operation(later=True, parcel={"script": "#!/bin/sh"})
        store.journal.add([first])
        (taken,) = store.journal.take(runner="a/1/1", lease=first.created, owner=owner)
        assert taken.parcel == {"script": "#!/bin/sh"}
        done = store.journal.change(taken, state=OperationState.DONE, parcel={})
        assert done is not None
        assert (done.parcel, store.journal.get(first.id)) == ({}, done)

    def test_find_filters_newest_first(
        self, store: Store, owner: str, operation: Callable[..., Operation]
    ) -> None:
        old, young = operation(30), operation(10, cloud="sierra")
        done = operation(20, state=OperationState.DONE, target="web-002")
        store.journal.add([done, young])
        store.journal.add([old])
        store.journal.add([operation(0, owner=f"{owner}-2")])
        find = store.journal.find
        assert find(owner=owner) == [young, done, old]
        assert find(owner=owner, limit=2) == [young, done]
        assert find(owner=owner, cloud="india") == [done, old]
        assert find(owner=owner, target="web-002") == [done]
        assert find(owner=owner, states=[OperationState.PENDING]) == [young, old]
        both = (OperationState.PENDING, OperationState.DONE)
        assert find(owner=owner, states=both, cloud="india", limit=1) == [done]
        assert {o.owner for o in find(target="web-001")} >= {owner, f"{owner}-2"}

    def test_change_needs_the_operation_as_it_is(
        self, store: Store, operation: Callable[..., Operation]
    ) -> None:
        first = operation()
        store.journal.add([first])
        running = store.journal.change(
            first, state=OperationState.RUNNING, runner="a/1/1", attempts=1
        )
        expected = attrs.evolve(first, state=OperationState.RUNNING, runner="a/1/1", attempts=1)
        assert running == expected
        assert store.journal.get(first.id) == expected
        assert store.journal.change(first, state=OperationState.CANCELLED) is None
        for field in ({"runner": "b/1/1"}, {"attempts": 2}, {"state": OperationState.UNKNOWN}):
            other = attrs.evolve(expected, **field)
            assert store.journal.change(other, state=OperationState.DONE) is None
        assert store.journal.get(first.id) == expected
        done = store.journal.change(expected, state=OperationState.DONE, result="i-1")
        assert done == attrs.evolve(expected, state=OperationState.DONE, result="i-1")
        assert store.journal.change(operation(), state=OperationState.DONE) is None

    def test_what_waits_for_a_runner_is_taken_oldest_first(
        self, store: Store, owner: str, operation: Callable[..., Operation]
    ) -> None:
        waiting = [operation(age, later=True) for age in (10, 30, 20)]
        others = [
            operation(50), operation(50, later=True, runner="host/1/2"),
            operation(50, later=True, state=OperationState.DONE),
            operation(50, later=True, lease=datetime.now(UTC) + timedelta(hours=1)),
        ]  # fmt: skip
        store.journal.add([*waiting, *others])
        until = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
        first = store.journal.take(runner="host/9/9", lease=until, limit=2, owner=owner)
        assert [o.id for o in first] == [waiting[1].id, waiting[2].id]
        assert {(o.runner, o.lease, o.state) for o in first} == {("host/9/9", until, "pending")}
        assert [store.journal.get(o.id) for o in first] == first
        (last,) = store.journal.take(runner="host/9/9", lease=until, limit=5, owner=owner)
        assert last.id == waiting[0].id
        assert store.journal.take(runner="host/9/9", lease=until, owner=owner) == []

    def test_a_runner_takes_only_what_it_asks_for(
        self, store: Store, owner: str, operation: Callable[..., Operation]
    ) -> None:
        one, two = operation(20, later=True), operation(10, later=True, cloud="sierra")
        store.journal.add([one, two])

        def taken(**asked: Any) -> list[str]:
            found = store.journal.take(runner="host/9/9", lease=one.created, limit=9, **asked)
            return [o.id for o in found]

        assert taken(owner=f"not-{owner}") == []
        assert taken(owner=owner, clouds=()) == []
        assert taken(owner=owner, clouds=["sierra"]) == [two.id]
        assert taken(owner=owner, clouds=["india", "sierra"]) == [one.id]

    def test_of_many_runners_one_takes_each(
        self, store: Store, owner: str, operation: Callable[..., Operation]
    ) -> None:
        store.journal.add([operation(age, later=True) for age in range(20)])
        until = datetime.now(UTC) + timedelta(minutes=1)

        def all_there_is(number: int) -> list[str]:
            got: list[str] = []
            while found := store.journal.take(runner=f"r/{number}/", lease=until, owner=owner):
                got += [o.id for o in found]
            return got

        taken = [id for each in at_once(4, all_there_is) for id in each]  # noqa: A001
        assert len(taken) == len(set(taken)) == 20

    def test_a_lease_is_renewed_by_its_runner(
        self, store: Store, operation: Callable[..., Operation]
    ) -> None:
        running = operation(state=OperationState.RUNNING, runner="a/1/1", attempts=1)
        store.journal.add([running])
        for seconds in (10, 20):
            lease = running.created + timedelta(seconds=seconds)
            assert store.journal.change(running, lease=lease) is not None
            found = store.journal.get(running.id)
            assert found is not None
            assert found.lease == lease

    def test_one_of_many_takes_an_operation(
        self, store: Store, operation: Callable[..., Operation]
    ) -> None:
        wanted = operation()
        store.journal.add([wanted])

        def take(number: int) -> Operation | None:
            return store.journal.change(
                wanted, state=OperationState.RUNNING, runner=f"h/{number}/1", attempts=1
            )

        winners = [taken for taken in at_once(8, take) if taken is not None]
        assert len(winners) == 1
        assert store.journal.get(wanted.id) == winners[0]

    def test_many_are_changed_at_once_each_by_its_own_claim(
        self, store: Store, operation: Callable[..., Operation]
    ) -> None:
        asked = [operation(age) for age in range(24)]
        store.journal.add(asked)
        for lost in asked[::3]:
            assert store.journal.change(lost, state=OperationState.CANCELLED) is not None

        def claim(number: int) -> tuple[int, Operation | None]:
            fields = {"state": OperationState.RUNNING, "runner": f"h/{number}/1", "attempts": 1}
            return number, store.journal.change(asked[number], results=("a", "b"), **fields)

        for number, now in at_once(24, claim):
            kept = store.journal.get(asked[number].id)
            assert kept is not None
            if number % 3 == 0:
                assert (now, kept.state) == (None, OperationState.CANCELLED)
            else:
                assert now == kept
                assert (kept.runner, kept.results) == (f"h/{number}/1", ("a", "b"))

    def test_what_was_written_is_there_for_others(
        self, store: Store, reopen: Callable[[], Store], operation: Callable[..., Operation]
    ) -> None:
        first = operation()
        store.journal.add([first])
        store.settings.set_default(first.owner, "", "cloud", "india")
        with reopen() as other:
            assert other.journal.get(first.id) == first
            assert other.settings.defaults(first.owner)[""] == {"cloud": "india"}
            assert other.journal.change(first, state=OperationState.DONE) is not None
            assert other.settings.numbers(first.owner, "n", 3) == range(1, 4)
        found = store.journal.get(first.id)
        assert found is not None
        assert found.state is OperationState.DONE
        assert store.settings.numbers(first.owner, "n") == range(4, 5)


class SettingsSuite(StoreFixtures):
    """Promises of `Settings`; give the fixture `store`."""

    def test_numbers_go_up_from_one(self, store: Store, owner: str) -> None:
        numbers = store.settings.numbers
        assert numbers(owner, "web") == range(1, 2)
        assert numbers(owner, "web", 3) == range(2, 5)
        assert numbers(owner, "a.b$c") == range(1, 2)
        assert numbers(f"{owner}-2", "web") == range(1, 2)
        assert numbers(owner, "web") == range(5, 6)

    def test_nobody_gets_a_number_twice(self, store: Store, owner: str) -> None:
        got = at_once(8, lambda _: [*store.settings.numbers(owner, "n", 25)])
        assert sorted(number for part in got for number in part) == list(range(1, 201))

    def test_defaults_by_scope(self, store: Store, owner: str) -> None:
        put, get = store.settings.set_default, store.settings.defaults
        assert get(owner) == {}
        put(owner, "", "cloud", "india")
        put(owner, "india", "image", "ubuntu")
        put(owner, "aws.us-east-1", "security_groups", ["default", "w.b"])
        put(owner, "india", "a.b", {"$x": 1})
        assert get(owner) == {
            "": {"cloud": "india"},
            "india": {"image": "ubuntu", "a.b": {"$x": 1}},
            "aws.us-east-1": {"security_groups": ["default", "w.b"]},
        }
        assert get(f"{owner}-2") == {}

    def test_none_removes_a_default(self, store: Store, owner: str) -> None:
        put = store.settings.set_default
        put(owner, "", "cloud", "india")
        put(owner, "", "format", "json")
        put(owner, "", "cloud", "sierra")
        put(owner, "", "format", None)
        put(owner, "", "never set", None)
        assert store.settings.defaults(owner) == {"": {"cloud": "sierra"}}

    def test_users_are_remembered_once(self, store: Store, owner: str) -> None:
        moment = datetime.now(UTC).replace(microsecond=0)
        store.settings.remember(User(username=owner))
        store.settings.remember(User(username=owner, email="a@example.org", active=moment))
        found = [user for user in store.settings.users() if user.username == owner]
        assert found == [User(username=owner, email="a@example.org", active=moment)]
