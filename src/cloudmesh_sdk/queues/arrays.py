"""Job arrays: which indices a text such as `1-100,200-300:5%10` means, and one job for each."""

import re
from collections.abc import Iterator

import attrs

from cloudmesh_sdk.errors import InvalidRequestError
from cloudmesh_sdk.models import Job

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
