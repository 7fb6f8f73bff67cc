"""Partitions and nodes, on what Slurm 22.05 and 25.11 printed."""

from pathlib import Path

import pytest

from cloudmesh_sdk.models import NodeState, QueueState
from cloudmesh_sdk.queues.slurm import blocks

CAPTURES = Path(__file__).parent / "captures"


def read(name: str) -> str:
    return (CAPTURES / name).read_text(encoding="utf-8")


def test_partitions_tell_what_they_allow() -> None:
    found = {queue.name: queue for queue in blocks.partitions("hpc", read("partitions-22.05.txt"))}
    assert list(found) == ["india", "short", "sierra", "shared", "closed", "maint"]
    india, short, shared = found["india"], found["short"], found["shared"]
    assert [name for name, queue in found.items() if queue.default] == ["india"]
    assert (india.walltime, india.default_walltime) == (86400, 3600)
    assert (india.nodes, india.cores, india.hosts) == (4, 32, "i[001-004]")
    assert (india.memory, india.max_nodes) == (None, None)
    assert (short.walltime, short.max_nodes, short.priority) == (1800, 1, 10)
    assert (shared.walltime, shared.default_walltime) == (None, None)
    assert found["maint"].state is QueueState.STOPPED
    assert india.state is QueueState.OPEN
    assert india.native["AllowGroups"] == "ALL"


@pytest.mark.parametrize("version", ["22.05", "25.11"])
def test_nodes_tell_what_they_are_and_do(version: str) -> None:
    found = {node.name: node for node in blocks.nodes("hpc", read(f"nodes-{version}.txt"))}
    assert [node.state for node in found.values()][3:] == [
        NodeState.DRAINED, NodeState.BUSY, NodeState.MIXED, NodeState.DOWN,
    ]  # fmt: skip
    drained, busy, down = found["india004"], found["sierra001"], found["sierra003"]
    assert drained.reason == 'disk "sda" bad'
    assert drained.queues == ("india", "maint")
    assert (drained.cores, drained.memory, drained.gpus) == (4, 4000, None)
    assert drained.features == ("india", "westmere")
    assert (busy.cores_used, busy.gpus, busy.reason) == (8, 2, None)
    assert down.reason == "ünicode \u2013 power"
    assert down.load is not None
    assert down.native["OS"] == "Linux 6.1.0 #1 SMP PREEMPT_DYNAMIC @0"


def test_the_first_of_two_keys_counts() -> None:
    assert blocks.fields("JobId=1 Partition=a Comment=so Partition=b")["Partition"] == "a"


def test_an_empty_answer_has_nothing() -> None:
    assert list(blocks.partitions("hpc", "")) == []
    assert list(blocks.nodes("hpc", "No nodes in the system\n")) == []
