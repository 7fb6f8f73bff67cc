"""What a store keeps safe: no secrets, rows that no finder changes, newer lists before older."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from cloudmesh_sdk.models import Record, ServerState
from cloudmesh_sdk.store.base import Change, Query, Store
from cloudmesh_sdk.testing.stores import StoreFixtures, server

CANARY = "canary-8c1f"
"""Stands for secrets: it must not be found in anything that was stored."""

PLANTED: dict[str, Any] = {
    "adminPass": CANARY,
    "password": f"x{CANARY}",
    "nested": [{"token": CANARY}, {"deeper": ({"private_key": CANARY},)}],
    "tokens": [CANARY, {"id": CANARY}],
    "secret": {"value": CANARY},
    "OS-EXT-SRV-ATTR:user_data": CANARY,
    "UserData": CANARY.encode(),
    "user_data": CANARY,
    "$odd": {"a.b": {"Password": CANARY, 22: {"customData": CANARY}}},
}
"""Native data as no driver should give it."""

KEPT: dict[str, Any] = {
    "clientToken": "t-1", "password": None, "has": {"password": True, "token": ""},
    "HttpTokens": "required", "number": 1,
}  # fmt: skip
"""Native data whose keys only look like secrets, or hold none."""


class SafetySuite(StoreFixtures):
    """Promises of `View` about what must not happen."""

    @pytest.mark.parametrize("how", ["replace", "put"])
    def test_secrets_are_masked_on_their_way_in(
        self, store: Store, owner: str, now: datetime, how: str
    ) -> None:
        row = server(1, native={**PLANTED, "number": 1})
        if how == "put":
            store.view.put(owner, row)
        else:
            store.view.replace(owner, "india", "servers", [row], started=now)
        for found in self._both(store, owner):
            native = dict(found.native)
            assert CANARY not in repr(native)
            assert native.keys() == row.native.keys()
            assert native["adminPass"] == native["user_data"] == "***"
            assert native["nested"][0] == {"token": "***"}
            assert native["number"] == 1
        asked = Query(where={"native.adminPass": CANARY})
        assert store.view.find(owner, "servers", asked) == []

    def test_what_is_no_secret_stays(self, store: Store, owner: str, now: datetime) -> None:
        store.view.replace(owner, "india", "servers", [server(1, native=KEPT)], started=now)
        for found in self._both(store, owner):
            assert dict(found.native) == KEPT

    def test_a_masked_record_is_the_same_when_it_comes_again(
        self, store: Store, owner: str, now: datetime
    ) -> None:
        rows = [server(1, native=PLANTED), server(2)]
        replace = store.view.replace
        assert replace(owner, "india", "servers", rows, started=now) == Change(new=2)
        later = now + timedelta(seconds=1)
        assert replace(owner, "india", "servers", rows, started=later) == Change(same=2)
        rows[0] = server(1, native={**PLANTED, "number": 2})
        later += timedelta(seconds=1)
        assert replace(owner, "india", "servers", rows, started=later) == Change(changed=1, same=1)

    def test_an_older_list_changes_nothing(self, store: Store, owner: str, now: datetime) -> None:
        view, older = store.view, now - timedelta(seconds=30)
        new = [server(1), server(2)]
        view.replace(owner, "india", "servers", new, started=now, calls=2)
        old = [server(1, state=ServerState.PENDING), server(3)]
        told = view.replace(owner, "india", "servers", iter(old), started=older, calls=1)
        assert told == Change(same=2)
        assert view.find(owner, "servers", Query(missing=True)) == new
        (sync,) = view.syncs(owner)
        assert (sync.refreshed, sync.count, sync.calls) == (now, 2, 2)

    def test_the_newest_of_many_lists_at_once_stands(
        self, store: Store, owner: str, now: datetime
    ) -> None:
        lists = [[server(n, key=f"k{at}") for n in range(at, at + 10)] for at in range(8)]
        gate = threading.Barrier(len(lists))
        errors: list[Exception] = []

        def refresh(at: int) -> None:
            gate.wait()
            try:
                started = now + timedelta(seconds=at)
                store.view.replace(owner, "india", "servers", lists[at], started=started)
            except Exception as error:  # noqa: BLE001 - told below, by the test
                errors.append(error)

        threads = [threading.Thread(target=refresh, args=(at,)) for at in range(len(lists))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert store.view.find(owner, "servers", Query(sort=("id",))) == sorted(
            lists[-1], key=lambda row: row.id
        )

    def test_what_was_found_is_the_finder_s(self, store: Store, owner: str, now: datetime) -> None:
        row = server(1, native={"deep": {"list": [1]}}, tags={"a": "b"})
        store.view.replace(owner, "india", "servers", [row], started=now)
        for found in self._both(store, owner):
            found.native["deep"]["list"].append(2)
            found.tags["a"] = "changed"  # type: ignore[attr-defined]
        row.native["deep"]["list"].append(3)
        for found in self._both(store, owner):
            assert dict(found.native) == {"deep": {"list": [1]}}
            assert found.tags == {"a": "b"}  # type: ignore[attr-defined]

    @staticmethod
    def _both(store: Store, owner: str) -> Iterator[Record]:
        yield store.view.find(owner, "servers", Query())[0]
        got = store.view.get(owner, "servers", "india", "i-1")
        assert got is not None
        yield got
