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
    tasks = told["ArrayTaskID"]  # N/A, or 3, or 4-100:2%2 of those that wait
    array = None if tasks in values.NOTHING else told["ArrayJobID"]
    task = None if array is None else values.number(tasks)
    several = array is not None and task is None
    reason = values.text(told["Reason"])
    state = states.job_state(told["State"], reason)
    code, signal = values.ended(told["exit_code"]) if state.is_over else (None, None)
    nodes = values.number(told["NumNodes"].partition("-")[0])  # 2-4: at least two
    throttle = tasks.partition("%")[2] if several else ""
    return Job(
        cloud=cloud,
        id=_id(told, array, task),
        name=told["Name"],
        state=state,
        user=told["UserName"],
        account=values.text(told["Account"]),
        queues=values.names(told["Partition"]),
        reason=reason,
        priority=values.number(told["PriorityLong"]),
        nodes=nodes,
        tasks=values.number(told["NumTasks"]),
        cores=values.number(told["NumCPUs"]),
        memory=values.memory(told["tres-alloc"]),
        gpus=values.all_gpus(
            told["tres-alloc"], told["tres-per-job"], told["tres-per-node"], nodes
        ),
        walltime=values.seconds(told["TimeLimit"]),
        hosts=values.text(told["NodeList"]) or "",
        array=array,
        indices=tasks if several else "",
        throttle=int(throttle) if throttle else None,
        index=task,
        count=arrays.size(tasks) if several else 1,
        submitted=values.time(told["SubmitTime"]),
        started=values.time(told["StartTime"]),
        ended=values.time(told["EndTime"]) if state.is_over else None,
        exit_code=code,
        signal=signal,
        depends=values.text(told["Dependency"]),
        token=token(told["Comment"]),
        native=told,
    )


def _fields(record: str, fields: Sequence[str]) -> dict[str, str]:
    """Return a record by field; a separator in a name makes it longer, and is put back there."""
    told = record.split(_SEPARATOR)
    least = len(fields)
    if len(told) < least:
        raise ValueError(f"{len(told)} fields in place of {least}")
    if "\n" in told[0]:  # what a login says before, or squeue of a cluster
        told[0] = told[0].rpartition("\n")[2]
    if not told[0].isdecimal():
        raise ValueError(f"{told[0][:20]!r} is no id of a job")
    name = least - 2
    if len(told) > least:
        told[name:] = [_SEPARATOR.join(told[name:-1]), told[-1]]
    return dict(zip(fields, told, strict=True))


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
