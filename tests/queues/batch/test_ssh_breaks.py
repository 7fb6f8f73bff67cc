"""The way to a machine that breaks: what was surely not run, and what perhaps was."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.labs.openstack.processes import wait
from tests.labs.sshd_lab import Sshd
from tests.labs.sshd_proxy import Proxy

from cloudmesh_sdk.errors import BackendTimeoutError, UnavailableError
from cloudmesh_sdk.queues.batch.ssh import Ssh, link, login

DOUBT = "whether it did its work is not known"
LONG = ["sleep", "4720"]


@pytest.fixture
def own(sshd: Sshd) -> Iterator[Ssh]:
    """A way to an sshd of the test's own."""
    made = Ssh(sshd.settings())
    yield made
    made.close()


def broken(ssh: Ssh, sshd: Sshd, how: Callable[[], None]) -> None:
    """Break the way under a command that runs; it must be noticed long before its deadline."""

    def breaks() -> None:
        wait("its start", lambda: bool(sshd.commands(LONG)), 20)
        how()

    thread = threading.Thread(target=breaks)
    thread.start()
    begun = time.monotonic()
    with pytest.raises(BackendTimeoutError, match=DOUBT):
        ssh.run(LONG, timeout=60)
    thread.join()
    assert time.monotonic() - begun < 30
    sshd.kill_commands()


def test_the_end_of_the_session_leaves_a_command_in_doubt_and_the_next_opens_again(
    own: Ssh, sshd: Sshd
) -> None:
    broken(own, sshd, sshd.cut)
    assert own.run(["echo", "again"], timeout=30).out == b"again\n"


def test_a_reset_on_the_way_leaves_a_command_in_doubt_and_the_next_opens_again(
    through: Ssh, between: Proxy, shared_sshd: Sshd
) -> None:
    broken(through, shared_sshd, between.cut)
    assert through.run(["echo", "again"], timeout=30).out == b"again\n"
    assert between.connections == 2


def test_a_way_that_fell_silent_is_noticed(
    shared_sshd: Sshd, between: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "KEEPALIVE", 0.5)
    ssh = Ssh(shared_sshd.settings(port=between.port))
    broken(ssh, shared_sshd, between.silence)
    between.speak()
    assert ssh.run(["echo", "again"], timeout=30).out == b"again\n"
    ssh.close()


def test_a_command_on_a_way_that_fell_silent_ends_at_its_deadline(
    through: Ssh, between: Proxy
) -> None:
    through.run(["true"], timeout=30)
    between.silence()
    begun = time.monotonic()
    with pytest.raises((BackendTimeoutError, UnavailableError)):
        through.run(["true"], timeout=1)
    assert time.monotonic() - begun < 5


def test_a_way_that_broke_while_nobody_used_it_is_opened_again(own: Ssh, sshd: Sshd) -> None:
    assert own.run(["echo", "1"], timeout=30).out == b"1\n"
    sshd.restart()
    assert own.run(["echo", "2"], timeout=30).out == b"2\n"
    sshd.cut()
    assert own.run(["echo", "3"], timeout=30).out == b"3\n"


def test_a_server_that_is_gone_has_surely_not_run_it_and_is_used_again_when_it_is_back(
    own: Ssh, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "REST", 0.0)
    own.run(["true"], timeout=30)
    sshd.stop()
    with pytest.raises(UnavailableError, match="cannot be reached by SSH"):
        own.run(["true"], timeout=30)
    sshd.start()
    assert own.run(["echo", "back"], timeout=30).out == b"back\n"


def test_a_slow_way_is_a_way(through: Ssh, between: Proxy) -> None:
    between.slow = 0.02
    data = b"slow\n" * 100_000
    assert through.run(["cat"], send=data, timeout=60).out == data


@pytest.mark.parametrize("piece", range(1, 30, 2))
def test_wherever_the_way_breaks_what_is_said_to_be_not_run_was_not_run(
    piece: int, through: Ssh, between: Proxy, tmp_path: Path
) -> None:
    """Cut at each piece that goes over the wire, from the greeting on."""
    seen = 0

    def heard(_: bytes, __: bool) -> None:
        nonlocal seen
        seen += 1
        if seen == piece:
            between.cut()

    between.heard = heard
    file = tmp_path / "ran"
    try:
        done = through.run(["sh", "-c", f"echo x >>{file}; echo said"], timeout=30)
    except UnavailableError:
        assert not file.exists()
    except BackendTimeoutError:
        pass  # it says that nobody knows
    else:
        assert done.out == b"said\n"
        assert file.read_text() == "x\n"
    if file.exists():
        assert file.read_text() == "x\n", "it was never run twice"


def test_garbage_on_the_way_leaves_a_command_in_doubt(
    through: Ssh, between: Proxy, shared_sshd: Sshd
) -> None:
    through.run(["true"], timeout=30)
    broken(through, shared_sshd, lambda: between.inject(b"\xff" * 64))
    assert through.run(["echo", "again"], timeout=30).out == b"again\n"
