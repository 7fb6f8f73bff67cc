"""How fast a service may be asked: a bucket of tokens that learns from what is refused."""

import math
import time
from collections import deque
from collections.abc import Callable

_WHOLE = 1.0 - 1e-9
"""What counts as a token: sums of fractions fall short of 1 by less than any clock tells."""

_LEAST = 0.1
"""Operations a second below which no refusal brings the rate."""

_SLOW = 2.0
"""Operations a second that a service without a limit is taken to have been asked at least."""

_DOUBLES = 30.0
"""Seconds in which a rate that was halved is twice as high again."""

_WINDOW = 5.0
"""Seconds over which is counted how fast a service was asked that has no limit."""

_LONGEST = 300.0
"""Seconds that a service may keep all its operations waiting, whatever it asks."""


class Bucket:
    """Holds one token at most, and gets `rate` of them a second; None: as many as are wanted.

    A refusal halves the rate, which then grows slowly to what it was. It reads no clock but
    `clock` and never waits. Not for many threads: its owner holds a lock.
    """

    def __init__(
        self, rate: float | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._most = self._rate = math.inf if rate is None else float(rate)
        self._tokens = 1.0
        self._at = clock()
        self._opens = self._cut = -math.inf
        self._taken: deque[float] = deque()

    @property
    def rate(self) -> float:
        """Operations a second that may go now; infinite where there is no limit."""
        self._pass()
        return self._rate

    def take(self) -> float:
        """Take a token and return 0, or return the seconds until there may be one."""
        now = self._pass()
        if now < self._opens:
            return self._opens - now
        if self._tokens < _WHOLE:
            return (1.0 - self._tokens) / self._rate
        self._tokens = 0.0
        self._taken.append(now)
        return 0.0

    def throttled(self, went: float, retry_after: float | None = None) -> None:
        """Hear that what went at a time of the clock was refused for its load.

        What went before the rate was halved last says nothing of the new one. Nothing goes until
        `retry_after` seconds are over.
        """
        now = self._pass()
        if retry_after is not None:
            self._opens = max(self._opens, now + min(retry_after, _LONGEST))
        if went <= self._cut:
            return
        held = self._rate if math.isfinite(self._most) else min(self._rate, self._pace())
        self._rate = max(min(_LEAST, self._most), held / 2)
        self._tokens = 0.0
        self._cut = now

    def _pass(self) -> float:
        """Let the time pass since it was asked last; return the time."""
        now = self._clock()
        passed, self._at = now - self._at, now
        endless = math.isinf(self._rate)
        self._tokens = 1.0 if endless else min(1.0, self._tokens + passed * self._rate)
        grown = 2.0 ** min(passed / _DOUBLES, 64.0)  # more would overflow
        self._rate = min(self._most, self._rate * grown)
        while self._taken and self._taken[0] < now - _WINDOW:
            self._taken.popleft()
        return now

    def _pace(self) -> float:
        """Return how many a second went of late."""
        return max(_SLOW, len(self._taken) / _WINDOW)
