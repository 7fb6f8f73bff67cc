"""What a store promises of jobs: their life is told, and what vanished stays to be found."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import Job, JobState, QueueInfo, QueueState
from cloudmesh_sdk.store.base import Change, Query, Store
from cloudmesh_sdk.testing.stores import StoreFixtures, server

Listed = Callable[..., Change]


def job(number: int, state: JobState = JobState.RUNNING, **fields: Any) -> Job:
    """Return the record of a job for a test; its native data says the state."""
    given = {"name": "train", "user": "ann", "native": {"JobState": state.value.upper()}}
    return Job(cloud="india", id=str(number), state=state, **{**given, **fields})


class JobsSuite(StoreFixtures):
    """Promises of `View` about records that come and go."""

    @pytest.fixture
    def polled(self, store: Store, owner: str, now: datetime) -> Listed:
        """Take over a list of jobs, so many seconds after `now`."""

        def polled(*rows: Job, at: float = 0) -> Change:
            started = now + timedelta(seconds=at)
            return store.view.replace(owner, "india", "jobs", rows, started=started)

        return polled

    def test_events_tell_a_job_s_life(
        self, store: Store, owner: str, now: datetime, polled: Listed
    ) -> None:
        polled(job(1, JobState.PENDING), job(2))
        polled(job(1), job(2), at=1)
        polled(job(2), at=2)
        polled(job(1), job(2), at=3)
        events = store.view.events(owner, "india", "1", "jobs")
        seconds = [now + timedelta(seconds=n) for n in (1, 2, 3)]
        assert [(event.what, event.at) for event in events] == list(
            zip(("state", "gone", "back"), seconds, strict=True)
        )
        assert events[0].detail == "pending → running"
        assert store.view.events(owner, "india", "2", "jobs") == []

    def test_a_job_and_a_server_of_one_id_have_their_own_events(
        self, store: Store, owner: str, now: datetime, polled: Listed
    ) -> None:
        later = now + timedelta(seconds=1)
        polled(job(1))
        store.view.replace(owner, "india", "servers", [server(1, id="1")], started=now)
        polled(job(1, JobState.SUSPENDED), at=1)
        store.view.replace(owner, "india", "servers", [], started=later)
        told = [event.detail for event in store.view.events(owner, "india", "1", "jobs")]
        assert told == ["running → suspended"]
        for events in (
            store.view.events(owner, "india", "1"),
            store.view.events(owner, "india", "1", "servers"),
        ):
            assert [event.what for event in events] == ["gone"]
        with pytest.raises(StoreError, match="no kind of record named 'job'"):
            store.view.events(owner, "india", "1", "job")

    def test_events_tell_when_a_queue_stopped(
        self, store: Store, owner: str, now: datetime
    ) -> None:
        batch = QueueInfo(cloud="india", id="batch", name="batch", state=QueueState.OPEN)
        stopped = attrs.evolve(batch, state=QueueState.STOPPED)
        store.view.replace(owner, "india", "queues", [batch], started=now)
        store.view.put(owner, stopped)
        told = store.view.events(owner, "india", "batch", "queues")
        assert [(event.what, event.detail) for event in told] == [("state", "open → stopped")]

    def test_numbers_by_state_are_equal_in_any_order(
        self, store: Store, owner: str, now: datetime
    ) -> None:
        for seconds, states in enumerate((("running", "pending"), ("pending", "running"))):
            totals = {state: len(state) for state in states}
            row = QueueInfo(cloud="india", id="q", name="q", state=QueueState.OPEN, totals=totals)
            started = now + timedelta(seconds=seconds)
            told = store.view.replace(owner, "india", "queues", [row], started=started)
            assert told == (Change(same=1) if seconds else Change(new=1))
        assert store.view.find(owner, "queues", Query()) == [row]

    def test_what_no_comparison_of_jobs_looks_at_is_kept_all_the_same(
        self, store: Store, owner: str, polled: Listed
    ) -> None:
        polled(job(1), job(2))
        told = polled(job(1, machines=("india",), token="t"), job(2), at=1)  # noqa: S106
        assert told == Change(changed=1, same=1)
        (row, _) = store.view.find(owner, "jobs", Query(sort=("id",)))
        assert isinstance(row, Job)
        assert (row.machines, row.token) == (("india",), "t")

    def test_a_job_that_vanished_is_found_until_it_is_known_how_it_ended(
        self, store: Store, owner: str, now: datetime, polled: Listed
    ) -> None:
        polled(job(1), job(2), job(3))
        assert polled(job(3), at=10) == Change(gone=2, same=1)
        gone = now + timedelta(seconds=10)

        def ids(**query: Any) -> list[str]:
            asked = Query(missing=True, sort=("id",), **query)
            return [row.id for row in store.view.find(owner, "jobs", asked)]

        assert ids(where={"missing": {"$gte": gone}}) == ["1", "2"]
        unknown = job(1, JobState.UNKNOWN, missing=gone)
        store.view.put(owner, unknown)
        store.view.put(owner, job(2, JobState.FAILED, missing=gone, exit_code=3))
        assert ids(states=["unknown"]) == ["1"]
        assert [row.id for row in store.view.find(owner, "jobs", Query())] == ["3"]
        polled(job(3), at=20)
        polled(job(3), at=3660)  # a list that is younger than what was put
        assert ids() == ["1", "2", "3"]
        kept = store.view.get(owner, "jobs", "india", "1")
        assert kept == unknown
        assert (kept.missing, dict(kept.native)) == (gone, {"JobState": "UNKNOWN"})
        told = store.view.events(owner, "india", "2", "jobs")
        assert [(event.what, event.detail) for event in told][1:] == [("state", "running → failed")]

    def test_a_week_after_it_vanished_a_job_is_dropped(
        self, store: Store, owner: str, now: datetime, polled: Listed
    ) -> None:
        ago = (now - timedelta(days=8)).replace(tzinfo=UTC)
        polled(job(1), job(2), job(3), job(4), at=-9 * 86400)
        polled(job(1), job(2), at=-8 * 86400)
        store.view.put(owner, job(4, JobState.UNKNOWN, missing=ago))
        polled(job(1), at=-6 * 86400)
        later = 3660  # a list that is younger than what was put
        assert polled(job(1), job(3), at=later) == Change(changed=1, same=1)
        found = store.view.find(owner, "jobs", Query(missing=True, sort=("id",)))
        assert [row.id for row in found] == ["1", "2", "3"]
        assert [row.missing is None for row in found] == [True, False, True]

    def test_a_job_put_while_its_list_was_on_its_way_stays(
        self, store: Store, owner: str, polled: Listed
    ) -> None:
        polled(job(1), job(2))
        put = datetime.now(UTC).replace(microsecond=0)
        store.view.put(owner, job(1, JobState.CANCELLED, seen=put, missing=put))
        store.view.put(owner, job(3, JobState.PENDING, seen=put))
        assert polled(job(1), job(2), at=60) == Change(same=3)
        assert polled(job(2), at=61) == Change(same=2), "a tombstone is not among what is there"
        states = {row.id: row.state for row in store.view.find(owner, "jobs", Query(missing=True))
                  if isinstance(row, Job)}  # fmt: skip
        assert states == {
            "1": JobState.CANCELLED, "2": JobState.RUNNING, "3": JobState.PENDING,
        }  # fmt: skip
