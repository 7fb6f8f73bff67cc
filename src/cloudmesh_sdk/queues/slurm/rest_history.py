"""Jobs that are over, as slurmrestd tells them of the accounting (slurmdbd).

22.05 filters by ids and times only, takes times as text in its own zone or as `utsSECONDS` (from
2001 on), says "Nothing found" of an empty answer, and tells code 0 of every job that was not
killed: of one that failed it is not known, then.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from cloudmesh_sdk.models import Job, JobState
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.slurm import rest_errors, states, values
from cloudmesh_sdk.queues.slurm.rest_values import (
    count,
    ended,
    minutes,
    number,
    part,
    text,
    time,
    word,
)
from cloudmesh_sdk.queues.slurm.tokens import token

_EVER = int(datetime(2001, 9, 10, tzinfo=UTC).timestamp())
_NEVER = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
_NOTHING = 9003
"""Nothing found with query."""


def query(
    *, ids: Collection[str] | None, user: str | None, since: datetime | None, newer: bool
) -> dict[str, str]:
    """Return what is asked."""
    asked = {"skip_steps": "true"}
    if ids is not None:
        return {**asked, "step": ",".join(ids)}  # of all times, then
    start = _EVER if since is None else max(_EVER, int(since.timestamp()))
    form = "{}" if newer else "uts{}"
    asked |= {"start_time": form.format(start), "end_time": form.format(_NEVER)}
    return asked | ({"users": user} if newer and user else {})


def is_empty(data: Any) -> bool:
    """Tell whether all that is wrong with an answer is that nothing was found."""
    entries = rest_errors.entries_of(data)
    return bool(entries) and all(rest_errors.number(entry) == _NOTHING for entry in entries)


def ordered(jobs: Iterable[Job], *, user: str | None, since: datetime | None) -> list[Job]:
    """Return those that are over, of a user, ended since then, oldest first."""
    ended = [(job.ended, job) for job in jobs if job.state.is_over and job.ended is not None]
    wanted = [(at, job) for at, job in ended if not user or job.user == user]
    return [job for at, job in sorted(wanted, key=_when) if not since or at >= since]


def _when(told: tuple[datetime, Job]) -> datetime:
    return told[0]


def job(cloud: str, told: dict[str, Any]) -> Job:
    """Return the record of a job."""
    times, array, het = part(told, "time"), part(told, "array"), part(told, "het")
    tres, asked = part(told, "tres"), part(told, "required")
    said = part(told, "state")
    state = states.job_state(word(said.get("current")))
    got = _resources(tres.get("allocated")) or _resources(tres.get("requested"))
    of_array = count(array.get("job_id"))
    task = number(array.get("task_id")) if of_array else None
    code, signal = ended(told.get("exit_code"))
    return Job(
        cloud=cloud,
        id=_id(told, het, of_array, task),
        name=told.get("name") or "",
        state=state,
        user=told.get("user") or part(told, "association").get("user") or "",
        account=told.get("account") or None,
        queues=values.names(told.get("partition") or ""),
        reason=text(said.get("reason")),
        priority=number(told.get("priority")),
        nodes=got.get("node") or count(told.get("allocation_nodes")),
        cores=got.get("cpu") or count(asked.get("CPUs")),
        memory=got.get("mem"),
        gpus=got.get("gres/gpu"),
        walltime=minutes(times.get("limit")),
        hosts="" if told.get("nodes") in (None, "None assigned") else told["nodes"],
        array=str(of_array) if of_array else None,
        indices=_indices(array.get("task")) if of_array and task is None else "",
        index=task,
        submitted=time(times.get("submission")),
        started=time(times.get("start")),
        ended=time(times.get("end")),
        exit_code=None if state is JobState.FAILED and code == 0 else code,
        signal=signal,
        workdir=told.get("working_directory") or None,
        token=token(part(told, "comment").get("job")),
        native=told,
    )


def _id(
    told: Mapping[str, Any], het: Mapping[str, Any], array: int | None, task: int | None
) -> str:
    if array:
        return str(array) if task is None else f"{array}_{task}"
    if whole := count(het.get("job_id")):
        return f"{whole}+{number(het.get('job_offset')) or 0}"
    return str(int(told["job_id"]))


def _resources(listed: Any) -> dict[str, int]:
    """Return trackable resources by name: `cpu`, `mem`, `node`, `gres/gpu`."""
    found: dict[str, int] = {}
    for each in listed if isinstance(listed, list) else ():
        name = "/".join(filter(None, (each.get("type"), each.get("name"))))
        if (value := count(each.get("count"))) is not None:
            found[name] = value
    return found


def _indices(said: Any) -> str:
    """Return indices, which 22.05 tells as bits (`0x07`)."""
    if not isinstance(said, str) or not said:
        return ""
    if not said.startswith("0x"):
        return said
    bits = int(said, 16)
    return arrays.compressed(at for at in range(bits.bit_length()) if bits >> at & 1)
