"""Names: hostlists as they are read, names of new servers as they are given, once each."""

import time

import pytest

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError, UnavailableError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.mesh.names import MOST, hostlist, hostlists
from cloudmesh_sdk.models import Server


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("web", ["web"]),
        ("user@host", ["user@host"]),
        ("web-[001-003]", ["web-001", "web-002", "web-003"]),
        ("b,a", ["b", "a"]),
        ("b, a ,b", ["b", "a"]),
        ("z-[2,1],a", ["z-1", "z-2", "a"]),
        ("r[1-2]n[1-2].x", ["r1n1.x", "r1n2.x", "r2n1.x", "r2n2.x"]),
        ("a[0-10/5]", ["a0", "a5", "a10"]),
        ("a[0-800000/400000],b", ["a0", "a400000", "a800000", "b"]),
    ],
)
def test_what_a_hostlist_means(text: str, names: list[str]) -> None:
    assert hostlist(text) == names


@pytest.mark.parametrize("text", ["a&b,c", "@x,b", "a[1-3]!a2", "a[1-3]^a2", "a[1-2]*", "b?,a"])
def test_a_list_with_operators_is_refused_and_not_read_in_part(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="is no list of names: it has"):
        hostlist(text)


@pytest.mark.parametrize("text", ["", " ", "a,,b", "a,", ","])
def test_an_empty_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="a name is empty"):
        hostlist(text)


@pytest.mark.parametrize("text", ["a[1", "a1],b", "a[]", "a[5-1]", "a[x]", "a[1-2", "a[[1]]"])
def test_a_list_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="is no list of names"):
        hostlist(text)


@pytest.mark.parametrize(
    "text",
    [
        "a[1-3000000]",
        "a[1-99999999999999999999]",
        "a[1-1000]b[1-1000]",
        "a[1-6000],b[1-6000]",
        "a[1-5000,6000-12000]",
    ],
)
def test_a_list_past_all_bounds_is_refused_at_once(text: str) -> None:
    begun = time.monotonic()
    with pytest.raises(InvalidRequestError, match="means more than 10,000 names"):
        hostlist(text)
    assert time.monotonic() - begun < 1
    assert len(hostlist(f"a[1-{MOST}]")) == MOST


def test_what_is_no_text_is_refused(mesh: Mesh) -> None:
    server = mesh.start(cloud="india").one()
    for other in (42, [42, server], [server, None], None):
        with pytest.raises(InvalidRequestError, match="a name is a text, not"):
            mesh.stop(other)  # type: ignore[arg-type]
    assert [o.act for o in mesh.operations()] == ["start"]
    with pytest.raises(InvalidRequestError, match="a name is a text, not 7"):
        hostlists(["a", 7])  # type: ignore[list-item]


def test_a_server_is_not_started_without_a_name(mesh: Mesh) -> None:
    for nothing in ("", " ", ["a", ""]):
        with pytest.raises(InvalidRequestError, match="a name is empty"):
            mesh.start(name=nothing)
        with pytest.raises(InvalidRequestError, match="a name is empty"):
            mesh.start(name=nothing, count=2)
    with pytest.raises(InvalidRequestError, match="no name was given"):
        mesh.start(name=[], count=2)
    with pytest.raises(InvalidRequestError, match="a name is a text, not 7"):
        mesh.start(name=7)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequestError, match="count must be 10,000 or less"):
        mesh.start(count=10**9)
    assert mesh.operations() == []


def test_users_of_one_prefix_never_get_the_same_name(mesh: Mesh) -> None:
    marie = _other(mesh, "marie")
    marie.servers()  # an older view: what albert starts now, it does not know
    names = [mesh.start().one().name, marie.start().one().name, mesh.start().one().name]
    assert names == ["albert-0001", "albert-0002", "albert-0003"]


def test_a_name_that_another_took_is_refused_by_an_older_view_too(mesh: Mesh) -> None:
    marie = _other(mesh, "marie")
    marie.servers()
    mesh.start(name="web", cloud="india")
    with pytest.raises(ConflictError, match="india has a server called 'web' already"):
        marie.start(name=["db", "web"], cloud="india")
    assert marie.operations() == []
    assert marie.start(name="web", cloud="sierra").one().name == "web"


def test_a_name_that_is_free_again_is_taken(mesh: Mesh) -> None:
    first = mesh.start(name="web", cloud="india").one()
    mesh.clouds["india"].delete(first)  # elsewhere: the view still has it
    assert mesh.start(name="web", cloud="india").one().id != first.id


def test_a_given_name_costs_one_list_and_leaves_the_view_alone(mesh: Mesh) -> None:
    mesh.start(cloud="india")
    seen = mesh.servers("india")
    calls = _calls_of(mesh, name="one")
    assert calls == _calls_of(mesh) + 1
    assert {row.id for row in seen} <= {row.id for row in mesh.servers("india")}


def test_a_server_that_a_list_does_not_show_yet_holds_its_name(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = mesh.clouds["india"]
    monkeypatch.setattr(cloud, "settle", 60.0)
    real = list(cloud.servers())
    mesh.servers("india")
    mesh.start(name="web", cloud="india")
    monkeypatch.setattr(cloud, "servers", lambda: real)
    with pytest.raises(ConflictError, match="'web' already"):
        mesh.start(name="web", cloud="india")
    assert "web" in {row.name for row in mesh.servers("india")}


def test_a_cloud_that_cannot_list_gets_no_server_of_a_given_name(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.start(cloud="india")

    def down() -> list[Server]:
        raise UnavailableError("india is down")

    monkeypatch.setattr(mesh.clouds["india"], "servers", down)
    with pytest.raises(UnavailableError, match="india is down"):
        mesh.start(name="web", cloud="india")
    assert len(mesh.operations()) == 1


def _calls_of(mesh: Mesh, **asked: str) -> int:
    cloud = mesh.clouds["india"]
    before = cloud.calls
    mesh.start(cloud="india", **asked)  # type: ignore[arg-type]
    return cloud.calls - before


def _other(mesh: Mesh, user: str) -> Mesh:
    """Return the mesh of another user of the same clouds and store."""
    other = Mesh(mesh.config, mesh.store, user=user)
    other.__dict__["clouds"] = mesh.clouds
    return other
