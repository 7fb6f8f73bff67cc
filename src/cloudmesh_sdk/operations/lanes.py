"""A lane for every service: what waits for one never stands in the way of the others.

Threads belong to no lane. A free one goes where the fewest are, so that a service which hangs
holds as many as it may, and no more.
"""

import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import attrs

from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.fanout import Answer, taken
from cloudmesh_sdk.limits import Limits
from cloudmesh_sdk.operations.bucket import Bucket

T = TypeVar("T")

THREADS = 128
"""How many operations of one mesh may be under way at once, over all services."""

_NAME = "cloudmesh operations"
"""What the threads are called."""

Box = queue.SimpleQueue[Answer[T] | BaseException]
"""Where outcomes go."""


class Stop(Protocol):
    """Says whether something is not to go on, as an event does."""

    def is_set(self) -> bool:
        """Tell whether it is not."""

    def wait(self, seconds: float, /) -> bool:
        """Wait some seconds, not once it is not to go on; tell whether that is so."""


class Lane:
    """What waits for one service and is under way there."""

    def __init__(self, name: str, limits: Limits, lock: Any, clock: Callable[[], float]) -> None:
        self.name = name
        self.limits = limits
        self.clock = clock
        self.waiting: deque[_Errand[Any]] = deque()
        self.active = 0
        self.bucket = Bucket(limits.rate, clock=clock)
        self._lock = lock

    @property
    def demand(self) -> int:
        """How many threads it could use."""
        return min(self.limits.parallel, self.active + len(self.waiting))

    def startable(self, level: int) -> int:
        """Return how many may begin where every lane has `level` threads at most."""
        return max(0, min(level, self.demand) - self.active)

    def throttled(self, went: float, retry_after: float | None) -> float | None:
        """Hear that what went at a time of `clock` was refused for its load.

        Returns how many a second went of late where that halved the rate, else None.
        """
        with self._lock:
            return self.bucket.throttled(went, retry_after)

    def again(self, stopped: "Stop", seconds: float) -> bool:
        """Wait until what is under way may be sent once more; tell whether it may.

        It may not once `stopped` is set, or where that takes more than so many seconds.
        """
        end = time.monotonic() + seconds
        while not stopped.is_set():
            with self._lock:
                wait = self.bucket.take()
            if not wait:
                return True
            if time.monotonic() + wait > end:
                return False
            stopped.wait(wait)
        return False


@attrs.frozen(eq=False)
class _Errand(Generic[T]):
    """One thing to do, and where its outcome goes."""

    id: str
    work: Callable[[str, Lane], T]
    box: Box[T]

    def run(self, lane: Lane) -> None:
        """Do it and tell; only `CloudmeshError` is an answer, any other exception is a bug."""
        begun = time.monotonic()
        try:
            value = self.work(self.id, lane)
        except CloudmeshError as error:
            elapsed = time.monotonic() - begun
            self.box.put(Answer(name=self.id, error=error, elapsed=elapsed))
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            self.box.put(error)
        else:
            elapsed = time.monotonic() - begun
            self.box.put(Answer(name=self.id, value=value, elapsed=elapsed))


class Lanes:
    """Does things in threads: so many at once for each service, so many over all."""

    def __init__(
        self,
        limits: Callable[[str], Limits],
        *,
        threads: int = THREADS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._threads = threads
        self._clock = clock
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._lanes: dict[str, Lane] = {}
        self._running = 0
        self._idle = 0

    def each(
        self,
        jobs: Mapping[str, str],
        work: Callable[[str, Lane], T],
        *,
        told: Callable[[Answer[T]], None] | None = None,
    ) -> list[Answer[T]]:
        """Do the work of every id, in the lane it is mapped to; return answers in order of ids.

        `told` hears each as it comes, in the caller's thread. What was not begun when this ends
        by an exception is never begun.
        """
        box: Box[T] = queue.SimpleQueue()
        answers: dict[str, Answer[T]] = {}
        try:
            self.begin(jobs, work, box)
            while len(answers) < len(jobs):
                got = taken(box)
                if isinstance(got, BaseException):
                    raise got
                answers[got.name] = got
                if told is not None:
                    told(got)
        finally:
            self.drop(box)
        return [answers[id] for id in jobs]  # noqa: A001

    def here(
        self,
        id: str,  # noqa: A002
        name: str,
        work: Callable[[str, Lane], T],
        *,
        stopped: Stop,
    ) -> Answer[T]:
        """Do the work of one id in the caller's thread, as soon as the rate of its lane allows.

        How many do so at once is the caller's affair. Once `stopped` is set, the work, which then
        finds out why, waits no more. Raises what is a bug.
        """
        lane, box = self.lane(name), queue.SimpleQueue[Answer[T] | BaseException]()
        lane.again(stopped, math.inf)
        _Errand(id, work, box).run(lane)
        got = box.get_nowait()
        if isinstance(got, BaseException):
            raise got
        return got

    def lane(self, name: str) -> Lane:
        """Return the lane of a service."""
        with self._lock:
            if name not in self._lanes:
                self._lanes[name] = Lane(name, self._limits(name), self._lock, self._clock)
            return self._lanes[name]

    def begin(self, jobs: Mapping[str, str], work: Callable[[str, Lane], T], box: Box[T]) -> None:
        """Let the work of every id be done, in the lane it is mapped to; outcomes go to the box.

        An outcome is an `Answer`, or an exception that is a bug.
        """
        with self._changed:
            for id, name in jobs.items():  # noqa: A001
                self.lane(name).waiting.append(_Errand(id, work, box))
            self._staff()

    def drop(self, box: Box[T]) -> None:
        """Take away what no thread has begun: nobody waits for it any more."""
        with self._changed:
            for lane in self._lanes.values():
                kept = [errand for errand in lane.waiting if errand.box is not box]
                if len(kept) < len(lane.waiting):
                    lane.waiting = deque(kept)
            self._changed.notify_all()

    def expel(self, id: str, error: CloudmeshError) -> None:  # noqa: A002
        """Answer with an error for one that no thread has begun; it is never begun then."""
        with self._changed:
            for lane in self._lanes.values():
                for errand in lane.waiting:
                    if errand.id == id:
                        lane.waiting.remove(errand)
                        errand.box.put(Answer(name=id, error=error))
                        self._changed.notify_all()
                        return

    def _staff(self) -> None:
        """Start the threads that what waits can use; the lock is held."""
        level = share((lane.demand for lane in self._lanes.values()), self._threads)
        wanted = sum(lane.startable(level) for lane in self._lanes.values()) - self._idle
        for _ in range(min(wanted, self._threads - self._running)):
            try:
                threading.Thread(target=self._work, name=_NAME, daemon=True).start()
            except RuntimeError:  # the system has no more: those there are do it all
                if not self._running:
                    raise
                break
            self._running += 1
        self._changed.notify_all()

    def _work(self) -> None:
        while (found := self._next()) is not None:
            lane, errand = found
            errand.run(lane)
            with self._changed:
                lane.active -= 1
                self._idle += 1  # this thread is free, too
                self._staff()
                self._idle -= 1

    def _next(self) -> "tuple[Lane, _Errand[Any]] | None":
        """Return what a free thread is to do, once it may; None where it is not needed."""
        with self._changed:
            while True:
                lane, wait = self._pick()
                if lane is not None:
                    lane.active += 1
                    return lane, lane.waiting.popleft()
                if wait is None:
                    self._running -= 1
                    return None
                self._idle += 1
                self._changed.wait(wait)
                self._idle -= 1

    def _pick(self) -> tuple[Lane | None, float | None]:
        """Return the lane to serve, or the seconds until one may be; None where none waits."""
        level = share((lane.demand for lane in self._lanes.values()), self._threads)
        open_ = [lane for lane in self._lanes.values() if lane.startable(level)]
        waits = []
        for lane in sorted(open_, key=lambda lane: lane.active):
            wait = lane.bucket.take()
            if not wait:
                return lane, None
            waits.append(wait)
        return None, min(waits, default=None)


def share(demands: Iterable[int], total: int) -> int:
    """Return the most threads a lane may have so that all together have `total`; at least 1."""
    wanted = list(demands)
    level = max(wanted, default=1)
    while level > 1 and sum(min(demand, level) for demand in wanted) > total:
        level -= 1
    return max(level, 1)
