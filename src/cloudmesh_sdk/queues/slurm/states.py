"""Slurm's words for states, in ours. Sources: squeue(1), sinfo(1), scontrol(1), slurm.conf(5)."""

from collections.abc import Collection, Mapping
from functools import lru_cache

from cloudmesh_sdk.models import JobState, NodeState, QueueState

JOB_STATES: Mapping[str, JobState] = {
    "BOOT_FAIL": JobState.FAILED,
    "CANCELLED": JobState.CANCELLED,
    "COMPLETED": JobState.DONE,
    "CONFIGURING": JobState.RUNNING,  # it has its nodes, and its time runs
    "COMPLETING": JobState.EXITING,
    "DEADLINE": JobState.TIMEOUT,
    "EXPEDITING": JobState.PENDING,
    "FAILED": JobState.FAILED,
    "LAUNCH_FAILED": JobState.FAILED,
    "NODE_FAIL": JobState.FAILED,
    "OUT_OF_MEMORY": JobState.FAILED,
    "PENDING": JobState.PENDING,
    "POWER_UP_NODE": JobState.RUNNING,
    "PREEMPTED": JobState.FAILED,
    "RECONFIG_FAIL": JobState.FAILED,
    "REQUEUED": JobState.PENDING,
    "REQUEUE_FED": JobState.PENDING,
    "REQUEUE_HOLD": JobState.HELD,
    "RESIZING": JobState.RUNNING,
    "RESV_DEL_HOLD": JobState.HELD,
    "REVOKED": JobState.CANCELLED,
    "RUNNING": JobState.RUNNING,
    "SIGNALING": JobState.RUNNING,
    "SPECIAL_EXIT": JobState.HELD,  # requeued, and held until somebody has looked
    "STAGE_OUT": JobState.EXITING,
    "STOPPED": JobState.SUSPENDED,
    "SUSPENDED": JobState.SUSPENDED,
    "TIMEOUT": JobState.TIMEOUT,
    "UPDATE_DB": JobState.EXITING,
}
"""Every state of squeue(1) of 22.05 and 25.11."""

HOLDING = frozenset({"JobHeldUser", "JobHeldAdmin", "DependencyNeverSatisfied"})
"""Reasons for which a job waits until somebody does something about it."""

_QUEUE_STATES: Mapping[str, QueueState] = {
    "UP": QueueState.OPEN,
    "DRAIN": QueueState.DRAINING,
    "DOWN": QueueState.STOPPED,
    "INACTIVE": QueueState.CLOSED,
}
_NODE_STATES: Mapping[str, NodeState] = {
    "IDLE": NodeState.IDLE,
    "MIXED": NodeState.MIXED,
    "ALLOCATED": NodeState.BUSY,
    "DOWN": NodeState.DOWN,
    "ERROR": NodeState.DOWN,
}
_DRAINS = frozenset({"DRAIN", "FAIL"})
_RESERVED = frozenset({"RESERVED", "MAINTENANCE", "MAINT"})
_AT_WORK = frozenset({NodeState.MIXED, NodeState.BUSY})


@lru_cache(maxsize=1024)
def job_state(word: str, reason: str | None = None) -> JobState:
    """Return the state that a word means; `reason` tells a held job from one that waits.

    A running job that was held while it ran has such a reason, too, and runs.
    """
    state = JOB_STATES.get(word.partition(" ")[0], JobState.UNKNOWN)  # CANCELLED by 1000
    held = state is JobState.PENDING and reason in HOLDING
    return JobState.HELD if held else state


def queue_state(word: str) -> QueueState:
    """Return the state of a partition."""
    return _QUEUE_STATES.get(word.upper(), QueueState.UNKNOWN)


def node_state(words: Collection[str]) -> NodeState:
    """Return the state of a node by its base state and its flags, such as IDLE and DRAIN."""
    said = {word.upper().rstrip("*~#!%$@^-+") for word in words}
    silent = "NOT_RESPONDING" in said or any("*" in word for word in words)
    base = next((_NODE_STATES[word] for word in said if word in _NODE_STATES), NodeState.UNKNOWN)
    if base is NodeState.DOWN or (silent and base is NodeState.IDLE):
        return NodeState.DOWN
    if said & _DRAINS:
        works = base in _AT_WORK or "COMPLETING" in said
        return NodeState.DRAINING if works else NodeState.DRAINED
    return NodeState.RESERVED if base is NodeState.IDLE and said & _RESERVED else base
