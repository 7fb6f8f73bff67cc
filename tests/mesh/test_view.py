"""What a mesh shows: lists, single records, freshness."""

from collections.abc import Callable

import pytest

from cloudmesh_sdk.errors import (
    ConfigError,
    InvalidRequestError,
    NotFoundError,
    PluginError,
    StoreError,
    UnavailableError,
)
from cloudmesh_sdk.mesh import Mesh

Make = Callable[[str], Mesh]


def test_the_documented_calls_of_the_first_cloudmesh_work(mesh: Mesh) -> None:
    mesh.activate(mesh.config.username())
    image = mesh.image("india", "futuregrid/ubuntu-14.04")
    assert image.name == "futuregrid/ubuntu-14.04"
    assert image.cloud == "india"
    assert image.native


def test_servers_of_all_active_clouds_in_one_list(mesh: Mesh) -> None:
    servers = mesh.servers()
    assert [(s.cloud, s.name) for s in servers] == [
        ("india", "seed-0001"),
        ("india", "seed-0002"),
        ("india", "seed-0003"),
        ("sierra", "seed-0001"),
        ("sierra", "seed-0002"),
    ]
    assert {name: s.count for name, s in servers.sources.items()} == {"india": 3, "sierra": 2}
    assert all(s.seen is not None for s in servers.sources.values())


def test_a_list_comes_from_the_store_once_it_was_asked(mesh: Mesh) -> None:
    mesh.servers()
    calls = mesh.clouds["india"].calls
    assert len(mesh.servers("india")) == 3
    assert mesh.clouds["india"].calls == calls


def test_lists_filter_sort_and_cut(mesh: Mesh) -> None:
    assert len(mesh.servers("sierra")) == 2
    assert len(mesh.servers(["india", "sierra"], state="running")) == 5
    assert mesh.servers(state="error") == []
    assert [s.name for s in mesh.servers("india", name="seed-[0002-0009]")] == [
        "seed-0002",
        "seed-0003",
    ]
    assert [s.name for s in mesh.servers("india", sort=["-name"], limit=2)] == [
        "seed-0003",
        "seed-0002",
    ]
    small = mesh.flavors("india", where={"ram": {"$lt": 1024}})
    assert small
    assert all(flavor.ram is not None and flavor.ram < 1024 for flavor in small)


def test_native_data_is_there_and_can_be_asked_for(mesh: Mesh) -> None:
    where = {"native.OS-EXT-AZ:availability_zone": "nova"}
    servers = mesh.servers("india", where=where)
    assert len(servers) == 3
    assert servers[0].native["OS-EXT-AZ:availability_zone"] == "nova"
    assert mesh.servers("india", where={"native.OS-EXT-AZ:availability_zone": "mars"}) == []


def test_a_question_that_makes_no_sense_is_refused(mesh: Mesh) -> None:
    with pytest.raises(StoreError, match="no field 'stat'; did you mean state"):
        mesh.servers(where={"stat": 1})
    with pytest.raises(StoreError, match=r"no operator '\$gtt'; did you mean"):
        mesh.servers(where={"name": {"$gtt": 1}})


def test_one_dead_cloud_hides_no_other(make: Make) -> None:
    mesh = make(
        "clouds:\n  a: {driver: memory, servers: 1}\n"
        "  b: {driver: memory, fail: UnavailableError}\n"
        "  c: {driver: nonsense}\n  d: {driver: memory, latencyy: 1}\n"
    )
    servers = mesh.servers()
    assert [s.cloud for s in servers] == ["a"]
    assert set(servers.errors) == {"b", "c", "d"}
    assert isinstance(servers.errors["b"], UnavailableError)
    assert isinstance(servers.errors["c"], PluginError)
    assert isinstance(servers.errors["d"], ConfigError)
    assert "did you mean latency?" in str(servers.errors["d"])
    assert servers.sources["b"].stale is not None


def test_a_failed_refresh_removes_nothing_and_says_since_when(mesh: Mesh) -> None:
    mesh.servers()
    cloud = mesh.clouds["india"]
    cloud.servers = lambda: (_ for _ in ()).throw(UnavailableError("gone"))  # type: ignore[method-assign]
    refreshed = mesh.refresh("india", "servers", full=True)
    assert str(refreshed.errors["india"]) == "gone"
    servers = mesh.servers("india")
    assert len(servers) == 3
    assert all(s.stale is not None for s in servers)
    assert str(servers.errors["india"]) == "gone"


def test_half_a_page_removes_nothing(mesh: Mesh) -> None:
    mesh.servers()
    cloud = mesh.clouds["india"]
    whole = list(cloud.servers())

    def half() -> object:
        yield whole[0]
        raise UnavailableError("half a page")

    cloud.servers = half  # type: ignore[method-assign, assignment]
    mesh.refresh("india", "servers", full=True)
    assert len(mesh.servers("india")) == 3


def test_a_driver_that_trips_is_one_line_and_hides_no_other(mesh: Mesh) -> None:
    def trip() -> object:
        return dict[str, object]()["key"]

    mesh.clouds["india"].servers = trip  # type: ignore[method-assign, assignment]
    refreshed = mesh.refresh(kinds="servers")
    assert str(refreshed.errors["india"]) == "india: the driver failed: KeyError: 'key'"
    assert isinstance(refreshed.errors["india"].__cause__, KeyError)
    assert [row.cloud for row in refreshed] == ["sierra"]


def test_what_vanished_is_kept_as_a_tombstone(mesh: Mesh) -> None:
    first = mesh.servers("india")[0]
    mesh.clouds["india"].delete(first)
    mesh.refresh("india", "servers")
    assert len(mesh.servers("india")) == 2
    (tombstone,) = (s for s in mesh.servers("india", missing=True) if s.missing)
    assert tombstone.id == first.id
    assert [e.what for e in mesh.history(first)] == ["gone"]


def test_refresh_tells_what_is_different(mesh: Mesh) -> None:
    told: list[str] = []
    first = mesh.refresh(kinds=["servers"], told=lambda answer: told.append(answer.name))
    assert sorted(told) == ["india", "sierra"]
    assert [(r.cloud, r.new, r.same) for r in first] == [("india", 3, 0), ("sierra", 2, 0)]
    again = mesh.refresh(kinds=["servers"])
    assert [(r.cloud, r.new, r.same) for r in again] == [("india", 0, 3), ("sierra", 0, 2)]
    assert all(row.calls >= 1 for row in again)


def test_an_unknown_kind_names_the_kinds(mesh: Mesh) -> None:
    with pytest.raises(ValueError, match="no kind 'serverz'; there are servers, images"):
        mesh.refresh(kinds="serverz")


def test_an_unknown_name_gets_near_ones(mesh: Mesh) -> None:
    with pytest.raises(NotFoundError, match=r"india has no image 'futuregrid/ubunto-14\.04'; did"):
        mesh.image("india", "futuregrid/ubunto-14.04")
    with pytest.raises(ConfigError, match="there is no cloud 'indai'; did you mean india"):
        mesh.image("indai", "x")


def test_a_name_at_a_dead_cloud_says_that_it_is_dead(make: Make) -> None:
    mesh = make("clouds: {b: {driver: memory, fail: UnavailableError}}")
    with pytest.raises(UnavailableError):
        mesh.image("b", "x")


def test_a_name_that_two_clouds_have_needs_the_cloud_or_the_id(mesh: Mesh) -> None:
    with pytest.raises(InvalidRequestError, match="2 servers are called 'seed-0001'"):
        mesh.server(None, "seed-0001")
    assert mesh.server("sierra", "seed-0001").cloud == "sierra"


def test_a_name_made_elsewhere_since_is_found(mesh: Mesh) -> None:
    mesh.servers()
    cloud = mesh.clouds["india"]
    elsewhere = mesh.start(name="made-here", cloud="india").one()
    cloud.delete(elsewhere)
    from cloudmesh_sdk.models import ServerRequest

    request = ServerRequest(
        name="made-elsewhere", image=elsewhere.image or "", flavor=elsewhere.flavor or "", token="t"
    )
    cloud.start(request)
    assert mesh.server("india", "made-elsewhere").name == "made-elsewhere"


def test_clouds_go_on_and_off_for_a_user(mesh: Mesh) -> None:
    assert mesh.active == ("india", "sierra")
    mesh.switch("off", on=True)
    mesh.switch("sierra", on=False)
    assert mesh.active == ("india", "off")
    mesh.activate("marie")
    assert mesh.active == ("india", "sierra")


def test_users_do_not_see_each_others_view(mesh: Mesh) -> None:
    marie = Mesh(mesh.config, mesh.store, user="marie")
    mesh.servers()
    before = {row.name for row in marie.servers()}
    started = mesh.start(cloud="india").one()
    assert started.name in {row.name for row in mesh.servers("india")}
    assert {row.name for row in marie.servers()} == before  # nothing asked since
    assert marie.operations() == []
    marie.clouds.close()


def test_an_activated_user_sees_the_account_as_it_is(mesh: Mesh) -> None:
    started = mesh.start(cloud="india").one()
    mesh.activate("marie")
    assert mesh.operations() == []
    assert started.name in {s.name for s in mesh.servers("india")}  # the same account
    assert [user.username for user in mesh.store.settings.users()] == ["marie"]


def test_a_state_that_there_is_none_of_is_refused(mesh: Mesh) -> None:
    with pytest.raises(InvalidRequestError, match="no state 'runing'; did you mean running"):
        mesh.servers(state="runing")
    with pytest.raises(InvalidRequestError, match="no state 'dnoe'; did you mean done"):
        mesh.operations(state=["done", "dnoe"])
    with pytest.raises(InvalidRequestError, match="no state 'deletd'; did you mean deleted"):
        mesh.wait("seed-0001", "deletd")
    with pytest.raises(InvalidRequestError, match="images have no state"):
        mesh.images(state="running")


def test_an_operation_of_another_user_is_not_shown(mesh: Mesh) -> None:
    mesh.start(cloud="india")
    (operation,) = mesh.operations()
    assert mesh.operation(operation.id) == operation
    mesh.activate("marie")
    with pytest.raises(NotFoundError, match="0 operations have an id"):
        mesh.operation(operation.id)


def test_checks_ask_every_cloud(make: Make) -> None:
    mesh = make("clouds: {a: {driver: memory}, b: {driver: memory, fail: AuthError}}")
    health = mesh.check()
    assert [h.service for h in health] == ["a"]
    assert set(health.errors) == {"b"}


def test_a_kind_that_failed_is_asked_again_once_its_cloud_answers(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = mesh.clouds["india"]

    def down() -> object:
        raise UnavailableError("not now")

    with monkeypatch.context() as broken:
        broken.setattr(cloud, "images", down)
        assert set(mesh.images("india").errors) == {"india"}
    calls = cloud.calls
    assert set(mesh.images("india").errors) == {"india"}
    assert cloud.calls == calls, "a list does not ask a dead cloud each time"
    mesh.refresh("india", "servers")
    images = mesh.images("india")
    assert images
    assert not images.errors
