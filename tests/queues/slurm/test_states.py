"""Every state that the manual names is one of ours."""

import pytest

from cloudmesh_sdk.models import JobState, NodeState, QueueState
from cloudmesh_sdk.queues.slurm import states

MANUAL = (
    "BOOT_FAIL CANCELLED COMPLETED CONFIGURING COMPLETING DEADLINE FAILED NODE_FAIL OUT_OF_MEMORY "
    "PENDING PREEMPTED RUNNING RESV_DEL_HOLD REQUEUE_FED REQUEUE_HOLD REQUEUED RESIZING REVOKED "
    "SIGNALING SPECIAL_EXIT STAGE_OUT STOPPED SUSPENDED TIMEOUT"
)
"""JOB STATE CODES of squeue(1), 22.05."""


def test_every_state_of_the_manual_has_one_of_ours() -> None:
    for word in MANUAL.split():
        assert states.job_state(word) is not JobState.UNKNOWN, word


def test_what_is_over_is_over() -> None:
    over = {word for word in MANUAL.split() if states.job_state(word).is_over}
    assert over == {
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
        "PREEMPTED", "REVOKED", "TIMEOUT",
    }  # fmt: skip


def test_who_cancelled_a_job_does_not_matter() -> None:
    assert states.job_state("CANCELLED by 1000") is JobState.CANCELLED


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("UP", QueueState.OPEN), ("DRAIN", QueueState.DRAINING), ("DOWN", QueueState.STOPPED),
        ("INACTIVE", QueueState.CLOSED), ("SIDEWAYS", QueueState.UNKNOWN),
    ],
)  # fmt: skip
def test_states_of_partitions(word: str, state: QueueState) -> None:
    assert states.queue_state(word) is state


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("IDLE", NodeState.IDLE), ("MIXED", NodeState.MIXED), ("ALLOCATED", NodeState.BUSY),
        ("IDLE+DRAIN", NodeState.DRAINED), ("MIXED+DRAIN", NodeState.DRAINING),
        ("ALLOCATED+DRAIN", NodeState.DRAINING), ("IDLE+COMPLETING+DRAIN", NodeState.DRAINING),
        ("DOWN", NodeState.DOWN), ("DOWN*", NodeState.DOWN), ("DOWN+DRAIN", NodeState.DOWN),
        ("IDLE*", NodeState.DOWN), ("IDLE+NOT_RESPONDING", NodeState.DOWN),
        ("MIXED*", NodeState.MIXED), ("IDLE+RESERVED", NodeState.RESERVED),
        ("MIXED+RESERVED", NodeState.MIXED), ("IDLE+MAINTENANCE", NodeState.RESERVED),
        ("IDLE+CLOUD+POWERED_DOWN", NodeState.IDLE), ("ERROR", NodeState.DOWN),
        ("FUTURE", NodeState.UNKNOWN), ("", NodeState.UNKNOWN),
    ],
)  # fmt: skip
def test_states_of_nodes(word: str, state: NodeState) -> None:
    assert states.node_state(word.split("+")) is state
