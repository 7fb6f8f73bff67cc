"""What a store promises those who listen: each change once, in order, or a gap; no secrets."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from uuid import uuid4

import attrs
import pytest

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import Fault, Happening, Operation, OperationState, ServerState
from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.store.changes import Listener
from cloudmesh_sdk.testing.stores import StoreFixtures, server
from cloudmesh_sdk.testing.suite import wanted

_WITHIN = 20.0
"""Seconds in which anything is heard; nobody waits so long where it is told."""


class WatchingSuite(StoreFixtures):
    """Promises of `Changes`; give the fixtures `store` and `reopen`."""

    @pytest.fixture
    def reopen(self) -> Callable[[], Store]:
        wanted(self, "reopen", "opens the place of `store` a second time")

    @pytest.fixture
    def heard(self, store: Store, owner: str) -> Iterator[Listener]:
        """Listen for all that a new user has."""
        with store.changes.listen(owner) as listener:
            yield listener

    @pytest.fixture
    def asked(self, owner: str, now: datetime) -> Operation:
        """Return an operation that was not journalled yet."""
        return Operation(
            id=uuid4().hex, owner=owner, act="start", cloud="india", target="web-001",
            token=uuid4().hex, created=now, total=3, request={"password": "S3cret"},
        )  # fmt: skip

    def test_a_listener_hears_of_records_in_order(
        self, store: Store, owner: str, now: datetime, heard: Listener
    ) -> None:
        store.view.replace(owner, "india", "servers", [server(1)], started=now)
        assert _told(heard) == [("new", "servers", "india", "i-1", "web-001", "running")]
        stopped = server(1, state=ServerState.STOPPED)
        store.view.replace(owner, "india", "servers", [stopped], started=now + timedelta(seconds=1))
        assert _told(heard) == [("changed", "servers", "india", "i-1", "web-001", "stopped")]
        store.view.replace(owner, "india", "servers", [], started=now + timedelta(seconds=2))
        assert _told(heard) == [("gone", "servers", "india", "i-1", "web-001", "stopped")]
        store.view.put(owner, server(2))
        assert _told(heard) == [("new", "servers", "india", "i-2", "web-002", "running")]

    def test_what_is_as_it_was_is_not_told(
        self, store: Store, owner: str, now: datetime, heard: Listener
    ) -> None:
        store.view.replace(owner, "india", "servers", [server(1)], started=now)
        assert len(_told(heard)) == 1
        later = now + timedelta(seconds=1)
        store.view.replace(owner, "india", "servers", [server(1)], started=later)
        store.view.failed(
            owner, "india", "servers", Fault(kind="UnavailableError", message="no"), at=later
        )
        store.view.put(owner, server(2))
        assert [told[3] for told in _told(heard)] == ["i-2"]

    def test_a_listener_hears_of_operations(
        self, store: Store, asked: Operation, heard: Listener
    ) -> None:
        store.journal.add([asked])
        (new,) = _next(heard)
        assert (new.what, new.kind, new.id) == ("new", "operations", asked.id)
        assert (new.cloud, new.name, new.state) == ("india", "web-001", "pending")
        running = store.journal.change(
            asked, state=OperationState.RUNNING, runner="a/1/1", done=1, message="sent"
        )
        assert running is not None
        (now,) = _next(heard)
        assert (now.what, now.state, now.detail) == ("changed", "running", "start 1/3 sent")
        leased = store.journal.change(running, lease=asked.created)
        assert leased is not None
        store.journal.change(leased, state=OperationState.FAILED, done=3, message="")
        assert [h.state for h in _next(heard)] == ["failed"]

    def test_nothing_is_told_of_others_and_other_kinds(
        self, store: Store, owner: str, asked: Operation
    ) -> None:
        with store.changes.listen([owner, f"{owner}/2"], ["operations"]) as operations:
            store.view.put(owner, server(1))
            other = _like(asked, f"{owner}/2")
            store.journal.add([_like(asked, f"{owner}-2"), asked, other])
            heard = [*_next(operations)]
            while len(heard) < 2:
                heard += _next(operations)
            assert {h.id for h in heard} == {asked.id, other.id}
        with store.changes.listen(f"{owner}/2", ["servers"]) as servers:
            store.view.put(owner, server(1))
            store.view.put(f"{owner}/2", server(3))
            assert [told[3] for told in _told(servers)] == ["i-3"]

    def test_no_secret_is_told(
        self, store: Store, owner: str, asked: Operation, heard: Listener
    ) -> None:
        store.view.put(owner, server(1, native={"adminPass": "S3cret", "user_data": "S3cret"}))
        store.journal.add([asked])
        told = [*_next(heard)]
        while len(told) < 2:
            told += _next(heard)
        assert {h.kind for h in told} == {"servers", "operations"}
        assert "S3cret" not in repr(told)

    def test_what_is_forgotten_is_gone(self, store: Store, owner: str, heard: Listener) -> None:
        store.view.put(owner, server(1, id="a/b%c"))
        assert _told(heard)[0][:4] == ("new", "servers", "india", "a/b%c")
        store.view.forget(owner, "india")
        assert _told(heard)[0][:4] == ("gone", "servers", "india", "a/b%c")

    def test_who_listens_later_hears_only_what_comes(self, store: Store, owner: str) -> None:
        store.view.put(owner, server(1))
        with store.changes.listen(owner) as late:
            assert late.next(0) == []
            store.view.put(owner, server(2))
            assert [told[3] for told in _told(late)] == ["i-2"]

    def test_another_process_is_heard(
        self, owner: str, heard: Listener, reopen: Callable[[], Store]
    ) -> None:
        with reopen() as other:
            other.view.put(owner, server(1))
            assert _told(heard) == [("new", "servers", "india", "i-1", "web-001", "running")]

    def test_a_closed_listener_ends_whoever_waits(self, heard: Listener) -> None:
        ended: list[list[Happening]] = []
        waiting = threading.Thread(target=lambda: ended.append(heard.next()))
        waiting.start()
        heard.close()
        waiting.join(_WITHIN)
        assert ended == [[]]
        assert heard.next(0) == []

    def test_a_kind_that_there_is_not_is_refused(self, store: Store, owner: str) -> None:
        with pytest.raises(StoreError, match=r"'severs'.*servers"):
            store.changes.listen(owner, ["severs"])


def _like(operation: Operation, owner: str) -> Operation:
    """Return the like of an operation for another owner."""
    return attrs.evolve(operation, id=uuid4().hex, owner=owner, token=uuid4().hex)


def _next(listener: Listener) -> list[Happening]:
    found = listener.next(_WITHIN)
    assert found, f"nothing was heard in {_WITHIN:g} s"
    return found


def _told(listener: Listener) -> list[tuple[str, ...]]:
    return [(h.what.value, h.kind, h.cloud, h.id, h.name, h.state) for h in _next(listener)]
