"""How many questions queue managers were asked, and by whom."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import attrs

from cloudmesh_sdk.store.polls import Question

HOUR = timedelta(hours=1)


@attrs.frozen(kw_only=True)
class Load:
    """What one queue manager was asked within the last hour, by all who share its list."""

    columns: ClassVar[tuple[str, ...]] = (
        "manager", "driver", "interval", "last", "questions", "calls", "seconds", "askers", "error",
    )  # fmt: skip

    manager: str
    driver: str
    interval: float
    """Seconds between two lists of jobs, at least."""
    last: datetime | None = None
    """When it was asked last."""
    questions: int = 0
    """How often it was asked anything."""
    calls: int = 0
    """Requests, or commands, that cost."""
    seconds: float = 0.0
    """How long it took to answer, in all."""
    askers: int = 0
    """How many users asked."""
    by_kind: Mapping[str, int] = attrs.field(factory=dict)
    """Questions by what was asked: `jobs`, `queues`, `nodes`, `act` …"""
    error: str = ""
    """Why the last one failed."""


def load(manager: str, driver: str, interval: float, asked: Sequence[Question]) -> Load:
    """Return what some questions, oldest first, amount to."""
    last = asked[-1] if asked else None
    return Load(
        manager=manager,
        driver=driver,
        interval=interval,
        last=last.at if last else None,
        questions=len(asked),
        calls=sum(question.calls for question in asked),
        seconds=sum(question.elapsed for question in asked),
        askers=len({question.by for question in asked}),
        by_kind=dict(Counter(question.what for question in asked)),
        error=last.error if last else "",
    )


def since() -> datetime:
    """Return when the last hour began."""
    return datetime.now(UTC) - HOUR
