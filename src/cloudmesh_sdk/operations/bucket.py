"""How fast a service may be asked: a bucket of tokens that learns from what is refused."""

import math
import time
from collections import deque
from collections.abc import Callable

from cloudmesh_sdk.pacing import LONGEST, SLOW, grown, halved

_WHOLE = 1.0 - 1e-9
"""What counts as a token: sums of fractions fall short of 1 by less than any clock tells."""

_WINDOW = 5.0
"""Seconds over which is counted how fast a service was asked that has no limit."""


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

    def throttled(self, went: float, retry_after: float | None = None) -> float | None:
        """Hear that what went at a time of the clock was refused for its load.

        What went before the rate was halved last says nothing of the new one. Nothing goes until
        `retry_after` seconds are over. Returns how many a second went of late where the rate was
        halved, else None.
        """
        now = self._pass()
        if retry_after is not None:
            self._opens = max(self._opens, now + min(retry_after, LONGEST))
        if went <= self._cut:
            return None
        pace = len(self._taken) / _WINDOW
        endless = math.isinf(self._most)
        held = min(self._rate, max(SLOW, pace)) if endless else self._rate
        self._rate = halved(held, self._most)
        self._tokens = 0.0
        self._cut = now
        return pace

    def _pass(self) -> float:
        """Let the time pass since it was asked last; return the time."""
        now = self._clock()
        passed, self._at = now - self._at, now
        endless = math.isinf(self._rate)
        self._tokens = 1.0 if endless else min(1.0, self._tokens + passed * self._rate)
        self._rate = grown(self._rate, self._most, passed)
        while self._taken and self._taken[0] < now - _WINDOW:
            self._taken.popleft()
        return now
