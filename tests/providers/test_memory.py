"""What the reference driver promises beyond the kit."""

import json
import multiprocessing
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudmesh_sdk.errors import (
    AuthError,
    BackendTimeoutError,
    ConfigError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnavailableError,
)
from cloudmesh_sdk.models import ServerRequest, ServerState
from cloudmesh_sdk.providers.memory import MemoryCloud
from cloudmesh_sdk.providers.memory.records import fingerprint
from cloudmesh_sdk.wire import Exchange


def cloud(**settings: Any) -> MemoryCloud:
    return MemoryCloud("lab", MemoryCloud.Settings(**settings))


def order(token: str = "t", **fields: Any) -> ServerRequest:
    given = {"name": "web", "image": "img-0001", "flavor": "1", "token": token}
    return ServerRequest(**{**given, **fields})


def test_needs_no_settings() -> None:
    assert list(MemoryCloud("lab").servers()) == []


def test_two_objects_are_two_clouds() -> None:
    one, two = cloud(), cloud()
    one.start(order())
    assert list(two.servers()) == []


def test_objects_with_one_file_are_one_cloud(tmp_path: Path) -> None:
    one, two = (cloud(file=str(tmp_path / "c.json")) for _ in range(2))
    server = one.start(order())
    assert list(two.servers()) == [server]
    two.delete(server)
    assert list(one.servers()) == []


def test_a_deleted_server_s_token_starts_no_other() -> None:
    here = cloud()
    server = here.start(order())
    here.delete(server)
    again = here.start(order())
    assert (again.id, again.state) == (server.id, ServerState.DELETED)
    assert list(here.servers()) == []
    assert here.find("t") is None


def test_what_a_record_holds_is_not_the_cloud_s() -> None:
    here = cloud(servers=1)
    (server,) = here.servers()
    server.native["metadata"]["owner"] = "somebody else"
    assert "owner" not in here.server(server.id).native["metadata"]


def test_a_server_boots_in_its_time() -> None:
    here = cloud(boot=0.3)
    server = here.start(order())
    assert server.state is ServerState.PENDING
    assert here.console(server) == ""
    end = time.monotonic() + 5
    while here.server(server.id).state is ServerState.PENDING and time.monotonic() < end:
        time.sleep(0.01)
    assert here.server(server.id).state is ServerState.RUNNING
    here.reboot(server)
    assert here.server(server.id).state is ServerState.REBOOTING


def test_a_stopped_server_cannot_reboot_or_sleep() -> None:
    here = cloud(servers=1)
    (server,) = here.servers()
    here.stop(server)
    for act in (here.reboot, here.suspend):
        with pytest.raises(ConflictError, match="SHUTOFF"):
            act(server)


def test_pages_while_servers_go_lose_none_that_stays() -> None:
    here = cloud(servers=10, page=3)
    listing = here.servers()
    seen = [next(listing) for _ in range(3)]
    for server in seen:
        here.delete(server)
    assert len(seen) + len(list(listing)) == 10


def test_the_quota_is_kept_and_told() -> None:
    here = cloud(quota=1)
    here.start(order())
    with pytest.raises(QuotaError, match="allows 1 server"):
        here.start(order("other"))
    quotas = {quota.name: (quota.used, quota.limit) for quota in here.quotas()}
    assert quotas == {"servers": (1, 1), "vcpus": (1, None), "ram": (512, None)}


def test_unknown_things_are_named_with_near_ones() -> None:
    with pytest.raises(NotFoundError, match=r"no image with id img-001; did you mean img-0001"):
        cloud().start(order(image="img-001"))
    with pytest.raises(NotFoundError, match="no keypair with id me"):
        cloud().start(order(key="me"))


@pytest.mark.parametrize(
    ("fail", "error"),
    [
        (True, UnavailableError),
        ("AuthError", AuthError),
        ("BackendTimeoutError", BackendTimeoutError),
    ],
)
def test_it_fails_as_told(fail: Any, error: type[Exception]) -> None:
    here = cloud(fail=fail)
    for ask in (here.check, lambda: list(here.images()), lambda: here.start(order())):
        with pytest.raises(error):
            ask()
    assert here.calls == 3


def test_an_unknown_failure_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match="did you mean AuthError"):
        cloud(fail="AuthErorr")


@pytest.mark.parametrize(
    ("name", "value"),
    [("page", 0), ("servers", -1), ("latency", -0.1), ("timeout", -1.0), ("quota", -1),
     ("hang", float("inf")), ("boot", float("nan")), ("lose", -1)],
)  # fmt: skip
def test_a_setting_that_makes_no_sense_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"^lab\.{name}: \d or more was wanted, found "):
        MemoryCloud("lab", MemoryCloud.Settings(**{name: value}))


@pytest.mark.parametrize("fail", ["", False])
def test_no_failure_is_no_failure(fail: Any) -> None:
    assert cloud(fail=fail).check().service == "lab"


def test_latency_is_per_call_and_ends_at_the_deadline() -> None:
    slow = cloud(latency=0.05, servers=3, page=1)
    begun = time.monotonic()
    assert len(list(slow.servers())) == 3
    assert time.monotonic() - begun >= 0.05 * slow.calls
    with pytest.raises(BackendTimeoutError, match=r"within 0\.1 s"):
        list(cloud(latency=5, timeout=0.1).servers())


def test_a_locked_server_is_not_deleted() -> None:
    here = cloud(servers=1)
    (server,) = here.servers()
    here.lock(server)
    with pytest.raises(ConflictError, match="seed-0001 is locked; unlock it first"):
        here.delete(server)
    here.unlock(server)
    here.delete(server)
    assert list(here.servers()) == []


def test_acts_are_told_in_order_even_of_a_deleted_server() -> None:
    here = cloud()
    server = here.start(order())
    here.stop(server)
    here.tag(server, {"owner": "ann"})
    here.delete(server)
    assert [action.name for action in here.actions(server)] == ["create", "stop", "tag", "delete"]


def test_a_boot_volume_goes_with_its_server() -> None:
    here = cloud()
    server = here.start(order(boot_volume=8))
    (disk,) = here.volumes()
    assert (disk.size, disk.server, disk.device) == (8, server.id, "/dev/vda")
    assert disk.bootable
    here.delete(server)
    assert list(here.volumes()) == []


def test_extras_stand_in_native() -> None:
    here = cloud()
    server = here.start(order(zone="edge", config_drive=True, hints={"group": "g"}))
    assert server.zone == "edge"
    assert server.native["config_drive"] == "True"
    assert server.native["OS-SCH-HNT:scheduler_hints"] == {"group": "g"}
    with pytest.raises(InvalidRequestError, match="no zone moon; known: edge, nova"):
        here.start(order("t2", zone="moon"))
    with pytest.raises(InvalidRequestError, match="no network nowhere"):
        here.start(order("t2", networks=("nowhere",)))


def test_a_set_takes_only_the_names_that_the_cloud_gives() -> None:
    here = cloud()
    with pytest.raises(InvalidRequestError, match=r"names servers web-1, web-2 .* found a, b"):
        here.start_many(order(), ["a", "b"])
    made = here.start_many(order(), here.names_of_many("web", 2))
    here.delete(made[0])
    again = here.start_many(order(), here.names_of_many("web", 2))
    assert [(s.id, s.state.value) for s in again] == [
        (made[0].id, "deleted"), (made[1].id, "running"),
    ]  # fmt: skip
    assert [server.id for server in here.find_many("t")] == [made[1].id]


@pytest.mark.parametrize("shared", [False, True])
def test_changes_tell_also_what_meddling_did(tmp_path: Path, shared: bool) -> None:
    here = cloud(servers=4, **({"file": str(tmp_path / "c.json")} if shared else {}))
    assert list(here.changes(datetime.now(UTC))) == []
    with here.native.change() as tables:
        row = tables["servers"]["i-00000002"]
        tables["servers"]["i-00000002"] = {**row, "status": "ERROR"}
        del tables["servers"]["i-00000003"]
    told = [(s.id, s.state.value) for s in here.changes(datetime.now(UTC))]
    assert told == [("i-00000002", "error"), ("i-00000003", "deleted")]
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert list(here.changes(later)) == []


def test_changes_come_in_pages() -> None:
    here = cloud(servers=5, page=2)
    before = here.calls
    assert len(list(here.changes(datetime(2025, 1, 1, tzinfo=UTC)))) == 5
    assert here.calls - before == 3


def test_a_file_of_an_older_cloud_gets_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    server = cloud(file=str(path)).start(order())
    tables = json.loads(path.read_text())
    old = ("servers", "deleted", "tokens", "images", "flavors", "keypairs", "groups")
    kept = {kind: tables[kind] for kind in old} | {"last": {"server": 1, "group": 0}}
    del kept["servers"][server.id]["updated"], kept["servers"][server.id]["locked"]
    path.write_text(json.dumps(kept))
    here = cloud(file=str(path))
    assert list(here.servers()) == [server]
    here.attach_floating_ip(here.create_floating_ip("ip"), server)
    assert len(here.server(server.id).public_ips) == 2
    here.stop(server)
    assert [s.id for s in here.changes(datetime.now(UTC))] == [server.id]


def test_who_watches_hears_of_every_call() -> None:
    here, heard = cloud(servers=3, page=2), list[Exchange]()
    here.watch = heard.append
    list(here.servers())
    assert [(e.method, e.url, e.status) for e in heard] == [
        ("GET", "memory://lab/servers", 200)
    ] * 2
    broken = cloud(fail="AuthError")
    broken.watch = heard.append
    with pytest.raises(AuthError):
        broken.check()
    assert (heard[-1].status, heard[-1].error) == (None, "lab was told to fail with AuthError")


def test_a_raw_request_picks_by_what_documents_hold() -> None:
    here = cloud(servers=2)
    answer = here.raw("GET", "/servers", params={"name": "seed-0002"})
    assert [row["id"] for row in answer.body["servers"]] == ["i-00000002"]
    assert here.raw("GET", "/servers/i-00000001").body["server"]["name"] == "seed-0001"
    assert here.raw("GET", "/networks", service="network").body["networks"][0]["name"] == "private"
    assert here.raw("GET", "/networks").status == 404
    assert here.raw("DELETE", "/servers/i-00000001").status == 405
    assert len(list(here.servers())) == 2


def test_a_fingerprint_is_the_one_of_ssh_keygen() -> None:
    # a key of 32 zero bytes; the fingerprint is what `ssh-keygen -lf` of OpenSSH 9.2 printed
    blob = "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    assert fingerprint(f"ssh-ed25519 {blob} me") == (
        "SHA256:kmYcvdi2GkPeWxB6XLjrZB8JHsy2Hm8luHMFp9GMvqk"
    )


def _start_many(path: str, worker: int, gate: Any) -> None:
    here = cloud(file=path)
    gate.wait()
    for number in range(5):
        here.start(order(f"shared-{number}", name=f"shared-{number}"))
        here.start(order(f"{worker}-{number}", name=f"{worker}-{number}"))


def test_processes_share_a_file_without_losing_or_doubling(tmp_path: Path) -> None:
    path, workers = str(tmp_path / "c.json"), 4
    spawn = multiprocessing.get_context("spawn")
    gate = spawn.Barrier(workers)
    running = [spawn.Process(target=_start_many, args=(path, n, gate)) for n in range(workers)]
    for process in running:
        process.start()
    for process in running:
        process.join(60)
    assert [process.exitcode for process in running] == [0] * workers
    names = sorted(server.name for server in cloud(file=path).servers())
    expected = [f"{w}-{n}" for w in ("shared", *range(workers)) for n in range(5)]
    assert names == sorted(expected)


def test_a_locked_file_is_waited_for_until_the_deadline(tmp_path: Path) -> None:
    path = str(tmp_path / "c.json")
    holder, waiter = cloud(file=path), cloud(file=path, timeout=0.2)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with holder.native.change():
            held.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(10)
        with pytest.raises(BackendTimeoutError, match="locked"):
            waiter.start(order())
    finally:
        done.set()
        thread.join()
    assert waiter.start(order()).name == "web"


def test_a_writer_that_dies_leaves_the_file_whole(tmp_path: Path) -> None:
    here = cloud(file=str(tmp_path / "c.json"), servers=2)

    def die() -> None:
        with here.native.change() as tables:
            tables["servers"].clear()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die()
    assert len(list(here.servers())) == 2


@pytest.mark.parametrize("text", ["", "[]", "{", '{"servers": 3}'])
def test_a_file_that_is_no_cloud_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(text)
    here = cloud(file=str(path))
    for ask in (lambda: list(here.servers()), lambda: here.start(order())):
        with pytest.raises(UnavailableError, match=r"c\.json"):
            ask()
    assert path.read_text() == text


def test_a_file_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    with pytest.raises(UnavailableError, match="plain"):
        cloud(file=str(tmp_path / "plain" / "c.json")).start(order())
