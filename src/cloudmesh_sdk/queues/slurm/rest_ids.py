"""Which jobs an id means, and by which id slurmrestd is told of a job.

It finds a job, or all of an array, by a number; newer versions show a whole array for one of it.
"""

import re
from collections.abc import Collection, Iterable

import attrs

from cloudmesh_sdk.errors import UnsupportedError
from cloudmesh_sdk.models import Job
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.slurm.rest_values import count

_ID = re.compile(r"(\d{1,10})(?:_(\d{1,10})|\+\d{1,10})?")


def asked(id: str) -> str | None:  # noqa: A002
    """Return the number by which a job is asked for, None where an id is none of Slurm's."""
    found = _ID.fullmatch(id)
    return None if found is None else found[1]


def meant(jobs: Iterable[Job], id: str) -> list[Job]:  # noqa: A002
    """Return the jobs that an id means: one, or all parts of an array or a heterogeneous job."""
    found = _ID.fullmatch(id)
    index = int(found[2]) if found is not None and found[2] else None
    return [one for job in jobs if (one := _one(job, id, index)) is not None]


def among(job: Job, ids: Collection[str]) -> bool:
    """Tell whether one of some ids means a job, or one of those that it stands for."""
    return not _names(job).isdisjoint(ids) or arrays.holds(job, ids)


def to_cancel(id: str, found: Job) -> str:  # noqa: A002
    """Return the id by which a job is cancelled."""
    return _number(found) if "+" in id else id


def to_update(id: str, found: Job, *, newer: bool) -> str:  # noqa: A002
    """Return the id by which a job is held or released.

    Raises `UnsupportedError` where newer versions refuse one of an array that has no number of its
    own yet.
    """
    if "+" in id:
        return _number(found)
    if "_" not in id or not newer:
        return id
    if _number(found) == found.array:
        raise UnsupportedError(
            f"slurmrestd cannot hold or release {id} alone, only the whole array {found.array}"
        )
    return _number(found)


def _one(job: Job, id: str, index: int | None) -> Job | None:  # noqa: A002
    if id in _names(job):
        return job
    if index is None or not job.indices or not id.startswith(f"{job.array}_"):
        return None
    if not any(index in some for some in arrays.indices(job.indices)):
        return None
    return attrs.evolve(job, id=id, index=index, indices="", count=1, throttle=None)


def _names(job: Job) -> set[str | None]:
    """Return the ids by which Slurm knows a job; None is none of them."""
    return {job.id, job.array, _number(job), str(count(job.native.get("het_job_id")))}


def _number(job: Job) -> str:
    return str(job.native.get("job_id"))
