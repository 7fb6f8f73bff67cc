"""What many threads ask for at the same time goes out as one question.

Who asks alone asks at once. While one is asked, the others gather: the first of them then asks for
all. So a process that starts hundreds of servers costs its store, and itself, a few writes.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

from cloudmesh_sdk.errors import StoreError

A = TypeVar("A")
B = TypeVar("B")

_MOST = 8
"""How many are asked for in one question: few enough that the first go on while the last wait."""


class _Ask(Generic[A, B]):
    """One who asks: what for, and what was answered."""

    def __init__(self, what: A) -> None:
        self.what = what
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
        batch = [mine, *self._gathered(mine)]
        interrupted = StoreError("what was written was interrupted; whether it was is not known")
        answers: Sequence[B | Exception] = [interrupted] * len(batch)
        try:
            answers = self._answers([ask.what for ask in batch])
        except Exception as error:  # noqa: BLE001 - raised in every thread that asked
            answers = [error] * len(batch)
        finally:
            for ask, answer in zip(batch, answers, strict=True):
                ask.answers.append(answer)
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
