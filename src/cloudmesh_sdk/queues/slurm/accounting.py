"""The answer of `sacct`: jobs that are over, also those that the controller has forgotten.

Source: sacct(1), 22.05. It parts fields by what we choose, a delimiter of its own kind in each
call, and records by a newline, which stands between two fields that no user writes.
"""

import logging
import secrets
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from cloudmesh_sdk.errors import BackendError, UnavailableError, UnsupportedError
from cloudmesh_sdk.models import Job
from cloudmesh_sdk.queues.slurm import states, values
from cloudmesh_sdk.queues.slurm.tokens import token

_log = logging.getLogger(__name__)

FIELDS = (
    "JobID", "State", "Reason", "User", "Account", "Partition", "Priority", "NNodes", "NTasks",
    "NCPUS", "AllocTRES", "ReqTRES", "TimelimitRaw", "NodeList", "Submit", "Start", "End",
    "WorkDir", "Comment", "JobName", "ExitCode",
)  # fmt: skip
_EVER = "1970-01-02"
"""Long ago; the day before is no time for sacct, which then finds nothing."""
_NEVER = "2100-01-01"
"""In far future: our clock may be ahead of theirs, and a time after `now` is refused."""
_OVER = "CD,F,TO,CA,NF,OOM,BF,DL,PR,RV"


def delimiter() -> str:
    """Return what parts the fields of one answer."""
    return f"\x1f{secrets.token_hex(4)}"


def words(
    *, ids: Collection[str] | None, user: str | None, since: datetime | None, between: str
) -> Iterator[str]:
    """Yield the arguments of sacct; `user` may be empty for us, `between` is a delimiter."""
    yield from ("-n", "-P", "-X", f"--delimiter={between}", f"--format={','.join(FIELDS)}")
    if user != "":
        yield "--allusers" if user is None else f"--user={user}"
    if ids is not None:
        yield f"--jobs={','.join(ids)}"  # of all times, then
        return
    start = _EVER if since is None else f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    yield from (f"--starttime={start}", f"--endtime={_NEVER}", f"--state={_OVER}")


def is_off(error: BackendError) -> bool:
    """Tell whether an error says that there is no accounting."""
    return isinstance(error, UnsupportedError) and "accounting" in str(error)


def jobs(cloud: str, answer: bytes, *, between: str, since: datetime | None = None) -> list[Job]:
    """Return the jobs of an answer that are over (since then), oldest first.

    Raises `UnavailableError` where it is cut off.
    """
    made = []
    for record in _records(cloud, answer.decode(errors="replace"), between):
        try:
            made.append(_job(cloud, dict(zip(FIELDS, record, strict=True))))
        except ValueError as error:
            _log.warning("%s: sacct told of a job what cannot be read: %s", cloud, error)
    ended = [(job.ended, job) for job in made if job.state.is_over and job.ended is not None]
    return [job for at, job in sorted(ended, key=lambda each: each[0]) if not since or at >= since]


def _records(cloud: str, text: str, between: str) -> Iterator[list[str]]:
    pieces = text.split(between)
    each = len(FIELDS) - 1
    if len(pieces) % each != 1:
        raise UnavailableError(f"{cloud}: the answer of sacct is cut off or is no list of jobs")
    first = pieces[0].rpartition("\n")[2]  # what a login says before
    for start in range(1, len(pieces), each):
        *middle, last = pieces[start : start + each]
        end, _, following = last.partition("\n")
        yield [first, *middle, end]
        first = following


def _job(cloud: str, told: dict[str, str]) -> Job:
    array, _, task = told["JobID"].partition("_")
    index = values.number(task)
    resources = told["AllocTRES"] or told["ReqTRES"]
    code, signal = values.ended(told["ExitCode"])
    limit = values.number(told["TimelimitRaw"])
    return Job(
        cloud=cloud,
        id=told["JobID"],
        name=told["JobName"],
        state=states.job_state(told["State"]),
        user=told["User"],
        account=values.text(told["Account"]),
        queues=values.names(told["Partition"]),
        reason=values.text(told["Reason"]),
        priority=values.number(told["Priority"]),
        nodes=values.number(told["NNodes"]),
        tasks=values.number(told["NTasks"]),
        cores=values.number(told["NCPUS"]),
        memory=values.memory(resources),
        gpus=values.gpus(resources),
        walltime=None if limit is None else limit * 60,
        hosts="" if told["NodeList"] == "None assigned" else told["NodeList"],
        array=array if index is not None else None,
        index=index,
        submitted=values.time(told["Submit"]),
        started=values.time(told["Start"]),
        ended=values.time(told["End"]),
        exit_code=code,
        signal=signal,
        workdir=values.text(told["WorkDir"]),
        token=token(told["Comment"]),
        native=told,
    )
