"""Refreshing by changes: one request and one write where nothing changed, whole lists when due."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from cloudmesh_sdk.errors import InvalidRequestError, UnavailableError, UnsupportedError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.mesh.refreshing import LISTS, USUAL
from cloudmesh_sdk.models import CLOUD_KINDS, Server, ServerState, Volume
from cloudmesh_sdk.providers.base import Cloud
from cloudmesh_sdk.providers.memory import MemoryCloud

Make = Callable[[str], Mesh]


class Teller(MemoryCloud):
    """A cloud that notes its lists, and tells what a test says has changed."""

    told: list[tuple[str, datetime | None]]
    news: list[Server]
    error: Exception | None = None

    def __init__(self, name: str, settings: Any = None) -> None:
        super().__init__(name, settings)
        self.told, self.news = [], []

    def servers(self) -> Iterator[Server]:
        self.told.append(("servers", None))
        return super().servers()

    def changes(self, since: datetime) -> Iterator[Server]:
        self.calls += 1
        self.told.append(("changes", since))
        if self.error is not None:
            raise self.error
        return iter(self.news)


@pytest.fixture
def teller(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> Teller:
    """The cloud india of `mesh`, its servers listed once."""
    from cloudmesh_sdk import plugins

    monkeypatch.setattr(plugins, "load", lambda *_: Teller)
    cloud = mesh.clouds["india"]
    assert isinstance(cloud, Teller)
    mesh.refresh("india", "servers")
    assert cloud.told == [("servers", None)]
    cloud.told.clear()
    return cloud


def sync(mesh: Mesh, kind: str = "servers") -> Any:
    return next(s for s in mesh.store.view.syncs(mesh.user) if s.kind == kind)


def aged(mesh: Mesh, cloud: Teller, **ago: float) -> None:
    """Let the last whole list be so long ago."""
    mesh.store.view.forget(mesh.user, "india")
    started = datetime.now(UTC) - timedelta(**ago)
    rows = list(MemoryCloud.servers(cloud))
    mesh.store.view.replace(mesh.user, "india", "servers", rows, started=started)


def test_where_nothing_changed_it_is_one_request_and_one_cheap_write(
    mesh: Mesh, teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, calls = sync(mesh), teller.calls
    monkeypatch.setattr(mesh.store.view, "replace", None)
    (row,) = mesh.refresh("india", "servers").complete()
    assert (row.whole, row.new, row.changed, row.gone, row.same) == (False, 0, 0, 0, 3)
    assert (row.calls, teller.calls - calls) == (1, 1)
    assert teller.told == [("changes", before.refreshed)]
    assert sync(mesh).refreshed > before.refreshed
    assert sync(mesh).complete == before.complete
    assert {server.seen for server in mesh.servers("india")} == {sync(mesh).refreshed}


def test_what_changed_joins_the_last_list(mesh: Mesh, teller: Teller) -> None:
    one, two, three = mesh.servers("india")
    stopped = attrs.evolve(one, state=ServerState.STOPPED)
    born = attrs.evolve(one, id="i-new", name="new")
    teller.news = [stopped, attrs.evolve(two, state=ServerState.DELETED), born]
    (row,) = mesh.refresh("india", "servers").complete()
    assert (row.new, row.changed, row.gone, row.same, row.whole) == (1, 1, 1, 1, False)
    assert {s.id: s for s in mesh.servers("india")} == {
        one.id: stopped, three.id: three, "i-new": born,
    }  # fmt: skip
    assert [e.what for e in mesh.history(two)] == ["gone"]


def test_each_question_begins_where_the_last_one_was_asked(mesh: Mesh, teller: Teller) -> None:
    asked = []
    for _ in range(3):
        asked.append(("changes", sync(mesh).refreshed))
        mesh.refresh("india", "servers")
    assert teller.told == asked


def test_a_full_refresh_asks_for_all(mesh: Mesh, teller: Teller) -> None:
    (row,) = mesh.refresh("india", "servers", full=True).complete()
    assert row.whole
    assert teller.told == [("servers", None)]


@pytest.mark.parametrize(("ago", "asked"), [(599, "changes"), (601, "servers"), (-60, "servers")])
def test_a_whole_list_is_due_from_time_to_time(
    mesh: Mesh, teller: Teller, ago: float, asked: str
) -> None:
    aged(mesh, teller, seconds=ago)
    teller.told.clear()
    mesh.refresh("india", "servers")
    assert [name for name, _ in teller.told] == [asked]


def test_what_vanished_untold_is_seen_by_the_next_whole_list(mesh: Mesh, teller: Teller) -> None:
    with teller.native.change() as tables:
        number = next(iter(tables["servers"]))
        del tables["servers"][number]
    mesh.refresh("india", "servers")
    assert len(mesh.servers("india")) == 3
    teller.complete_every = 0.0
    mesh.refresh("india", "servers")
    assert number not in {server.id for server in mesh.servers("india")}


def test_changes_that_fail_are_a_failure_as_any(mesh: Mesh, teller: Teller) -> None:
    since = sync(mesh).refreshed
    teller.error = UnavailableError("not now")
    assert str(mesh.refresh("india", "servers").errors["india"]) == "not now"
    assert teller.told == [("changes", since)]
    assert len(mesh.servers("india")) == 3
    assert all(server.stale is not None for server in mesh.servers("india"))
    teller.error = None
    mesh.refresh("india", "servers").complete()
    assert teller.told[1:] == [("changes", since)]
    assert all(server.stale is None for server in mesh.servers("india"))


@pytest.mark.parametrize("error", [UnsupportedError("too old"), InvalidRequestError("no such key")])
def test_a_cloud_that_cannot_tell_after_all_is_asked_for_all(
    mesh: Mesh, teller: Teller, error: Exception
) -> None:
    teller.error = error
    (row,) = mesh.refresh("india", "servers").complete()
    assert row.whole
    assert [name for name, _ in teller.told] == ["changes", "servers"]
    assert sync(mesh).complete == sync(mesh).refreshed


def test_the_usual_kinds_are_asked_for_where_none_is_named(mesh: Mesh, teller: Teller) -> None:
    del teller
    kinds = [row.kind for row in mesh.refresh("india").complete()]
    assert kinds == list(USUAL)
    assert kinds == [
        "servers", "images", "flavors", "keypairs", "security_groups", "networks",
        "floating_ips", "volumes",
    ]  # fmt: skip
    more = ["subnets", "routers", "ports", "snapshots"]
    assert [row.kind for row in mesh.refresh("india", more).complete()] == more


def test_a_kind_of_a_service_that_is_not_there_is_left_out(
    mesh: Mesh, teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def no_volumes(self: Teller) -> Iterable[Volume]:
        asked.append(self.name)
        raise UnsupportedError("india has no volume service; there are compute, image")

    monkeypatch.setattr(Teller, "volumes", no_volumes)
    found = mesh.refresh("india", ["images", "volumes", "flavors"])
    assert found.errors == {}
    assert [row.kind for row in found] == ["images", "flavors"]
    mesh.refresh("india", "volumes").complete()
    assert asked == ["india"] * 2
    # who only looks into the view does not ask again
    assert mesh.store.view.find(mesh.user, "volumes", _all()) == []
    assert sync(mesh, "volumes").refreshed is not None
    assert sync(mesh, "volumes").failed is None


def test_a_service_that_is_gone_for_a_moment_takes_no_row_with_it(
    mesh: Mesh, teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [Volume(cloud="india", id="v-1", name="data", size=1)]
    monkeypatch.setattr(Teller, "volumes", lambda _: iter(rows))
    mesh.refresh("india", "volumes").complete()

    def gone(_: Teller) -> Iterable[Volume]:
        raise UnsupportedError("no volume service")

    monkeypatch.setattr(Teller, "volumes", gone)
    assert list(mesh.refresh("india", "volumes").complete()) == []
    assert mesh.store.view.find(mesh.user, "volumes", _all()) == rows


def test_a_cloud_without_servers_is_a_failure(
    mesh: Mesh, teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: Teller) -> Iterable[Server]:
        raise UnsupportedError("no compute service")

    monkeypatch.setattr(Teller, "servers", gone)
    found = mesh.refresh("india", "servers", full=True)
    assert isinstance(found.errors["india"], UnsupportedError)


def test_every_kind_has_a_way_to_be_listed() -> None:
    assert list(LISTS) == list(CLOUD_KINDS)
    for kind, ability in LISTS.items():
        assert callable(getattr(ability, kind))
    assert LISTS["servers"] is Cloud


def _all() -> Any:
    from cloudmesh_sdk.store.base import Query

    return Query()
