"""Many servers by one request: one operation, one name with numbers, all told."""

from collections.abc import Sequence

import pytest

from cloudmesh_sdk.errors import InvalidRequestError, UnavailableError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.mesh.names import folded, hostlist
from cloudmesh_sdk.models import Operation, OperationState, Server, ServerRequest
from cloudmesh_sdk.providers.memory import MemoryCloud


def _memory(mesh: Mesh, name: str = "india") -> MemoryCloud:
    cloud = mesh.clouds[name]
    assert isinstance(cloud, MemoryCloud)
    return cloud


def test_many_are_one_operation_and_one_request(mesh: Mesh) -> None:
    told: list[Operation] = []
    mesh.start(cloud="india")  # images, flavors and keys are known now
    calls = _memory(mesh).calls
    started = mesh.start(count=50, cloud="india", told=told.append).complete()
    assert _memory(mesh).calls == calls + 1
    assert [s.name for s in started] == [f"albert-0002-{n}" for n in range(1, 51)]
    (operation,) = told
    assert (operation.act, operation.target) == ("start_many", "albert-0002-[1-50]")
    assert operation.results == tuple(s.id for s in started)
    assert operation.result == started[0].id
    assert {s.token for s in started} == {operation.token}
    assert started.sources["albert-0002-[1-50]"].count == 50
    assert {s.id for s in mesh.servers("india", name="albert-0002-[1-50]")} == set(
        operation.results
    )
    assert mesh.start(cloud="india").one().name == "albert-0003", "one number was taken"


def test_history_of_each_server_of_a_group_tells_its_start(mesh: Mesh) -> None:
    first, second = mesh.start(count=2).complete()
    mesh.stop(second)
    assert [e.what for e in mesh.history(first) if e.what != "state"] == ["start_many"]
    assert [e.what for e in mesh.history(second) if e.what != "state"] == ["start_many", "stop"]


def test_history_is_that_of_the_server_and_not_of_its_name(mesh: Mesh) -> None:
    old = mesh.start(name="web").one()
    mesh.create_volume("web", 1)
    mesh.delete(old)
    new = mesh.start(name="web").one()
    assert [e.what for e in mesh.history(new) if e.what != "state"] == ["start"]
    mesh.rename(new, "shop")
    renamed = mesh.server("india", "shop")
    assert [e.what for e in mesh.history(renamed) if e.what != "state"] == ["start", "rename"]


def test_servers_with_names_of_their_own_are_an_operation_each(mesh: Mesh) -> None:
    mesh.start(name="web-[1-3]")
    assert [o.act for o in mesh.operations()] == ["start"] * 3


def test_one_server_is_no_group(mesh: Mesh) -> None:
    assert mesh.start(count=1).one().name == "albert-0001"
    assert [o.act for o in mesh.operations()] == ["start"]


def test_where_a_cloud_starts_one_by_one_each_has_its_number(plain: Mesh) -> None:
    started = plain.start(count=3, cloud="plain", name="db").complete()
    assert [s.name for s in started] == ["db-0001", "db-0002", "db-0003"]
    assert {o.act for o in plain.operations()} == {"start"}


def test_a_group_whose_names_somebody_took_gets_the_next_number(mesh: Mesh) -> None:
    mesh.start(name="db-0001-2", cloud="india")
    assert [s.name for s in mesh.start(name="db", count=2)] == ["db-0002-1", "db-0002-2"]


def test_a_count_that_makes_no_sense_takes_no_number(mesh: Mesh) -> None:
    for count in (0, -1, 10_001):
        with pytest.raises(InvalidRequestError, match=f"count must be .*, found {count}"):
            mesh.start(count=count)
    assert mesh.start().one().name == "albert-0001"


def test_user_data_of_a_group_is_never_written_down(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ServerRequest] = []
    real = _memory(mesh).start_many

    def kept(request: ServerRequest, names: Sequence[str]) -> Sequence[Server]:
        asked.append(request)
        return real(request, names)

    monkeypatch.setattr(_memory(mesh), "start_many", kept)
    mesh.start(count=2, user_data="password=canary-7")
    assert asked[0].user_data == "password=canary-7"
    assert "canary-7" not in repr(mesh.operations())


def test_a_group_whose_answer_was_lost_is_found_and_not_repeated(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = _memory(mesh).start_many

    def lossy(request: ServerRequest, names: Sequence[str]) -> Sequence[Server]:
        real(request, names)
        raise UnavailableError("the connection broke before the answer")

    monkeypatch.setattr(_memory(mesh), "start_many", lossy)
    started = mesh.start(count=3, cloud="india").complete()
    assert [s.name for s in started] == [f"albert-0001-{n}" for n in (1, 2, 3)]
    (operation,) = mesh.operations()
    assert operation.state is OperationState.DONE
    assert len(operation.results) == 3


def test_of_a_group_that_came_in_part_what_lacks_is_told(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = _memory(mesh)
    real = cloud.start_many

    def halved(request: ServerRequest, names: Sequence[str]) -> Sequence[Server]:
        made = real(request, names)
        cloud.delete(made[1])
        raise UnavailableError("the connection broke before the answer")

    monkeypatch.setattr(cloud, "start_many", halved)
    started = mesh.start(count=3, cloud="india")
    assert [s.name for s in started] == ["albert-0001-1", "albert-0001-3"]
    note = "india has 2 of the 3 servers of albert-0001-[1-3]"
    assert [str(error) for error in started.errors.values()] == [note]
    (operation,) = mesh.operations()
    assert operation.state is OperationState.DONE
    assert operation.error is not None
    assert operation.error.message == note


def test_hooks_hear_of_every_server_of_a_group(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    from cloudmesh_sdk import hooks

    heard: list[str] = []

    class Listening:
        @hooks.hookimpl
        def server_started(self, server: Server) -> None:
            heard.append(server.name)

    manager = hooks.manager()
    manager.register(Listening())
    monkeypatch.setattr(hooks, "manager", lambda points: manager)
    mesh.start(count=3)
    assert heard == ["albert-0001-1", "albert-0001-2", "albert-0001-3"]


@pytest.mark.parametrize(
    "names",
    [["web-1"], ["web-1", "web-2", "web-3"], ["a", "b"], ["web-08", "web-09", "web-10"], ["x,y"]],
)
def test_folded_names_mean_the_same_again(names: list[str]) -> None:
    assert hostlist(folded(names)) == (names if names != ["x,y"] else ["x", "y"])
