"""MongoDB's store loses nothing: processes killed half-way, many at once, rows put meanwhile."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import pytest
from pymongo.errors import AutoReconnect
from tests.store.store_tools import impatient, used

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import Operation, OperationState, Server, ServerState
from cloudmesh_sdk.store.base import Change, Query, Store
from cloudmesh_sdk.store.mongo import MongoStore, planning, refresh
from cloudmesh_sdk.store.mongo.places import place
from cloudmesh_sdk.store.mongo.processes import running

ROOT = Path(__file__).parents[2]
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)


def servers(count: int, **fields: Any) -> list[Server]:
    given = {"state": ServerState.RUNNING, **fields}
    return [
        Server(
            cloud="india", id=f"i-{n:05d}", name=f"web-{n:05d}", native={"n": n, **fields}, **given
        )
        for n in range(count)
    ]


@pytest.fixture
def store(server: MongoStore.Settings) -> Iterator[Store]:
    with MongoStore(server) as opened:
        yield opened


@pytest.fixture
def owner() -> str:
    return f"user-{uuid4().hex[:12]}"


def test_a_refresh_writes_only_what_differs(
    monkeypatch: pytest.MonkeyPatch, store: Store, owner: str
) -> None:
    rows = servers(300)
    written: list[int] = []
    apply = refresh.Refresh.apply

    def spy(self: refresh.Refresh, database: Any, session: Any, part: Any, known: Any) -> int:
        written.append(len(part.write) + len(part.gone) + len(part.drop))
        return apply(self, database, session, part, known)

    monkeypatch.setattr(refresh.Refresh, "apply", spy)
    replace = store.view.replace
    replace(owner, "india", "servers", rows, started=BEGAN)
    replace(owner, "india", "servers", rows[::-1], started=BEGAN + timedelta(seconds=1))
    rows[7] = attrs.evolve(rows[7], state=ServerState.STOPPED)
    replace(owner, "india", "servers", rows, started=BEGAN + timedelta(seconds=2))
    assert written == [300, 1], "where nothing differs, nothing is written"


def test_rows_beyond_one_transaction_come_in_parts(
    monkeypatch: pytest.MonkeyPatch, store: Store, owner: str
) -> None:
    monkeypatch.setattr(refresh, "AT_ONCE", 50)
    monkeypatch.setattr(refresh, "BATCH", 30)
    rows = servers(100)
    view = store.view
    for at, (listed, change) in enumerate(
        [
            (rows, Change(new=100)),
            (servers(100, key="other"), Change(changed=100)),
            ([], Change(gone=100)),
            (rows[:70], Change(changed=70)),
        ]
    ):
        started = BEGAN + timedelta(seconds=at)
        assert view.replace(owner, "india", "servers", listed, started=started) == change
    assert view.find(owner, "servers", Query()) == rows[:70]
    late = BEGAN + timedelta(days=8)
    assert view.replace(owner, "india", "servers", rows[:70], started=late) == Change(same=70)
    assert len(view.find(owner, "servers", Query(missing=True))) == 70


def test_an_id_listed_twice_is_one_record(store: Store, owner: str) -> None:
    one, two = servers(1)[0], servers(1, key="later")[0]
    assert store.view.replace(owner, "india", "servers", [one, two], started=BEGAN) == Change(new=1)
    assert store.view.find(owner, "servers", Query()) == [two]
    later = BEGAN + timedelta(seconds=1)
    change = store.view.replace(owner, "india", "servers", [one, two], started=later)
    assert change == Change(same=1)


def test_a_row_put_while_the_list_is_written_stays(
    monkeypatch: pytest.MonkeyPatch, store: Store, owner: str
) -> None:
    rows = servers(3)
    store.view.replace(owner, "india", "servers", rows, started=BEGAN)
    newer = attrs.evolve(rows[1], state=ServerState.STOPPED, native={"n": "newer"})
    brand_new = attrs.evolve(rows[2], id="i-9", name="web-9", native={"n": 9})
    apply = refresh.Refresh.apply

    def put_first(self: refresh.Refresh, database: Any, session: Any, part: Any, known: Any) -> int:
        monkeypatch.setattr(refresh.Refresh, "apply", apply)
        store.view.put(owner, newer)
        store.view.put(owner, brand_new)
        return apply(self, database, session, part, known)

    monkeypatch.setattr(refresh.Refresh, "apply", put_first)
    listed = [attrs.evolve(row, key="k", native={"n": "older"}) for row in [*rows, brand_new]]
    store.view.replace(owner, "india", "servers", listed, started=BEGAN + timedelta(seconds=1))
    found = {row.id: row for row in store.view.find(owner, "servers", Query())}
    assert found["i-00001"] == newer
    assert found["i-9"] == brand_new
    assert [dict(found[key].native) for key in ("i-00001", "i-9")] == [{"n": "newer"}, {"n": 9}]
    assert found["i-00000"] == listed[0]


def test_names_with_slashes_are_apart(store: Store, owner: str) -> None:
    rows = servers(1)
    for user, cloud in ((f"{owner}/a", "b"), (owner, "a/b"), (f"{owner}%2Fa", "b")):
        listed = [attrs.evolve(rows[0], cloud=cloud)]
        store.view.replace(user, cloud, "servers", listed, started=BEGAN)
        assert store.view.find(user, "servers", Query()) == listed
    store.view.forget(owner, "a")
    assert len(store.view.find(owner, "servers", Query())) == 1


def test_native_of_a_list_is_fetched_at_once(
    monkeypatch: pytest.MonkeyPatch, store: Store, owner: str
) -> None:
    from cloudmesh_sdk.store.mongo import reading

    asked: list[int] = []
    natives = reading.natives

    def spy(database: Any, kind: str, keys: list[str]) -> Any:
        asked.append(len(keys))
        return natives(database, kind, keys)

    monkeypatch.setattr(reading, "natives", spy)
    store.view.replace(owner, "india", "servers", servers(20), started=BEGAN)
    found = store.view.find(owner, "servers", Query())
    assert asked == []
    assert [row.native["n"] for row in found] == list(range(20))
    assert asked == [20]


def test_freshness_can_be_asked_and_sorted_by(store: Store, owner: str) -> None:
    row = servers(1)[0]
    for number, cloud in enumerate(("india", "sierra")):
        started = BEGAN + timedelta(seconds=number)
        listed = [attrs.evolve(row, cloud=cloud)]
        store.view.replace(owner, cloud, "servers", listed, started=started)

    def clouds(**query: Any) -> list[str]:
        return [found.cloud for found in store.view.find(owner, "servers", Query(**query))]

    assert clouds(where={"seen": {"$gt": BEGAN}}) == ["sierra"]
    assert clouds(sort=("-seen",)) == ["sierra", "india"]
    assert clouds(sort=("-seen",), limit=1) == ["sierra"]
    assert clouds(sort=("native.n", "-cloud")) == ["sierra", "india"]


def test_documents_and_store_read_each_other(store: Store, owner: str) -> None:
    assert isinstance(store, MongoStore)
    row = attrs.evolve(servers(1)[0], tags={"a": "b"}, created=BEGAN, public_ips=("192.0.2.1",))
    store.view.replace(owner, "india", "servers", [row], started=BEGAN)
    with store.documents() as documents:
        found = documents.Server.objects.get(row_id=f"{owner}/india/{row.id}")
        assert (found.native_id, found.name, found.state) == (row.id, row.name, "running")
        assert (found.tags, found.public_ips) == ({"a": "b"}, ["192.0.2.1"])
        found.name = "by hand"
        found.save()
    (changed,) = store.view.find(owner, "servers", Query())
    assert changed == attrs.evolve(row, name="by hand")
    later = BEGAN + timedelta(seconds=1)
    change = store.view.replace(owner, "india", "servers", [row], started=later)
    assert change == Change(changed=1)


def test_documents_name_every_field_of_their_record(store: Store) -> None:
    from cloudmesh_sdk.models import KINDS

    assert isinstance(store, MongoStore)
    with store.documents() as documents:
        by_collection = {d._get_collection_name(): d for d in documents.DOCUMENTS}
        for kind, record in {**KINDS, "operations": Operation}.items():
            stored = {field.db_field for field in by_collection[kind]._fields.values()}
            fields = {field.name for field in attrs.fields(record)} - {"stale", "native"}
            assert fields - {"id"} <= stored


def test_a_database_of_a_newer_release_is_left_alone(server: MongoStore.Settings) -> None:
    settings = attrs.evolve(server, database=f"newer_{uuid4().hex[:8]}")
    first = MongoStore(settings)
    with first, first._connection.use() as database:
        database["schema"].update_one({"_id": "schema"}, {"$set": {"version": 99}})
    with MongoStore(settings) as second, pytest.raises(StoreError, match="newer release"):
        second.settings.users()


def test_a_closed_store_says_so(server: MongoStore.Settings) -> None:
    opened = MongoStore(server)
    opened.settings.users()
    opened.close()
    opened.close()
    with pytest.raises(StoreError, match="closed"):
        opened.settings.users()


def test_eight_processes_get_two_hundred_numbers(server: MongoStore.Settings, owner: str) -> None:
    code = """
import sys
from cloudmesh_sdk.store.mongo import MongoStore
with MongoStore(MongoStore.Settings(directory=sys.argv[1])) as store:
    for _ in range(25):
        print(*store.settings.numbers(sys.argv[2], "web"))
"""
    command = [sys.executable, "-c", code, str(server.directory), owner]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    said = "".join(process.communicate()[0] for process in processes)
    assert [process.returncode for process in processes] == [0] * 8
    assert sorted(map(int, said.split())) == list(range(1, 201))


def test_lists_do_not_load_mongoengine(server: MongoStore.Settings) -> None:
    code = """
import sys
from cloudmesh_sdk.store.base import Query
from cloudmesh_sdk.store.mongo import MongoStore
with MongoStore(MongoStore.Settings(directory=sys.argv[1])) as store:
    store.view.find("ann", "servers", Query())
    store.settings.defaults("ann")
assert "mongoengine" not in sys.modules
"""
    with MongoStore(server) as opened:
        opened.settings.users()
        subprocess.run([sys.executable, "-c", code, str(server.directory)], check=True)


VICTIM = """
import os, signal, sys
from datetime import datetime, UTC
owner = sys.argv[4]
sys.path.insert(0, sys.argv[5])
from tests.store.test_mongo_faults import servers
from cloudmesh_sdk.store.mongo import MongoStore, refresh
from pymongo.synchronous.collection import Collection
from pymongo.synchronous.database import Database
refresh.AT_ONCE, refresh.BATCH = int(sys.argv[3]), 40
left = int(sys.argv[2])
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
store.view.replace(owner, "india", "servers", servers(100, key="new")[10:] + servers(110)[100:],
                   started=datetime(2026, 3, 2, tzinfo=UTC))
"""


def die_at(step: int, directory: Path, at_once: int, owner: str) -> int:
    """Run a refresh that is killed before its so many-th write; return how it ended."""
    command = [sys.executable, "-c", VICTIM, str(directory), str(step), str(at_once), owner]
    return subprocess.run([*command, str(ROOT)], check=False).returncode


@pytest.mark.parametrize(("at_once", "steps"), [(1000, 5), (20, 9)], ids=["whole", "in parts"])
def test_a_refresh_that_was_killed_is_healed_by_the_next(
    tmp_path: Path, at_once: int, steps: int
) -> None:
    new = servers(100, key="new")[10:] + servers(110)[100:]
    directory = tmp_path / "m"
    directory.mkdir(mode=0o700)
    with used(directory), MongoStore(MongoStore.Settings(directory=str(directory))) as store:
        impatient(directory)
        view, owners = store.view, list[str]()
        died = -signal.SIGKILL
        while died == -signal.SIGKILL and len(owners) < 40:
            owners.append(f"ann-{len(owners)}")
            view.replace(owners[-1], "india", "servers", servers(100), started=BEGAN)
            died = die_at(len(owners) - 1, directory, at_once, owners[-1])
        assert died == 0
        assert len(owners) > steps
        for owner in owners:
            rows = view.find(owner, "servers", Query(missing=True))
            assert len(rows) >= 100
            assert all(row.native["n"] == int(row.id[2:]) for row in rows)
            later = BEGAN + timedelta(days=2)
            view.replace(owner, "india", "servers", new, started=later)
            found = view.find(owner, "servers", Query())
            assert found == new
            assert [row.native for row in found] == [row.native for row in new]
            everything = view.find(owner, "servers", Query(missing=True))
            gone = [row.id for row in everything if row.missing]
            assert gone == [row.id for row in servers(10)]


@pytest.mark.usefixtures("hasty")
def test_operations_survive_a_killed_server(fresh: Path) -> None:
    settings = MongoStore.Settings(directory=str(fresh), linger=0, timeout=20)
    asked = [
        Operation(
            id=f"op-{n}", owner="ann", act="start", cloud="india", target=f"web-{n}",
            token=f"t-{n}", created=BEGAN + timedelta(seconds=n),
        )
        for n in range(20)
    ]  # fmt: skip
    with MongoStore(settings) as opened:
        for operation in asked:
            opened.journal.add([operation])
        taken = opened.journal.change(asked[0], state=OperationState.RUNNING, runner="host/1/2")
        assert taken is not None
        process = running(place(fresh))
        assert process is not None
        process.kill()
        process.wait(10)
        with pytest.raises(StoreError):
            opened.journal.get("op-1")
    with MongoStore(settings) as again:
        assert again.journal.find(owner="ann") == [*asked[:0:-1], taken]


def test_a_thread_that_lost_its_server_leaves_the_new_connection_of_another(fresh: Path) -> None:
    with MongoStore(MongoStore.Settings(directory=str(fresh), linger=0)) as store:
        use = store._connection.use

        def lose() -> None:
            with use():
                raise AutoReconnect("another thread sees it first …")

        def lose_after_it() -> None:
            with use() as lost:
                with pytest.raises(StoreError):
                    lose()
                with use() as reconnected:
                    assert reconnected.client is not lost.client
                    clients.append(reconnected.client)
                raise AutoReconnect("… then this one, of the old connection")

        clients: list[object] = []
        with pytest.raises(StoreError):
            lose_after_it()
        with use() as now:
            assert now.client is clients[0]


def test_a_first_load_is_healed_where_another_wrote_the_same_meanwhile(
    server: MongoStore.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parts are inserted without a transaction: what is there already is found there."""
    monkeypatch.setattr(refresh, "AT_ONCE", 20)
    monkeypatch.setattr(refresh, "BATCH", 10)
    load, others = refresh.Refresh.load, MongoStore(server)
    whose, started = f"ann-{uuid4().hex}", datetime.now(UTC) + timedelta(minutes=1)

    def raced(self: refresh.Refresh, database: Any, part: refresh.Part) -> bool:
        monkeypatch.undo()
        others.view.put(whose, servers(100)[3])
        return load(self, database, part)

    monkeypatch.setattr(refresh.Refresh, "load", raced)
    with others, MongoStore(server) as store:
        change = store.view.replace(whose, "india", "servers", servers(100), started=started)
        assert change.new == 100
        found = store.view.find(whose, "servers", Query(missing=True))
        assert found == servers(100)
        assert [row.native["n"] for row in found] == [*range(100)]


def test_a_list_compared_before_another_wrote_is_compared_again(
    server: MongoStore.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, owner = refresh.Refresh.plan, f"ann-{uuid4().hex}"
    newer = servers(5, key="new")

    def overtaken(self: refresh.Refresh, database: Any, records: Any) -> planning.Plan:
        made = plan(self, database, records)
        monkeypatch.undo()
        later = BEGAN + timedelta(days=1)
        others.view.replace(owner, "india", "servers", newer, started=later)
        return made

    with MongoStore(server) as others, MongoStore(server) as store:
        monkeypatch.setattr(refresh.Refresh, "plan", overtaken)
        told = store.view.replace(owner, "india", "servers", servers(6), started=BEGAN)
        assert told == Change(same=6)
        assert store.view.find(owner, "servers", Query(missing=True)) == newer
