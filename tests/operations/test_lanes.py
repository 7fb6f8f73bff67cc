"""Lanes: limits are used and kept, and a service that hangs holds up nobody else."""

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from cloudmesh_sdk.errors import ConflictError
from cloudmesh_sdk.fanout import Answer
from cloudmesh_sdk.limits import Limits
from cloudmesh_sdk.operations.lanes import Lane, Lanes, share

LATE = 30.0
"""Seconds after which a test gives up; none takes so long that is green."""


class Gauge:
    """Counts who is in now, and the most that ever were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    def enter(self, name: str) -> None:
        with self._lock:
            self.now[name] += 1
            for key, value in (*self.now.items(), ("all", self.now.total())):
                self.most[key] = max(self.most[key], value)

    def leave(self, name: str) -> None:
        with self._lock:
            self.now[name] -= 1


def _jobs(**counts: int) -> dict[str, str]:
    return {f"{name}-{n}": name for name, count in counts.items() for n in range(count)}


def _limited(**parallel: int) -> Callable[[str], Limits]:
    return lambda name: Limits(parallel=parallel[name])


def test_as_many_as_the_limit_says_are_under_way_at_once_and_never_more() -> None:
    lanes, gauge = Lanes(_limited(a=8, b=3)), Gauge()
    together = {"a": threading.Barrier(8), "b": threading.Barrier(3)}

    def work(id: str, lane: Lane) -> str:  # noqa: A002
        gauge.enter(lane.name)
        together[lane.name].wait(LATE)  # it breaks where fewer ever meet
        gauge.leave(lane.name)
        return id

    jobs = _jobs(a=24, b=9)
    assert [answer.value for answer in lanes.each(jobs, work)] == list(jobs)
    assert (gauge.most["a"], gauge.most["b"]) == (8, 3)


def test_all_lanes_together_have_no_more_threads_than_there_are() -> None:
    lanes, gauge = Lanes(_limited(a=8, b=8, c=8), threads=6), Gauge()
    together = threading.Barrier(6)

    def work(_: str, lane: Lane) -> None:
        gauge.enter(lane.name)
        together.wait(LATE)
        gauge.leave(lane.name)

    answers = lanes.each(_jobs(a=8, b=8, c=8), work)
    assert [answer.error for answer in answers] == [None] * 24
    assert gauge.most["all"] == 6


@pytest.mark.parametrize("threads", [8, 128])
def test_a_service_that_hangs_holds_up_no_other(threads: int) -> None:
    lanes = Lanes(_limited(hangs=8, quick=8), threads=threads)
    quick, done = threading.Event(), Counter[str]()

    def work(_: str, lane: Lane) -> bool:
        return quick.wait(LATE) if lane.name == "hangs" else True

    def told(answer: Answer[bool]) -> None:
        done[answer.name.partition("-")[0]] += 1
        if done["quick"] == 50 and not quick.is_set():
            assert done["hangs"] == 0
            quick.set()

    answers = lanes.each(_jobs(hangs=500, quick=50), work, told=told)
    assert all(answer.value for answer in answers), "those that hung waited for the others"


def test_callers_in_several_threads_share_the_limits() -> None:
    lanes, gauge = Lanes(_limited(a=4)), Gauge()
    together = threading.Barrier(4)

    def work(_: str, lane: Lane) -> None:
        gauge.enter(lane.name)
        together.wait(LATE)
        gauge.leave(lane.name)

    def call(number: int) -> None:
        lanes.each({f"{number}-{n}": "a" for n in range(8)}, work)

    callers = [threading.Thread(target=call, args=(number,)) for number in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(LATE)
    assert not any(caller.is_alive() for caller in callers)
    assert gauge.most["a"] == 4


def test_the_lane_of_a_service_keeps_its_rate_and_the_others_go_on() -> None:
    lanes = Lanes(lambda name: Limits(rate=0.001 if name == "slow" else None))
    done = threading.Event()
    order = []

    def work(id: str, lane: Lane) -> None:  # noqa: A002
        order.append(id)

    def call() -> None:
        with pytest.raises(InterruptedError):
            lanes.each(_jobs(slow=2, quick=20), work, told=told)

    def told(_: Answer[None]) -> None:
        if len(order) == 21:
            done.set()
            raise InterruptedError

    caller = threading.Thread(target=call)
    caller.start()
    assert done.wait(LATE)
    caller.join(LATE)
    assert [id for id in order if id.startswith("slow")] == ["slow-0"]  # noqa: A001
    assert not lanes.lane("slow").waiting, "nobody waits for it any more"


def test_errors_are_answers_and_bugs_are_raised() -> None:
    lanes = Lanes(_limited(a=1))

    def refuse(id: str, _: Lane) -> None:  # noqa: A002
        raise ConflictError(id)

    (answer,) = lanes.each({"one": "a"}, refuse)
    assert isinstance(answer.error, ConflictError)

    def stumble(id: str, _: Lane) -> None:  # noqa: A002
        raise ValueError(id)

    with pytest.raises(ValueError, match="one"):
        lanes.each({"one": "a", "two": "a"}, stumble)
    assert lanes.each({"three": "a"}, lambda number, _: number)[0].value == "three"


def test_threads_end_when_nothing_is_left_to_do() -> None:
    lanes, used = Lanes(_limited(a=8)), set[threading.Thread]()
    lanes.each(_jobs(a=100), lambda *_: used.add(threading.current_thread()))
    end = time.monotonic() + LATE
    while any(thread.is_alive() for thread in used):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert used
    assert lanes.lane("a").active == 0


@pytest.mark.parametrize(
    ("demands", "total", "level"),
    [
        ([], 8, 1), ([8], 8, 8), ([8, 8], 128, 8), ([8, 8], 8, 4), ([8, 1], 8, 7),
        ([8, 8, 8], 8, 2), ([8] * 10, 4, 1), ([3, 0, 9], 10, 7),
    ],
)  # fmt: skip
def test_threads_are_shared_evenly_and_what_one_does_not_need_the_others_get(
    demands: list[int], total: int, level: int
) -> None:
    assert share(demands, total) == level
