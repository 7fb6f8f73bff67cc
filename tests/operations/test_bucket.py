"""How fast a service is asked: by a clock that is set by hand."""

import math

import pytest

from cloudmesh_sdk.operations.bucket import Bucket


class Clock:
    """A clock that stands still unless it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _gone(bucket: Bucket, clock: Clock, seconds: float) -> int:
    """Take whatever may go in some seconds; return how many went."""
    end, went = clock.now + seconds, 0
    while True:
        wait = bucket.take()
        if not wait:
            went += 1
        elif clock.now + wait >= end:
            return went
        clock.now += wait


def test_without_a_rate_everything_goes_at_once(clock: Clock) -> None:
    bucket = Bucket(clock=clock)
    assert [bucket.take() for _ in range(100)] == [0.0] * 100
    assert bucket.rate == math.inf


def test_one_goes_at_once_and_the_others_as_far_apart_as_the_rate_says(clock: Clock) -> None:
    bucket = Bucket(4, clock=clock)
    assert (bucket.take(), bucket.take()) == (0.0, 0.25)
    clock.now += 0.25
    assert bucket.take() == 0.0
    assert bucket.take() > 0


@pytest.mark.parametrize("rate", [0.5, 4, 64])
def test_never_more_go_than_the_rate_allows(clock: Clock, rate: float) -> None:
    went = _gone(Bucket(rate, clock=clock), clock, 100)
    assert rate * 100 - 1 <= went <= rate * 100 + 1


def test_what_was_not_used_is_not_saved_up(clock: Clock) -> None:
    bucket = Bucket(4, clock=clock)
    clock.now += 3600
    assert bucket.take() == 0.0
    assert bucket.take() > 0


def test_a_refusal_halves_the_rate_which_comes_back_slowly(clock: Clock) -> None:
    bucket = Bucket(8, clock=clock)
    bucket.throttled(went=clock.now)
    assert bucket.rate == 4
    clock.now += 15
    assert 4 < bucket.rate < 8
    clock.now += 3600
    assert bucket.rate == 8, "never more than it was"


def test_refusals_of_what_went_before_the_rate_was_halved_count_once(clock: Clock) -> None:
    bucket, went = Bucket(8, clock=clock), clock.now
    clock.now += 1
    for _ in range(8):
        bucket.throttled(went)
    assert bucket.rate == 4
    clock.now += 1
    bucket.throttled(went=clock.now)
    assert 2 <= bucket.rate < 2.1


def test_without_a_limit_the_rate_becomes_half_of_what_went_and_grows_without_end(
    clock: Clock,
) -> None:
    bucket = Bucket(clock=clock)
    for _ in range(100):
        bucket.take()
        clock.now += 0.05
    bucket.throttled(went=clock.now)
    assert bucket.rate == pytest.approx(10, abs=0.2), "20 a second went"
    clock.now += 10 * 3600
    assert bucket.rate > 1e6


def test_nothing_goes_before_the_service_wants_to_be_asked_again(clock: Clock) -> None:
    bucket = Bucket(8, clock=clock)
    bucket.throttled(went=clock.now, retry_after=20)
    assert bucket.take() == 20
    clock.now += 19
    assert bucket.take() == 1
    clock.now += 1
    assert bucket.take() == 0.0


def test_a_service_cannot_close_itself_for_good(clock: Clock) -> None:
    bucket = Bucket(8, clock=clock)
    bucket.throttled(went=clock.now, retry_after=1e9)
    assert bucket.take() == 300


def test_the_rate_never_falls_to_nothing(clock: Clock) -> None:
    bucket = Bucket(0.3, clock=clock)
    for _ in range(50):
        clock.now += 0.001
        bucket.throttled(went=clock.now)
    assert 0.1 <= bucket.rate < 0.11
    assert _gone(bucket, clock, 60) > 5
