"""A database that release 2 of the schema wrote goes on working, and gets what came since.

`captures/schema-2.jsonl` is what that release left behind, collection by collection: servers (one
started, one gone), a network, a volume, a group, what failed, an operation, defaults, a user. Its
moments lie in 2098, so that nothing in it grows old.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import pytest
from bson import json_util
from pymongo.database import Database

from cloudmesh_sdk.models import (
    Job,
    JobState,
    Network,
    OperationState,
    Rule,
    SecurityGroup,
    Server,
    ServerState,
    Volume,
)
from cloudmesh_sdk.store.base import Change, Query
from cloudmesh_sdk.store.mongo import MongoStore, schema

CAPTURE = Path(__file__).with_name("captures") / "schema-2.jsonl"
BEGAN = datetime(2098, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NATIVE = {"OS-EXT-AZ:availability_zone": "nova", "a.b": {"$x": 2**40}}


def restore(database: Database[dict[str, Any]]) -> None:
    """Bring a captured database back."""
    options = json_util.JSONOptions(tz_aware=True)
    for line in CAPTURE.read_text(encoding="utf-8").splitlines():
        said = json_util.loads(line, json_options=options)
        if "of" in said:
            database[said["of"]].insert_one(said["document"])
        else:
            database.command({"create": said["collection"], **said["options"]})
            if said["indexes"]:
                database.command({"createIndexes": said["collection"], "indexes": said["indexes"]})


def _server(number: int) -> Server:
    return Server(
        cloud="india", id=f"i-{number}", name=f"web-{number}", state=ServerState.RUNNING,
        project="p-1", flavor="m1.small", public_ips=("192.0.2.1",), tags={"a.b": "1"},
        created=BEGAN, native={"id": f"i-{number}", **NATIVE},
    )  # fmt: skip


@pytest.fixture
def old(server: MongoStore.Settings) -> MongoStore.Settings:
    """Settings of a database as release 2 of the schema left it."""
    settings = attrs.evolve(server, database=f"second_{uuid4().hex[:8]}")
    with MongoStore(server) as door, door._connection.use() as database:
        restore(database.client[settings.database])
    return settings


def test_the_capture_is_of_release_2() -> None:
    lines = map(json.loads, CAPTURE.read_text(encoding="utf-8").splitlines())
    collections = {line["collection"] for line in lines if "collection" in line}
    known = {kind for version in (1, 2) for kind in schema.ADDED[version]}
    assert known < collections
    assert not collections & {*schema.ADDED[3], "polls", "questions"}


def test_all_that_was_there_is_there(old: MongoStore.Settings) -> None:
    with MongoStore(old) as store:
        view = store.view
        assert view.find("ann", "servers", Query()) == [_server(1)]
        gone = view.get("ann", "servers", "india", "i-2")
        assert gone == _server(2)
        assert gone.missing == BEGAN + SECOND
        (row,) = view.find("ann", "servers", Query(where={"native.a\\.b.$x": 2**40}))
        assert dict(row.native) == {"id": "i-1", **NATIVE}
        assert view.find("ann", "networks", Query()) == [
            Network(cloud="india", id="n-1", name="shared", state="active", subnets=("s-1",))
        ]
        assert view.find("ann", "volumes", Query()) == [
            Volume(cloud="india", id="v-1", name="data", state="in-use", size=10)
        ]
        rule = Rule(from_port=22, to_port=22, remote="192.0.2.0/24")
        assert view.find("ann", "security_groups", Query()) == [
            SecurityGroup(cloud="india", id="g-1", name="web", rules=(rule,))
        ]
        operation = store.journal.get("op-1")
        assert operation is not None
        assert (operation.state, operation.result) == (OperationState.DONE, "i-1")
        assert store.settings.defaults("ann") == {"india": {"image": "ubuntu"}}
        assert store.settings.numbers("ann", "web") == range(4, 5)
        assert [user.email for user in store.settings.users()] == ["ann@example.org"]


def test_events_of_servers_are_told_before_and_after(old: MongoStore.Settings) -> None:
    with MongoStore(old) as store:
        told = [event.detail for event in store.view.events("ann", "india", "i-1")]
        assert told == ["pending → running"]
        later = BEGAN + 2 * SECOND
        stopped = attrs.evolve(_server(1), state=ServerState.STOPPED)
        store.view.replace("ann", "india", "servers", [stopped, _server(2)], started=later)
        told = [event.detail for event in store.view.events("ann", "india", "i-1")]
        assert told == ["pending → running", "running → stopped"]
        told = [event.what for event in store.view.events("ann", "india", "i-2", "servers")]
        assert told == ["gone", "back"]
        assert store.view.events("ann", "india", "i-1", "jobs") == []


def test_no_list_of_unchanged_records_is_written_anew(old: MongoStore.Settings) -> None:
    with MongoStore(old) as store:
        later = BEGAN + 2 * SECOND
        told = store.view.replace("ann", "india", "servers", [_server(1)], started=later)
        assert told == Change(same=1)


def test_queues_jobs_nodes_and_turns_get_their_place(old: MongoStore.Settings) -> None:
    job = Job(cloud="slurm", id="1", name="a", state=JobState.RUNNING, user="ann")
    with MongoStore(old) as store, store._connection.use() as database:
        store.view.replace("queue:x", "slurm", "jobs", [job], started=BEGAN)
        assert store.view.find("queue:x", "jobs", Query()) == [job]
        assert store.polls.take("queue:x", "jobs", holder="a", interval=30, lease=60).mine
        for kind in schema.ADDED[3]:
            assert "clusteredIndex" in database[schema.main(kind)].options()
            assert "clusteredIndex" in database[schema.beside(kind)].options()
        named = {tuple(index["key"]) for index in database["jobs"].list_indexes()}
        assert {("missing", "_id"), ("user", "_id"), ("state", "_id")} < named
        expiry = {
            (name, *index["key"]): index["expireAfterSeconds"]
            for name in ("events", "questions")
            for index in database[name].list_indexes()
            if "expireAfterSeconds" in index
        }
        assert expiry == {
            ("events", "at"): 90 * 86400, ("events", "until"): 0, ("questions", "at"): 86400,
        }  # fmt: skip
        assert database["schema"].find_one() == {"_id": "schema", "version": 4}


def test_a_migration_that_was_cut_short_is_done_again(
    old: MongoStore.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    create = schema._create

    def dies(database: Any, name: str, compressor: str | None) -> None:
        made.append(name)
        if name == "queues_native":
            raise KeyboardInterrupt
        create(database, name, compressor)

    monkeypatch.setattr(schema, "_create", dies)
    with MongoStore(old) as cut, pytest.raises(KeyboardInterrupt):
        cut.view.syncs("ann")
    monkeypatch.undo()
    assert "jobs" in made
    with MongoStore(old) as store:
        assert store.view.find("ann", "servers", Query()) == [_server(1)]
        assert store.polls.take("queue:x", "jobs", holder="a", interval=30, lease=60).mine
