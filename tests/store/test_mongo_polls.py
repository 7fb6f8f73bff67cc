"""Turns in MongoDB: one among processes, by the server's clock, at one command each."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError
from tests.store.test_mongo_changes import Commands

from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.store.mongo import MongoStore, connection, polls
from cloudmesh_sdk.store.polls import Turn

PROCESSES = 6

ASKS = """
import os, signal, sys
from cloudmesh_sdk.store.mongo import MongoStore
directory, scope, holder, interval, lease = sys.argv[1:]
store = MongoStore(MongoStore.Settings(directory=directory))
store.view.syncs(scope)
print("ready", flush=True)
for line in sys.stdin:
    turn = store.polls.take(
        scope, "jobs", holder=holder, interval=float(interval), lease=float(lease)
    )
    print("mine" if turn.mine else turn.holder, flush=True)
"""
"""A process that asks for the turn, once for each line it is sent."""


@pytest.fixture
def store(server: MongoStore.Settings) -> Iterator[MongoStore]:
    with MongoStore(server) as opened:
        yield opened


@pytest.fixture
def scope() -> str:
    return f"queue:{uuid4().hex[:12]}"


@contextmanager
def asking(
    server: MongoStore.Settings, scope: str, count: int, *, interval: float, lease: float = 60
) -> Iterator[list["subprocess.Popen[str]"]]:
    """Give processes that are ready to ask for the turn, named h0, h1 …"""
    command = [sys.executable, "-c", ASKS, str(server.directory), scope]
    asked = [str(interval), str(lease)]
    started = [
        subprocess.Popen(
            [*command, f"h{number}", *asked],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    try:
        assert [told(process) for process in started] == ["ready"] * count
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def ask(*processes: "subprocess.Popen[str]") -> list[str]:
    """Let processes ask at once; return what each was told."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [told(process) for process in processes]


def told(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def take(store: Store, scope: str, holder: str, **given: Any) -> Turn:
    asked = {"interval": 0.0, "lease": 60.0, **given}
    return store.polls.take(scope, "jobs", holder=holder, **asked)


def test_of_many_processes_at_once_one_gets_the_turn(
    server: MongoStore.Settings, store: MongoStore, scope: str
) -> None:
    with asking(server, scope, PROCESSES, interval=30) as processes:
        first = ask(*processes)
        winner = f"h{first.index('mine')}"
        assert sorted(first) == sorted([winner] * (PROCESSES - 1) + ["mine"])
        store.polls.done(scope, "jobs", holder=winner, wait=0)
        assert ask(*processes) == ["None"] * PROCESSES, "it was asked less than 30 s ago"


def test_the_turn_of_a_killed_process_is_taken_over(
    server: MongoStore.Settings, store: MongoStore, scope: str
) -> None:
    with asking(server, scope, 1, interval=0, lease=60) as (process,):
        assert ask(process) == ["mine"]
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert take(store, scope, "b").holder == "h0", "its lease is not over"
        assert take(store, scope, "b", instead="h0").mine


def test_the_lease_of_a_killed_process_ends(
    server: MongoStore.Settings, store: MongoStore, scope: str
) -> None:
    with asking(server, scope, 1, interval=0, lease=1.0) as (process,):
        assert ask(process) == ["mine"]
        process.send_signal(signal.SIGKILL)
        process.wait()
        end = time.monotonic() + 10
        while not (turn := take(store, scope, "b")).mine:
            assert turn.holder == "h0"
            assert time.monotonic() < end
            time.sleep(0.02)


class Elsewhen(datetime):
    """The clock of a machine that is years ahead."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(days=4000)


def test_the_clock_of_who_asks_decides_nothing(
    store: MongoStore, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polls, "datetime", Elsewhen)
    mine = take(store, scope, "a", interval=30)
    assert mine.mine
    assert mine.asked is not None
    assert abs(mine.asked - datetime.now(UTC)) < timedelta(seconds=5)
    monkeypatch.undo()
    other = take(store, scope, "b", interval=30)
    assert (other.holder, other.asked) == ("a", mine.asked)
    assert 20 < other.wait <= 30


@pytest.mark.parametrize(("ahead", "waits"), [(3600, False), (10, True)])
def test_a_clock_of_the_server_that_was_set_back_makes_nobody_wait(
    store: MongoStore, scope: str, ahead: int, *, waits: bool
) -> None:
    assert take(store, scope, "a").mine
    later = datetime.now(UTC) + timedelta(seconds=ahead)
    with store.documents() as documents:
        poll = documents.Poll.objects.get(pk=f"{scope}/jobs/")
        poll.asked = later
        poll.until = poll.after = later + timedelta(seconds=60)
        poll.save()
    turn = take(store, scope, "b", interval=30)
    assert turn.mine is not waits
    assert turn.holder == ("a" if waits else None)
    assert turn.wait <= ahead + 60


def test_a_turn_costs_one_command(
    server: MongoStore.Settings, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Commands()
    monkeypatch.setattr(connection, "MongoClient", partial(MongoClient, event_listeners=[listener]))
    with MongoStore(server) as watched:
        watched.view.syncs("ann")
        listener.told.clear()
        assert take(watched, scope, "a", interval=30).mine
        assert not take(watched, scope, "b", interval=30).mine
        watched.polls.done(scope, "jobs", holder="a", wait=0)
    commands = ["findAndModify", "findAndModify", "update"]
    assert [told for told in listener.told if told[0] != "endSessions"] == [
        (command, "polls") for command in commands
    ]


def test_who_gets_no_turn_writes_nothing(store: MongoStore, scope: str) -> None:
    def kept() -> Any:
        with store._connection.use() as database:
            return database["polls"].find_one({"_id": f"{scope}/jobs/"})

    take(store, scope, "a", interval=30)
    before = kept()
    take(store, scope, "b", interval=30)
    take(store, scope, "b", interval=30, instead="a")
    assert kept() == before


def test_two_that_ask_for_the_first_time_at_once_are_both_answered(
    store: MongoStore, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call: Callable[..., Any] = Collection.find_one_and_update

    def overtaken(*_: Any, **__: Any) -> NoReturn:
        monkeypatch.undo()
        assert take(store, scope, "other").mine
        raise DuplicateKeyError("another one made the document")

    monkeypatch.setattr(Collection, "find_one_and_update", overtaken)
    assert take(store, scope, "a").holder == "other"
    assert Collection.find_one_and_update is call


def test_odd_names_are_names(store: MongoStore) -> None:
    odd = f"$$NOW/{uuid4().hex}/%$x"
    assert take(store, odd, "$asked").mine
    turn = take(store, odd, "$holder")
    assert (turn.mine, turn.holder) == (False, "$asked")
    assert take(store, odd, "b", instead="$holder").holder == "$asked"
    assert take(store, odd, "$$ROOT", instead="$asked").mine
