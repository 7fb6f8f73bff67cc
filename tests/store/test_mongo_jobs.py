"""Jobs in MongoDB: a poll writes what differs, and reads no week of jobs that are over."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import attrs
import pytest
from pymongo import MongoClient, monitoring

from cloudmesh_sdk.models import Job, JobState
from cloudmesh_sdk.store.base import Change, Query, Store
from cloudmesh_sdk.store.memory import MemoryStore
from cloudmesh_sdk.store.mongo import MongoStore, connection, planning
from cloudmesh_sdk.store.mongo.rows import within

BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
"""Of late: what happens to jobs is kept for a week."""

SECOND = timedelta(seconds=1)
MANY = 10_000


@pytest.fixture
def store(server: MongoStore.Settings) -> Iterator[MongoStore]:
    with MongoStore(server) as opened:
        yield opened


@pytest.fixture
def scope() -> str:
    return f"queue:{uuid4().hex[:12]}"


def job(number: int, state: JobState = JobState.RUNNING) -> Job:
    native = {"JobId": number, "JobState": state.value.upper(), "Comment": "x" * 500}
    return Job(
        cloud="india", id=str(number), name="train", state=state, user=f"u{number % 50}",
        priority=2**32 - 1, queues=("batch",), submitted=BEGAN, native=native,
    )  # fmt: skip


class Writes(monitoring.CommandListener):
    """Counts the documents that are written, by collection."""

    def __init__(self) -> None:
        self.told: dict[str, int] = {}

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        written = {"insert": "documents", "update": "updates", "delete": "deletes"}
        if (what := written.get(event.command_name)) is not None:
            name = event.command[event.command_name]
            self.told[name] = self.told.get(name, 0) + len(event.command[what])

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing to note."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing to note."""


def test_of_ten_thousand_jobs_those_that_changed_are_written(
    server: MongoStore.Settings, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = Writes()
    monkeypatch.setattr(connection, "MongoClient", partial(MongoClient, event_listeners=[writes]))
    rows = [job(number) for number in range(MANY)]

    def written(store: Store, at: int) -> tuple[Change, dict[str, int]]:
        writes.told.clear()
        started = BEGAN + at * SECOND
        change = store.view.replace(scope, "india", "jobs", rows, started=started)
        return change, dict(writes.told)

    with MongoStore(server) as store:
        told, documents = written(store, 0)
        assert told == Change(new=MANY)
        assert (documents["jobs"], documents["jobs_native"]) == (MANY, MANY)
        rows = [job(number) for number in range(MANY)]
        assert written(store, 30) == (Change(same=MANY), {"clouds": 1})
        for number in range(0, MANY, 100):
            rows[number] = job(number, JobState.EXITING)
        told, documents = written(store, 60)
        assert told == Change(changed=100, same=MANY - 100)
        assert documents == {"jobs": 100, "jobs_native": 100, "events": 100, "clouds": 1}
        del rows[::100]
        told, documents = written(store, 90)
        assert told == Change(gone=100, same=MANY - 100)
        assert documents == {"jobs": 1, "events": 100, "clouds": 1}
        assert len(store.view.find(scope, "jobs", Query())) == MANY - 100


def test_a_poll_reads_no_jobs_that_are_over(
    store: MongoStore, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, there = range(2000), range(2000, 2100)
    replace = partial(store.view.replace, scope, "india", "jobs")
    replace([job(number) for number in over], started=BEGAN)
    replace([job(number) for number in there], started=BEGAN + SECOND)
    read: list[int] = []
    scan = planning.Listed._scan

    def spy(self: planning.Listed, database: Any, wanted: Any) -> Any:
        found = scan(self, database, wanted)
        read.append(len(found[0]))
        return found

    monkeypatch.setattr(planning.Listed, "_scan", spy)
    rows = [job(number) for number in (7, *there)]
    assert replace(rows, started=BEGAN + 2 * SECOND) == Change(changed=1, same=100)
    assert sum(read) == 101


@pytest.mark.parametrize(
    ("asked", "most"),
    [({}, 100), ({"user": "u7"}, 42), ({"state": "suspended"}, 0)],
    ids=["there", "user", "state"],
)
def test_what_is_asked_of_jobs_is_found_by_an_index(
    store: MongoStore, scope: str, asked: dict[str, str], most: int
) -> None:
    replace = partial(store.view.replace, scope, "india", "jobs")
    replace([job(number) for number in range(2000)], started=BEGAN)
    replace([job(number) for number in range(2000, 2100)], started=BEGAN + SECOND)
    wanted = {**within(f"{scope}/india/"), "missing": None, **asked}
    with store._connection.use() as database:
        explained = database.command(
            {"explain": {"find": "jobs", "filter": wanted}, "verbosity": "executionStats"}
        )
    assert explained["executionStats"]["totalDocsExamined"] <= most


def test_numbers_beyond_32_bits_come_back_plain(store: MongoStore, scope: str) -> None:
    store.view.replace(scope, "india", "jobs", [job(1)], started=BEGAN)
    found = store.view.find(scope, "jobs", Query())[0]
    got = store.view.get(scope, "jobs", "india", "1")
    for row in (found, got):
        assert isinstance(row, Job)
        assert type(row.priority) is int
        assert row.priority == 2**32 - 1


def test_events_of_jobs_stay_for_a_week(store: MongoStore, scope: str) -> None:
    store.view.replace(scope, "india", "jobs", [job(1)], started=BEGAN)
    store.view.replace(scope, "india", "jobs", [], started=BEGAN + SECOND)
    with store.documents() as documents:
        (event,) = documents.Event.objects(of=f"{scope}/india/1")
        assert event.until.replace(tzinfo=UTC) == BEGAN + SECOND + timedelta(days=7)


@pytest.mark.parametrize("sweep", [0, 5, 5_000])
@pytest.mark.parametrize("seed", range(4))
def test_jobs_come_and_go_as_in_the_reference(
    store: MongoStore, scope: str, monkeypatch: pytest.MonkeyPatch, sweep: int, seed: int
) -> None:
    monkeypatch.setattr(planning, "_SWEEP", sweep)
    source = random.Random(seed)
    reference = MemoryStore()
    both: tuple[Store, Store] = (store, reference)

    def same(ask: Callable[[Store], Any]) -> None:
        one, other = map(ask, both)
        assert one == other

    for step in range(25):
        started = BEGAN + step * timedelta(days=source.choice([0, 0.1, 3])) + step * SECOND
        numbers = source.sample(range(20), source.randint(0, 15))
        rows = [job(number, source.choice([*JobState])) for number in numbers]
        if source.random() < 0.3:
            missing = source.choice([None, started, started - timedelta(days=8)])
            for row in rows[:3]:
                put = attrs.evolve(row, missing=missing)
                for each in both:
                    each.view.put(scope, put)
        same(lambda each: each.view.replace(scope, "india", "jobs", rows, started=started))  # noqa: B023
        same(lambda each: each.view.find(scope, "jobs", Query(missing=True)))
        same(lambda each: [r.missing for r in each.view.find(scope, "jobs", Query(missing=True))])
