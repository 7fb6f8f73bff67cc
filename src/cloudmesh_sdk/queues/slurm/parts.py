"""One record for a whole array, made of those that its parts have in Slurm's list."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

import attrs

from cloudmesh_sdk.models import Job, JobState
from cloudmesh_sdk.queues import arrays

_FIRST = (
    JobState.RUNNING, JobState.EXITING, JobState.SUSPENDED, JobState.PENDING, JobState.HELD,
    JobState.UNKNOWN, JobState.FAILED, JobState.TIMEOUT, JobState.CANCELLED, JobState.DONE,
)  # fmt: skip
"""What the whole is where one of its parts is that: over when all are, done when all are done."""


def whole(parts: Sequence[Job]) -> Job:
    """Return a record that stands for a whole array; that of a job that is none, as it is."""
    first = parts[0]
    if first.array is None:
        return first
    leading = min(parts, key=lambda part: _FIRST.index(part.state))
    waiting = next((part for part in parts if part.indices), leading)
    return attrs.evolve(
        leading,
        id=first.array,
        indices=compressed(_indices(parts)),
        index=None,
        throttle=waiting.throttle,
        hosts=",".join(dict.fromkeys(part.hosts for part in parts if part.hosts)),
        count=sum(part.count for part in parts),
        submitted=_least(part.submitted for part in parts),
        started=_least(part.started for part in parts),
        ended=max((p.ended for p in parts if p.ended), default=None)
        if leading.state.is_over
        else None,
        token=next((part.token for part in parts if part.token), None),
    )


def compressed(indices: Iterable[int]) -> str:
    """Return indices as a text, such as `0-3,7`."""
    ordered = sorted(set(indices))
    if not ordered:
        return ""
    breaks = [(a, b) for a, b in pairwise(ordered) if b != a + 1]
    starts = [ordered[0], *(after for _, after in breaks)]
    ends = [*(before for before, _ in breaks), ordered[-1]]
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))


def _indices(parts: Iterable[Job]) -> Iterable[int]:
    for part in parts:
        if part.index is not None:
            yield part.index
        elif part.indices:
            for some in arrays.indices(part.indices):
                yield from some


def _least(times: Iterable[datetime | None]) -> datetime | None:
    return min((time for time in times if time is not None), default=None)
