"""The answer of `squeue -O`, as records: one line is one record here, that of an array too.

`-O` cuts a field at 20 characters unless it has a suffix (squeue(1)). Each has 0x1f, the last one
a mark of its own kind in each call: names and comments may hold anything, newlines too, and must
harm no record but their own. What users write stands last, so that all else can be read anyhow.

squeue puts those of an array that wait into one line, also where one of them alone is held; only
`--array` tells them apart, which makes 100,000 lines of an array of 100,000.
"""

import logging
import secrets
from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import attrs

from cloudmesh_sdk.errors import CloudmeshError, UnavailableError
from cloudmesh_sdk.models import Job
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.slurm import states, values
from cloudmesh_sdk.queues.slurm.tokens import token

_log = logging.getLogger(__name__)

_SURE = (
    "JobID", "ArrayJobID", "ArrayTaskID", "HetJobID", "HetJobOffset", "State", "Reason",
    "UserName", "Account", "Partition", "PriorityLong", "NumNodes", "NumTasks", "NumCPUs",
    "tres-alloc", "tres-per-job", "tres-per-node", "TimeLimit", "NodeList", "SubmitTime",
    "StartTime", "EndTime", "exit_code", "Dependency",
)  # fmt: skip
LISTED = (*_SURE, "Name", "Comment")
"""What is asked of all jobs."""
WHOLE = (*_SURE, "WorkDir", "STDOUT", "STDERR", "Name", "Comment")
"""What is asked of one job. 22.05 leaves `%j` in its files, and has another default name for
those of an array than it gives them (`%j`, not `%A_%a`)."""

_SEPARATOR = "\x1f"
_DEFAULT = "slurm-{}.out"


@attrs.frozen(kw_only=True)
class Format:
    """What one call of squeue asks for, and how its records end."""

    fields: Sequence[str]
    mark: str = attrs.field(factory=lambda: f"\x1e{secrets.token_hex(4)}")

    @property
    def option(self) -> str:
        """The argument of `-O`."""
        *most, last = self.fields
        return ",".join([*(f"{field}:{_SEPARATOR}" for field in most), f"{last}:{self.mark}"])


def jobs(cloud: str, answer: bytes, form: Format) -> Iterator[Job]:
    """Yield the jobs in an answer; what cannot be read of it is told in the log.

    Raises `UnavailableError` where it is cut off, or is no list at all.
    """
    records = answer.decode(errors="replace").split(f"{form.mark}\n")
    if records.pop().strip():
        raise UnavailableError(f"{cloud}: the answer of squeue is cut off or is no list of jobs")
    for record in records:
        try:
            told = _fields(record, form.fields)
            made = job(cloud, told)
            yield with_files(made, told) if "WorkDir" in told else made
        except (CloudmeshError, ValueError) as error:
            _log.warning("%s: squeue told of a job what cannot be read: %s", cloud, error)


def job(cloud: str, told: dict[str, str]) -> Job:
    """Return the record of what squeue tells of a job, by field."""
    like = _like(_shared(told))
    state, reason, user, account, queues, nodes, tasks, cores, memory, gpus, walltime = like
    part = told["ArrayTaskID"]  # N/A, or 3, or 4-100:2%2 of those that wait
    array = None if part in values.NOTHING else told["ArrayJobID"]
    index = None if array is None else values.number(part)
    several = array is not None and index is None
    over = state.is_over
    code, signal = values.ended(told["exit_code"]) if over else (None, None)
    throttle = part.partition("%")[2] if several else ""
    return Job(
        cloud=cloud,
        id=_id(told, array, index),
        name=told["Name"],
        state=state,
        user=user,
        account=account,
        queues=queues,
        reason=reason,
        priority=values.number(told["PriorityLong"]),
        nodes=nodes,
        tasks=tasks,
        cores=cores,
        memory=memory,
        gpus=gpus,
        walltime=walltime,
        hosts=values.text(told["NodeList"]) or "",
        array=array,
        indices=part if several else "",
        throttle=int(throttle) if throttle else None,
        index=index,
        count=arrays.size(part) if several else 1,
        submitted=values.time(told["SubmitTime"]),
        started=values.time(told["StartTime"]),
        ended=values.time(told["EndTime"]) if over else None,
        exit_code=code,
        signal=signal,
        depends=values.text(told["Dependency"]),
        token=token(told["Comment"]),
        native=told,
    )


_SHARED = (
    "State", "Reason", "UserName", "Account", "Partition", "NumNodes", "NumTasks", "NumCPUs",
    "tres-alloc", "tres-per-job", "tres-per-node", "TimeLimit",
)  # fmt: skip
_shared = itemgetter(*_SHARED)


@lru_cache(maxsize=4096)
def _like(told: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the part of a record in which thousands of jobs are alike, of `_SHARED` fields."""
    state, reason, user, account, partition, nodes, tasks, cores, *resources, limit = told
    alloc, per_job, per_node = resources
    why = values.text(reason)
    count = values.number(nodes.partition("-")[0])  # 2-4: at least two
    return (
        states.job_state(state, why),
        why,
        user,
        values.text(account),
        values.names(partition),
        count,
        values.number(tasks),
        values.number(cores),
        values.memory(alloc),
        values.all_gpus(alloc, per_job, per_node, count),
        values.seconds(limit),
    )


def _fields(record: str, fields: Sequence[str]) -> dict[str, str]:
    """Return a record by field; a separator in a name makes it longer, and is put back there."""
    told = record.split(_SEPARATOR)
    if len(told) != len(fields) or not told[0].isdecimal():
        told = _mended(told, len(fields))
    return dict(zip(fields, told, strict=True))


def _mended(told: list[str], least: int) -> list[str]:
    """Return a record with as many fields as were asked for; raises `ValueError` where it cannot.

    A name may hold a separator; what a login says before, or squeue of a cluster, is left out.
    """
    if len(told) < least:
        raise ValueError(f"{len(told)} fields in place of {least}")
    first = told[0].rpartition("\n")[2]
    if not first.isdecimal():
        raise ValueError(f"{first[:20]!r} is no id of a job")
    name = least - 2
    return [first, *told[1:name], _SEPARATOR.join(told[name:-1]), told[-1]]


def _id(told: dict[str, str], array: str | None, task: int | None) -> str:
    if array is not None:
        return array if task is None else f"{array}_{task}"
    if told["HetJobOffset"] not in values.NOTHING:
        return f"{told['HetJobID']}+{told['HetJobOffset']}"
    return told["JobID"]


def with_files(job: Job, told: dict[str, str]) -> Job:
    """Return a job with where it writes to."""
    workdir = values.text(told["WorkDir"])
    known = places(job, told["JobID"])

    def file(field: str) -> str | None:
        pattern = values.text(told[field])
        default = "/" + _DEFAULT.format(told["JobID"])
        if job.array is not None and pattern is not None and pattern.endswith(default):
            pattern = pattern.removesuffix(default) + "/" + _DEFAULT.format("%A_%a")
        return values.path(pattern, workdir, known)

    output, error = file("STDOUT"), file("STDERR")
    return attrs.evolve(
        job, workdir=workdir, output=output, error=None if error == output else error
    )


def places(job: Job, number: str) -> dict[str, str | None]:
    """Return what `%j`, `%A` ... mean in a file name of a job that has a number of its own."""
    return {
        "j": number,
        "A": job.array or number,
        "a": None if job.index is None else str(job.index),
        "x": job.name,
        "u": job.user,
    }
