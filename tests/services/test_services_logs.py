"""A service's log is limited, parts no line, and can be followed through a new beginning."""

from pathlib import Path

import pytest

from cloudmesh_sdk.services import logs
from cloudmesh_sdk.services.logs import Log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.log"


def test_so_many_old_logs_are_kept(path: Path) -> None:
    log = Log(path, size=10, count=2)
    for number in range(6):
        log.write(f"line {number}\n".encode())
    assert path.read_text() == "line 5\n"
    assert path.with_name("a.log.1").read_text() == "line 4\n"
    assert path.with_name("a.log.2").read_text() == "line 3\n"
    assert not path.with_name("a.log.3").exists()
    assert path.stat().st_mode & 0o077 == 0
    assert logs.tail(path, 2) == ["line 4", "line 5"]
    assert logs.tail(path, 99) == ["line 3", "line 4", "line 5"]
    assert logs.tail(path, 0) == []


def test_no_line_is_parted(path: Path) -> None:
    log = Log(path, size=8, count=1)
    for part in (b"one ", b"two th", b"ree\nfour", b" five\n"):
        log.write(part)
    assert path.with_name("a.log.1").read_text() == "one two three\n"
    assert path.read_text() == "four five\n"


def test_what_a_full_disk_lost_is_told_later(path: Path) -> None:
    log = Log(path, size=1000, count=1)
    path.mkdir()  # nothing can be written here
    log.write(b"lost\n")
    path.rmdir()
    log.write(b"kept\n")
    assert path.read_text() == "[5 bytes are lost: Is a directory]\nkept\n"


def test_a_log_that_is_not_there_has_no_lines(path: Path) -> None:
    assert logs.tail(path, 5) == []


def test_what_is_written_is_followed_also_into_a_new_log(path: Path) -> None:
    log = Log(path, size=20, count=1)
    log.write(b"before\n")
    lines = logs.follow(path, pause=0.01)
    for number in range(10):
        log.write(f"line {number}\n".encode())
        assert next(lines) == f"line {number}"
    lines.close()


def test_a_log_that_begins_later_is_followed(path: Path) -> None:
    lines = logs.follow(path, pause=0.01)
    Log(path, size=1000, count=1).write(b"half a ")
    Log(path, size=1000, count=1).write(b"line\n")
    assert next(lines) == "half a line"
    lines.close()
