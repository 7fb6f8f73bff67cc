"""Questions that clouds are asked live, and lists of kinds that not every cloud has."""

import pytest

from cloudmesh_sdk.errors import ConfigError, InvalidRequestError, NotFoundError, UnsupportedError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.providers.memory import MemoryCloud
from cloudmesh_sdk.wire import Exchange


def test_quotas_are_those_of_all_active_clouds(mesh: Mesh) -> None:
    quotas = mesh.quotas()
    assert {quota.cloud for quota in quotas} == {"india", "sierra"}
    used = {quota.cloud: quota.used for quota in quotas if quota.name == "servers"}
    assert used == {"india": 3, "sierra": 2}
    assert quotas.sources["india"].calls == 1
    assert quotas.errors == {}


def test_a_cloud_that_tells_none_adds_none_unless_it_is_named_alone(plain: Mesh) -> None:
    assert {quota.cloud for quota in plain.quotas()} == {"india"}
    assert {zone.cloud for zone in plain.zones(["india", "plain"])} == {"india"}
    with pytest.raises(UnsupportedError, match=r"plain tells no quotas \(driver memory\)"):
        plain.quotas("plain")
    with pytest.raises(UnsupportedError, match=r"plain has no availability zones"):
        plain.zones("plain")


def test_a_cloud_whose_service_lacks_it_adds_none_either(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking() -> None:
        raise UnsupportedError("sierra has no service that tells of quotas")

    monkeypatch.setattr(mesh.clouds["sierra"], "quotas", lacking)
    quotas = mesh.quotas()
    assert quotas.errors == {}
    assert {quota.cloud for quota in quotas} == {"india"}
    with pytest.raises(UnsupportedError, match="sierra has no service that tells of quotas"):
        mesh.quotas("sierra").one()


def test_a_cloud_that_fails_hides_no_other(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    def trip() -> None:
        raise KeyError("quota")

    monkeypatch.setattr(mesh.clouds["sierra"], "quotas", trip)
    quotas = mesh.quotas()
    assert {quota.cloud for quota in quotas} == {"india"}
    assert "the driver failed: KeyError" in str(quotas.errors["sierra"])


def test_consoles_and_actions_are_those_of_one_server(mesh: Mesh) -> None:
    server = mesh.start(name="web", cloud="india").one()
    assert "web login:" in mesh.console("web")
    assert mesh.console_url(server).startswith("http")
    mesh.stop("web")
    assert [action.name for action in mesh.actions("web", cloud="india")] == ["create", "stop"]
    with pytest.raises(NotFoundError, match="no server 'wbe'; did you mean web"):
        mesh.console("wbe")
    with pytest.raises(InvalidRequestError, match="means 2 servers; name one"):
        mesh.console("seed-[0001-0002]", cloud="sierra")


def test_a_cloud_that_keeps_no_console_is_named(plain: Mesh) -> None:
    server = plain.start(name="web", cloud="plain").one()
    with pytest.raises(UnsupportedError, match=r"plain keeps no console output \(driver memory\)"):
        plain.console(server)
    with pytest.raises(UnsupportedError, match="plain opens no console"):
        plain.console_url(server)
    with pytest.raises(UnsupportedError, match="plain keeps no list of actions"):
        plain.actions(server)
    with pytest.raises(UnsupportedError, match="plain takes no raw requests"):
        plain.raw("plain", "GET", "/")


def test_a_raw_request_goes_to_the_cloud_that_is_named(mesh: Mesh) -> None:
    calls = mesh.clouds["india"].calls
    answer = mesh.raw("india", "GET", "/servers")
    assert answer.status == 200
    assert mesh.clouds["india"].calls == calls + 1
    with pytest.raises(ConfigError, match="there is no cloud 'indai'"):
        mesh.raw("indai", "GET", "/servers")


def test_exchanges_of_all_clouds_are_told_until_nobody_listens(mesh: Mesh) -> None:
    heard: list[Exchange] = []
    assert isinstance(mesh.clouds["india"], MemoryCloud)  # opened before
    mesh.watch_http(heard.append)
    mesh.refresh(["india", "sierra"], "servers").complete()
    assert {exchange.cloud for exchange in heard} == {"india", "sierra"}
    heard.clear()
    mesh.watch_http(None)
    mesh.refresh(["india", "sierra"], "servers").complete()
    assert heard == []


KINDS = (
    "networks", "subnets", "routers", "ports", "security_groups", "floating_ips", "volumes",
    "snapshots",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_has_the_part_of_each_cloud_that_has_such_things(plain: Mesh, kind: str) -> None:
    cloud = plain.clouds["india"]
    assert isinstance(cloud, MemoryCloud)
    volume = plain.create_volume("data", 1, cloud="india")
    cloud.create_snapshot(volume, "old", "t1")
    cloud.create_floating_ip("t2")
    cloud.create_security_group("web", "")
    plain.start(cloud="india")
    rows = getattr(plain, kind)()
    there = {row.id for row in getattr(cloud, kind)()}
    assert there
    assert {row.id for row in rows} == there
    assert set(rows.sources) == {"india", "plain"}
    assert rows.errors == {}
    with pytest.raises(UnsupportedError, match=r"plain .* no .* \(driver memory\)"):
        getattr(plain, kind)("plain")


def test_a_service_that_is_not_there_is_told_however_often_it_is_asked(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking() -> None:
        raise UnsupportedError("india has no service 'volume'")

    monkeypatch.setattr(mesh.clouds["india"], "volumes", lacking)
    for _ in range(2):
        assert mesh.volumes().errors == {}
        with pytest.raises(UnsupportedError, match="india has no service 'volume'"):
            mesh.volumes("india")


@pytest.mark.parametrize("one", ["network", "security_group", "floating_ip", "volume", "snapshot"])
def test_one_is_not_looked_for_where_there_are_none(plain: Mesh, one: str) -> None:
    with pytest.raises(UnsupportedError, match=r"plain .* no .* \(driver memory\)"):
        getattr(plain, one)("plain", "x")
    with pytest.raises(NotFoundError, match="'nosuch'"):
        getattr(plain, one)(None, "nosuch")


def test_a_list_that_is_empty_is_empty_where_there_may_be_such_things(mesh: Mesh) -> None:
    assert mesh.volumes("india") == []
    assert mesh.volumes("india", name="nosuch") == []
