"""Acts on servers that only some clouds can do."""

from collections.abc import Callable

import pytest

from cloudmesh_sdk.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import OperationState, Server, ServerState
from cloudmesh_sdk.providers.memory import MemoryCloud

Ask = Callable[[Mesh, str], Gathered[Server]]

STEPS: dict[str, list[tuple[str, Ask, ServerState]]] = {
    "suspended": [
        ("suspend", lambda mesh, name: mesh.suspend(name), ServerState.SUSPENDED),
        ("resume", lambda mesh, name: mesh.resume(name), ServerState.RUNNING),
    ],
    "paused": [
        ("pause", lambda mesh, name: mesh.pause(name), ServerState.PAUSED),
        ("unpause", lambda mesh, name: mesh.unpause(name), ServerState.RUNNING),
    ],
    "shelved": [
        ("shelve", lambda mesh, name: mesh.shelve(name), ServerState.SHELVED),
        ("unshelve", lambda mesh, name: mesh.unshelve(name), ServerState.RUNNING),
    ],
    "resized": [
        ("resize", lambda mesh, name: mesh.resize(name, "m1.large"), ServerState.RESIZED),
        ("revert_resize", lambda mesh, name: mesh.revert_resize(name), ServerState.RUNNING),
        ("resize", lambda mesh, name: mesh.resize(name, "m1.large"), ServerState.RESIZED),
        ("confirm_resize", lambda mesh, name: mesh.confirm_resize(name), ServerState.RUNNING),
    ],
    "rescued": [
        ("rescue", lambda mesh, name: mesh.rescue(name), ServerState.RESCUED),
        ("unrescue", lambda mesh, name: mesh.unrescue(name), ServerState.RUNNING),
    ],
    "rebooted": [("hard_reboot", lambda mesh, name: mesh.hard_reboot(name), ServerState.RUNNING)],
    "locked": [
        ("lock", lambda mesh, name: mesh.lock(name), ServerState.RUNNING),
        ("unlock", lambda mesh, name: mesh.unlock(name), ServerState.RUNNING),
    ],
}


@pytest.mark.parametrize("life", STEPS)
def test_an_act_leads_to_its_state_and_is_journalled(mesh: Mesh, life: str) -> None:
    mesh.start(name="web", cloud="india")
    for act, ask, state in STEPS[life]:
        assert ask(mesh, "web").one().state is state, act
        assert mesh.server("india", "web").state is state
    done = [(o.act, o.state) for o in reversed(mesh.operations())]
    assert done == [("start", "done"), *((act, "done") for act, _, _ in STEPS[life])]


def test_a_flavor_is_meant_by_its_name_and_asked_for_by_its_id(mesh: Mesh) -> None:
    mesh.start(name="web", cloud="india")
    large = mesh.flavor("india", "m1.large")
    mesh.resize("web", "m1.large")
    mesh.confirm_resize("web")
    assert mesh.server("india", "web").flavor == large.id
    assert mesh.operations()[1].request["flavor"] == large.id
    with pytest.raises(NotFoundError, match=r"india has no flavor 'm1\.lage'; did you mean m1"):
        mesh.resize("web", "m1.lage")


def test_a_rebuild_makes_the_disk_anew_from_an_image(mesh: Mesh) -> None:
    server = mesh.start(name="web", cloud="india").one()
    other = next(image for image in mesh.images("india") if image.id != server.image)
    now = mesh.rebuild("web", other).one()
    assert (now.id, now.image) == (server.id, other.id)


def test_a_rename_keeps_the_id_and_takes_no_name_that_is_there(mesh: Mesh) -> None:
    server = mesh.start(name="web", cloud="india").one()
    mesh.start(name="db", cloud="india")
    assert mesh.rename("web", "shop").one().id == server.id
    assert mesh.server("india", "shop").id == server.id
    with pytest.raises(ConflictError, match="india has a server called 'db' already"):
        mesh.rename("shop", "db")
    with pytest.raises(InvalidRequestError, match="is a list of names; a server has one"):
        mesh.rename("shop", "web-[1-2]")
    with pytest.raises(InvalidRequestError, match="means 2 servers; name one"):
        mesh.rename("shop,db", "x")


def test_tags_are_set_and_taken_away_and_ours_stay(mesh: Mesh) -> None:
    server = mesh.start(name="web", cloud="india", tags={"a": "1", "b": "2"}).one()
    assert mesh.tag("web", {"a": None, "c": "3"}).one().tags == {"b": "2", "c": "3"}
    assert mesh.clouds["india"].server(server.id).token == server.token
    with pytest.raises(InvalidRequestError, match="the tag 'cloudmesh:token' cannot be changed"):
        mesh.tag("web", {"cloudmesh:token": None})
    with pytest.raises(InvalidRequestError, match="no tag was named"):
        mesh.tag("web", {})


def test_a_cloud_that_cannot_is_named_before_anything_is_done(plain: Mesh) -> None:
    plain.start(name="able", cloud="india")
    plain.start(name="unable", cloud="plain")
    before = plain.operations()
    with pytest.raises(UnsupportedError, match=r"plain cannot suspend servers \(driver memory\)"):
        plain.suspend("able,unable")
    assert plain.operations() == before
    assert plain.server("india", "able").state is ServerState.RUNNING


def test_an_act_whose_answer_was_lost_is_told_by_the_state(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.start(name="web", cloud="india")
    cloud = mesh.clouds["india"]
    assert isinstance(cloud, MemoryCloud)
    real = cloud.suspend

    def lossy(server: Server) -> None:
        real(server)
        raise UnavailableError("the connection broke before the answer")

    monkeypatch.setattr(cloud, "suspend", lossy)
    assert mesh.suspend("web").one().state is ServerState.SUSPENDED
    assert mesh.operations()[0].state is OperationState.DONE


def test_extras_are_refused_before_anything_is_written_down(plain: Mesh) -> None:
    wanted = r"plain starts no server in a zone of choice \(driver memory\)"
    with pytest.raises(UnsupportedError, match=wanted):
        plain.start(cloud="plain", zone="nova")
    with pytest.raises(UnsupportedError, match="plain gives servers no config drive"):
        plain.start(cloud="plain", config_drive=True)
    with pytest.raises(UnsupportedError, match="plain boots no server from a new volume"):
        plain.start(cloud="plain", boot_volume=10)
    with pytest.raises(UnsupportedError, match="plain takes no hints for its scheduler"):
        plain.start(cloud="plain", hints={"group": "g"})
    assert plain.operations() == []
    assert plain.clouds["plain"].calls == 0


def test_extras_are_asked_for_and_written_down(mesh: Mesh) -> None:
    zone = mesh.zones("india")[0].name
    server = mesh.start(
        cloud="india", zone=zone, config_drive=True, boot_volume=8, hints={"group": "g"}
    ).one()
    assert server.zone == zone
    (operation,) = mesh.operations()
    asked = {name: operation.request[name] for name in ("zone", "config_drive", "boot_volume")}
    assert asked == {"zone": zone, "config_drive": True, "boot_volume": 8}
    assert operation.request["hints"] == {"group": "g"}
    with pytest.raises(InvalidRequestError, match="a volume to boot from has 1 GiB or more"):
        mesh.start(cloud="india", boot_volume=0)


def test_a_default_zone_is_for_clouds_that_have_zones(plain: Mesh) -> None:
    zone = plain.zones("india")[1].name
    plain.default("zone", zone)
    assert plain.start(cloud="india").one().zone == zone
    plain.start(cloud="plain").one()
    assert "zone" not in plain.operations()[0].request
