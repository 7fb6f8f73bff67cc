"""What a store promises of operations that are to be cancelled while others change them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.testing.journals import OperationFixtures, at_once

_HAPPENS: Mapping[str, Callable[[Store, Operation], Operation | None]] = {
    "claimed": lambda store, now: store.journal.change(
        now, state=OperationState.RUNNING, attempts=2
    ),
    "put back": lambda store, now: store.journal.change(
        now, state=OperationState.PENDING, runner=None
    ),
    "done": lambda store, now: store.journal.change(now, state=OperationState.DONE, result="i-1"),
    "concluded": lambda store, now: store.conclude(now, [], state=OperationState.DONE),
}
"""What may happen to an operation at the moment at which it is to be cancelled."""


class WishesSuite(OperationFixtures):
    """Promises of `Journal` about `Operation.cancelling`; give the fixture `store`."""

    def test_a_wish_disturbs_no_runner_and_is_heard_by_its_next_write(
        self, store: Store, operation: Callable[..., Operation]
    ) -> None:
        running = operation(state=OperationState.RUNNING, runner="a/1/1", attempts=1)
        other = operation(cancelling=running.created)
        over = operation(state=OperationState.CANCELLED)
        done = operation(state=OperationState.DONE)
        store.journal.add([running, other, over, done, operation(cancelling=running.created)])
        asked = [running.id, other.id, over.id, done.id, uuid4().hex]
        assert store.journal.unwanted(asked) == {other.id, over.id}
        wish = running.created + timedelta(seconds=5)
        assert store.journal.change(running, cancelling=wish) is not None
        assert store.journal.unwanted(asked) == {running.id, other.id, over.id}
        assert store.journal.unwanted([]) == set()
        for fields in ({"lease": wish}, {"state": OperationState.UNKNOWN}):
            now = store.journal.change(running, **fields)
            assert now is not None
            assert (now.cancelling, now.runner, now.attempts) == (wish, "a/1/1", 1)
        assert store.journal.change(running, cancelling=wish) is None

    @pytest.mark.parametrize("what", ["claimed", "put back", "done", "concluded"])
    def test_a_wish_comes_before_what_happens_at_the_same_time_or_not_at_all(
        self, store: Store, operation: Callable[..., Operation], what: str
    ) -> None:
        for _ in range(10):
            now = operation(state=OperationState.UNKNOWN, runner="a/1/1", attempts=1)
            store.journal.add([now])

            def act(number: int, now: Operation = now) -> tuple[int, Operation | None]:
                if number:
                    return number, store.journal.change(now, cancelling=now.created)
                return number, _HAPPENS[what](store, now)

            went = dict(at_once(2, act))
            assert went[0] is not None, "a wish is in nobody's way"
            assert (went[0].cancelling is None) == (went[1] is None)
            assert store.journal.get(now.id) == went[0]

    def test_what_waits_is_cancelled_or_taken_never_both(
        self, store: Store, owner: str, operation: Callable[..., Operation]
    ) -> None:
        until = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
        for _ in range(10):
            waits = operation(later=True)
            store.journal.add([waits])

            def act(number: int, waits: Operation = waits) -> Operation | None:
                if number:
                    return store.journal.change(waits, state=OperationState.CANCELLED)
                taken = store.journal.take(runner="r/1/1", lease=until, owner=owner)
                return taken[0] if taken else None

            (won,) = [found for found in at_once(2, act) if found is not None]
            assert store.journal.get(waits.id) == won
            assert (won.runner is None) == (won.state is OperationState.CANCELLED)
