"""One question, many services."""

import queue
import threading
import time

import pytest

from cloudmesh_sdk.errors import (
    BackendTimeoutError,
    CloudmeshError,
    PartialFailure,
    UnavailableError,
)
from cloudmesh_sdk.fanout import ALERT, Answer, Gathered, Source, ask, taken


def test_answers_come_in_the_order_of_the_names() -> None:
    gates = {name: threading.Event() for name in "abc"}

    def question(name: str) -> str:
        if name == "a":
            assert gates["c"].wait(5)
        gates[name].set()
        return name.upper()

    assert [a.value for a in ask("abc", question)] == ["A", "B", "C"]


def test_all_are_asked_at_once() -> None:
    together = threading.Barrier(20, timeout=10)
    answers = ask(map(str, range(20)), lambda _: together.wait())
    assert sorted(a.value for a in answers if a.value is not None) == list(range(20))


def test_one_that_fails_hides_no_other() -> None:
    def question(name: str) -> str:
        if name == "b":
            raise UnavailableError("b is down")
        return name

    a, b, c = ask("abc", question)
    assert (a.value, c.value) == ("a", "c")
    assert str(b.error) == "b is down"


def test_a_bug_is_raised_and_not_an_answer() -> None:
    def question(_: str) -> str:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        ask("ab", question)


def test_one_that_hangs_is_given_up_at_the_deadline() -> None:
    release = threading.Event()

    def question(name: str) -> str:
        if name == "slow":
            release.wait(30)
        return name

    begun = time.monotonic()
    fast, slow = ask(["fast", "slow"], question, deadline=0.2)
    assert time.monotonic() - begun < 10
    release.set()
    assert fast.value == "fast"
    assert isinstance(slow.error, BackendTimeoutError)
    assert "slow did not answer within 0.2 s" in str(slow.error)


class Box(queue.SimpleQueue[str]):
    """One that stays empty for three waits."""

    def __init__(self) -> None:
        self.waits: list[float | None] = []

    def get(self, block: bool = True, timeout: float | None = None) -> str:
        self.waits.append(timeout)
        if len(self.waits) <= 3:
            raise queue.Empty
        return "late"


def test_no_wait_is_so_long_that_ctrl_c_is_not_heard() -> None:
    box = Box()
    assert taken(box) == "late"
    assert box.waits == [ALERT] * 4
    box = Box()
    assert taken(box, time.monotonic() + 60) == "late"
    assert all(wait is not None and wait <= ALERT for wait in box.waits)
    with pytest.raises(queue.Empty):
        taken(Box(), time.monotonic())


def test_a_name_that_stands_twice_is_asked_once() -> None:
    asked: list[str] = []

    def question(name: str) -> str:
        asked.append(name)
        return name

    answers = ask(["a", "b", "a"], question, deadline=10)
    assert [(answer.name, answer.value) for answer in answers] == [("a", "a"), ("b", "b")]
    assert sorted(asked) == ["a", "b"]


@pytest.mark.parametrize("end", ["deadline", "bug"])
def test_none_is_asked_after_the_end(end: str) -> None:
    release = threading.Event()
    asked: list[str] = []

    def question(name: str) -> str:
        asked.append(name)
        release.wait(30)
        return name

    def told(answer: Answer[str]) -> None:
        raise KeyError(answer.name)

    before = set(threading.enumerate())
    if end == "bug":
        with pytest.raises(KeyError):
            ask("abc", question, workers=1, deadline=0.1, told=told)
    else:
        ask("abc", question, workers=1, deadline=0.1)
    begun = set(threading.enumerate()) - before
    release.set()
    for thread in begun:
        thread.join(10)
    assert asked == ["a"]


def test_each_is_told_in_the_thread_of_the_caller() -> None:
    told: list[tuple[str, bool]] = []
    here = threading.current_thread()

    def hear(answer: Answer[str]) -> None:
        told.append((answer.name, threading.current_thread() is here))

    ask("abc", lambda name: name, told=hear)
    assert sorted(told) == [("a", True), ("b", True), ("c", True)]


def test_nobody_asked_is_nothing_answered() -> None:
    assert ask([], lambda name: name) == []


def _some(error: Exception | None = None) -> Gathered[str]:
    failed = UnavailableError("down") if error is None else None
    return Gathered(["x"], {"a": Source(name="a", count=1), "b": Source(name="b", error=failed)})


def test_a_gathered_is_complete_or_says_what_is_missing() -> None:
    assert Gathered(["x"], {"a": Source(name="a")}).complete() == ["x"]
    with pytest.raises(PartialFailure, match="b: down") as raised:
        _some().complete()
    assert list(raised.value.errors) == ["b"]


def test_the_only_answer_or_the_only_error() -> None:
    assert Gathered([1], {}).one() == 1
    with pytest.raises(ValueError, match="found 2"):
        Gathered([1, 2], {}).one()
    with pytest.raises(UnavailableError, match="down"):
        Gathered([], {"b": Source(name="b", error=UnavailableError("down"))}).one()


def test_a_notebook_sees_rows_and_sources_escaped() -> None:
    rows = Gathered(["<b>"], {"a": Source(name="a", count=1, elapsed=0.5, calls=2)})
    html = rows._repr_html_()
    assert "&lt;b&gt;" in html
    assert "a: 1 in 0.5 s, 2 calls" in html


def test_who_failed_is_named_once() -> None:
    told = Source(name="india", error=CloudmeshError("india: identity refused signing in"))
    assert str(told) == "india: failed: identity refused signing in"
    other = Source(name="india", error=CloudmeshError("indiana: no"))
    assert str(other) == "india: failed: indiana: no"
