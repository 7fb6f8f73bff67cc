"""What a store's view promises: whole lists replace, failures remove nothing, native is equal."""

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from cloudmesh_sdk.models import Image, Record, Server, ServerState
from cloudmesh_sdk.store.base import Change, Query, Store
from cloudmesh_sdk.testing.stores import FAULT, ODD, StoreFixtures, server


class ViewSuite(StoreFixtures):
    """Promises of `View`; give the fixture `store`."""

    @pytest.fixture
    def listed(self, store: Store, owner: str, now: datetime) -> Callable[..., Change]:
        """Take over a complete list, so many seconds after `now`."""

        def listed(*rows: Record, cloud: str = "india", at: float = 0) -> Change:
            started = now + timedelta(seconds=at)
            return store.view.replace(owner, cloud, "servers", rows, started=started)

        return listed

    @pytest.fixture
    def ids(self, store: Store, owner: str) -> Callable[..., list[str]]:
        """List the ids of the servers that a query finds."""

        def ids(**query: Any) -> list[str]:
            return [row.id for row in store.view.find(owner, "servers", Query(**query))]

        return ids

    def test_records_come_back_equal(self, store: Store, owner: str, now: datetime) -> None:
        row = server(
            1, image="ami-1", flavor="m1.small", key="me", public_ips=("192.0.2.1", "2001:db8::1"),
            private_ips=("10.0.0.1",), zone="nova", security_groups=("default", "web"),
            tags={"owner.name": "ann", "$cost": "1"}, created=now, token="t-1",  # noqa: S106
            fault="none",
        )  # fmt: skip
        store.view.replace(owner, "india", "servers", [row], started=now)
        for found in (
            store.view.find(owner, "servers", Query())[0],
            store.view.get(owner, "servers", "india", "i-1"),
        ):
            assert found == row
            assert isinstance(found, Server)
            assert isinstance(found.state, ServerState)
            assert isinstance(found.public_ips, tuple)
            assert (found.token, found.created, found.seen) == ("t-1", now, now)
            assert (found.stale, found.missing) == (None, None)

    def test_native_comes_back_equal(self, store: Store, owner: str, now: datetime) -> None:
        rows = [server(1, native=ODD), server(2, native={"n": 2})]
        store.view.replace(owner, "india", "servers", rows, started=now)
        found = store.view.find(owner, "servers", Query())
        got = store.view.get(owner, "servers", "india", "i-1")
        assert got is not None
        for native in (dict(found[0].native), dict(got.native)):
            assert native == ODD
            assert list(map(type, native["numbers"])) == list(map(type, ODD["numbers"]))
            assert {type(key) for key in native["ports"]} == {int}
        assert dict(found[1].native) == {"n": 2}

    def test_kinds_clouds_and_owners_are_apart(
        self, store: Store, owner: str, now: datetime
    ) -> None:
        view = store.view
        view.replace(owner, "india", "servers", [server(1)], started=now)
        view.replace(owner, "sierra", "servers", [server(1, "sierra")], started=now)
        image = Image(cloud="india", id="i-1", name="debian", native={"x": 1})
        view.replace(owner, "india", "images", [image], started=now)
        view.replace(f"{owner}-2", "india", "servers", [server(1), server(2)], started=now)
        view.replace(owner, "india", "servers", [], started=now + timedelta(seconds=1))
        assert [(row.cloud, row.id) for row in view.find(owner, "servers", Query())] == [
            ("sierra", "i-1")
        ]
        assert view.find(owner, "images", Query()) == [image]
        assert len(view.find(f"{owner}-2", "servers", Query())) == 2

    def test_a_refresh_tells_what_changed(self, listed: Callable[..., Change]) -> None:
        assert listed(server(1), server(2), server(3)) == Change(new=3)
        assert listed(server(1), server(2), server(3), at=1) == Change(same=3)
        stopped = server(2, state=ServerState.STOPPED)
        assert listed(server(1), stopped, server(4), at=2) == Change(
            new=1, changed=1, gone=1, same=1
        )
        odd = server(1, native={"number": 1, "new": "only native differs"})
        assert listed(odd, stopped, server(4), at=3) == Change(changed=1, same=2)

    def test_an_unchanged_record_is_seen_again(
        self, store: Store, owner: str, now: datetime, listed: Callable[..., Change]
    ) -> None:
        listed(server(1))
        listed(server(1), at=60)
        assert store.view.find(owner, "servers", Query())[0].seen == now + timedelta(seconds=60)

    def test_what_a_list_lacks_becomes_a_tombstone(
        self,
        store: Store,
        owner: str,
        now: datetime,
        listed: Callable[..., Change],
        ids: Callable[..., list[str]],
    ) -> None:
        listed(server(1), server(2))
        listed(server(1), at=10)
        listed(server(1), at=20)
        assert ids() == ["i-1"]
        assert ids(missing=True) == ["i-1", "i-2"]
        gone = store.view.get(owner, "servers", "india", "i-2")
        assert gone is not None
        assert gone.missing == now + timedelta(seconds=10)
        assert dict(gone.native) == {"id": "i-2", "number": 2}
        listed(server(1), server(2), at=30)
        back = store.view.get(owner, "servers", "india", "i-2")
        assert back is not None
        assert back.missing is None
        assert ids() == ["i-1", "i-2"]

    def test_old_tombstones_are_dropped(
        self, listed: Callable[..., Change], ids: Callable[..., list[str]]
    ) -> None:
        day = 86400
        listed(server(1), server(2), server(3), at=-10 * day)
        listed(server(1), server(2), at=-9 * day)
        listed(server(1), at=-1 * day)
        listed(server(1))
        assert ids(missing=True) == ["i-1", "i-2"]

    def test_a_failure_touches_no_record(
        self, store: Store, owner: str, now: datetime, listed: Callable[..., Change]
    ) -> None:
        listed(server(1), server(2))
        listed(server(3, "sierra"), cloud="sierra")
        since = now + timedelta(seconds=10)
        store.view.failed(owner, "india", "servers", FAULT, at=since)
        store.view.failed(owner, "india", "servers", FAULT, at=now + timedelta(seconds=20))
        rows = store.view.find(owner, "servers", Query())
        assert [(row.id, row.seen, row.stale) for row in rows] == [
            ("i-1", now, since), ("i-2", now, since), ("i-3", now, None),
        ]  # fmt: skip
        sync = {s.cloud: s for s in store.view.syncs(owner)}["india"]
        assert (sync.kind, sync.refreshed, sync.failed, sync.error) == (
            "servers", now, since, FAULT,
        )  # fmt: skip
        listed(server(1), server(2), at=30)
        rows = store.view.find(owner, "servers", Query(clouds=["india"]))
        assert [row.stale for row in rows] == [None, None]
        sync = {s.cloud: s for s in store.view.syncs(owner)}["india"]
        assert (sync.failed, sync.error) == (None, None)

    def test_a_cloud_that_never_answered_is_known_to_fail(
        self, store: Store, owner: str, now: datetime
    ) -> None:
        store.view.failed(owner, "india", "servers", FAULT, at=now)
        (sync,) = store.view.syncs(owner)
        assert (sync.refreshed, sync.failed, sync.count) == (None, now, 0)

    def test_a_list_that_breaks_off_changes_nothing(
        self,
        store: Store,
        owner: str,
        now: datetime,
        listed: Callable[..., Change],
        ids: Callable[..., list[str]],
    ) -> None:
        def half() -> Iterator[Server]:
            yield server(1)
            yield server(9)
            raise ConnectionResetError("half a page")

        listed(*map(server, range(1, 4)))
        with pytest.raises(ConnectionResetError):
            store.view.replace(
                owner, "india", "servers", half(), started=now + timedelta(seconds=5)
            )
        assert ids(missing=True) == ["i-1", "i-2", "i-3"]

    def test_a_newer_put_wins_over_an_older_list(
        self, store: Store, owner: str, listed: Callable[..., Change]
    ) -> None:
        listed(server(1), server(2))
        put = datetime.now(UTC).replace(microsecond=0)
        store.view.put(owner, server(1, state=ServerState.STOPPED, seen=put))
        store.view.put(owner, server(2, seen=put, missing=put))
        store.view.put(owner, server(3, seen=put))
        listed(server(1), server(2), at=60)  # asked for long before, answered now
        rows = store.view.find(owner, "servers", Query(missing=True))
        assert [(row.id, row.missing) for row in rows] == [
            ("i-1", None), ("i-2", put), ("i-3", None),
        ]  # fmt: skip
        assert attrs.asdict(rows[0])["state"] == "stopped"

    def test_a_newer_list_wins_over_an_older_put(
        self, store: Store, owner: str, listed: Callable[..., Change]
    ) -> None:
        put = datetime.now(UTC).replace(microsecond=0)
        store.view.put(owner, server(1, state=ServerState.STOPPED, seen=put))
        store.view.put(owner, server(2, seen=put, missing=put))
        store.view.put(owner, server(3, seen=put))
        listed(server(1), server(2), at=3660)  # begun a minute from now
        assert store.view.find(owner, "servers", Query()) == [server(1), server(2)]

    def test_a_put_keeps_seen_missing_and_native(
        self, store: Store, owner: str, now: datetime
    ) -> None:
        store.view.put(owner, server(1, seen=now, native=ODD))
        store.view.put(owner, server(2, seen=now, missing=now))
        one = store.view.get(owner, "servers", "india", "i-1")
        two = store.view.get(owner, "servers", "india", "i-2")
        assert one is not None
        assert two is not None
        assert (one.seen, one.missing, dict(one.native)) == (now, None, ODD)
        assert (two.seen, two.missing) == (now, now)

    def test_an_unknown_record_is_none(self, store: Store, owner: str) -> None:
        assert store.view.get(owner, "servers", "india", "i-1") is None
        assert store.view.find(owner, "servers", Query()) == []

    def test_a_sync_tells_what_the_list_cost(self, store: Store, owner: str, now: datetime) -> None:
        store.view.replace(
            owner, "india", "servers", [server(1)], started=now, calls=3, elapsed=1.5
        )
        (sync,) = store.view.syncs(owner)
        assert (sync.cloud, sync.kind, sync.refreshed) == ("india", "servers", now)
        assert (sync.count, sync.calls, sync.elapsed) == (1, 3, 1.5)

    def test_events_tell_a_server_s_life(
        self, store: Store, owner: str, now: datetime, listed: Callable[..., Change]
    ) -> None:
        listed(server(1, state=ServerState.PENDING))
        listed(server(1), at=1)
        listed(at=2)
        listed(server(1), at=3)
        events = store.view.events(owner, "india", "i-1")
        told = [(event.what, event.at) for event in events if event.at > now]
        seconds = [now + timedelta(seconds=n) for n in (1, 2, 3)]
        assert told == list(zip(("state", "gone", "back"), seconds, strict=True))
        assert "running" in next(event.detail for event in events if event.at == seconds[0])

    def test_forget_drops_one_cloud(
        self, store: Store, owner: str, listed: Callable[..., Change], ids: Callable[..., list[str]]
    ) -> None:
        listed(server(1))
        listed(server(2, "sierra"), cloud="sierra")
        store.view.forget(owner, "india")
        assert ids(missing=True) == ["i-2"]
        assert [sync.cloud for sync in store.view.syncs(owner)] == ["sierra"]

    def test_readers_see_the_old_list_or_the_new_one(
        self, listed: Callable[..., Change], ids: Callable[..., list[str]]
    ) -> None:
        old, new = (list(map(server, numbers)) for numbers in (range(40), range(20, 60)))
        lists = [sorted(row.id for row in rows) for rows in (old, new)]
        listed(*old)
        seen: list[list[str]] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                seen.append(sorted(ids()))

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for at, rows in zip(range(1, 21), itertools.cycle((new, old)), strict=False):
                listed(*rows, at=at)
        finally:
            done.set()
            reader.join()
        assert seen
        assert [ids for ids in seen if ids not in lists] == []
