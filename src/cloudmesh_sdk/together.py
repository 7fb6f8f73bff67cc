"""What many threads ask for at the same time goes out as one question.

Who asks alone asks at once. While one is asked, the others gather: the first of them then asks for
all. So a process that starts hundreds of servers costs its store, and itself, a few writes.

Threads that do the same over and over are a `Company`: who of them asks first waits a moment for
the others, which keeps them together.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from cloudmesh_sdk.errors import StoreError

A = TypeVar("A")
B = TypeVar("B")

_MOST = 8
"""How many are asked for in one question: few enough that the first go on while the last wait."""


class Company:
    """So many threads that do the same over and over, each as a `member`.

    Who of them asks first waits for those who were answered when it was: they have done the same
    since then, and are likely to ask now, too. It waits no longer than `patience`, in seconds. So
    those who are together stay together.
    """

    def __init__(self, size: int, *, patience: float) -> None:
        self._patience = patience
        self._changed = threading.Condition()
        begun = time.monotonic()
        self._expected = [_Seat(self, begun) for _ in range(size)]
        self._seats = {*self._expected}
        self._gathering: set[_Seat] = set()
        """Those who wait for others."""

    @contextmanager
    def member(self) -> Iterator[None]:
        """Let this thread be one of them, until it leaves."""
        seat = _MINE.seat = self._expected.pop()
        try:
            yield
        finally:
            _MINE.seat = None
            with self._changed:
                self._seats.remove(seat)
                self._wake()

    def ask(self, seat: "_Seat") -> None:
        """Hear that one of them asks."""
        with self._changed:
            seat.asks = True
            self._wake()

    def gather(self, seat: "_Seat") -> None:
        """Wait until those ask who are likely to, a moment at most."""
        with self._changed:
            self._gathering.add(seat)
            try:
                self._changed.wait_for(lambda: not self._expects(seat), self._patience)
            finally:
                self._gathering.remove(seat)

    def answered(self, seat: "_Seat") -> None:
        """Hear that one of them is answered."""
        with self._changed:
            seat.asks, seat.since = False, time.monotonic()

    def _wake(self) -> None:
        """Let those go on who wait for nobody any more."""
        if not all(self._expects(seat) for seat in self._gathering):
            self._changed.notify_all()

    def _expects(self, seat: "_Seat") -> bool:
        """Tell whether others are likely to ask soon."""
        return any(
            not other.asks and abs(other.since - seat.since) <= self._patience
            for other in self._seats
        )


class _Seat:
    """One of a company."""

    def __init__(self, company: Company, since: float) -> None:
        self.company = company
        self.since = since
        """When it was answered last."""
        self.asks = False


class _Mine(threading.local):
    seat: _Seat | None = None


_MINE = _Mine()
"""Who this thread is in its company."""


class _Ask(Generic[A, B]):
    """One who asks: what for, and what was answered."""

    def __init__(self, what: A) -> None:
        self.what = what
        self.seat = _MINE.seat
        self.leads = False
        self.answers: list[B | Exception] = []
        self.gate = threading.Lock()
        self.gate.acquire()

    def answer(self) -> B:
        (got,) = self.answers
        if isinstance(got, Exception):
            raise got
        return got


class Together(Generic[A, B]):
    """Gathers what threads ask for; `work` answers several, in order, by a value or an error.

    Those that have a key in common are asked for one after the other, in different questions.
    Where `again` says so of an error, each is asked for alone: one of them did not let the others
    be written, and what was written of them by then is written once more.
    """

    def __init__(
        self,
        work: Callable[[Sequence[A]], Sequence[B | Exception]],
        *,
        keys: Callable[[A], Iterable[Hashable]] = lambda _: (),
        again: Callable[[Exception], bool] = lambda _: False,
    ) -> None:
        self._work = work
        self._keys = keys
        self._again = again
        self._lock = threading.Lock()
        self._waiting: deque[_Ask[A, B]] = deque()
        self._busy = False

    def ask(self, what: A) -> B:
        """Return the answer to one; raises the error that it is."""
        mine = _Ask[A, B](what)
        if mine.seat is not None:
            mine.seat.company.ask(mine.seat)
        with self._lock:
            mine.leads = not self._busy
            self._busy = True
            if not mine.leads:
                self._waiting.append(mine)
        if not mine.leads:
            self._wait(mine)
        if mine.leads:
            self._lead(mine)
        return mine.answer()

    def _wait(self, mine: _Ask[A, B]) -> None:
        """Wait until this one is answered, or is the one to ask."""
        try:
            mine.gate.acquire()
        except BaseException:  # Ctrl-C: the others do not wait for who is gone
            with self._lock:
                if mine in self._waiting:
                    self._waiting.remove(mine)
            if mine.leads:
                self._hand_on()
            raise

    def _lead(self, mine: _Ask[A, B]) -> None:
        """Ask for this one and for all that can be asked for with it."""
        batch = [mine]
        interrupted = StoreError("what was written was interrupted; whether it was is not known")
        answers: Sequence[B | Exception] = ()
        try:
            if mine.seat is not None:
                mine.seat.company.gather(mine.seat)
            batch += self._gathered(mine)
            answers = self._answers([ask.what for ask in batch])
        except Exception as error:  # noqa: BLE001 - raised in every thread that asked
            answers = [error] * len(batch)
        finally:
            for ask, answer in zip(batch, answers or [interrupted] * len(batch), strict=True):
                ask.answers.append(answer)
                if ask.seat is not None:
                    ask.seat.company.answered(ask.seat)
            for ask in batch[1:]:
                ask.gate.release()
            self._hand_on()

    def _answers(self, whats: Sequence[A]) -> Sequence[B | Exception]:
        """Ask for several, and for each alone where that may be and is of use."""
        try:
            return self._work(whats)
        except Exception as error:
            if len(whats) == 1 or not self._again(error):
                raise
        return [self._alone(what) for what in whats]

    def _alone(self, what: A) -> B | Exception:
        try:
            (answer,) = self._work([what])
        except Exception as error:  # noqa: BLE001 - raised where this one is waited for
            return error
        return answer

    def _gathered(self, mine: _Ask[A, B]) -> list[_Ask[A, B]]:
        """Take those who wait and can be asked for now."""
        taken: list[_Ask[A, B]] = []
        keys = {*self._keys(mine.what)}
        with self._lock:
            left: deque[_Ask[A, B]] = deque()
            for ask in self._waiting:
                its = {*self._keys(ask.what)}
                free = keys.isdisjoint(its) and len(taken) + 1 < _MOST
                (taken if free else left).append(ask)
                keys |= its
            self._waiting = left
        return taken

    def _hand_on(self) -> None:
        """Let the first of those who wait ask."""
        with self._lock:
            if not self._waiting:
                self._busy = False
                return
            following = self._waiting.popleft()
            following.leads = True
        following.gate.release()
