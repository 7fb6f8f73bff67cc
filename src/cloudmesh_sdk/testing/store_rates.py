"""What a store promises of how fast a service is asked by all who share it.

The rates here are so slow that no machine is: places lie many seconds apart, and nobody waits.
"""

import math
from collections.abc import Callable, Sequence

import pytest

from cloudmesh_sdk.pacing import LEAST, LONGEST
from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.store.rates import Place
from cloudmesh_sdk.testing.journals import at_once
from cloudmesh_sdk.testing.stores import StoreFixtures
from cloudmesh_sdk.testing.suite import wanted

_FAR = 100.0
"""Seconds between two at the rate of most tests."""

Reserve = Callable[[float | None], Place]


def _steps(places: Sequence[Place], seconds: float) -> list[int]:
    """Return after how many times so many seconds each may go, to the nearest whole one."""
    return [round(place.wait / seconds) for place in places]


class RatesSuite(StoreFixtures):
    """Promises of `Rates`; give the fixtures `store` and `reopen`."""

    @pytest.fixture
    def reopen(self) -> Callable[[], Store]:
        wanted(self, "reopen", "opens the place of `store` a second time")

    @pytest.fixture
    def reserve(self, store: Store, owner: str) -> Reserve:
        """Return what takes the next place of a scope that no other test uses."""
        return lambda most: store.rates.reserve(owner, most, within=math.inf)

    def test_who_asks_at_once_goes_one_after_the_other(self, reserve: Reserve) -> None:
        places = at_once(6, lambda _: reserve(1 / _FAR))
        places = sorted(places, key=lambda place: place.wait)
        assert _steps(places, _FAR) == [0, 1, 2, 3, 4, 5]
        assert places[0].wait <= 0

    def test_without_a_rate_all_go_at_once(
        self, store: Store, owner: str, reserve: Reserve
    ) -> None:
        assert store.rates.slowed(owner) == 0
        assert {reserve(None).wait for _ in range(5)} == {0}

    def test_scopes_do_not_know_of_each_other(
        self, store: Store, owner: str, reserve: Reserve
    ) -> None:
        reserve(1 / _FAR)
        store.rates.throttled(owner, None, ago=0, pace=5, retry_after=_FAR)
        other = f"{owner}-other"
        assert store.rates.slowed(other) == 0
        assert store.rates.reserve(other, 1 / _FAR, within=0) == Place(wait=0)

    def test_a_place_that_is_too_far_is_told_of_and_not_taken(
        self, store: Store, owner: str, reserve: Reserve
    ) -> None:
        assert reserve(1 / _FAR).wait <= 0
        far = [store.rates.reserve(owner, 1 / _FAR, within=_FAR / 2) for _ in range(3)]
        assert _steps([*far, reserve(1 / _FAR)], _FAR) == [1, 1, 1, 1]

    def test_a_refusal_closes_a_scope_for_as_long_as_was_asked(
        self, store: Store, owner: str, reserve: Reserve
    ) -> None:
        store.rates.throttled(owner, None, ago=0, pace=5, retry_after=_FAR)
        place = reserve(None)
        assert _steps([place], _FAR) == [1]
        assert place.slowing == store.rates.slowed(owner) > 0

    def test_nobody_closes_a_scope_for_good(
        self, store: Store, owner: str, reserve: Reserve
    ) -> None:
        store.rates.throttled(owner, None, ago=0, pace=5, retry_after=1e9)
        assert LONGEST / 2 < reserve(None).wait <= LONGEST

    def test_a_refusal_halves_the_rate_once_for_all_that_went_before(
        self, store: Store, owner: str, reserve: Reserve
    ) -> None:
        def refused(_: int) -> None:
            store.rates.throttled(owner, 2 * LEAST, ago=0, pace=5, retry_after=None)

        at_once(6, refused)
        places = [reserve(2 * LEAST) for _ in range(3)]
        assert _steps(places, 1 / LEAST) == [1, 2, 3]
        assert {place.slowing for place in places} == {1}

    def test_without_a_limit_half_of_what_all_sent_who_were_refused_is_the_rate(
        self, store: Store, owner: str, reserve: Reserve
    ) -> None:
        def refused(_: int) -> None:
            store.rates.throttled(owner, None, ago=0, pace=0.5, retry_after=None)

        at_once(5, refused)
        store.rates.throttled(owner, None, ago=0, pace=None, retry_after=None)
        places = [reserve(None) for _ in range(80)]
        assert _steps(places[-1:], 10) == [4], "1 of the first, which is the least, 1/4 of others"

    def test_a_refusal_frees_what_was_taken_before(
        self, store: Store, owner: str, reserve: Reserve
    ) -> None:
        before = [reserve(1 / _FAR) for _ in range(4)]
        store.rates.throttled(owner, 2 * LEAST, ago=0, pace=None, retry_after=None)
        after = reserve(2 * LEAST)
        assert _steps([after], 1 / LEAST) == [1]
        assert {place.slowing for place in before} == {0}
        assert after.slowing == store.rates.slowed(owner) == 1

    def test_one_that_closes_a_scope_for_longer_frees_it_too(
        self, store: Store, owner: str, reserve: Reserve
    ) -> None:
        for seconds in (_FAR, _FAR, 2 * _FAR):
            store.rates.throttled(owner, None, ago=0, pace=None, retry_after=seconds)
        place = reserve(None)
        assert _steps([place], _FAR) == [2]
        assert place.slowing == store.rates.slowed(owner) == 2

    def test_other_processes_hear_of_a_refusal(
        self, store: Store, owner: str, reopen: Callable[[], Store]
    ) -> None:
        store.rates.throttled(owner, None, ago=0, pace=5, retry_after=_FAR)
        with reopen() as other:
            assert other.rates.slowed(owner) == 1
            assert _steps([other.rates.reserve(owner, None, within=0)], _FAR) == [1]
