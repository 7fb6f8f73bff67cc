"""How a rate falls as a service refuses for its load, and grows again: arithmetic, no clock.

One process keeps it for itself (`operations.bucket`), a store for all that share it
(`store.rates`).
"""

import math

import attrs

LEAST = 0.1
"""Operations a second below which no refusal brings the rate."""

SLOW = 2.0
"""Operations a second that a service without a limit is taken to have been asked at least."""

DOUBLES = 30.0
"""Seconds in which a rate that was halved is twice as high again."""

LONGEST = 300.0
"""Seconds that a service may keep all its operations waiting, whatever it asks."""

LASTS = 400.0
"""Seconds after which even the least rate is so high again that nobody would wait for it."""

AGE = 1.0
"""Seconds that a process may believe what it last heard of other processes' refusals."""

HEARD = AGE + 0.5
"""Seconds after which every process has heard of a refusal, and asks no faster than it may."""


def halved(held: float, most: float) -> float:
    """Return half of a rate, not less than what is always left of the most it may be."""
    return max(min(LEAST, most), held / 2)


def grown(rate: float, most: float, seconds: float) -> float:
    """Return a rate as it is some seconds later."""
    return min(most, rate * math.exp2(min(seconds / DOUBLES, 64.0)))  # more would overflow


@attrs.frozen(kw_only=True)
class Slowing:
    """What all refusals of a service came to, in seconds of one clock; a new one slows nothing."""

    number: int = 0
    """Grows with each that others have to hear of."""
    rate: float = math.inf
    """Operations a second that might go at `cut`."""
    top: float = math.inf
    """What `rate` may become as more processes tell how fast they asked."""
    cut: float = -math.inf
    """When it was halved last."""
    opens: float = -math.inf
    """When the service wants to be asked again."""

    def lasts(self, now: float) -> bool:
        """Tell whether it slows anything yet."""
        return now < max(self.cut + LASTS, self.opens)

    def allows(self, now: float, most: float) -> float:
        """Return how many operations a second may go."""
        if now >= self.cut + LASTS:
            return most
        return grown(self.rate, most, now - self.cut)

    def refused(
        self,
        now: float,
        *,
        most: float,
        ago: float,
        pace: float | None,
        retry_after: float | None,
    ) -> "Slowing":
        """Return what becomes of it by the refusal of what went so many seconds ago.

        `pace` is how many a second the process sent that was refused; None where it said so since
        the rate was halved last. What went before all could hear of that says nothing of the new
        rate, but tells that there was one more who asked: without a limit nobody knows how fast
        all of them were, so the rate is half of what those sent who were refused.
        """
        asked = -math.inf if retry_after is None else now + min(retry_after, LONGEST)
        opens = max(self.opens, asked)
        if now < self.cut + LASTS and now - ago <= self.cut + HEARD:
            return attrs.evolve(
                self,
                number=self.number + (opens > self.opens + HEARD),
                rate=min(self.top, self.rate + (pace or 0.0) / 2),
                opens=opens,
            )
        held = self.allows(now, most)
        sent = held if math.isfinite(most) else min(held, max(SLOW, pace or 0.0))
        return Slowing(
            number=self.number + 1,
            rate=halved(sent, most),
            top=halved(held, most),
            cut=now,
            opens=opens,
        )
