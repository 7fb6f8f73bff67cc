"""Starting, stopping, deleting, waiting: journalled, named, told."""

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloudmesh_sdk import hooks
from cloudmesh_sdk.errors import (
    BackendTimeoutError,
    ConfigError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import Operation, OperationState, Server, ServerRequest, ServerState
from cloudmesh_sdk.providers import Cloud

Make = Callable[[str], Mesh]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPlzqrPYtV6EIyRZ9xQiOhqxqrmMlVRbQ7MWFOXzcjwd albert"


def _replace(
    monkeypatch: pytest.MonkeyPatch, cloud: Cloud, start: Callable[[ServerRequest], Server]
) -> None:
    monkeypatch.setattr(cloud, "start", start)


def test_start_needs_no_arguments(mesh: Mesh) -> None:
    server = mesh.start().one()
    assert server.name == "albert-0001"
    assert server.cloud == "india"
    assert mesh.wait(server).one().state is ServerState.RUNNING
    assert server.id in {s.id for s in mesh.servers("india")}
    (operation,) = mesh.operations()
    assert (operation.act, operation.target, operation.state) == ("start", "albert-0001", "done")
    assert operation.result == server.id
    assert operation.token == server.token


def test_many_named_at_once_are_told_one_by_one(mesh: Mesh) -> None:
    told: list[Operation] = []
    started = mesh.start(name="web-[1-5]", told=told.append).complete()
    assert sorted(s.name for s in started) == [f"web-{n}" for n in range(1, 6)]
    assert {o.state for o in told} == {OperationState.DONE}
    assert len(told) == 5


def test_threads_never_get_the_same_name(mesh: Mesh) -> None:
    mesh.servers()
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: mesh.start(count=10).complete(), range(4)))
    assert len({s.name for run in runs for s in run}) == 40


def test_names_by_hostlist_and_by_number(mesh: Mesh) -> None:
    named = mesh.start(name="web-[001-003]").complete()
    assert [s.name for s in named] == ["web-001", "web-002", "web-003"]
    numbered = mesh.start(name="db", count=2).complete()
    assert [s.name for s in numbered] == ["db-0001-1", "db-0001-2"]
    with pytest.raises(InvalidRequestError, match="3 names for a count of 2"):
        mesh.start(name="app-[1-3]", count=2)
    with pytest.raises(InvalidRequestError, match="count must be 1 or more, found 0"):
        mesh.start(count=0)


def test_a_name_that_is_taken_is_refused(mesh: Mesh) -> None:
    mesh.start(name="web-1")
    with pytest.raises(ConflictError, match="india has a server called 'web-1' already"):
        mesh.start(name="web-1")


def test_a_numbered_name_that_somebody_took_is_left_out(mesh: Mesh) -> None:
    mesh.start(name="albert-0001")
    assert mesh.start().one().name == "albert-0002"


def test_the_life_of_a_server(mesh: Mesh) -> None:
    server = mesh.start(name="life").one()
    assert mesh.stop("life").one().state is ServerState.STOPPED
    assert mesh.resume(server).one().state is ServerState.RUNNING
    assert mesh.reboot(server.id).one().state is ServerState.RUNNING
    gone = mesh.delete("life").one()
    assert gone.state is ServerState.DELETED
    assert gone.missing is not None
    assert gone.image == server.image
    assert "life" not in {s.name for s in mesh.servers()}
    whats = [event.what for event in mesh.history(server)]
    assert [w for w in whats if w != "state"] == ["start", "stop", "resume", "reboot", "delete"]


def test_hostlists_name_servers(mesh: Mesh) -> None:
    mesh.start(name="web-[1-3]")
    stopped = mesh.stop("web-[1-2]")
    assert sorted(s.name for s in stopped) == ["web-1", "web-2"]
    deleted = mesh.delete(["web-[1-2]", "web-3"])
    assert sorted(s.name for s in deleted) == ["web-1", "web-2", "web-3"]


def test_an_unknown_server_stops_everything_before_anything_is_done(mesh: Mesh) -> None:
    mesh.start(name="web-1")
    with pytest.raises(NotFoundError, match="no server 'web-2'; did you mean web-1"):
        mesh.delete("web-[1-2]")
    assert mesh.server("india", "web-1").state is ServerState.RUNNING


def test_a_failure_of_one_is_raised_and_journalled(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.images("india")
    mesh.flavors("india")
    mesh.keypairs("india")

    def refuse(request: ServerRequest) -> Server:
        raise ConflictError("no room")

    _replace(monkeypatch, mesh.clouds["india"], refuse)
    with pytest.raises(ConflictError, match="no room"):
        mesh.start(cloud="india")
    (operation,) = mesh.operations()
    assert operation.state is OperationState.FAILED
    assert operation.error is not None
    assert (operation.error.kind, operation.error.message) == ("ConflictError", "no room")


def test_of_many_those_that_failed_are_named(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = mesh.clouds["india"]
    real = cloud.start

    def fussy(request: ServerRequest) -> Server:
        if request.name.endswith("2"):
            raise ConflictError("not that one")
        return real(request)

    _replace(monkeypatch, cloud, fussy)
    started: Gathered[Server] = mesh.start(name="w-[1-3]", cloud="india")
    assert sorted(s.name for s in started) == ["w-1", "w-3"]
    assert {name: str(e) for name, e in started.errors.items()} == {"w-2": "not that one"}


def test_a_lost_answer_is_looked_up_and_not_repeated(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = mesh.clouds["india"]
    real = cloud.start

    def lossy(request: ServerRequest) -> Server:
        real(request)
        raise UnavailableError("the connection broke before the answer")

    _replace(monkeypatch, cloud, lossy)
    server = mesh.start(cloud="india").one()
    assert [s.name for s in cloud.servers()].count(server.name) == 1
    assert mesh.operations()[0].state is OperationState.DONE


def test_a_start_that_never_arrived_fails_with_its_cause(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.servers()

    def deaf(request: ServerRequest) -> Server:
        raise UnavailableError("cannot connect")

    _replace(monkeypatch, mesh.clouds["india"], deaf)
    with pytest.raises(UnavailableError, match="cannot connect"):
        mesh.start(cloud="india")
    (operation,) = mesh.operations()
    assert operation.state is OperationState.FAILED
    assert operation.error is not None
    assert operation.error.message == "cannot connect"


def test_user_data_is_never_written_down(mesh: Mesh) -> None:
    mesh.start(user_data="password=canary-7")
    (operation,) = mesh.operations()
    assert "canary-7" not in repr(operation)


def test_waiting_tells_each_and_gives_up_in_time(make: Make) -> None:
    mesh = make("clouds: {slow: {driver: memory, boot: 3600}}")
    server = mesh.start().one()
    assert server.state is ServerState.PENDING
    late = mesh.wait(server, timeout=0)
    assert isinstance(late.errors[server.name], BackendTimeoutError)
    told: list[str] = []
    assert mesh.wait(server, "pending", told=lambda s: told.append(s.name)).errors == {}
    assert told == [server.name]


def test_waiting_for_what_can_never_be_ends_at_once(mesh: Mesh) -> None:
    server = mesh.start().one()
    mesh.clouds["india"].delete(server)
    waited = mesh.wait(server, timeout=60)
    assert "is deleted, not running" in str(waited.errors[server.name])


def test_waiting_goes_on_while_a_cloud_is_silent_for_a_moment(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = mesh.start().one()
    cloud = mesh.clouds["india"]
    real, asked = cloud.server, []

    def at_first_silent(id: str) -> Server:  # noqa: A002
        asked.append(id)
        if len(asked) == 1:
            raise UnavailableError("not now")
        return real(id)

    monkeypatch.setattr(cloud, "server", at_first_silent)
    assert mesh.wait(server).complete() == [server]
    assert len(asked) == 2


def test_a_server_that_is_not_shown_yet_is_not_gone(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = mesh.start().one()
    cloud = mesh.clouds["india"]
    real, asked = cloud.server, []
    monkeypatch.setattr(cloud, "settle", 60.0)

    def at_first_hidden(id: str) -> Server:  # noqa: A002
        asked.append(id)
        if len(asked) == 1:
            raise NotFoundError("no such server")
        return real(id)

    monkeypatch.setattr(cloud, "server", at_first_hidden)
    assert mesh.wait(server).complete() == [server]
    assert mesh.server("india", server.id).missing is None


def test_waiting_at_two_clouds_tells_servers_of_one_name_apart(mesh: Mesh) -> None:
    both = mesh.servers(name="seed-0001")
    mesh.clouds["sierra"].delete(both[1])
    waited = mesh.wait(both, timeout=5)
    assert len(waited.sources) == 2
    assert [name.split(":")[0] for name in waited.errors] == ["sierra"]


def test_one_list_answers_for_many_that_wait(mesh: Mesh) -> None:
    servers = mesh.start(count=10).complete()
    calls = mesh.clouds["india"].calls
    mesh.wait(servers).complete()
    assert mesh.clouds["india"].calls == calls + 1


def test_no_active_cloud_is_one_clear_line(make: Make) -> None:
    with pytest.raises(ConfigError, match="no cloud is active; cm cloud list"):
        make("").start()


def test_keys_are_brought_along(mesh: Mesh) -> None:
    key = mesh.add_key("laptop", KEY)
    assert key.default
    assert key.clouds == ()
    server = mesh.start(cloud="india").one()
    assert server.key == "laptop"
    assert [
        k.clouds
        for k in mesh.keys()  # noqa: SIM118
    ] == [("india",)]
    assert [o.act for o in mesh.operations()] == ["start", "upload"]
    mesh.start(cloud="india")
    assert [o.act for o in mesh.operations()].count("upload") == 1
    mesh.delete_key("laptop", cloud="india")
    assert [
        k.clouds
        for k in mesh.keys()  # noqa: SIM118
    ] == [()]
    mesh.delete_key("laptop")
    assert mesh.keys() == []
    assert mesh.default("key").value is None


def test_keys_that_are_none_are_refused(mesh: Mesh) -> None:
    with pytest.raises(InvalidRequestError, match="that is a private key"):
        mesh.add_key("a", "-----BEGIN OPENSSH PRIVATE KEY----- x")
    with pytest.raises(InvalidRequestError, match="cannot be read as a public key"):
        mesh.add_key("a", "/no/such/file.pub")
    with pytest.raises(NotFoundError, match="there is no key 'nope'"):
        mesh.upload_key("nope")


def test_an_operation_is_found_by_the_beginning_of_its_id(mesh: Mesh) -> None:
    mesh.start()
    (operation,) = mesh.operations()
    assert mesh.operation(operation.id[:6]) == operation
    with pytest.raises(NotFoundError, match="0 operations have an id that begins with 'zz'"):
        mesh.operation("zz")


def test_ctrl_c_cancels_what_was_not_sent(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    mesh = make("clouds: {india: {driver: memory, limits: {parallel: 1}}}")
    mesh.servers()
    cloud = mesh.clouds["india"]
    real = cloud.start

    def held(request: ServerRequest) -> Server:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        end = time.monotonic() + 20
        while len(mesh.operations(state="cancelled")) < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
        return real(request)

    _replace(monkeypatch, cloud, held)
    with pytest.raises(KeyboardInterrupt):
        mesh.start(name="c-[1-3]", cloud="india")
    states = sorted(o.state for o in mesh.operations())
    assert states == ["cancelled", "cancelled", "done"]
    assert len([s for s in cloud.servers() if s.name.startswith("c-")]) == 1


def test_a_plug_in_that_fails_stops_nothing(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Clumsy:
        @hooks.hookimpl
        def server_started(self, server: Server) -> None:
            raise ValueError(f"cannot hear of {server.name}")

    manager = hooks.manager()
    manager.register(Clumsy())
    monkeypatch.setattr(hooks, "manager", lambda points: manager)
    assert len(mesh.start(count=3).complete()) == 3
    assert caplog.text.count("a plug-in failed to hear server_started: ValueError") == 3
