"""Records made of PBS's attributes, whichever form they came in."""

from collections.abc import Mapping
from datetime import datetime

import attrs

from cloudmesh_sdk.masking import hidden, holds_secret
from cloudmesh_sdk.models import Job, JobState, Node, QueueInfo
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.pbs import endings, places, states, tokens, values
from cloudmesh_sdk.queues.pbs.values import Told, group, word


def job(cloud: str, id: str, told: Told) -> Job:  # noqa: A002
    """Return the record of a job, or of a whole array."""
    resources = group(told, "Resource_List")
    end = endings.ending(told)
    state = job_state(told) if end is None else end.state
    hosts = values.vnodes(values.text(word(told, "exec_vnode")))
    waits = state in (JobState.PENDING, JobState.HELD)
    variables = told.get("Variable_List")
    made = Job(
        cloud=cloud,
        id=id,
        name=values.text(word(told, "Job_Name")) or "",
        state=state,
        user=values.user(word(told, "Job_Owner")),
        account=values.text(word(told, "Account_Name")),
        queues=tuple(filter(None, (values.text(word(told, "queue")),))),
        reason=_reason(told, state) if end is None else end.reason,
        priority=values.number(word(told, "Priority")),
        nodes=len(hosts) or values.number(word(resources, "nodect")),
        cores=values.number(word(resources, "ncpus")),
        tasks=values.number(word(resources, "mpiprocs")),
        memory=values.mebibytes(word(resources, "mem")),
        gpus=values.number(word(resources, "ngpus")),
        walltime=values.seconds(word(resources, "walltime")),
        hosts=",".join(hosts),
        submitted=values.time(word(told, "ctime")),
        started=_expected(told) if waits else values.time(word(told, "stime")),
        ended=None if end is None else end.at,
        exit_code=None if end is None else end.code,
        signal=None if end is None else end.signal,
        depends=values.text(word(told, "depend")),
        workdir=tokens.variable(variables, "PBS_O_WORKDIR"),
        output=places.output(told),
        error=places.error(told),
        token=tokens.token(variables),
        native=_whole(told),
    )
    return in_array(made, told)


def job_state(told: Told) -> JobState:
    """Return the state of a job that is not over.

    PBS itself holds a job that waits for others. That is no hold that anybody would release.
    """
    state = states.JOB_STATES.get(str(word(told, "job_state")), JobState.UNKNOWN)
    held_by = str(word(told, "Hold_Types") or "").strip("n")
    others = values.number(word(told, "substate")) == states.WAITS_FOR_OTHERS
    if state is JobState.HELD and others and held_by in ("", "s"):
        return JobState.PENDING
    return state


def in_array(made: Job, told: Told) -> Job:
    """Return a job as one of its array, or as the record that stands for the whole of it.

    That one counts those that are not over; which ones these are PBS tells of each only (`-t`).
    """
    number, bracket, rest = made.id.partition("[")
    if not bracket:
        return made
    inside, _, server = rest.partition("]")
    if inside:
        index = values.number(inside)
        return attrs.evolve(made, array=f"{number}[]{server}", index=index)
    submitted, throttle = places.indices(told)
    counts = endings.counted(word(told, "array_state_count"))
    whole = arrays.size(submitted) if submitted else 1
    open_ones = whole if made.state.is_over else sum(counts.values()) or whole
    waiting = places.waiting(told)
    only_waiting = waiting and arrays.size(waiting) == open_ones and not made.state.is_over
    return attrs.evolve(
        made,
        array=made.id,
        state=_of_parts(counts) if word(told, "job_state") == "B" else made.state,
        indices=waiting if only_waiting else submitted,
        throttle=throttle,
        count=open_ones,
        exit_code=0 if made.exit_code == 0 else None,  # what it says else is no exit code
    )


def queue(cloud: str, name: str, told: Told, *, default: str | None) -> QueueInfo:
    """Return the record of a queue, without numbers of jobs."""
    most, least = group(told, "resources_max"), group(told, "resources_min")
    return QueueInfo(
        cloud=cloud,
        id=name,
        name=name,
        state=states.queue_state(str(word(told, "enabled")), str(word(told, "started"))),
        default=name == default,
        memory=values.mebibytes(word(most, "mem")),
        walltime=values.seconds(word(most, "walltime")),
        default_walltime=values.seconds(word(group(told, "resources_default"), "walltime")),
        min_nodes=values.number(word(least, "nodect")),
        max_nodes=values.number(word(most, "nodect")),
        priority=values.number(word(told, "Priority")),
        native=_whole(told),
    )


def node(cloud: str, name: str, told: Told) -> Node:
    """Return the record of a node (a vnode)."""
    has, given = group(told, "resources_available"), group(told, "resources_assigned")
    used = values.number(word(given, "ncpus"))
    busy = bool(used or told.get("jobs"))
    return Node(
        cloud=cloud,
        id=name,
        name=name,
        state=states.node_state(str(word(told, "state")).split(","), used=busy),
        queues=tuple(filter(None, (values.text(word(told, "queue")),))),
        cores=values.number(word(has, "ncpus")) or None,  # the host of vnodes has none of its own
        cores_used=used,
        memory=values.mebibytes(word(has, "mem")),
        memory_used=values.mebibytes(word(given, "mem")),
        gpus=values.number(word(has, "ngpus")),
        reason=values.text(word(told, "comment")),
        native=_whole(told),
    )


def _whole(told: Told) -> Told:
    """Return all that is told, its secrets masked: PBS shows the variables of jobs."""
    return hidden(told) if holds_secret(told) else dict(told)


def _reason(told: Told, state: JobState) -> str | None:
    at_work = state in (JobState.RUNNING, JobState.EXITING)
    return None if at_work else values.text(word(told, "comment"))


def _expected(told: Told) -> datetime | None:
    begins = word(group(told, "estimated"), "start_time")
    return values.time(begins) or values.time(word(told, "Execution_Time"))


def _of_parts(counts: Mapping[str, int]) -> JobState:
    """Return the state of an array that has begun: what most concerns those that wait for it."""
    for name, state in endings.PARTS.items():
        if counts.get(name):
            return state
    return JobState.EXITING
