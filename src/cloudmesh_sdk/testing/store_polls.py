"""What a store promises of turns: one asks, however many want to; none is lost with its holder."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.store.polls import Question, Turn
from cloudmesh_sdk.testing.journals import at_once
from cloudmesh_sdk.testing.stores import StoreFixtures
from cloudmesh_sdk.testing.suite import wanted

Take = Callable[..., Turn]


class PollsSuite(StoreFixtures):
    """Promises of `Polls`; give the fixtures `store` and `reopen`."""

    @pytest.fixture
    def reopen(self) -> Callable[[], Store]:
        wanted(self, "reopen", "opens the place of `store` a second time")

    @pytest.fixture
    def take(self, store: Store, owner: str) -> Take:
        """Ask for a turn that was never asked for, but by this test."""

        def take(holder: str, interval: float = 0.0, lease: float = 60.0, **more: Any) -> Turn:
            given = {"holder": holder, "interval": interval, "lease": lease}
            return store.polls.take(owner, more.pop("what", "jobs"), **{**given, **more})

        return take

    def test_who_asks_first_has_the_turn(self, take: Take) -> None:
        before = datetime.now(UTC)
        mine = take("a", interval=30)
        assert (mine.mine, mine.holder, mine.wait) == (True, None, 0.0)
        assert mine.asked is not None
        assert abs(mine.asked - before) < timedelta(seconds=5)  # a clock of another machine's
        other = take("b", interval=30)
        assert (other.mine, other.holder, other.asked) == (False, "a", mine.asked)
        assert 20 < other.wait <= 30

    def test_who_holds_a_turn_gets_no_second_one(self, take: Take) -> None:
        assert take("a").mine
        again = take("a")
        assert (again.mine, again.holder) == (False, "a")

    def test_of_many_at_once_one_gets_the_turn(self, take: Take) -> None:
        for interval in (0.0, 30.0):
            what = f"at {interval}"
            turns = at_once(8, lambda n: take(f"h{n}", interval, what=what))  # noqa: B023
            (mine,) = [turn for turn in turns if turn.mine]
            others = [turn for turn in turns if not turn.mine]
            assert {turn.asked for turn in others} == {mine.asked}
            assert len({turn.holder for turn in others}) == 1

    def test_turns_of_scopes_and_questions_are_apart(
        self, store: Store, owner: str, take: Take
    ) -> None:
        assert take("a", interval=30).mine
        assert take("a", interval=30, what="nodes").mine
        assert store.polls.take(f"{owner}/jobs", "", holder="a", interval=30, lease=9).mine
        other = store.polls.take(f"{owner}-2", "jobs", holder="a", interval=30, lease=9)
        assert other.mine
        store.polls.done(f"{owner}-2", "jobs", holder="a", wait=0)
        assert take("b", interval=0).holder == "a"

    def test_a_turn_given_back_is_free_after_the_interval(
        self, store: Store, owner: str, take: Take
    ) -> None:
        first = take("a", interval=0.5)
        store.polls.done(owner, "jobs", holder="a", wait=0)
        soon = take("b", interval=0.5)
        assert (soon.mine, soon.holder, soon.asked) == (False, None, first.asked)
        assert 0 < soon.wait <= 0.5
        time.sleep(soon.wait + 0.01)
        assert take("b", interval=0.5).mine

    def test_what_done_said_is_waited_for(self, store: Store, owner: str, take: Take) -> None:
        assert take("a").mine
        store.polls.done(owner, "jobs", holder="a", wait=0.5)
        soon = take("b")
        assert (soon.mine, soon.holder) == (False, None)
        assert 0 < soon.wait <= 0.5
        time.sleep(soon.wait + 0.01)
        assert take("b").mine, "the wait counts from when the question was begun"
        store.polls.done(owner, "jobs", holder="b", wait=0)
        assert take("c").mine, "and for the next question alone"

    def test_a_lease_that_is_over_frees_the_turn(
        self, store: Store, owner: str, take: Take
    ) -> None:
        assert take("a", lease=0.2).mine
        assert take("b").holder == "a"
        time.sleep(0.25)
        waits = take("b", interval=30)
        assert (waits.mine, waits.holder) == (False, None), "it was asked all the same"
        assert waits.wait > 20
        assert take("b").mine
        store.polls.done(owner, "jobs", holder="a", wait=600)
        assert take("c").holder == "b", "who comes late gives nobody else's turn back"
        assert not store.polls.renew(owner, "jobs", holder="a", lease=9)

    def test_a_long_question_keeps_its_turn(self, store: Store, owner: str, take: Take) -> None:
        assert take("a", lease=0.2).mine
        assert store.polls.renew(owner, "jobs", holder="a", lease=60)
        time.sleep(0.25)
        assert take("b").holder == "a"
        store.polls.done(owner, "jobs", holder="a", wait=0)
        assert not store.polls.renew(owner, "jobs", holder="a", lease=60)
        assert not store.polls.renew(owner, "never asked", holder="a", lease=60)
        assert take("b").mine

    def test_a_dead_holder_s_turn_is_taken_over_once(self, take: Take) -> None:
        assert take("dead").mine
        assert take("b", instead="other").holder == "dead"
        early = take("b", interval=30, instead="dead")
        assert (early.mine, early.holder) == (False, None), "it asked before it died"
        turns = at_once(8, lambda n: take(f"h{n}", instead="dead"))
        assert sum(turn.mine for turn in turns) == 1

    def test_done_without_a_turn_changes_nothing(
        self, store: Store, owner: str, take: Take
    ) -> None:
        store.polls.done(owner, "jobs", holder="a", wait=600)
        assert take("b").mine
        store.polls.done(owner, "jobs", holder="a", wait=600)
        assert take("c").holder == "b"

    def test_a_turn_is_the_same_for_other_processes(
        self, reopen: Callable[[], Store], owner: str, take: Take
    ) -> None:
        assert take("a", interval=30).mine
        with reopen() as other:
            polls = other.polls
            turn = polls.take(owner, "jobs", holder="b", interval=30, lease=60)
            assert (turn.mine, turn.holder) == (False, "a")
            assert polls.take(owner, "nodes", holder="b", interval=30, lease=60).mine
        assert take("a", what="nodes").holder == "b"

    def test_the_log_has_a_day_oldest_first(self, store: Store, owner: str) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        last = Question(
            at=now, what="jobs", calls=2, elapsed=0.25, by="ann@login (7)", error="no route"
        )
        ages = {"old": 25.0, "hour": 1.0, "day": 23.9}
        for what, hours in ages.items():
            at = now - timedelta(hours=hours)
            store.polls.note(owner, attrs.evolve(last, what=what, at=at, error=""))
        store.polls.note(owner, last)
        store.polls.note(f"{owner}-2", last)
        told = store.polls.questions(owner, since=now - timedelta(days=9))
        assert [question.what for question in told] == ["day", "hour", "jobs"]
        assert told[-1] == last
        assert store.polls.questions(owner, since=now - timedelta(minutes=30)) == [last]
        assert store.polls.questions(owner, since=now) == [last]
        assert store.polls.questions(f"{owner}-3", since=now) == []
