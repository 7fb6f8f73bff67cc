"""What a store promises of slots, of workers, and of whose turn it is among those who wait."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from cloudmesh_sdk.models import Operation, OperationState, Worker
from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.testing.journals import at_once
from cloudmesh_sdk.testing.stores import StoreFixtures


class SlotsSuite(StoreFixtures):
    """Promises of `Slots` and `Workers`, and of `Journal` where several users wait."""

    def test_no_more_hold_a_slot_than_may(self, store: Store, owner: str) -> None:
        def take(number: int) -> bool:
            return bool(store.slots.take(owner, [f"h{number}"], limit=3, lease=60))

        assert sorted(at_once(8, take)) == [False] * 5 + [True] * 3
        assert len(store.slots.held()[owner]) == 3
        assert store.slots.take(f"{owner}-other", ["h"], limit=1, lease=60)

    def test_who_holds_a_slot_holds_it_once(self, store: Store, owner: str) -> None:
        assert store.slots.take(owner, ["a"], limit=1, lease=60)
        assert store.slots.take(owner, ["a"], limit=1, lease=60)
        assert store.slots.held()[owner] == ["a"]
        assert not store.slots.take(owner, ["b"], limit=1, lease=60)
        store.slots.release(owner, ["b"])
        store.slots.release(owner, ["a"])
        assert owner not in store.slots.held()
        assert store.slots.take(owner, ["b"], limit=1, lease=60)

    def test_a_slot_is_handed_on(self, store: Store, owner: str) -> None:
        assert store.slots.take(owner, ["$a.b"], limit=1, lease=60)
        assert store.slots.take(owner, ["c"], limit=1, lease=60, instead=["$a.b"])
        assert store.slots.held()[owner] == ["c"]

    def test_several_take_what_is_left_in_order(self, store: Store, owner: str) -> None:
        slots = store.slots
        assert slots.take(owner, ["a", "b"], limit=3, lease=60) == {"a", "b"}
        assert slots.take(owner, ["d", "b", "c"], limit=3, lease=60) == {"d", "b"}
        assert slots.take(owner, ["c"], limit=3, lease=60) == set()
        given = slots.take(owner, ["c", "e", "f"], limit=3, lease=60, instead=["a", "d", "x"])
        assert given == {"c", "e"}
        assert sorted(slots.held()[owner]) == ["b", "c", "e"]
        assert slots.take(owner, ["b", "c", "e"], limit=1, lease=60) == {"b", "c", "e"}
        assert slots.renew(owner, ["b", "f"], lease=60) == {"b"}
        slots.release(owner, ["b", "e", "f"])
        assert slots.held()[owner] == ["c"]

    def test_a_slot_ends_with_its_lease(self, store: Store, owner: str) -> None:
        assert store.slots.take(owner, ["dead"], limit=1, lease=0.05)
        time.sleep(0.1)
        assert owner not in store.slots.held()
        assert not store.slots.renew(owner, ["dead"], lease=60)
        assert store.slots.take(owner, ["next"], limit=1, lease=0.05)
        assert store.slots.renew(owner, ["next"], lease=60)
        time.sleep(0.1)
        assert store.slots.held()[owner] == ["next"]

    def test_workers_are_told_while_they_say_so(self, store: Store, owner: str) -> None:
        since = datetime.now(UTC).replace(microsecond=0)
        mine = Worker(id=owner, host="h", pid=7, concurrency=2, since=since)
        store.workers.beat(mine, lease=60)
        store.workers.beat(attrs.evolve(mine, running=1), lease=60)
        (told,) = [worker for worker in store.workers.living() if worker.id == owner]
        assert attrs.evolve(told, seen=None) == attrs.evolve(mine, running=1)
        assert told.seen is not None
        assert abs(told.seen - datetime.now(UTC)) < timedelta(seconds=5)  # another machine's clock
        store.workers.beat(mine, lease=0.05)
        time.sleep(0.1)
        assert owner not in {worker.id for worker in store.workers.living()}
        store.workers.beat(mine, lease=60)
        store.workers.leave(owner)
        assert owner not in {worker.id for worker in store.workers.living()}

    @pytest.fixture
    def line(self, store: Store, owner: str) -> dict[str, Operation]:
        """Give three that wait at one account: two of ann's, one of bob's, which is the oldest."""
        now = datetime.now(UTC).replace(microsecond=0)

        def wait(name: str, who: str, age: int) -> Operation:
            return Operation(
                id=f"{owner}-{name}", owner=f"{owner}-{who}", act="start", cloud=owner,
                target=name, token=name, later=True, account="acc",
                created=now - timedelta(seconds=age),
            )  # fmt: skip

        line = {"a1": wait("a1", "ann", 20), "a2": wait("a2", "ann", 10), "b": wait("b", "bob", 30)}
        store.journal.add([*line.values()])
        return line

    def test_users_take_turns(self, store: Store, owner: str, line: dict[str, Operation]) -> None:
        def next_after(who: str, *without: str, account: str | None = "acc") -> str | None:
            ids = [line[name].id for name in without]
            found = store.journal.waiting(owner, account, after=f"{owner}-{who}", without=ids)
            return found[0].target if found else None

        assert next_after("aa") == "a1"
        assert next_after("ann") == "b"
        assert next_after("bob") == "a1"
        assert next_after("bob", "a1") == "a2"
        assert next_after("ann", "b") == "a1"
        assert next_after("ann", "b", "a1", "a2") is None
        assert next_after("ann", account=None) is None

    def test_users_after_the_next_fill_what_it_leaves(
        self, store: Store, owner: str, line: dict[str, Operation]
    ) -> None:
        def turns(after: str, limit: int, *without: str) -> list[str]:
            ids = [line[name].id for name in without]
            found = store.journal.waiting(
                owner, "acc", after=f"{owner}-{after}", without=ids, limit=limit
            )
            return [operation.target for operation in found]

        assert turns("aa", 2) == ["a1", "a2"]
        assert turns("ann", 2) == ["b", "a1"]
        assert turns("ann", 9) == ["b", "a1", "a2"]
        assert turns("bob", 9, "a1") == ["a2", "b"]

    def test_several_are_found_at_once(
        self, store: Store, owner: str, line: dict[str, Operation]
    ) -> None:
        asked = [line["a1"].id, line["b"].id, f"{owner}-unknown"]
        found = store.journal.several(asked)
        assert sorted(o.target for o in found) == ["a1", "b"]
        assert found[0] == store.journal.get(found[0].id)
        assert store.journal.several([]) == []
        assert store.journal.change(line["b"], state=OperationState.DONE) is not None
        (over,) = store.journal.several(asked, states=[OperationState.DONE])
        assert over.target == "b"
        assert store.journal.several(asked, states=[OperationState.FAILED]) == []

    def test_who_holds_a_slot_of_a_scope_has_had_its_turn(
        self, store: Store, owner: str, line: dict[str, Operation]
    ) -> None:
        def following(scope: str | None) -> str | None:
            found = store.journal.waiting(owner, "acc", after=f"{owner}-ann", scope=scope)
            return found[0].target if found else None

        assert following(owner) == "b"
        assert store.slots.take(owner, [line["b"].id], limit=2, lease=60)
        assert (following(owner), following(f"{owner}-other"), following(None)) == ("a1", "b", "b")
        assert store.slots.take(owner, [line["a1"].id], limit=2, lease=0.05)
        assert following(owner) == "a2"
        time.sleep(0.1)
        assert following(owner) == "a1"
        assert store.slots.take(owner, [line["a1"].id], limit=2, lease=60)
        assert store.slots.take(owner, [line["a2"].id], limit=3, lease=60)
        assert following(owner) is None
        store.slots.release(owner, [line["b"].id])
        assert following(owner) == "b"

    def test_the_lines_are_told(self, store: Store, owner: str, line: dict[str, Operation]) -> None:
        assert {operation.cloud for operation in line.values()} == {owner}
        assert (owner, "acc") in store.journal.lines()

    @pytest.mark.parametrize(
        ("fields", "held"),
        [
            ({"runner": "h/1/2"}, True),
            ({"state": OperationState.RUNNING, "runner": "h/1/2"}, True),
            ({"state": OperationState.UNKNOWN}, True),
            ({"state": OperationState.DONE, "runner": "h/1/2"}, False),
            ({"lease": datetime(2999, 1, 1, tzinfo=UTC)}, False),
        ],
    )
    def test_what_does_not_wait_is_in_no_line(
        self,
        store: Store,
        owner: str,
        line: dict[str, Operation],
        fields: dict[str, object],
        held: bool,
    ) -> None:
        change: Callable[..., Operation | None] = store.journal.change
        changed = [change(operation, **fields) for operation in line.values()]
        assert None not in changed
        assert store.journal.waiting(owner, "acc") == []
        assert (owner, "acc") not in store.journal.lines()
        ids = {operation.id for operation in store.journal.held()}
        assert ({operation.id for operation in line.values()} <= ids) == held
