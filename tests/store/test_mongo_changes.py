"""MongoDB's store takes over changes: cheaply, wholly, and on databases of older releases."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import pytest
from pymongo import MongoClient, monitoring
from tests.store.store_tools import impatient, private_directory, used
from tests.store.test_mongo_faults import BEGAN, ROOT, servers

from cloudmesh_sdk.models import KINDS, Network, Server, ServerState
from cloudmesh_sdk.store.base import Change, Query, Store
from cloudmesh_sdk.store.mongo import MongoStore, connection, planning, refresh, schema

SECOND = timedelta(seconds=1)


@pytest.fixture
def store(server: MongoStore.Settings) -> Iterator[MongoStore]:
    with MongoStore(server) as opened:
        yield opened


@pytest.fixture
def owner() -> str:
    return f"user-{uuid4().hex[:12]}"


class Commands(monitoring.CommandListener):
    """Notes what is asked of the server."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        named = event.command.get(event.command_name)
        self.told.append((event.command_name, named if isinstance(named, str) else ""))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing to note."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing to note."""


def test_nothing_changed_is_one_read_and_one_write_of_one_document(
    monkeypatch: pytest.MonkeyPatch, server: MongoStore.Settings, owner: str
) -> None:
    listener = Commands()
    opened = partial(MongoClient, event_listeners=[listener])
    monkeypatch.setattr(connection, "MongoClient", opened)
    with MongoStore(server) as watched:
        watched.view.replace(owner, "india", "servers", servers(50), started=BEGAN)
        listener.told.clear()
        told = watched.view.merge(owner, "india", "servers", [], started=BEGAN + SECOND)
        asked = list(listener.told)
    assert told == Change(same=50)
    assert asked == [("find", "clouds"), ("update", "clouds")]


def test_changes_write_only_what_differs(
    monkeypatch: pytest.MonkeyPatch, store: Store, owner: str
) -> None:
    rows = servers(300)
    store.view.replace(owner, "india", "servers", rows, started=BEGAN)
    written: list[list[str]] = []
    apply = refresh.Refresh.apply

    def spy(self: refresh.Refresh, database: Any, session: Any, part: Any, known: Any) -> int:
        written.append([ready[0].rpartition("/")[2] for ready in part.write])
        return apply(self, database, session, part, known)

    monkeypatch.setattr(refresh.Refresh, "apply", spy)
    rows[7] = attrs.evolve(rows[7], state=ServerState.STOPPED)
    told = store.view.merge(owner, "india", "servers", rows[:20], started=BEGAN + SECOND)
    assert told == Change(changed=1, same=299)
    assert written == [["i-00007"]]


def test_many_changes_are_compared_in_one_sweep(
    monkeypatch: pytest.MonkeyPatch, store: Store, owner: str
) -> None:
    monkeypatch.setattr(planning, "_SWEEP", 10)
    monkeypatch.setattr(refresh, "AT_ONCE", 20)
    monkeypatch.setattr(refresh, "BATCH", 15)
    store.view.replace(owner, "india", "servers", servers(100), started=BEGAN)
    gone = [attrs.evolve(row, state=ServerState.DELETED) for row in servers(110)[90:]]
    changed = servers(50, key="new")
    told = store.view.merge(owner, "india", "servers", [*changed, *gone], started=BEGAN + SECOND)
    assert told == Change(changed=50, gone=10, same=40)
    assert store.view.find(owner, "servers", Query()) == [*changed, *servers(90)[50:]]
    assert [sync.count for sync in store.view.syncs(owner)] == [90]


def test_changes_compared_before_another_wrote_are_compared_again(
    server: MongoStore.Settings, monkeypatch: pytest.MonkeyPatch, owner: str
) -> None:
    plan = refresh.Refresh.plan

    def overtaken(self: refresh.Refresh, database: Any, records: Any) -> planning.Plan:
        made = plan(self, database, records)
        monkeypatch.undo()
        others.view.replace(owner, "india", "servers", servers(3), started=BEGAN + SECOND)
        return made

    with MongoStore(server) as others, MongoStore(server) as store:
        store.view.replace(owner, "india", "servers", servers(5), started=BEGAN)
        monkeypatch.setattr(refresh.Refresh, "plan", overtaken)
        told = store.view.merge(
            owner, "india", "servers", servers(1, key="new"), started=BEGAN + 2 * SECOND
        )
        assert told == Change(changed=1, same=2)
        found = store.view.find(owner, "servers", Query())
        assert found == [*servers(1, key="new"), *servers(3)[1:]]
        (sync,) = store.view.syncs(owner)
        assert (sync.complete, sync.refreshed) == (BEGAN + SECOND, BEGAN + 2 * SECOND)


VICTIM = """
import os, signal, sys
from datetime import datetime, UTC
owner, left = sys.argv[3], int(sys.argv[2])
sys.path.insert(0, sys.argv[4])
from tests.store.test_mongo_changes import changes
from cloudmesh_sdk.store.mongo import MongoStore
from pymongo.synchronous.collection import Collection
from pymongo.synchronous.database import Database
def dies(method):
    def call(self, *args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(self, *args, **kwargs)
    return call
store = MongoStore(MongoStore.Settings(directory=sys.argv[1]))
store.view.syncs(owner)
for name in ("insert_many", "bulk_write", "update_one"):
    setattr(Collection, name, dies(getattr(Collection, name)))
Database.command = dies(Database.command)
store.view.merge(owner, "india", "servers", changes(), started=datetime(2026, 3, 2, tzinfo=UTC))
"""


def changes() -> list[Server]:
    """Return what a cloud of 20 servers says: some changed, some deleted, one is new."""
    gone = [attrs.evolve(row, state=ServerState.DELETED) for row in servers(20)[15:]]
    return [*servers(5, key="new"), *gone, *servers(21)[20:]]


def test_changes_that_were_cut_short_are_there_wholly_or_not_at_all(tmp_path: Path) -> None:
    directory = private_directory(tmp_path)
    after = [*servers(5, key="new"), *servers(15)[5:], *servers(21)[20:]]
    with used(directory), MongoStore(MongoStore.Settings(directory=str(directory))) as store:
        impatient(directory)
        died, step = -signal.SIGKILL, 0
        while died == -signal.SIGKILL and step < 20:
            owner = f"ann-{step}"
            store.view.replace(owner, "india", "servers", servers(20), started=BEGAN)
            command = [sys.executable, "-c", VICTIM, str(directory), str(step), owner, str(ROOT)]
            died = subprocess.run(command, check=False).returncode
            found = store.view.find(owner, "servers", Query())
            (sync,) = store.view.syncs(owner)
            was = died == -signal.SIGKILL
            assert found == (servers(20) if was else after)
            assert sync.refreshed == (BEGAN if was else datetime(2026, 3, 2, tzinfo=UTC))
            later = BEGAN + timedelta(days=2)
            store.view.merge(owner, "india", "servers", changes(), started=later)
            assert store.view.find(owner, "servers", Query()) == after
            step += 1
        assert died == 0
        assert step > 4, "it dies before each of its writes once"


def test_a_database_of_the_first_release_goes_on_working(server: MongoStore.Settings) -> None:
    settings = attrs.evolve(server, database=f"first_{uuid4().hex[:8]}")
    rows = [attrs.evolve(row, project="p-1") for row in servers(3)]
    with MongoStore(settings) as older, older._connection.use() as database:
        older.view.replace("ann", "india", "servers", rows, started=BEGAN)
        for kind in (*schema.ADDED[2], *schema.ADDED[3]):
            database.drop_collection(schema.main(kind))
            database.drop_collection(schema.beside(kind))
        database["servers"].update_many({}, {"$unset": {"project": ""}, "$set": {"h": b"other"}})
        database["clouds"].update_many({}, {"$unset": {"kinds.servers.complete": ""}})
        database["schema"].update_one({"_id": "schema"}, {"$set": {"version": 1}})
    with MongoStore(settings) as store, store._connection.use() as database:
        assert store.view.find("ann", "servers", Query()) == servers(3)
        assert [sync.complete for sync in store.view.syncs("ann")] == [None]
        network = Network(cloud="india", id="n-1", name="shared", subnets=("s-1",))
        store.view.replace("ann", "india", "networks", [network], started=BEGAN)
        assert store.view.find("ann", "networks", Query()) == [network]
        for name in ("networks", "networks_native", "snapshots"):
            assert "clusteredIndex" in database[name].options()
        change = store.view.replace("ann", "india", "servers", rows, started=BEGAN + SECOND)
        assert change == Change(changed=3)
        assert store.view.find("ann", "servers", Query()) == rows
        assert database["schema"].find_one({"_id": "schema"}) == {"_id": "schema", "version": 4}


def test_every_kind_came_with_one_version_of_the_schema() -> None:
    added = [kind for kinds in schema.ADDED.values() for kind in kinds]
    assert sorted(added) == sorted(KINDS)
    assert max(schema.ADDED) <= schema.VERSION
