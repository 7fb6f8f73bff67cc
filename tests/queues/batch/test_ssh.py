"""Commands over SSH, on a real sshd."""

import os
import random
import shutil
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from tests.labs.openstack.processes import wait
from tests.labs.sshd_lab import PATH, Sshd
from tests.labs.sshd_proxy import Proxy

from cloudmesh_sdk.errors import (
    AuthError,
    BackendTimeoutError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.queues.batch.ssh import Ssh, words
from cloudmesh_sdk.queues.batch.ssh.link import SESSIONS
from cloudmesh_sdk.queues.batch.ssh.words import Ended

ODD = (
    "it's", "a!b", "!!", "new\nline", "$HOME", "`id`", "$(id)", "\\", "\\\\n", '"q"', "ü", "*", "~",
    "\udce9", "\x1f", "\t", "", "%d%s", "--", "a b", "#", "{x,y}", "^x^y", "&& id", "; id", "|",
    "\r",
)  # fmt: skip
"""Words that one shell or another would read in its own way."""
ENV = {"GIVEN": "it's $x `y` !!\n\\", "HOME": None}
PRINTS = ("sh", "-c", 'printf %s "$GIVEN" "${HOME-none}" "$@"; echo "err!" >&2', "sh")
PRINTED = "".join((str(ENV["GIVEN"]), "none", *ODD)).encode(errors="surrogateescape")
SHELLS = [
    shell for shell in ("sh", "bash", "zsh", "tcsh", "fish") if shutil.which(shell, path=PATH)
]


@contextmanager
def login(sshd: Sshd) -> Iterator[Ssh]:
    made = Ssh(sshd.settings())
    try:
        yield made
    finally:
        made.close()


def behind(shell: str, before: str = "") -> str:
    """Return a line of sshd_config that makes a program everybody's login shell."""
    return f'ForceCommand {before} exec {shell} -c "$SSH_ORIGINAL_COMMAND"'


def test_words_and_variables_arrive_as_they_are(ssh: Ssh) -> None:
    done = ssh.run([*PRINTS, *ODD], env=ENV, timeout=30)
    assert (done.status, done.out, done.err) == (0, PRINTED, b"err!\n")


@pytest.mark.parametrize("shell", SHELLS)
def test_whatever_the_login_shell_is_words_arrive_as_they_are(shell: str, sshd: Sshd) -> None:
    sshd.restart(behind(shell))
    with login(sshd) as ssh:
        done = ssh.run([*PRINTS, *ODD], env=ENV, send=b"unread", timeout=30)
    assert (done.status, done.out, done.err) == (0, PRINTED, b"err!\n")


def test_what_a_login_says_by_itself_is_not_the_commands(sshd: Sshd) -> None:
    sshd.restart(behind("sh", "echo Welcome to india; echo 0123456789abcdef12: tty? >&2;"))
    with login(sshd) as ssh:
        done = ssh.run(["sh", "-c", "cat; echo no >&2; exit 4"], send=b"\0\xff", timeout=30)
        assert (done.status, done.out, done.err) == (4, b"\0\xff", b"no\n")
        with pytest.raises(UnsupportedError, match=r"no command squeue-none at .*set path"):
            ssh.run(["squeue-none"], timeout=30)


def test_a_login_that_runs_no_commands_says_so(sshd: Sshd) -> None:
    sshd.restart("ForceCommand echo This account is not available.; exit 1")
    with login(sshd) as ssh, pytest.raises(AuthError, match="This account is not available"):
        ssh.run(["true"], timeout=30)


def test_bytes_go_in_and_come_out_as_they_are_also_many(ssh: Ssh) -> None:
    data = random.Random(1).randbytes(1_000_000) * 31
    assert ssh.run(["cat"], send=data, timeout=100).out == data


def test_a_command_that_reads_nothing_or_no_end_of_input_is_no_error(ssh: Ssh) -> None:
    assert ssh.run(["true"], send=b"x" * 10_000_000, timeout=30).status == 0
    assert ssh.run(["cat"], timeout=30).out == b""


def test_status_and_signal_are_told(ssh: Ssh) -> None:
    assert ssh.run(["sh", "-c", "exit 127"], timeout=30).status == 127
    assert ssh.run(["sh", "-c", "kill -TERM $$"], timeout=30).status == -15


def test_a_command_that_is_not_there_was_surely_not_run(ssh: Ssh) -> None:
    for name in ("no-such-command", "/opt/none/squeue", "it's !not"):
        with pytest.raises(UnsupportedError, match="there is no command"):
            ssh.run([name], timeout=30)


def test_what_no_command_line_can_hold_is_refused(ssh: Ssh) -> None:
    with pytest.raises(InvalidRequestError, match="too long for a command line"):
        ssh.run(["echo", "x" * 130_000], timeout=30)
    assert len(ssh.run(["echo", "x" * 100_000], timeout=30).out) == 100_001
    with pytest.raises(InvalidRequestError, match="NUL"):
        ssh.run(["echo", "\0"], timeout=30)
    with pytest.raises(InvalidRequestError, match="'A;id' cannot be a variable"):
        ssh.run(["env"], env={"A;id": "1"}, timeout=30)


def test_files_are_read_there(ssh: Ssh, tmp_path: Path) -> None:
    file = tmp_path / "-it's\xfc!.out"
    file.write_bytes(b"\xff12345")
    assert ssh.read(str(file), timeout=30) == b"\xff12345"
    assert ssh.read(str(file), tail=3, timeout=30) == b"345"
    with pytest.raises(NotFoundError, match=r"none cannot be read at .*No such file"):
        ssh.read(str(tmp_path / "none"), timeout=30)
    with pytest.raises(UnsupportedError, match="no regular file"):
        ssh.read("/dev/zero", timeout=30)


def test_a_command_past_its_deadline_is_ended_there_and_the_way_stays_open(
    shared_sshd: Sshd, through: Ssh, between: Proxy
) -> None:
    with pytest.raises(BackendTimeoutError, match=r"sh at .* did not end within 1 s"):
        through.run(["sh", "-c", "sleep 4711 & sleep 4712; true"], timeout=1)
    for seconds in ("4711", "4712"):
        wait("its end", lambda: not shared_sshd.commands(["sleep", seconds]), 10)  # noqa: B023
    assert through.run(["echo", "on"], timeout=30).out == b"on\n"
    assert between.connections == 1


def test_ctrl_c_ends_the_command_there(shared_sshd: Sshd, ssh: Ssh) -> None:
    ssh.run(["true"], timeout=30)

    main = threading.get_ident()

    def interrupt() -> None:
        wait("its start", lambda: bool(shared_sshd.commands(["sleep", "4713"])), 20)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        ssh.run(["sleep", "4713"], timeout=60)
    thread.join()
    wait("its end", lambda: not shared_sshd.commands(["sleep", "4713"]), 10)


def test_twenty_threads_share_one_connection(through: Ssh, between: Proxy) -> None:
    def say(number: int) -> bytes:
        return through.run(["sh", "-c", f"sleep 0.2; echo {number}"], timeout=60).out

    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(say, range(40)))
    assert said == [f"{number}\n".encode() for number in range(40)]
    assert between.connections == 1


@pytest.mark.parametrize("allowed", [1, 3])
def test_a_server_that_allows_fewer_sessions_gets_fewer(allowed: int, sshd: Sshd) -> None:
    sshd.restart(f"MaxSessions {allowed}")
    with login(sshd) as ssh, ThreadPoolExecutor(20) as pool:
        runs = [pool.submit(ssh.run, ["sleep", "0.1"], timeout=60) for _ in range(20)]
        assert [run.result().status for run in runs] == [0] * 20


def test_a_server_that_allows_no_session_is_told_as_such(sshd: Sshd) -> None:
    sshd.restart("MaxSessions 0")
    with login(sshd) as ssh, pytest.raises(UnavailableError, match="true was not run"):
        ssh.run(["true"], timeout=30)


def test_closing_leaves_neither_thread_nor_connection(shared_sshd: Sshd) -> None:
    before = set(threading.enumerate())
    ssh = Ssh(shared_sshd.settings())
    assert set(threading.enumerate()) == before, "opening is lazy"
    ssh.run(["true"], timeout=30)
    assert _connections(shared_sshd.port) == 1
    ssh.close()
    ssh.close()
    assert set(threading.enumerate()) == before
    assert _connections(shared_sshd.port) == 0


def test_what_was_closed_opens_again_when_it_is_used(shared_sshd: Sshd) -> None:
    ssh = Ssh(shared_sshd.settings())
    for _ in range(2):
        assert ssh.run(["echo", "on"], timeout=30).out == b"on\n"
        ssh.close()


def test_closing_under_a_command_leaves_it_in_doubt(shared_sshd: Sshd) -> None:
    ssh = Ssh(shared_sshd.settings())
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(ssh.run, ["sleep", "4714"], timeout=60)
        wait("its start", lambda: bool(shared_sshd.commands(["sleep", "4714"])), 20)
        ssh.close()
        with pytest.raises(BackendTimeoutError):
            run.result()
    shared_sshd.kill_commands()


def _connections(port: int) -> int:
    mine = psutil.Process(os.getpid()).net_connections("tcp")
    return sum(1 for one in mine if one.raddr and one.raddr.port == port)


def test_a_deadline_counts_for_waiting_too(shared_sshd: Sshd, ssh: Ssh) -> None:
    with ThreadPoolExecutor(SESSIONS) as pool:
        runs = [pool.submit(ssh.run, ["sleep", "3.25"], timeout=60) for _ in range(SESSIONS)]
        wait("all", lambda: len(shared_sshd.commands(["sleep", "3.25"])) == SESSIONS, 20)
        with pytest.raises(UnavailableError, match="true was not run"):
            ssh.run(["true"], timeout=0.5)
        assert [run.result().status for run in runs] == [0] * SESSIONS


def test_a_command_that_was_not_begun_needs_no_ending() -> None:
    asked = words.order(["true"], {})
    assert words.ending(asked, b"Welcome to india") is None
    with pytest.raises(AuthError, match="says: nothing"):
        words.done(asked, Ended(status=0, out=b"", err=b""), where="there")
