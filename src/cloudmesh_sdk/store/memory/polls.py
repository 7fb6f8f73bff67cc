"""Turns and the log of questions, in dicts of this process."""

import threading
import time
from collections import defaultdict
from datetime import UTC, datetime

import attrs

from cloudmesh_sdk.store.polls import LOGGED, Polls, Question, Turn


@attrs.define(kw_only=True)
class _Seat:
    """The turn of one question of one scope; moments are those of the monotonic clock."""

    holder: str | None = None
    until: float = 0.0
    """When the lease is over."""
    begun: float | None = None
    asked: datetime | None = None
    after: float = 0.0
    """Not before then, `done` said."""

    def held_by(self, now: float, instead: str | None) -> str | None:
        """Return who asks just now."""
        return self.holder if self.until > now and self.holder != instead else None

    def wait(self, now: float, interval: float) -> float:
        """Return the seconds until the next question may be begun."""
        due = self.after if self.begun is None else max(self.after, self.begun + interval)
        return max(0.0, due - now)


class MemoryPolls(Polls):
    """One seat a question."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seats: dict[tuple[str, str], _Seat] = defaultdict(_Seat)
        self._log: dict[str, list[Question]] = defaultdict(list)

    def take(
        self,
        scope: str,
        what: str,
        *,
        holder: str,
        interval: float,
        lease: float,
        instead: str | None = None,
    ) -> Turn:
        with self._lock:
            seat, now = self._seats[scope, what], time.monotonic()
            other, wait = seat.held_by(now, instead), seat.wait(now, interval)
            if other is not None or wait > 0:
                return Turn(mine=False, holder=other, asked=seat.asked, wait=wait)
            asked = datetime.now(UTC)
            self._seats[scope, what] = _Seat(
                holder=holder, until=now + lease, begun=now, asked=asked
            )
            return Turn(mine=True, holder=None, asked=asked, wait=0.0)

    def done(self, scope: str, what: str, *, holder: str, wait: float) -> None:
        with self._lock:
            seat = self._seats[scope, what]
            if seat.holder == holder and seat.begun is not None:
                seat.holder, seat.after = None, seat.begun + wait

    def renew(self, scope: str, what: str, *, holder: str, lease: float) -> bool:
        with self._lock:
            seat = self._seats[scope, what]
            if seat.holder != holder:
                return False
            seat.until = time.monotonic() + lease
            return True

    def note(self, scope: str, question: Question) -> None:
        oldest = datetime.now(UTC) - LOGGED
        with self._lock:
            kept = [one for one in self._log[scope] if one.at >= oldest]
            self._log[scope] = sorted([*kept, question], key=lambda one: one.at)

    def questions(self, scope: str, *, since: datetime) -> list[Question]:
        oldest = max(since, datetime.now(UTC) - LOGGED)
        with self._lock:
            return [one for one in self._log[scope] if one.at >= oldest]
