"""What the refusals of all processes come to, at moments that a test names."""

import math

import attrs
import pytest

from cloudmesh_sdk.pacing import HEARD, LASTS, LEAST, Slowing


def _refused(slowing: Slowing, now: float, **given: float | None) -> Slowing:
    told = {"most": math.inf, "ago": 0.0, "pace": 20.0, "retry_after": None, **given}
    return slowing.refused(now, **told)  # type: ignore[arg-type]


def test_nothing_is_slowed_before_there_was_a_refusal() -> None:
    assert not Slowing().lasts(1000)
    assert Slowing().allows(1000, 8) == 8
    assert Slowing().allows(1000, math.inf) == math.inf


def test_a_refusal_halves_what_was_allowed_and_that_grows_again() -> None:
    slowing = _refused(Slowing(), 1000, most=8)
    assert slowing.allows(1000, 8) == 4
    assert slowing.allows(1015, 8) == pytest.approx(4 * math.sqrt(2))
    assert slowing.allows(1030, 8) == slowing.allows(5000, 8) == 8
    again = _refused(slowing, 1015, most=8)
    assert again.allows(1015, 8) == pytest.approx(2 * math.sqrt(2))
    assert again.number == 2


def test_without_a_limit_half_of_what_was_sent_is_allowed() -> None:
    slowing = _refused(Slowing(), 1000)
    assert slowing.allows(1000, math.inf) == 10
    again = _refused(slowing, 1030, pace=6)
    assert again.allows(1030, math.inf) == 3, "less was sent than might have been"


def test_others_that_were_refused_at_the_same_time_add_to_it() -> None:
    first = _refused(Slowing(), 1000)
    second = _refused(first, 1000.1, ago=0.2, pace=4)
    assert (second.rate, second.number) == (12, first.number)
    assert _refused(second, 1000.2, ago=0.2, pace=None) == second, "it told already"
    limited = _refused(Slowing(), 1000, most=8)
    assert _refused(limited, 1000.1, ago=0.2, most=8) == limited


def test_what_all_sent_is_not_more_than_they_might() -> None:
    first = _refused(_refused(Slowing(), 1000), 1030)
    others = _refused(first, 1030, pace=1000)
    assert first.rate == 10
    assert others.rate == 10, "half of the 20 that were allowed"


def test_only_what_went_when_all_had_heard_halves_again() -> None:
    first = _refused(Slowing(), 1000, most=8)
    heard = 1000 + HEARD
    assert _refused(first, heard + 5, ago=5.1, most=8).number == 1
    assert _refused(first, heard + 5, ago=4.9, most=8).number == 2


def test_it_ends_when_nobody_would_wait_for_it() -> None:
    slowing = _refused(Slowing(), 1000, pace=0)
    slowing = attrs.evolve(slowing, rate=LEAST)
    assert slowing.lasts(1000 + LASTS - 1)
    assert slowing.allows(1000 + LASTS - 1, math.inf) > 900
    assert not slowing.lasts(1000 + LASTS)
    assert slowing.allows(1000 + LASTS, math.inf) == math.inf


def test_the_rate_never_falls_to_nothing() -> None:
    slowing = Slowing()
    for second in range(100):
        slowing = _refused(slowing, 1000 + second * 2, most=0.3)
    assert LEAST <= slowing.rate <= LEAST * 1.1
    assert _refused(Slowing(), 1000, most=0.05).rate == 0.05


def test_a_longer_wait_is_one_that_all_have_to_hear_of() -> None:
    first = _refused(Slowing(), 1000, retry_after=20)
    assert (first.opens, first.number) == (1020, 1)
    same = _refused(first, 1000.5, ago=1, retry_after=20)
    assert (same.opens, same.number) == (1020.5, 1)
    longer = _refused(same, 1000.5, ago=1, retry_after=60)
    assert (longer.opens, longer.number) == (1060.5, 2)
    shorter = _refused(longer, 1000.5, ago=1, retry_after=5)
    assert (shorter.opens, shorter.number) == (1060.5, 2)
