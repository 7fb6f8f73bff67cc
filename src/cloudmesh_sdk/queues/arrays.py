"""Job arrays: which indices a text such as `1-100,200-300:5%10` means, and one job for each.

The other way, one record for a whole array, is made of those that its parts have in a list.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise

import attrs

from cloudmesh_sdk.errors import InvalidRequestError
from cloudmesh_sdk.models import Job, JobState

_FIRST = (
    JobState.RUNNING, JobState.EXITING, JobState.SUSPENDED, JobState.PENDING, JobState.HELD,
    JobState.UNKNOWN, JobState.FAILED, JobState.TIMEOUT, JobState.CANCELLED, JobState.DONE,
)  # fmt: skip
"""What the whole is where one of its parts is that: over when all are, done when all are done."""

_OF_ARRAY = re.compile(r"(?P<array>\d+)(?:_|\[)(?P<index>\d{1,10})\]?(?P<host>.*)")
"""The id of one of an array, as Slurm and as PBS write it."""
_PART = re.compile(r"(\d{1,10})(?:-(\d{1,10})(?::(\d{1,10}))?)?")


def indices(text: str) -> list[range]:
    """Return the indices that a text means, as ranges in its order; what is after `%` is left out.

    Raises `InvalidRequestError` where it cannot be read.
    """
    return [_range(part, text) for part in text.partition("%")[0].split(",")]


def size(text: str) -> int:
    """Return how many indices a text means, without making them."""
    return sum(map(len, indices(text)))


def expanded(job: Job) -> Iterator[Job]:
    """Yield one job for each that this one stands for; itself where that is one.

    Their ids are as Slurm writes them (`12_3`) where that of the array is `12`, and as PBS does
    (`12[3].host`) where it is `12[].host`.
    """
    if not job.indices:
        yield job
        return
    for part in indices(job.indices):
        for index in part:
            made = _id(job.array or job.id, index)
            yield attrs.evolve(job, id=made, index=index, indices="", count=1)


def holds(job: Job, ids: Collection[str]) -> bool:
    """Tell whether a record stands for several of an array, and one of some ids is among them."""
    if not job.indices:
        return False
    wanted = [_OF_ARRAY.fullmatch(id) for id in ids]  # noqa: A001
    own = (job.array or job.id).replace("[]", "")
    found = [int(one["index"]) for one in wanted if one and one["array"] + one["host"] == own]
    return any(index in some for index in found for some in indices(job.indices))


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
        indices=compressed(_of_parts(parts)),
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


def one(jobs: Iterable[Job], id: str) -> Job | None:  # noqa: A002
    """Return the job of an id among some: itself, one of an array that waits, or a whole array."""
    listed = list(jobs)
    if (
        found := next((job for job in listed if job.id == id and not job.indices), None)
    ) is not None:
        return found
    if parts := [job for job in listed if id in (job.array, job.id)]:
        return whole(parts)
    array, mark, index = id.rpartition("_")
    parts = [job for job in listed if mark and job.array == array and index.isdecimal()]
    for job in parts:
        if any(int(index) in some for some in (indices(job.indices) if job.indices else ())):
            return attrs.evolve(job, id=id, index=int(index), indices="", count=1)
    return None


def compressed(numbers: Iterable[int]) -> str:
    """Return indices as a text, such as `0-3,7`."""
    ordered = sorted(set(numbers))
    if not ordered:
        return ""
    breaks = [(a, b) for a, b in pairwise(ordered) if b != a + 1]
    starts = [ordered[0], *(after for _, after in breaks)]
    ends = [*(before for before, _ in breaks), ordered[-1]]
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))


def _id(array: str, index: int) -> str:
    if "[]" in array:
        return array.replace("[]", f"[{index}]", 1)
    return f"{array}_{index}"


def _range(part: str, text: str) -> range:
    found = _PART.fullmatch(part.strip())
    if found is None:
        raise InvalidRequestError(
            f"{text!r} are no indices of an array; wanted is such as 1-100, 1-9:2 or 3,7"
        )
    first = int(found[1])
    last = first if found[2] is None else int(found[2])
    step = 1 if found[3] is None else int(found[3])
    if last < first or step < 1:
        raise InvalidRequestError(f"{text!r} are no indices of an array: {part!r} is empty")
    return range(first, last + 1, step)


def _of_parts(parts: Iterable[Job]) -> Iterable[int]:
    for part in parts:
        if part.index is not None:
            yield part.index
        elif part.indices:
            for some in indices(part.indices):
                yield from some


def _least(times: Iterable[datetime | None]) -> datetime | None:
    return min((time for time in times if time is not None), default=None)
