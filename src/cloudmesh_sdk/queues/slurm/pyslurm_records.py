"""pyslurm's jobs, partitions and nodes as records.

Source: the documented attributes of pyslurm 25.11.2 (`Job`, `Partition`, `Node`). A job is put
into the words of slurmrestd's flat answers, which `rest_records` reads: what is proved for one is
proved for the other.
"""

import enum
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from cloudmesh_sdk.models import Job, Node, QueueInfo
from cloudmesh_sdk.queues.slurm import rest_records, states
from cloudmesh_sdk.queues.slurm.rest_values import count, minutes, number, text, words_of

_JOB: Mapping[str, str] = {
    "job_id": "id",
    "name": "name",
    "job_state": "state",
    "state_reason": "state_reason",
    "user_name": "user_name",
    "user_id": "user_id",
    "account": "account",
    "partition": "partition",
    "priority": "priority",
    "node_count": "num_nodes",
    "tasks": "ntasks",
    "cpus": "cpus",
    "time_limit": "time_limit",
    "nodes": "allocated_nodes",
    "array_job_id": "array_id",
    "array_task_id": "array_task_id",
    "array_task_string": "array_tasks_waiting",
    "array_max_tasks": "array_tasks_parallel",
    "het_job_id": "heterogeneous_id",
    "het_job_offset": "heterogeneous_offset",
    "submit_time": "submit_time",
    "start_time": "start_time",
    "end_time": "end_time",
    "comment": "comment",
    "batch_flag": "is_batch_job",
    "current_working_directory": "working_directory",
    "standard_output": "standard_output",
    "standard_error": "standard_error",
}
"""Words of slurmrestd, and pyslurm's for the same."""

_BESIDE = ("memory", "exit_code", "exit_code_signal", "dependencies", "gpus")
"""What a record is made of beside those."""

_PARTITION = (
    "name", "state", "is_default", "total_nodes", "nodes", "total_cpus", "max_memory_per_node",
    "max_time_limit", "default_time", "min_nodes", "max_nodes", "priority_tier",
)  # fmt: skip
_NODE = (
    "name", "state", "partitions", "total_cpus", "allocated_cpus", "real_memory",
    "allocated_memory", "configured_gres", "cpu_load", "active_features", "reason",
)  # fmt: skip
_NOT_A_WAIT = ("satisfy", "singleton")
"""Keys of pyslurm's dependencies that are no way to wait for jobs."""


def job(cloud: str, told: Any, *, whole: bool = False) -> Job:
    """Return the record of a job; `whole` has all that pyslurm tells of it in `native`."""
    native = {name: value(told, name) for name in (*_JOB.values(), *_BESIDE)}
    words = {theirs: native[ours] for theirs, ours in _JOB.items()}
    words["exit_code"] = f"{native['exit_code'] or 0}:{native['exit_code_signal'] or 0}"
    words["dependency"] = _depends(native["dependencies"])
    made = rest_records.job(cloud, words)
    if whole:
        made = rest_records.with_files(made)
        native |= {name: value(told, name) for name in attributes(told)}
    return attrs.evolve(
        made, memory=number(native["memory"]), gpus=_total(native["gpus"]), native=native
    )


def partition(cloud: str, told: Any) -> QueueInfo:
    """Return the record of a partition; what pyslurm calls UNLIMITED is None."""
    native = {name: value(told, name) for name in attributes(told, _PARTITION)}
    get = native.get
    return QueueInfo(
        cloud=cloud,
        id=native["name"],
        name=native["name"],
        state=states.queue_state(get("state") or ""),
        default=bool(get("is_default")),
        nodes=number(get("total_nodes")),
        hosts=get("nodes") or "",
        cores=number(get("total_cpus")),
        memory=count(get("max_memory_per_node")),
        walltime=minutes(get("max_time_limit")),
        default_walltime=minutes(get("default_time")),
        min_nodes=count(get("min_nodes")),
        max_nodes=number(get("max_nodes")),
        priority=number(get("priority_tier")),
        native=native,
    )


def node(cloud: str, told: Any) -> Node:
    """Return the record of a node."""
    native = {name: value(told, name) for name in attributes(told, _NODE)}
    get = native.get
    return Node(
        cloud=cloud,
        id=native["name"],
        name=native["name"],
        state=states.node_state((get("state") or "").split("+")),
        queues=tuple(words_of(get("partitions"))),
        cores=number(get("total_cpus")),
        cores_used=number(get("allocated_cpus")),
        memory=number(get("real_memory")),
        memory_used=number(get("allocated_memory")),
        gpus=_configured(get("configured_gres")),
        load=get("cpu_load"),
        features=tuple(words_of(get("active_features"))),
        reason=text(get("reason")),
        native=native,
    )


def attributes(told: Any, least: Iterable[str] = ()) -> list[str]:
    """Return the names of what pyslurm tells of a thing, `least` among them."""
    names = dict.fromkeys(least)
    for name in dir(told):
        if not name.startswith("_") and not callable(getattr(type(told), name, None)):
            names.setdefault(name)
    return list(names)


def value(told: Any, name: str) -> Any:
    """Return one attribute as plain data.

    pyslurm reads each from Slurm's memory when it is asked for, and raises for text that is no
    UTF-8: that one is decoded with errors replaced, and harms nothing else.
    """
    try:
        found = getattr(told, name)
    except UnicodeDecodeError as error:
        return error.object.decode(errors="replace")
    return plain(found)


def plain(found: Any) -> Any:
    """Return what pyslurm tells as plain data; objects of its own are dicts of what they have."""
    if isinstance(found, enum.Enum):
        return found.name
    if found is None or isinstance(found, str | int | float | bool):
        return found
    if isinstance(found, Mapping):
        return {str(key): plain(each) for key, each in found.items()}
    if isinstance(found, list | tuple | set | frozenset):
        return [plain(each) for each in found]
    if hasattr(found, "to_dict"):
        return plain(found.to_dict())
    return str(found)


def _depends(told: Any) -> str | None:
    """Return pyslurm's dependencies (`{"afterok": [1], "satisfy": "all"}`) as Slurm writes them."""
    if not isinstance(told, dict):
        return told or None
    waits = [
        f"{how}:{':'.join(map(str, ids))}"
        for how, ids in told.items()
        if ids and how not in _NOT_A_WAIT
    ]
    if told.get("singleton"):
        waits.append("singleton")
    return ("?" if told.get("satisfy") == "any" else ",").join(waits) or None


def _total(gpus: Any) -> int | None:
    """Return the number of GPUs of a job; those of a type stand there beside all of them."""
    if not isinstance(gpus, dict) or not gpus:
        return None
    counts = {
        kind: count(gpu.get("count") if isinstance(gpu, dict) else gpu) or 0
        for kind, gpu in gpus.items()
    }
    return counts.get("gpu") or sum(counts.values()) or None


def _configured(gres: Any) -> int | None:
    """Return the GPUs among a node's resources: `{"gpu": 2}`, `{"gpu:k80": 2}`."""
    if not isinstance(gres, dict):
        return None
    found = [number(each) or 0 for kind, each in gres.items() if kind.partition(":")[0] == "gpu"]
    return sum(found) if found else None
