"""`scontrol -o show`: a line of `Key=value` for each partition, node and job."""

import re
from collections.abc import Iterator

from cloudmesh_sdk.models import Node, QueueInfo
from cloudmesh_sdk.queues.slurm import states, values

_KEY = re.compile(r"(?:^|\s+)([A-Z][\w/:-]*)=")
_BY = re.compile(r"\s*\[[^\[\]]*@[^\[\]]*\]\s*$")
"""Who set a reason, and when."""


def fields(line: str) -> dict[str, str]:
    """Return a line by its keys; the first of two of the same name counts.

    Values are not quoted there: what a user wrote may look like a key. So a job's record is never
    made of this.
    """
    pieces = _KEY.split(line.strip())[1:]
    told: dict[str, str] = {}
    for key, value in zip(pieces[::2], pieces[1::2], strict=True):
        told.setdefault(key, value.strip())
    return told


def partitions(cloud: str, answer: str) -> Iterator[QueueInfo]:
    """Yield the partitions of `scontrol show partition -o`."""
    for line in answer.splitlines():
        told = fields(line)
        if name := told.get("PartitionName"):
            yield partition(cloud, name, told)


def partition(cloud: str, name: str, told: dict[str, str]) -> QueueInfo:
    """Return the record of a partition."""
    most = values.number(told.get("MaxNodes", ""))
    return QueueInfo(
        cloud=cloud,
        id=name,
        name=name,
        state=states.queue_state(told.get("State", "")),
        default=told.get("Default") == "YES",
        nodes=values.number(told.get("TotalNodes", "")),
        hosts=values.text(told.get("Nodes", "")) or "",
        cores=values.number(told.get("TotalCPUs", "")),
        memory=values.mebibytes(told.get("MaxMemPerNode", "")),
        walltime=values.seconds(told.get("MaxTime", "")),
        default_walltime=values.seconds(told.get("DefaultTime", "")),
        min_nodes=values.number(told.get("MinNodes", "")) or None,
        max_nodes=most,
        priority=values.number(told.get("PriorityTier", "")),
        native=told,
    )


def nodes(cloud: str, answer: str) -> Iterator[Node]:
    """Yield the nodes of `scontrol show node -o`."""
    for line in answer.splitlines():
        told = fields(line)
        if name := told.get("NodeName"):
            yield node(cloud, name, told)


def node(cloud: str, name: str, told: dict[str, str]) -> Node:
    """Return the record of a node."""
    reason = values.text(told.get("Reason", ""))
    return Node(
        cloud=cloud,
        id=name,
        name=name,
        state=states.node_state(told.get("State", "").split("+")),
        queues=values.names(told.get("Partitions", "")),
        cores=values.number(told.get("CPUTot", "")),
        cores_used=values.number(told.get("CPUAlloc", "")),
        memory=values.number(told.get("RealMemory", "")),
        memory_used=values.number(told.get("AllocMem", "")),
        gpus=values.gpus(told.get("Gres", "")),
        load=_load(told.get("CPULoad", "")),
        features=values.names(told.get("ActiveFeatures", "")),
        reason=None if reason is None else _BY.sub("", reason),
        native=told,
    )


def _load(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
