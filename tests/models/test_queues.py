"""Records of batch queues: what they tell beside what they hold."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudmesh_sdk.models import Job, JobRequest, JobState, QueueInfo, QueueState

BEGUN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def job(**more: Any) -> Job:
    return Job(**{"cloud": "fg", "id": "7", "name": "one", "state": JobState.RUNNING, **more})


@pytest.mark.parametrize("state", list(JobState))
def test_what_is_not_known_is_not_over(state: JobState) -> None:
    over = {JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.TIMEOUT}
    assert state.is_over is (state in over)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ({"started": BEGUN, "seen": BEGUN + timedelta(seconds=90)}, 90),
        ({"started": BEGUN, "seen": BEGUN - timedelta(seconds=5)}, 0),  # a clock that is behind
        (
            {"started": BEGUN, "ended": BEGUN + timedelta(hours=1), "state": JobState.DONE},
            3600,
        ),
        ({"started": BEGUN, "seen": BEGUN, "state": JobState.PENDING}, None),  # is expected then
        ({"started": BEGUN, "seen": BEGUN, "state": JobState.CANCELLED}, None),
        ({"seen": BEGUN}, None),
    ],
)
def test_how_long_a_job_ran(told: dict[str, Any], seconds: int | None) -> None:
    assert job(**told).elapsed == seconds


def test_machines_and_queues_read_as_one_text() -> None:
    both = job(queues=("batch", "long"), machines=("india", "sierra"))
    assert (both.queue, both.machine, both.manager) == ("batch,long", "india,sierra", "fg")


def test_a_job_is_the_same_whosever_machine_and_token_it_has() -> None:
    assert job(machines=("india",), token="a") == job()
    assert job(name="other") != job()


def test_a_queue_adds_up_what_is_in_it() -> None:
    info = QueueInfo(
        cloud="fg", id="batch", name="batch", state=QueueState.OPEN,
        totals={"running": 2, "pending": 3, "held": 1},
    )  # fmt: skip
    assert (info.running, info.pending, info.jobs) == (2, 3, 6)


def test_what_was_asked_for_is_told_without_what_runs() -> None:
    request = JobRequest(
        name="one", token="t", command=("true", "s3cr3t"), nodes=2, held=False, options=(),
        environment={"KEY": "s3cr3t"},
    )  # fmt: skip
    assert request.asked == {"nodes": 2, "environment": {"KEY": "s3cr3t"}}
    assert "s3cr3t" not in repr(request)
