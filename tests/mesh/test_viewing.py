"""The view finds records by state where their kind has common words for it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from cloudmesh_sdk.errors import InvalidRequestError
from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.viewing import Viewing
from cloudmesh_sdk.models import Job, JobState, Node, NodeState, QueueInfo, Record, Volume
from cloudmesh_sdk.store.memory import MemoryStore

SEEN = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def viewing() -> Viewing:
    store = MemoryStore()
    rows: tuple[Record, ...] = (
        Job(cloud="slurm", id="1", name="a", state=JobState.PENDING),
        Job(cloud="slurm", id="2", name="b", state=JobState.RUNNING),
        Node(cloud="slurm", id="i001", name="i001", state=NodeState.DOWN),
        Volume(cloud="slurm", id="v", name="v", state="in-use"),
    )
    for kind in {row.kind for row in rows}:
        listed = [row for row in rows if row.kind == kind]
        store.view.replace("ann", "slurm", kind, listed, started=SEEN)

    def never(*_: Any) -> Gathered[Any]:
        pytest.fail("all kinds were listed")

    return Viewing(store, "ann", never)


def test_jobs_and_nodes_are_found_by_their_states(viewing: Viewing) -> None:
    assert [row.id for row in viewing.rows(Job, ["slurm"], state="running")] == ["2"]
    assert [row.id for row in viewing.rows(Job, ["slurm"], state=["held", "pending"])] == ["1"]
    assert [row.id for row in viewing.rows(Node, ["slurm"], state="down")] == ["i001"]


def test_a_state_that_the_kind_does_not_know_is_refused_with_near_ones(viewing: Viewing) -> None:
    with pytest.raises(InvalidRequestError, match=r"no state 'runing'.*running"):
        viewing.rows(Job, ["slurm"], state="runing")
    with pytest.raises(InvalidRequestError, match=r"no state 'active'.*open"):
        viewing.rows(QueueInfo, ["slurm"], state="active")


def test_a_kind_without_common_words_for_states_is_refused(viewing: Viewing) -> None:
    with pytest.raises(InvalidRequestError, match="volumes have no state"):
        viewing.rows(Volume, ["slurm"], state="in-use")
