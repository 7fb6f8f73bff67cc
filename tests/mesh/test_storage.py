"""Volumes and snapshots: made, attached, kept, deleted; journalled, and true in the view."""

import pytest

from cloudmesh_sdk.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnsupportedError,
)
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import OperationState, Server
from cloudmesh_sdk.providers.memory import MemoryCloud


def _memory(mesh: Mesh, name: str = "india") -> MemoryCloud:
    cloud = mesh.clouds[name]
    assert isinstance(cloud, MemoryCloud)
    return cloud


def test_the_life_of_a_volume(mesh: Mesh) -> None:
    server = mesh.start(name="web", cloud="india").one()
    made = mesh.create_volume("data", 10, cloud="india")
    assert (made.name, made.size, made.server) == ("data", 10, None)
    attached = mesh.attach_volume("data", "web", device="/dev/vdx")
    assert (attached.server, attached.device) == (server.id, "/dev/vdx")
    assert mesh.volume("india", "data").server == server.id
    with pytest.raises(ConflictError, match="detach it first"):
        mesh.delete_volume("data")
    assert mesh.detach_volume(made).server is None
    gone = mesh.delete_volume(made.id)
    assert gone.missing is not None
    assert gone.size == 10
    assert mesh.volumes("india") == []
    done = [(o.act, o.state) for o in reversed(mesh.operations())]
    assert done == [
        ("start", "done"), ("create_volume", "done"), ("attach_volume", "done"),
        ("delete_volume", "failed"), ("detach_volume", "done"), ("delete_volume", "done"),
    ]  # fmt: skip
    whats = [event.what for event in mesh.history(server) if event.what != "state"]
    assert whats == ["start", "attach_volume", "detach_volume"]


def test_the_server_is_read_again_after_an_act_on_its_volume(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.start(name="web", cloud="india")
    mesh.create_volume("data", 1, cloud="india")
    asked: list[str] = []
    real = _memory(mesh).server

    def counted(id: str) -> Server:  # noqa: A002
        asked.append(id)
        return real(id)

    monkeypatch.setattr(_memory(mesh), "server", counted)
    server = mesh.server("india", "web")
    mesh.attach_volume("data", "web")
    mesh.detach_volume("data")
    assert asked == [server.id, server.id]


def test_a_volume_is_detached_where_it_is_now_and_not_where_it_was_seen(mesh: Mesh) -> None:
    server = mesh.start(name="web", cloud="india").one()
    volume = mesh.create_volume("data", 1, cloud="india")
    _memory(mesh).attach_volume(volume, server)  # by somebody else
    assert mesh.detach_volume("data").server is None
    assert _memory(mesh).volume(volume.id).server is None


def test_a_volume_is_filled_from_an_image_or_a_snapshot(mesh: Mesh) -> None:
    image = mesh.images("india")[0]
    mesh.create_volume("root", 10, cloud="india", image=image.name)
    kept = mesh.create_snapshot("root", "root-monday")
    assert kept.name == "root-monday"
    assert kept.volume == mesh.volume("india", "root").id
    mesh.create_volume("copy", 10, cloud="india", snapshot="root-monday", type="ssd")
    asked = [o.request for o in reversed(mesh.operations())]
    assert (asked[0]["image"], asked[0]["snapshot"]) == (image.id, None)
    assert (asked[2]["image"], asked[2]["snapshot"], asked[2]["type"]) == (None, kept.id, "ssd")
    assert mesh.delete_snapshot("root-monday").missing is not None
    assert mesh.snapshots("india") == []


@pytest.mark.parametrize(("name", "size"), [("data", 0), ("data", -1), (" ", 1)])
def test_a_volume_that_makes_no_sense_is_refused(mesh: Mesh, name: str, size: int) -> None:
    with pytest.raises(InvalidRequestError, match="a volume has a name and 1 GiB or more"):
        mesh.create_volume(name, size)
    assert mesh.operations() == []


def test_two_volumes_of_one_name_are_told_by_their_ids(mesh: Mesh) -> None:
    one = mesh.create_volume("data", 1, cloud="india")
    mesh.create_volume("data", 2, cloud="india")
    with pytest.raises(InvalidRequestError, match="2 volumes are called 'data'"):
        mesh.delete_volume("data")
    assert mesh.delete_volume(one.id).size == 1
    assert mesh.delete_volume("data").size == 2


def test_an_unknown_volume_is_told_with_near_names(mesh: Mesh) -> None:
    mesh.create_volume("backup", 1, cloud="india")
    with pytest.raises(NotFoundError, match="no volume 'bakcup'; did you mean backup"):
        mesh.create_snapshot("bakcup", "x")
    with pytest.raises(InvalidRequestError, match="the name of the snapshot is empty"):
        mesh.create_snapshot("backup", " ")


def test_a_cloud_without_them_is_named_with_its_driver(plain: Mesh) -> None:
    with pytest.raises(UnsupportedError, match=r"plain has no volumes \(driver memory\)"):
        plain.create_volume("data", 1, cloud="plain")
    with pytest.raises(UnsupportedError, match=r"plain has no snapshots \(driver memory\)"):
        plain.delete_snapshot("x", cloud="plain")
    assert plain.operations() == []


def test_the_token_tells_which_volume_an_operation_made(mesh: Mesh) -> None:
    made = mesh.create_volume("data", 1, cloud="india")
    (operation,) = mesh.operations()
    assert operation.state is OperationState.DONE
    assert (operation.result, operation.token) == (made.id, made.token)
