"""A whole array as one record, made of its arrays."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from cloudmesh_sdk.models import Job, JobState
from cloudmesh_sdk.queues import arrays


def task(index: int, state: JobState, minute: int = 1) -> Job:
    return Job(
        cloud="hpc",
        id=f"12_{index}",
        name="arr",
        array="12",
        index=index,
        state=state,
        started=datetime(2026, 1, 1, 0, minute, tzinfo=UTC),
        ended=datetime(2026, 1, 1, 1, minute, tzinfo=UTC) if state.is_over else None,
        exit_code=3 if state is JobState.FAILED else None,
    )


def test_the_whole_runs_while_one_of_it_runs() -> None:
    waits = Job(
        cloud="hpc", id="12", name="arr", array="12", indices="5-9%2", count=5, throttle=2,
        state=JobState.PENDING,
    )  # fmt: skip
    whole = arrays.whole(
        [waits, task(4, JobState.RUNNING), task(1, JobState.DONE), task(2, JobState.FAILED)]
    )
    assert (whole.id, whole.state, whole.index) == ("12", JobState.RUNNING, None)
    assert (whole.indices, whole.count, whole.throttle) == ("1-2,4-9", 8, 2)
    assert whole.ended is None


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ([JobState.DONE, JobState.DONE], JobState.DONE),
        ([JobState.DONE, JobState.FAILED, JobState.CANCELLED], JobState.FAILED),
        ([JobState.DONE, JobState.CANCELLED], JobState.CANCELLED),
        ([JobState.FAILED, JobState.EXITING], JobState.EXITING),
        ([JobState.FAILED, JobState.UNKNOWN], JobState.UNKNOWN),
    ],
)
def test_the_whole_is_over_when_all_of_it_is(states: list[JobState], state: JobState) -> None:
    whole = arrays.whole([task(index, each, index) for index, each in enumerate(states)])
    assert whole.state is state
    assert whole.started == datetime(2026, 1, 1, 0, 0, tzinfo=UTC)
    last = datetime(2026, 1, 1, 1, len(states) - 1, tzinfo=UTC)
    assert whole.ended == (last if state.is_over else None)
    assert whole.exit_code == (3 if state is JobState.FAILED else None)


def test_a_job_that_is_no_array_is_itself() -> None:
    job = Job(cloud="hpc", id="7", name="one", state=JobState.DONE)
    assert arrays.whole([job]) is job


@given(st.sets(st.integers(min_value=0, max_value=200), min_size=1))
def test_compressed_indices_mean_the_same(indices: set[int]) -> None:
    text = arrays.compressed(indices)
    assert [index for part in arrays.indices(text) for index in part] == sorted(indices)
