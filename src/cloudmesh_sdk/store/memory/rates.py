"""How fast services are asked, in dicts of this process."""

import math
import threading
import time
from collections import defaultdict

from cloudmesh_sdk.pacing import HEARD, Slowing
from cloudmesh_sdk.store.rates import Place, Rates


class MemoryRates(Rates):
    """Scope → how it is slowed, and when the next place is free, by the monotonic clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slowings: dict[str, Slowing] = defaultdict(Slowing)
        self._next: dict[str, float] = defaultdict(lambda: -math.inf)

    def slowed(self, scope: str) -> int:
        with self._lock:
            slowing = self._slowings.get(scope)
        return slowing.number if slowing is not None and slowing.lasts(time.monotonic()) else 0

    def reserve(self, scope: str, most: float | None, *, within: float) -> Place:
        now = time.monotonic()
        with self._lock:
            slowing = self._slowings[scope]
            start = max(now, self._next[scope], slowing.opens)
            if start - now <= within:
                rate = slowing.allows(now, math.inf if most is None else most)
                self._next[scope] = start + 1.0 / rate
        return Place(wait=start - now, slowing=slowing.number)

    def throttled(
        self,
        scope: str,
        most: float | None,
        *,
        ago: float,
        pace: float | None,
        retry_after: float | None,
    ) -> None:
        now, limit = time.monotonic(), math.inf if most is None else most
        with self._lock:
            before = self._slowings[scope]
            after = before.refused(now, most=limit, ago=ago, pace=pace, retry_after=retry_after)
            self._slowings[scope] = after
            if after.number > before.number:  # others let go of the places that they have
                free = now + 1.0 / after.allows(now, limit)
                self._next[scope] = max(free, min(self._next[scope], now + HEARD))
