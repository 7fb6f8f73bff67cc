"""The answer of `sacct`: jobs that are over, also those that the controller has forgotten.

Source: sacct(1), 22.05. Its `-P` has no suffix for fields as squeue has, only a delimiter; a record
ends with its line, so one whose name has a newline goes on in the next.
"""

import logging
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from cloudmesh_sdk.errors import BackendError, UnsupportedError
from cloudmesh_sdk.models import Job
from cloudmesh_sdk.queues.slurm import states, values
from cloudmesh_sdk.queues.slurm.tokens import token

_log = logging.getLogger(__name__)

FIELDS = (
    "JobID", "JobIDRaw", "State", "Reason", "User", "Account", "Partition", "Priority", "NNodes",
    "NTasks", "NCPUS", "AllocTRES", "ReqTRES", "TimelimitRaw", "NodeList", "Submit", "Start",
    "End", "ExitCode", "WorkDir", "Comment", "JobName",
)  # fmt: skip
_SEPARATOR = "\x1f"
_EVER = "1970-01-01"
_OVER = "CD,F,TO,CA,NF,OOM,BF,DL,PR,RV"


def words(
    *, ids: Collection[str] | None, user: str | None, since: datetime | None
) -> Iterator[str]:
    """Yield the arguments of sacct."""
    yield from ("-n", "-P", "-X", f"--delimiter={_SEPARATOR}", f"--format={','.join(FIELDS)}")
    if ids is not None:
        yield f"--jobs={','.join(ids)}"
    if user is None:
        yield "--allusers"
    else:
        yield f"--user={user}"
    start = _EVER if since is None else f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    if ids is None:  # with ids sacct looks at all times, and takes no states
        yield from (f"--starttime={start}", "--endtime=now", f"--state={_OVER}")


def is_off(error: BackendError) -> bool:
    """Tell whether an error says that there is no accounting."""
    return isinstance(error, UnsupportedError) and "accounting" in str(error)


def jobs(cloud: str, answer: bytes) -> list[Job]:
    """Return the jobs of an answer that are over, oldest first."""
    found = []
    for record in _records(answer.decode(errors="replace")):
        try:
            job = _job(cloud, dict(zip(FIELDS, record, strict=True)))
        except ValueError as error:
            _log.warning("%s: sacct told of a job what cannot be read: %s", cloud, error)
            continue
        if job.state.is_over:
            found.append(job)
    return sorted(found, key=lambda job: job.ended or datetime.min.replace(tzinfo=UTC))


def _records(text: str) -> Iterator[list[str]]:
    rest = ""
    for line in text.splitlines():
        told = f"{rest}\n{line}".split(_SEPARATOR) if rest else line.split(_SEPARATOR)
        if len(told) < len(FIELDS):
            rest = _SEPARATOR.join(told)
            continue
        # a separator in the name, which stands last
        most = len(FIELDS) - 1
        yield [*told[:most], _SEPARATOR.join(told[most:])]
        rest = ""


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
