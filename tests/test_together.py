"""Threads that ask at the same time: one question for all, each gets its own answer."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo.errors import BulkWriteError

from cloudmesh_sdk import together as module
from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.store.mongo.errors import refused
from cloudmesh_sdk.together import Company, Together


class Server:
    """Answers with ten times what it is asked; the first question is held until `free` is set."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.asked: list[list[int]] = []

    def work(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.asked.append([*numbers])
        if len(self.asked) == 1:
            assert self.free.wait(10)
        if 13 in numbers:
            raise StoreError("13 cannot be asked for")
        return [ValueError(str(n)) if n < 0 else 10 * n for n in numbers]


def _gathered(together: Together[int, int], server: Server, *numbers: int) -> dict[int, object]:
    """Ask for 1, and for the numbers while that is asked; return the answers, or errors."""

    def ask(number: int) -> object:
        try:
            return together.ask(number)
        except Exception as error:  # noqa: BLE001 - told to the test
            return error

    with ThreadPoolExecutor(40) as pool:
        first = pool.submit(ask, 1)
        while not server.asked:
            time.sleep(0.001)
        others = []
        for number in numbers:
            others.append(pool.submit(ask, number))
            while len(together._waiting) < len(others):
                time.sleep(0.001)
        server.free.set()
        found = {number: asked.result(10) for number, asked in zip(numbers, others, strict=True)}
        return {1: first.result(10), **found}


@pytest.fixture
def server() -> Server:
    return Server()


def test_who_asks_alone_asks_at_once(server: Server) -> None:
    server.free.set()
    together = Together[int, int](server.work)
    assert [together.ask(n) for n in (1, 2, 3)] == [10, 20, 30]
    assert server.asked == [[1], [2], [3]]


def test_those_who_come_meanwhile_are_asked_for_together(server: Server) -> None:
    together = Together[int, int](server.work)
    found = _gathered(together, server, 2, 3, 4)
    assert found == {1: 10, 2: 20, 3: 30, 4: 40}
    assert server.asked == [[1], [2, 3, 4]]
    assert together.ask(5) == 50


def test_an_error_of_one_is_raised_there_alone(server: Server) -> None:
    found = _gathered(Together[int, int](server.work), server, 2, -3, 4)
    assert (found[2], found[4]) == (20, 40)
    assert isinstance(found[-3], ValueError)


def test_a_question_that_fails_fails_for_all_of_it_and_no_other(server: Server) -> None:
    together = Together[int, int](server.work)
    found = _gathered(together, server, 2, 13)
    assert found[1] == 10
    assert [str(found[n]) for n in (2, 13)] == ["13 cannot be asked for"] * 2
    assert together.ask(2) == 20


def test_what_lets_no_other_be_written_fails_alone() -> None:
    server = Server()

    def work(numbers: Sequence[int]) -> Sequence[int | Exception]:
        try:
            return server.work(numbers)
        except StoreError as error:
            raise error from BulkWriteError({})

    found = _gathered(Together[int, int](work, again=refused), server, 2, 13, 3)
    assert (found[2], found[3]) == (20, 30)
    assert str(found[13]) == "13 cannot be asked for"


def test_those_with_a_key_in_common_are_asked_for_one_after_the_other(server: Server) -> None:
    together = Together[int, int](server.work, keys=lambda number: [number % 10])
    found = _gathered(together, server, 2, 12, 3, 22)
    assert found == {1: 10, 2: 20, 12: 120, 3: 30, 22: 220}
    assert server.asked == [[1], [2, 3], [12], [22]]


def test_no_question_is_longer_than_it_may_be(server: Server) -> None:
    found = _gathered(Together[int, int](server.work), server, *range(20, 57))
    assert found == {n: 10 * n for n in (1, *range(20, 57))}
    assert [len(asked) for asked in server.asked] == [1, 8, 8, 8, 8, 5]


LONG = 60.0
"""Patience that no test outlasts."""


def _members(company: Company, *works: Callable[[], object]) -> list[object]:
    """Let threads be a company; return what each gave."""

    def member(work: Callable[[], object]) -> object:
        with company.member():
            return work()

    with ThreadPoolExecutor(len(works)) as pool:
        threads = [pool.submit(member, work) for work in works]
        return [thread.result(10) for thread in threads]


def test_a_company_asks_together_over_and_over(server: Server) -> None:
    server.free.set()
    together = Together[int, int](server.work)

    def work(number: int) -> list[int]:
        return [together.ask(number + more) for more in (20, 30, 40)]

    company = Company(3, patience=LONG)
    found = _members(company, *(partial(work, number) for number in range(3)))
    assert found == [[200, 300, 400], [210, 310, 410], [220, 320, 420]]
    assert [sorted(asked) for asked in server.asked] == [[n, n + 1, n + 2] for n in (20, 30, 40)]


def test_who_left_a_company_is_not_waited_for(server: Server) -> None:
    server.free.set()
    together = Together[int, int](server.work)
    found = _members(Company(2, patience=LONG), lambda: None, lambda: together.ask(2))
    assert found == [None, 20]


def test_who_was_answered_at_another_time_is_not_waited_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock: Any = SimpleNamespace(at=0.0, monotonic=lambda: clock.at)
    monkeypatch.setattr(module, "time", clock)
    free, over = Server(), threading.Event()
    free.free.set()
    held, together = Together[int, int](server.work), Together[int, int](free.work)

    def first() -> None:
        together.ask(2)
        clock.at = 2 * LONG
        server.free.set()
        assert over.wait(10)

    def second() -> int:
        held.ask(1)
        found = together.ask(3)
        over.set()
        return found

    assert _members(Company(2, patience=LONG), first, second) == [None, 30]


def test_who_is_late_is_waited_for_no_longer_than_patience_lasts(server: Server) -> None:
    server.free.set()
    together, over = Together[int, int](server.work), threading.Event()

    def soon() -> int:
        found = together.ask(2)
        over.set()
        return found

    def late() -> int:
        assert over.wait(10)
        return together.ask(3)

    assert _members(Company(2, patience=0.01), soon, late) == [20, 30]
    assert server.asked == [[2], [3]]


def test_who_is_interrupted_while_it_waits_for_others_holds_up_nobody(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    server.free.set()
    company, together = Company(1, patience=LONG), Together[int, int](server.work)
    monkeypatch.setattr(company, "gather", interrupted)
    with company.member(), pytest.raises(KeyboardInterrupt):
        together.ask(2)
    assert _members(Company(1, patience=LONG), lambda: together.ask(3)) == [30]
    assert server.asked == [[3]]
