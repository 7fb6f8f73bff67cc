"""Listeners of MongoDB's store: killed servers, other processes, logs that are too short."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from bson.int64 import Int64
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from tests.store.store_tools import eventually, used

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import Happening, Operation, OperationState, Server, ServerState
from cloudmesh_sdk.store.changes import Listener
from cloudmesh_sdk.store.mongo import MongoStore, binary, looking
from cloudmesh_sdk.store.mongo.places import place
from cloudmesh_sdk.store.mongo.processes import running
from cloudmesh_sdk.testing.store_watching import WatchingSuite

ROOT = Path(__file__).parents[2]
OTHER = """
import sys
from cloudmesh_sdk.models import Server, ServerState
from cloudmesh_sdk.store.mongo import MongoStore
with MongoStore(MongoStore.Settings(directory=sys.argv[1], linger=0)) as store:
    for n in range(int(sys.argv[3])):
        given = {"cloud": "india", "id": f"i-{n}", "name": f"web-{n}"}
        store.view.put(sys.argv[2], Server(state=ServerState.RUNNING, **given))
"""


def put(store: MongoStore, owner: str, number: int, **fields: Any) -> None:
    given = {"id": f"i-{number}", "name": f"web-{number}", "state": ServerState.RUNNING}
    store.view.put(owner, Server(cloud="india", **{**given, **fields}))


def ids(listener: Listener, count: int) -> list[str]:
    """Return the ids of what is heard until there are so many."""
    found: list[Happening] = []
    while len(found) < count:
        heard = listener.next(60)
        assert heard, f"heard only {found}"
        found += heard
    return [happening.id or happening.what.value for happening in found]


@pytest.fixture
def owner() -> str:
    return f"user-{uuid4().hex[:12]}"


def test_what_another_process_does_is_heard_here(server: MongoStore.Settings, owner: str) -> None:
    assert server.directory is not None
    with MongoStore(server) as store, store.changes.listen(owner) as heard:
        arguments = [sys.executable, "-c", OTHER, server.directory, owner, "3"]
        subprocess.run(arguments, check=True, timeout=60, cwd=ROOT)
        assert ids(heard, 3) == ["i-0", "i-1", "i-2"]


@pytest.mark.usefixtures("hasty")
def test_a_killed_server_loses_no_happening(fresh: Path, owner: str) -> None:
    settings = MongoStore.Settings(directory=str(fresh), linger=0)
    with (
        used(fresh),
        MongoStore(settings) as writer,
        MongoStore(settings) as reader,
        reader.changes.listen(owner) as heard,
    ):
        put(writer, owner, 1)
        assert ids(heard, 1) == ["i-1"]
        put(writer, owner, 2)  # nobody has heard of it as the server dies
        server = running(place(fresh))
        assert server is not None
        os.kill(server.pid, signal.SIGKILL)
        eventually(lambda: _written(writer, owner, 3), "the server is there again")
        put(writer, owner, 4, state=ServerState.STOPPED)
        got = list(dict.fromkeys(ids(heard, 3)))
        while "i-4" not in got:  # what was sent twice is told twice
            got = list(dict.fromkeys([*got, *ids(heard, 1)]))
        assert got == ["i-2", "i-3", "i-4"]


def _written(store: MongoStore, owner: str, number: int) -> bool:
    try:
        put(store, owner, number)
    except StoreError:
        return False
    return True


def test_a_stream_that_cannot_go_on_tells_of_a_gap(
    monkeypatch: pytest.MonkeyPatch, server: MongoStore.Settings, owner: str
) -> None:
    with MongoStore(server) as store, store.changes.listen(owner) as heard:
        put(store, owner, 1)
        assert ids(heard, 1) == ["i-1"]
        put(store, owner, 2)
        # a place of 1970, which no log reaches back to: seconds stand behind the first byte
        place_in_log = heard._token["_data"]  # type: ignore[attr-defined]
        monkeypatch.setattr(heard, "_cursor", None)
        monkeypatch.setattr(heard, "_token", {"_data": f"8200000001{place_in_log[10:]}"})
        assert ids(heard, 1) == ["gap"]
        put(store, owner, 3)
        assert ids(heard, 1) == ["i-3"]


def test_a_cursor_that_the_server_closed_is_opened_again(
    server: MongoStore.Settings, owner: str
) -> None:
    with MongoStore(server) as store, store.changes.listen(owner) as heard:
        put(store, owner, 1)
        assert ids(heard, 1) == ["i-1"]
        with store._connection.use() as database:
            cursor = Int64(getattr(heard, "_cursor"))  # noqa: B009
            answer = database.command("killCursors", "$cmd.aggregate", cursors=[cursor])
            assert answer["cursorsKilled"] == [cursor]
        put(store, owner, 2)
        assert ids(heard, 1) == ["i-2"]


def test_a_closed_listener_leaves_no_cursor(server: MongoStore.Settings, owner: str) -> None:
    with MongoStore(server) as store:
        listener = store.changes.listen(owner)
        assert listener.next(0) == []
        cursor = Int64(getattr(listener, "_cursor"))  # noqa: B009
        listener.close()
        with store._connection.use() as database:
            answer = database.command("killCursors", "$cmd.aggregate", cursors=[cursor])
            assert answer["cursorsNotFound"] == [cursor]
        assert listener.next(0) == []


@pytest.fixture(scope="module")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a mongod that is no replica set, and return its URI."""
    directory = tmp_path_factory.mktemp("alone")
    (directory / "db").mkdir()
    socket = directory / "mongodb-27017.sock"
    command = [
        os.fspath(binary.find(None)), "--dbpath", str(directory / "db"), "--bind_ip", str(socket),
        "--unixSocketPrefix", str(directory), "--logpath", str(directory / "log"),
        "--wiredTigerCacheSizeGB", "0.25",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        uri = f"mongodb://{str(socket).replace('/', '%2F')}"
        try:
            client: MongoClient[Any] = MongoClient(uri, serverSelectionTimeoutMS=30_000)
            with client:
                client.admin.command("ping")
            yield uri
        finally:
            process.kill()


class TestStandalone(WatchingSuite):
    """A server without change streams: the same promises, kept by looking."""

    @pytest.fixture
    def store(self, standalone: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[MongoStore]:
        monkeypatch.setattr(looking, "_PAUSE", 0.1)
        with MongoStore(MongoStore.Settings(uri=standalone)) as store:
            yield store

    @pytest.fixture
    def reopen(self, standalone: str) -> Any:
        return lambda: MongoStore(MongoStore.Settings(uri=standalone))

    def test_it_says_that_it_looks(self, store: MongoStore, owner: str) -> None:
        with store._connection.use() as database:
            with pytest.raises(OperationFailure) as refused:
                database.watch().close()
            assert refused.value.code == 40573
        with store.changes.listen(owner) as heard:
            assert heard.looks

    def test_what_is_over_is_told_once_and_asked_for_no_more(
        self, store: MongoStore, owner: str, asked: Operation
    ) -> None:
        store.journal.add([asked])
        with store.changes.listen(owner, ["operations"]) as heard:
            assert heard.next(0.3) == []
            store.journal.change(asked, state=OperationState.DONE)
            assert ids(heard, 1) == [asked.id]
            assert heard.next(0.3) == []
