"""Who may ask a service now, among all who want to: turns by scope, and a log of what was asked.

A scope is a service as all who share it mean it; `what` is a question to it, such as `jobs`. The
store's own clock decides, so that the clocks of those who ask need not agree.
"""

import abc
from datetime import datetime, timedelta
from typing import ClassVar

import attrs

LOGGED = timedelta(days=1)
"""How long a question stays in the log."""


@attrs.frozen(kw_only=True)
class Turn:
    """Whether a question may be asked now."""

    mine: bool
    """The caller holds the turn: he asks, and calls `Polls.done` whatever comes of it."""
    holder: str | None
    """Who asks just now, where that is somebody else; None where nobody does."""
    asked: datetime | None
    """When the last question was begun (this one, where it is mine), by the store's clock."""
    wait: float
    """Seconds until the next may be begun, 0 where it is mine; while somebody asks, at least."""


@attrs.frozen(kw_only=True)
class Question:
    """A question that a service was asked."""

    columns: ClassVar[tuple[str, ...]] = ("at", "what", "calls", "elapsed", "by", "error")

    at: datetime
    """When it was begun."""
    what: str
    calls: int
    """How many requests or commands it took."""
    elapsed: float
    """Seconds."""
    by: str
    """Who asked."""
    error: str = ""
    """What went wrong, in one line."""


class Polls(abc.ABC):
    """Turns and the log of questions. Every write is durable before the call returns."""

    @abc.abstractmethod
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
        """Ask for the turn; of many who do at once one gets it, for `lease` seconds.

        It is granted where nobody holds it (or the lease is over, or `instead` holds it, whose
        process is dead), the last question was begun `interval` seconds ago or more, and what
        `done` said is over. `holder` names the caller; who holds a turn gets no second one.
        """

    @abc.abstractmethod
    def done(self, scope: str, what: str, *, holder: str, wait: float) -> None:
        """Give the turn back; the next question waits until `wait` seconds after this one began.

        Changes nothing where somebody else took the turn over.
        """

    @abc.abstractmethod
    def renew(self, scope: str, what: str, *, holder: str, lease: float) -> bool:
        """Hold the turn for `lease` seconds from now; False where it was taken over."""

    @abc.abstractmethod
    def note(self, scope: str, question: Question) -> None:
        """Write a question into the log, where it stays for a day."""

    @abc.abstractmethod
    def questions(self, scope: str, *, since: datetime) -> list[Question]:
        """Return the questions that were begun then or later, oldest first."""
