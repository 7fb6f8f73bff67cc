"""Jobs, partitions and nodes of slurmrestd's answers, as records.

Sources: the OpenAPI documents and captured answers of 22.05 (v0.0.37, v0.0.38) and 25.11
(v0.0.41 to v0.0.44).
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from operator import itemgetter
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
    try:
        shared, own = _shared(told), _own(told)
    except KeyError:  # an older or a newer version
        shared, own = tuple(map(told.get, _SHARED)), tuple(map(told.get, _OWN))
    try:
        like = _like(shared)
    except TypeError:  # wrapped numbers are no keys
        like = _like.__wrapped__(shared)
    state, reason, user, account, queues, nodes, tasks, cores, memory, gpus, walltime = like
    (number_of_job, array, task, several, whole, name, comment, hosts, priority, submitted, started,
     ended_at, depends) = own  # fmt: skip
    array = count(array)
    index = number(task) if array else None
    indices = _indices(cloud, several) if several and array and index is None else ""
    over = state.is_over
    code, signal = ended(told.get("exit_code")) if over else (None, None)
    return Job(
        cloud=cloud,
        id=_id(told, array, index) if array or whole else str(int(number_of_job)),
        name=name or "",
        state=state,
        user=user,
        account=account,
        queues=queues,
        reason=reason,
        priority=number(priority),
        nodes=nodes,
        tasks=tasks,
        cores=cores,
        memory=memory,
        gpus=gpus,
        walltime=walltime,
        hosts=hosts or "",
        array=str(array) if array else None,
        indices=indices,
        throttle=count(told.get("array_max_tasks")) if indices else None,
        index=index,
        count=arrays.size(indices) if indices else 1,
        submitted=time(submitted),
        started=time(started),
        ended=time(ended_at) if over else None,
        exit_code=code,
        signal=signal,
        depends=depends or None,
        token=token(comment) if comment else None,
        native=told,
    )


_SHARED = (
    "job_state", "state_reason", "user_name", "user_id", "account", "partition", "node_count",
    "tasks", "cpus", "tres_alloc_str", "tres_req_str", "tres_per_job", "tres_per_node",
    "time_limit",
)  # fmt: skip
"""What many jobs have in common: each such set of values is read once."""
_OWN = (
    "job_id", "array_job_id", "array_task_id", "array_task_string", "het_job_id", "name",
    "comment", "nodes", "priority", "submit_time", "start_time", "end_time", "dependency",
)  # fmt: skip
_shared, _own = itemgetter(*_SHARED), itemgetter(*_OWN)


@lru_cache(maxsize=4096)
def _like(shared: tuple[Any, ...]) -> tuple[Any, ...]:
    (said, why, name, number_of_user, account, partition, node_count, tasks, cpus, got, asked,
     per_job, per_node, limit) = shared  # fmt: skip
    reason, nodes, alloc = text(why), count(node_count), got or asked or ""
    return (
        states.job_state(word(said), reason),
        reason,
        name or ("" if number_of_user is None else str(number_of_user)),
        account or None,
        values.names(partition or ""),
        nodes,
        count(tasks),
        count(cpus),
        values.memory(alloc),
        values.all_gpus(alloc, per_job or "", per_node or "", nodes),
        minutes(limit),
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


def _indices(cloud: str, said: str) -> str:
    """Return the indices that are told; of a list that was cut off those that stand there."""
    if not is_cut(said):
        return said
    _tell_of_cut(cloud)
    return _CUT.sub("", said)


def is_cut(said: str) -> bool:
    """Tell whether slurmrestd cut a list of indices off."""
    return "..." in said


@cache
def _tell_of_cut(cloud: str) -> None:
    _log.warning(
        "%s: slurmrestd cuts long lists of an array's indices off, so that arrays with gaps count "
        "for less than they are; set SLURM_BITSTR_LEN=0 in its environment",
        cloud,
    )
