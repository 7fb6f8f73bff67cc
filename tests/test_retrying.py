"""Trying again: bounded in number and in time, as long apart as a service asks."""

import time
from email.utils import formatdate

import pytest

from cloudmesh_sdk.errors import BackendError, UnavailableError
from cloudmesh_sdk.retrying import Budget, retry_after


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr("cloudmesh_sdk.retrying.time.sleep", waits.append)
    return waits


def _budget(*, seconds: float = 60.0, retries: int = 3) -> Budget:
    return Budget(seconds=seconds, retries=retries, hopeless=lambda error: not error.transient)


def test_a_call_tries_again_so_often_and_longer_apart(waits: list[float]) -> None:
    budget, error = _budget(), UnavailableError("down")
    for _ in range(3):
        budget.pause(error)
    with pytest.raises(UnavailableError, match="down"):
        budget.pause(error)
    assert all(wait <= most for wait, most in zip(waits, (0.25, 0.5, 1.0), strict=True))


def test_a_wait_that_a_service_asks_for_is_kept(waits: list[float]) -> None:
    _budget().pause(UnavailableError("busy", retry_after=7.0))
    assert waits == [7.0]


def test_a_wait_beyond_the_end_is_not_begun(waits: list[float]) -> None:
    with pytest.raises(UnavailableError):
        _budget(seconds=5.0).pause(UnavailableError("busy", retry_after=7.0))
    assert waits == []


def test_what_is_hopeless_is_not_tried_again(waits: list[float]) -> None:
    with pytest.raises(BackendError, match="no"):
        _budget().pause(BackendError("no"))
    assert waits == []


def test_time_that_is_over_is_still_a_timeout() -> None:
    assert _budget(seconds=-1.0).left() > 0


@pytest.mark.parametrize(
    ("told", "seconds"), [(None, None), ("12", 12.0), (" 3 ", 3.0), ("soon", None), ("1.5x", None)]
)
def test_a_wait_is_told_in_seconds(told: str | None, seconds: float | None) -> None:
    assert retry_after(told) == seconds


def test_a_wait_is_told_by_a_date_which_may_be_over() -> None:
    later = retry_after(formatdate(time.time() + 100, usegmt=True))
    assert later is not None
    assert 95 < later <= 100
    assert retry_after(formatdate(0, usegmt=True)) == 0.0
