"""Commands on this machine."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest
from tests.labs.openstack.processes import wait

from cloudmesh_sdk.errors import (
    AuthError,
    BackendTimeoutError,
    InvalidRequestError,
    NotFoundError,
    UnsupportedError,
)
from cloudmesh_sdk.queues.batch import Commands, Done, Here

HERE = Here()


def test_a_command_tells_its_status_and_both_outputs_apart() -> None:
    done = HERE.run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout=10)
    assert (done.status, done.out, done.err) == (3, b"out\n", b"err\n")


def test_a_signal_that_ended_a_command_is_told_as_a_negative_status() -> None:
    assert HERE.run(["sh", "-c", "kill -TERM $$"], timeout=10).status == -15


def test_what_is_no_text_comes_as_it_is_and_is_replaced_where_it_is_read() -> None:
    done = HERE.run(["cat"], send=b"m\xfcller\n", timeout=10)
    assert done.out == b"m\xfcller\n"
    assert done.text == "m\N{REPLACEMENT CHARACTER}ller\n"


def test_large_input_and_output_at_once_do_not_block_each_other() -> None:
    data = os.urandom(1_000_000) * 31
    assert HERE.run(["cat"], send=data, timeout=60).out == data


def test_a_command_that_does_not_read_its_input_is_no_error() -> None:
    assert HERE.run(["true"], send=b"x" * 10_000_000, timeout=10).status == 0


def test_the_environment_is_ours_with_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIVEN", "1")
    monkeypatch.setenv("TAKEN", "1")
    env = {"TAKEN": None, "NEW": "it's"}
    said = HERE.run(["env"], env=env, timeout=10).text.splitlines()
    assert {"GIVEN=1", "NEW=it's"} <= set(said)
    assert not [line for line in said if line.startswith("TAKEN=")]


def test_a_command_past_its_deadline_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    told = tmp_path / "pids"
    script = f"trap '' TERM; sleep 60 & echo $! $$ >{told}; wait"
    begun = time.monotonic()
    with pytest.raises(BackendTimeoutError, match="sh did not end within 1 s"):
        HERE.run(["sh", "-c", script], timeout=1)
    assert time.monotonic() - begun < 20
    pids = [int(word) for word in told.read_text().split()]
    assert len(pids) == 2
    wait("their end", lambda: not any(map(_lives, pids)), 10)
    assert not [c for c in psutil.Process().children() if c.pid in pids], "a zombie is left"


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("program", "kind"),
    [("no-such-command", UnsupportedError), ("/etc/passwd/x", UnsupportedError)],
)
def test_a_command_that_is_not_there_is_told_as_such(program: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=f"no command {program}"):
        HERE.run([program], timeout=10)


def test_what_may_not_be_run_was_surely_not_run(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with pytest.raises(AuthError, match="Permission denied"):
        HERE.run([str(tmp_path / "plain")], timeout=10)


@pytest.mark.parametrize("word", ["a\0b", "x" * 3_000_000])
def test_words_that_no_command_line_can_hold_are_refused(word: str) -> None:
    with pytest.raises(InvalidRequestError, match="echo cannot be run"):
        HERE.run(["echo", word], timeout=10)


def test_a_file_is_read_whole_or_its_end(tmp_path: Path) -> None:
    file = tmp_path / "-out put'"
    file.write_bytes(b"\xff12345")
    assert HERE.read(str(file), timeout=10) == b"\xff12345"
    assert HERE.read(str(file), tail=3, timeout=10) == b"345"
    assert HERE.read(str(file), tail=100, timeout=10) == b"\xff12345"
    assert HERE.read(str(file), tail=0, timeout=10) == b""


def test_a_file_that_is_not_there_is_told_from_what_is_none(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="gone cannot be read at here"):
        HERE.read(str(tmp_path / "gone"), timeout=10)
    os.mkfifo(tmp_path / "pipe")
    for odd in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UnsupportedError, match="no regular file"):
            HERE.read(str(odd), timeout=10)


def test_a_file_that_may_not_be_read_is_told_as_such() -> None:
    class Denied(Here):
        def run(self, *_: object, **__: object) -> Done:  # root may read everything
            err = b"cat: /home/other/out: Permission denied\n"
            return Done(argv=("/bin/sh",), status=1, out=b"", err=err)

    denied: Commands = Denied()
    with pytest.raises(AuthError, match="Permission denied"):
        denied.read("/home/other/out", timeout=10)


def test_what_was_said_is_in_no_repr() -> None:
    done = HERE.run([sys.executable, "-c", "print('pass' + 'word')"], timeout=60)
    assert done.text == "password\n"
    assert "password" not in repr(done)
