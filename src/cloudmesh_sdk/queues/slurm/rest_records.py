"""Jobs, partitions and nodes of slurmrestd's answers, as records.

Sources: the OpenAPI documents and captured answers of 22.05 (v0.0.37, v0.0.38) and 25.11
(v0.0.41 to v0.0.44).
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from cloudmesh_sdk.errors import CloudmeshError, UnavailableError
from cloudmesh_sdk.models import Job, Node, QueueInfo
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.slurm import lines, states, values
from cloudmesh_sdk.queues.slurm.rest_values import (
    count,
    ended,
    minutes,
    number,
    part,
    text,
    time,
    word,
    words_of,
)
from cloudmesh_sdk.queues.slurm.tokens import token

_log = logging.getLogger(__name__)
_R = TypeVar("_R")

_CUT = re.compile(r",?[^,]*\.\.\.")
"""The end of a long list of indices, where SLURM_BITSTR_LEN is not 0 in slurmrestd's environment:
the last one may be cut in two, and is left out."""
_OUTPUT, _OUTPUT_OF_ARRAY = "slurm-%j.out", "slurm-%A_%a.out"


def records(
    cloud: str, data: Any, field: str, made: Callable[[str, dict[str, Any]], _R]
) -> Iterator[_R]:
    """Return a record of each entry; what cannot be read of one is told in the log.

    Raises `UnavailableError` where there is no such list.
    """
    listed = data.get(field) if isinstance(data, dict) else None
    if not isinstance(listed, list):
        raise UnavailableError(f"{cloud}: slurmrestd answered without a list of {field}")
    return _each(cloud, listed, field, made)


def _each(
    cloud: str, listed: list[Any], field: str, made: Callable[[str, dict[str, Any]], _R]
) -> Iterator[_R]:
    for told in listed:
        try:
            yield made(cloud, told)
        except (CloudmeshError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            _log.warning("%s: one of slurmrestd's %s cannot be read: %r", cloud, field, error)


def job(cloud: str, told: dict[str, Any]) -> Job:
    """Return the record of a job."""
    get = told.get
    reason = text(get("state_reason"))
    state = states.job_state(word(told["job_state"]), reason)
    over = state.is_over
    code, signal = ended(get("exit_code")) if over else (None, None)
    array = count(get("array_job_id"))
    task = number(get("array_task_id")) if array else None
    indices = _indices(get("array_task_string") or "") if array and task is None else ""
    nodes = count(get("node_count"))
    alloc = get("tres_alloc_str") or ""
    comment = get("comment")
    return Job(
        cloud=cloud,
        id=_id(told, array, task),
        name=get("name") or "",
        state=state,
        user=get("user_name") or str(get("user_id", "")),
        account=get("account") or None,
        queues=values.names(get("partition") or ""),
        reason=reason,
        priority=number(get("priority")),
        nodes=nodes,
        tasks=count(get("tasks")),
        cores=count(get("cpus")),
        memory=values.memory(alloc),
        gpus=values.all_gpus(alloc, get("tres_per_job") or "", get("tres_per_node") or "", nodes),
        walltime=minutes(get("time_limit")),
        hosts=get("nodes") or "",
        array=str(array) if array else None,
        indices=indices,
        throttle=count(get("array_max_tasks")) if indices else None,
        index=task,
        count=arrays.size(indices) if indices else 1,
        submitted=time(get("submit_time")),
        started=time(get("start_time")),
        ended=time(get("end_time")) if over else None,
        exit_code=code,
        signal=signal,
        depends=get("dependency") or None,
        token=token(comment) if comment else None,
        native=told,
    )


def with_files(job: Job) -> Job:
    """Return a job with where it writes to: a list spares that."""
    told = job.native
    workdir = text(told.get("current_working_directory"))
    default = _OUTPUT if job.array is None else _OUTPUT_OF_ARRAY
    known = lines.places(job, str(told.get("job_id", job.id)))
    pattern = text(told.get("standard_output")) or (default if told.get("batch_flag") else None)
    output = values.path(pattern, workdir, known)
    error = values.path(text(told.get("standard_error")), workdir, known)
    return attrs.evolve(
        job, workdir=workdir, output=output, error=None if error == output else error
    )


def partition(cloud: str, told: dict[str, Any]) -> QueueInfo:
    """Return the record of a partition."""
    return _nested(cloud, told) if isinstance(told.get("nodes"), dict) else _flat(cloud, told)


def node(cloud: str, told: dict[str, Any]) -> Node:
    """Return the record of a node."""
    get = told.get
    load = number(get("cpu_load"))
    return Node(
        cloud=cloud,
        id=told["name"],
        name=told["name"],
        state=states.node_state([*words_of(get("state")), *words_of(get("state_flags"))]),
        queues=tuple(words_of(get("partitions"))),
        cores=number(get("cpus")),
        cores_used=number(get("alloc_cpus")),
        memory=number(get("real_memory")),
        memory_used=number(get("alloc_memory")),
        gpus=values.gpus(get("gres") or ""),
        load=None if load is None else load / 100,
        features=tuple(words_of(get("active_features"))),
        reason=text(get("reason")),
        native=told,
    )


def _flat(cloud: str, told: Mapping[str, Any]) -> QueueInfo:
    """Return a partition up to v0.0.38."""
    get = told.get
    return QueueInfo(
        cloud=cloud,
        id=told["name"],
        name=told["name"],
        state=states.queue_state(get("state") or ""),
        default="default" in words_of(get("flags")),
        nodes=number(get("total_nodes")),
        hosts=get("nodes") or "",
        cores=number(get("total_cpus")),
        memory=count(get("maximum_memory_per_node")),
        walltime=minutes(get("max_time_limit")),
        default_walltime=minutes(get("default_time_limit")),
        min_nodes=count(get("min nodes per job")),
        max_nodes=number(get("maximum_nodes_per_job")),
        priority=number(get("priority_tier")),
        native=told,
    )


def _nested(cloud: str, told: Mapping[str, Any]) -> QueueInfo:
    """Return a partition from v0.0.39 on; these do not tell which is the default one."""
    most, least = part(told, "maximums"), part(told, "minimums")
    nodes, tier = part(told, "nodes"), part(told, "priority")
    state = words_of(part(told, "partition").get("state"))
    return QueueInfo(
        cloud=cloud,
        id=told["name"],
        name=told["name"],
        state=states.queue_state(state[0] if state else ""),
        nodes=number(nodes.get("total")),
        hosts=nodes.get("configured") or "",
        cores=number(part(told, "cpus").get("total")),
        memory=count(most.get("partition_memory_per_node")),
        walltime=minutes(most.get("time")),
        default_walltime=minutes(part(told, "defaults").get("time")),
        min_nodes=count(least.get("nodes")),
        max_nodes=number(most.get("nodes")),
        priority=number(tier.get("tier")),
        native=told,
    )


def _id(told: Mapping[str, Any], array: int | None, task: int | None) -> str:
    if array:
        return str(array) if task is None else f"{array}_{task}"
    if whole := count(told.get("het_job_id")):
        return f"{whole}+{number(told.get('het_job_offset')) or 0}"
    return str(int(told["job_id"]))


def _indices(said: str) -> str:
    """Return the indices that are told; of a list that was cut off those that stand there."""
    return _CUT.sub("", said) if "..." in said else said
