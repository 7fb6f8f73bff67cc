"""A command that hands in a job and outlives its client: it is waited for, nothing is handed in."""

import subprocess
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest
from tests.queues.batch.handing import Handing, Scheduler

from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.operations.reconcile import reconcile
from cloudmesh_sdk.operations.runner import intent
from cloudmesh_sdk.queues.batch import BatchSettings
from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.store.memory import MemoryStore


@pytest.fixture
def scheduler(tmp_path: Path) -> Scheduler:
    return Scheduler(tmp_path / "scheduler")


@pytest.fixture
def queue(scheduler: Scheduler) -> Handing:
    return Handing("hpc", BatchSettings(path=str(scheduler.place), timeout=30.0))


@pytest.fixture
def store() -> Store:
    return MemoryStore()


def left(store: Store, *, later: bool, ago: timedelta = timedelta()) -> Operation:
    """Return a submit as a client left it that was killed while the command was at work."""
    sent = datetime.now(UTC) - ago
    asked = intent("kit", "submit", "hpc", "job", withheld=["command"], later=later)
    operation = attrs.evolve(
        asked, state=OperationState.RUNNING, attempts=1, sent=sent, lease=sent,
        runner="elsewhere.example.org/1/0.00",
    )  # fmt: skip
    store.journal.add([operation])
    return operation


def settled(store: Store, queue: Handing, operation: Operation) -> Operation:
    now = store.journal.get(operation.id)
    assert now is not None
    (found,) = reconcile(store, [now], lambda _: nullcontext(queue))
    return found


@pytest.mark.parametrize("later", [False, True], ids=["own", "of any runner"])
def test_a_command_that_outlives_its_client_is_waited_for(
    store: Store, queue: Handing, scheduler: Scheduler, later: bool
) -> None:
    operation = left(store, later=later)
    scheduler.hinder("wait-before")
    words = [str(scheduler.place / "hand-in"), operation.token, "main"]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as command:
        scheduler.begun()
        at_work = [settled(store, queue, operation).state for _ in range(2)]
        scheduler.let("wait-before")
        assert command.wait() == 0
    assert at_work == [OperationState.UNKNOWN] * 2
    now = settled(store, queue, operation)
    assert (now.state, now.result) == (OperationState.DONE, "1")
    assert len(scheduler.made()) == 1


@pytest.mark.parametrize(
    ("later", "state"), [(False, OperationState.FAILED), (True, OperationState.PENDING)]
)
def test_what_did_not_come_for_long_is_not_waited_for(
    store: Store, queue: Handing, later: bool, state: OperationState
) -> None:
    operation = left(store, later=later, ago=timedelta(seconds=31))
    assert settled(store, queue, operation).state is state
