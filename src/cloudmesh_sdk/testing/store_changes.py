"""What a store promises of changes: they join the last list, and leave what they do not name."""

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import Record, Server, ServerState
from cloudmesh_sdk.store.base import Change, Query, Store, Sync
from cloudmesh_sdk.testing.journals import at_once
from cloudmesh_sdk.testing.stores import FAULT, server
from cloudmesh_sdk.testing.views import ViewSuite

Take = Callable[..., Change]


def deleted(number: int) -> Server:
    """Return what a list of changes says of a server that was deleted."""
    return server(number, state=ServerState.DELETED, native={"status": "DELETED"})


def known(store: Store, owner: str) -> Sync:
    """Return what is known of the servers of india."""
    syncs = store.view.syncs(owner)
    return next(s for s in syncs if (s.cloud, s.kind) == ("india", "servers"))


class ChangesSuite(ViewSuite):
    """Promises of `View.merge`."""

    @pytest.fixture
    def merged(self, store: Store, owner: str, now: datetime) -> Take:
        """Take over changes, so many seconds after `now`."""

        def merged(*rows: Record, cloud: str = "india", at: float = 0) -> Change:
            started = now + timedelta(seconds=at)
            return store.view.merge(owner, cloud, "servers", rows, started=started)

        return merged

    def test_changes_are_told_and_leave_the_others(
        self, store: Store, owner: str, listed: Take, merged: Take
    ) -> None:
        listed(*map(server, range(1, 5)))
        stopped = server(2, state=ServerState.STOPPED, native={"now": "off"})
        told = merged(server(1), stopped, server(5), deleted(3), deleted(9), at=5)
        assert told == Change(new=1, changed=1, gone=1, same=2)
        found = store.view.find(owner, "servers", Query())
        assert found == [server(1), stopped, server(4), server(5)]
        assert [dict(row.native) for row in found] == [
            {"id": "i-1", "number": 1}, {"now": "off"}, {"id": "i-4", "number": 4},
            {"id": "i-5", "number": 5},
        ]  # fmt: skip
        assert merged(stopped, server(5), deleted(3), at=6) == Change(same=4)

    def test_after_changes_all_records_are_seen(
        self, store: Store, owner: str, now: datetime, listed: Take, merged: Take
    ) -> None:
        listed(server(1), server(2))
        store.view.failed(owner, "india", "servers", FAULT, at=now + timedelta(seconds=5))
        merged(server(2, key="k"), at=60)
        found = store.view.find(owner, "servers", Query())
        assert [(row.seen, row.stale) for row in found] == [(now + timedelta(seconds=60), None)] * 2
        merged(at=120)
        assert store.view.find(owner, "servers", Query())[0].seen == now + timedelta(seconds=120)

    def test_a_sync_tells_whole_lists_from_changes(
        self,
        store: Store,
        owner: str,
        now: datetime,
        merged: Take,
        listed: Take,
    ) -> None:
        listed(server(1), server(2), at=1)
        told, whole = known(store, owner), now + timedelta(seconds=1)
        assert (told.complete, told.refreshed) == (whole, whole)
        started = now + timedelta(seconds=9)
        store.view.merge(
            owner, "india", "servers", [server(3), server(4), deleted(1)],
            started=started, calls=2, elapsed=0.5,
        )  # fmt: skip
        told = known(store, owner)
        assert (told.refreshed, told.complete) == (started, whole)
        assert (told.count, told.calls, told.elapsed, told.error) == (3, 2, 0.5, None)
        store.view.failed(owner, "india", "servers", FAULT, at=now + timedelta(seconds=10))
        merged(at=11)
        told = known(store, owner)
        assert (told.complete, told.count) == (whole, 3)
        assert (told.failed, told.error) == (None, None)
        listed(server(1), at=12)
        assert (known(store, owner).complete, known(store, owner).count) == (
            now + timedelta(seconds=12),
            1,
        )

    def test_a_deleted_server_becomes_a_tombstone_of_what_was_known(
        self, store: Store, owner: str, now: datetime, listed: Take, merged: Take
    ) -> None:
        listed(server(1, key="k"), server(2))
        gone = now + timedelta(seconds=5)
        assert merged(deleted(1), at=5) == Change(gone=1, same=1)
        assert merged(deleted(1), at=6) == Change(same=1)
        row = store.view.get(owner, "servers", "india", "i-1")
        assert row == server(1, key="k")
        assert (row.seen, row.missing, dict(row.native)["number"]) == (now, gone, 1)
        assert [event.what for event in store.view.events(owner, "india", "i-1")] == ["gone"]
        assert merged(server(1, key="k"), at=7) == Change(changed=1, same=1)
        back = store.view.get(owner, "servers", "india", "i-1")
        assert back is not None
        assert back.missing is None

    def test_changes_tell_a_server_s_life(
        self, store: Store, owner: str, now: datetime, listed: Take, merged: Take
    ) -> None:
        listed(server(1, state=ServerState.PENDING), server(2))
        merged(server(1), at=1)
        merged(deleted(1), at=2)
        merged(server(1), at=3)
        events = store.view.events(owner, "india", "i-1")
        told = [(event.what, event.at) for event in events if event.at > now]
        seconds = [now + timedelta(seconds=n) for n in (1, 2, 3)]
        assert told == list(zip(("state", "gone", "back"), seconds, strict=True))
        assert events[0].detail == "pending → running"
        assert store.view.events(owner, "india", "i-2") == []

    def test_older_changes_change_nothing(
        self,
        store: Store,
        owner: str,
        listed: Take,
        merged: Take,
    ) -> None:
        listed(server(1), server(2), at=60)
        before = known(store, owner)
        told = merged(server(1, key="old"), deleted(2), server(3), at=59)
        assert told == Change(same=3)
        assert store.view.find(owner, "servers", Query(missing=True)) == [server(1), server(2)]
        assert known(store, owner) == before
        merged(server(1, key="new"), at=90)
        assert listed(server(1), at=80) == Change(same=1)
        row = store.view.get(owner, "servers", "india", "i-1")
        assert row == server(1, key="new")

    def test_a_newer_put_wins_over_older_changes(
        self, store: Store, owner: str, listed: Take, merged: Take
    ) -> None:
        listed(server(1), server(2), server(3))
        put = datetime.now(UTC).replace(microsecond=0)
        store.view.put(owner, server(1, state=ServerState.STOPPED, seen=put))
        store.view.put(owner, server(2, seen=put, missing=put))
        store.view.put(owner, server(4, seen=put))
        told = merged(server(1), server(2), deleted(4), deleted(3), at=60)
        assert told == Change(gone=1, same=2)
        rows = store.view.find(owner, "servers", Query(missing=True))
        assert [(row.id, row.missing is None) for row in rows] == [
            ("i-1", True), ("i-2", False), ("i-3", False), ("i-4", True),
        ]  # fmt: skip
        assert rows[0] == server(1, state=ServerState.STOPPED)

    def test_many_are_put_at_once_and_what_happened_to_each_is_told(
        self, store: Store, owner: str, listed: Take
    ) -> None:
        listed(*[server(number) for number in range(16)])
        put = datetime.now(UTC).replace(microsecond=0)

        def stop(number: int) -> None:
            state = ServerState.STOPPED if number % 2 else ServerState.RUNNING
            native = {"a.b": number, "$c": [{"d": put.isoformat()}]}
            store.view.put(owner, server(number, state=state, seen=put, native=native))

        at_once(24, stop)  # the last eight are new
        rows = {row.id: row for row in store.view.find(owner, "servers", Query())}
        assert len(rows) == 24
        for number in range(24):
            row = rows[f"i-{number}"]
            assert isinstance(row, Server)
            assert row == server(number, state=row.state)
            assert dict(row.native)["a.b"] == number
            told = [event.what for event in store.view.events(owner, "india", row.id)]
            changed = number % 2 == 1 and number < 16
            assert told == (["state"] if changed else [])
            assert row.state == ("stopped" if number % 2 else "running")

    def test_newer_changes_win_over_an_older_put(
        self, store: Store, owner: str, listed: Take, merged: Take
    ) -> None:
        listed(server(1), server(2))
        put = datetime.now(UTC).replace(microsecond=0)
        store.view.put(owner, server(1, state=ServerState.STOPPED, seen=put))
        store.view.put(owner, server(2, state=ServerState.STOPPED, seen=put))
        merged(server(1), deleted(2), at=3660)  # asked for a minute from now
        assert store.view.find(owner, "servers", Query()) == [server(1)]

    def test_changes_that_follow_no_list_are_refused(
        self, store: Store, owner: str, now: datetime, merged: Take
    ) -> None:
        with pytest.raises(StoreError, match="india was never asked for all its servers"):
            merged(server(1))
        store.view.failed(owner, "india", "servers", FAULT, at=now)
        with pytest.raises(StoreError, match="never asked"):
            merged(server(1))
        assert store.view.find(owner, "servers", Query()) == []

    def test_changes_that_break_off_change_nothing(
        self, store: Store, owner: str, now: datetime, listed: Take
    ) -> None:
        def half() -> Iterator[Server]:
            yield server(1, key="new")
            yield deleted(2)
            raise ConnectionResetError("half a page")

        listed(server(1), server(2))
        with pytest.raises(ConnectionResetError):
            store.view.merge(owner, "india", "servers", half(), started=now + timedelta(seconds=5))
        assert store.view.find(owner, "servers", Query()) == [server(1), server(2)]
        assert known(store, owner).refreshed == now

    def test_of_a_server_told_twice_the_last_word_holds(
        self, store: Store, owner: str, listed: Take, merged: Take
    ) -> None:
        listed(server(1), server(2))
        told = merged(server(1, key="a"), deleted(2), deleted(1), server(2, key="b"), at=1)
        assert told == Change(changed=1, gone=1)
        assert store.view.find(owner, "servers", Query()) == [server(2, key="b")]

    def test_readers_see_all_of_the_changes_or_none(
        self, store: Store, owner: str, listed: Take, merged: Take
    ) -> None:
        listed(*map(server, range(30)))
        seen: list[set[str | None]] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                rows = store.view.find(owner, "servers", Query())
                seen.append({attrs.asdict(row, recurse=False)["key"] for row in rows})

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for at, key in zip(range(1, 21), itertools.cycle("ab"), strict=False):
                merged(*(server(n, key=key) for n in range(30)), at=at)
        finally:
            done.set()
            reader.join()
        assert seen
        assert all(len(keys) == 1 for keys in seen)
