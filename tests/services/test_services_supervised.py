"""A service comes back when it is killed, ends when it is told to, and leaves nothing behind."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from tests.services.standin import (
    DEAF,
    PATIENCE,
    WAITS,
    child_of,
    comes_back,
    known,
    program,
    service,
)

from cloudmesh_sdk.errors import UnavailableError
from cloudmesh_sdk.services import kin, supervised
from cloudmesh_sdk.services.logs import tail
from cloudmesh_sdk.services.places import Place
from cloudmesh_sdk.services.records import MARK, Pace, Program, State


@pytest.fixture
def where(tmp_path: Path) -> Iterator[Place]:
    with service(tmp_path) as found:
        yield found


def start(where: Place, wanted: Program) -> bool:
    return supervised.launch(where, wanted, ready=kin.lives, patience=PATIENCE)


def marked(where: Place) -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["environ"]) if _at(p) == str(where.root)]


def _at(process: psutil.Process) -> str | None:
    found: str | None = (process.info["environ"] or {}).get(MARK)
    return found


def test_one_that_was_killed_comes_back(where: Place) -> None:
    assert start(where, program(WAITS))
    first = child_of(where)
    os.kill(first.pid, signal.SIGKILL)
    assert comes_back(where, 1)
    assert child_of(where) != first
    assert kin.lives(child_of(where))
    assert known(where).code == -signal.SIGKILL
    assert any("killed by SIGKILL" in line for line in tail(where.log, 10))


def test_one_whose_death_and_last_words_are_heard_at_once_comes_back(where: Place) -> None:
    assert start(where, program(WAITS))
    first, supervisor = child_of(where), known(where).supervisor
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGSTOP)
    os.kill(first.pid, signal.SIGKILL)
    end = time.monotonic() + PATIENCE
    while kin.lives(first):
        assert time.monotonic() < end
        time.sleep(0.01)
    os.kill(supervisor.pid, signal.SIGCONT)
    assert comes_back(where, 1)
    assert known(where).code == -signal.SIGKILL


def test_what_a_dead_one_started_beside_it_ends_with_it(where: Place) -> None:
    text = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {WAITS!r}])\n{WAITS}"
    assert start(where, program(text))
    first = child_of(where)
    assert kin.until(lambda: len(kin.members(where.root, first.pid)) == 2, PATIENCE)
    os.kill(first.pid, signal.SIGKILL)
    assert comes_back(where, 1)
    assert kin.members(where.root, first.pid) == []


def test_one_that_ends_again_and_again_is_given_up(where: Place, tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    text = f"open({str(lives)!r}, 'a').write('.')\nimport sys, time\ntime.sleep(0.3); sys.exit(3)"
    assert start(where, program(text, pace=Pace(first=0.01, factor=1.0, lives=4)))
    assert kin.until(lambda: known(where).state is State.CRASHED, PATIENCE)
    assert kin.until(lambda: not supervised.supervised(where), PATIENCE)
    assert lives.read_text() == "...."
    assert (known(where).restarts, known(where).code) == (3, 3)
    assert "ended with code 3, the 4th time in a row: given up" in tail(where.log, 1)[0]
    assert start(where, program(WAITS))
    assert known(where).restarts == 0


def test_each_wait_is_longer_than_the_one_before_up_to_a_limit() -> None:
    pace = Pace(first=1, factor=2, most=5, lives=6)
    assert [pace.pause(bad) for bad in range(1, 7)] == [1, 2, 4, 5, 5, None]


def test_one_that_waits_to_be_started_again_can_be_stopped(where: Place) -> None:
    assert start(where, program(WAITS, pace=Pace(first=3600)))
    os.kill(child_of(where).pid, signal.SIGKILL)
    assert kin.until(lambda: known(where).state is State.BACKING_OFF, PATIENCE)
    assert supervised.end(where) is True
    assert known(where).state is State.STOPPED


def test_one_that_waits_to_be_started_again_is_started_by_a_start(where: Place) -> None:
    assert start(where, program(WAITS, pace=Pace(first=3600)))
    os.kill(child_of(where).pid, signal.SIGKILL)
    assert kin.until(lambda: known(where).state is State.BACKING_OFF, PATIENCE)
    assert start(where, program(WAITS))
    assert (known(where).state, known(where).restarts) == (State.RUNNING, 0)


def test_one_that_says_no_more_is_looked_after_all_the_same(where: Place) -> None:
    assert start(where, program(f"import os\nos.close(1)\nos.close(2)\n{WAITS}"))
    os.kill(child_of(where).pid, signal.SIGKILL)
    assert comes_back(where, 1)
    assert supervised.end(where) is True
    assert marked(where) == []


def test_a_killed_supervisor_takes_its_service_along(where: Place) -> None:
    assert start(where, program(WAITS))
    supervisor, child = known(where).supervisor, child_of(where)
    os.kill(supervisor.pid, signal.SIGKILL)
    assert kin.until(lambda: not kin.lives(child), PATIENCE)
    assert not supervised.supervised(where)
    assert start(where, program(WAITS))
    assert child_of(where) != child


def test_what_a_killed_supervisor_left_is_ended_by_the_next_start(where: Place) -> None:
    assert start(where, program(DEAF + "  # hears no SIGTERM", grace=0.2))
    left = child_of(where)
    assert kin.until(lambda: _ignores_sigterm(left.pid), PATIENCE)
    os.kill(known(where).supervisor.pid, signal.SIGKILL)
    assert kin.until(lambda: not supervised.supervised(where), PATIENCE)
    assert kin.lives(left)
    assert start(where, program(WAITS))
    assert not kin.lives(left)


def test_what_a_killed_supervisor_left_is_not_taken_for_somebody_elses(where: Place) -> None:
    holds = (
        "from cloudmesh_sdk.services import program\n"
        "from cloudmesh_sdk.services.places import Place\n"
        "from pathlib import Path\n"
        f"lock = program.claim(Place(Path({str(where.root)!r})))\n{DEAF}"
    )
    assert start(where, program(holds, grace=0.2))
    left = child_of(where)
    assert kin.until(lambda: _ignores_sigterm(left.pid), PATIENCE)
    os.kill(known(where).supervisor.pid, signal.SIGKILL)
    assert kin.until(lambda: not supervised.supervised(where), PATIENCE)
    assert supervised.stranger(where) is None
    assert start(where, program(WAITS))
    assert not kin.lives(left)


def test_what_a_killed_supervisor_left_is_ended_by_a_stop(where: Place) -> None:
    assert start(where, program(DEAF, grace=0.2))
    left = child_of(where)
    assert kin.until(lambda: _ignores_sigterm(left.pid), PATIENCE)
    os.kill(known(where).supervisor.pid, signal.SIGKILL)
    assert kin.until(lambda: not supervised.supervised(where), PATIENCE)
    assert supervised.end(where) is True
    assert not kin.lives(left)


def test_a_pid_that_another_process_has_now_is_left_alone(where: Place) -> None:
    assert start(where, program(WAITS))
    supervised.end(where)
    mine = kin.myself()
    kin.send(type(mine)(pid=mine.pid, started="earlier"), signal.SIGKILL)
    assert kin.members(where.root, os.getpgid(0)) == []
    assert supervised.end(where) is False


def test_a_stop_leaves_no_process(where: Place) -> None:
    assert start(where, program(WAITS))
    assert len(marked(where)) == 1
    supervisor = known(where).supervisor
    assert supervised.end(where) is True
    assert marked(where) == []
    assert not kin.lives(supervisor)
    assert supervised.end(where) is False


def test_one_that_hears_no_sigterm_is_killed_when_its_time_is_over(where: Place) -> None:
    assert start(where, program(DEAF, grace=0.2))
    assert kin.until(lambda: _ignores_sigterm(child_of(where).pid), PATIENCE)
    assert supervised.end(where) is True
    assert marked(where) == []
    assert any("did not end in 0.2 s: killed" in line for line in tail(where.log, 5))


def _ignores_sigterm(pid: int) -> bool:
    said = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(said["SigIgn"], 16) >> (signal.SIGTERM - 1) & 1)  # a mask, proc(5)


def test_what_left_the_family_outlives_it(where: Place, tmp_path: Path) -> None:
    said = tmp_path / "pid"
    text = (
        "import subprocess, sys\n"
        f"job = subprocess.Popen([sys.executable, '-c', {WAITS!r}], start_new_session=True)\n"
        f"open({str(said)!r}, 'w').write(f'{{job.pid}} ')\n{WAITS}"
    )
    assert start(where, program(text))
    assert kin.until(lambda: said.exists() and said.read_text().endswith(" "), PATIENCE)
    job = kin.life(int(said.read_text()))
    supervised.end(where)
    assert kin.lives(job)
    kin.send(job, signal.SIGKILL)
    assert kin.until(lambda: not kin.lives(job), PATIENCE)


def test_two_starts_at_once_make_one(where: Place) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: start(where, program(WAITS)), range(4))) == [0, 0, 0, 1]
    assert len(marked(where)) == 1


def test_one_that_runs_for_another_configuration_is_not_taken_for_ours(where: Place) -> None:
    assert start(where, program(WAITS))
    other = Program(argv=(sys.executable, "-c", WAITS), config="b.yaml")
    with pytest.raises(UnavailableError, match=r"runs already, with a.yaml.*cm service stop"):
        start(where, other)


def test_one_that_does_not_start_says_why_and_is_gone(where: Place) -> None:
    wrong = program("raise SystemExit('no such cloud')")
    with pytest.raises(UnavailableError, match=r"does not start: no such cloud; see .*standin.log"):
        supervised.launch(where, wrong, ready=lambda _: False, patience=PATIENCE)
    assert not supervised.supervised(where)
    missing = Program(argv=(str(where.root / "nothing"),))
    with pytest.raises(UnavailableError, match="does not start"):
        start(where, missing)
    assert any("cannot run" in line for line in tail(where.log, 5))


def test_one_that_is_not_ready_in_time_is_gone(where: Place) -> None:
    parts: list[float] = []
    with pytest.raises(UnavailableError, match=r"is not ready after 0\.5 s"):
        supervised.launch(
            where, program(WAITS), ready=lambda _: False, patience=0.5, told=parts.append
        )
    assert parts == sorted(parts)
    assert marked(where) == []


def test_its_words_are_kept_in_logs_of_a_limited_size(where: Place) -> None:
    text = f"import sys\nfor n in range(2000): print('line', n)\nsys.stdout.flush()\n{WAITS}"
    argv = (sys.executable, "-u", "-c", text)
    assert start(where, Program(argv=argv, log_size=4000, log_count=2))
    assert kin.until(lambda: tail(where.log, 1) == ["line 1999"], PATIENCE)
    logs = sorted(p.name for p in where.root.glob("standin.log*"))
    assert logs == ["standin.log", "standin.log.1", "standin.log.2"]
    found = tail(where.log, 100)
    assert found == [f"line {n}" for n in range(1900, 2000)]


def test_a_pid_file_tells_what_runs(where: Place) -> None:
    assert start(where, program(WAITS))
    found = psutil.Process(child_of(where).pid)
    assert found.cmdline()[-1] == WAITS
    assert found.ppid() == known(where).supervisor.pid
    assert os.getsid(found.pid) == found.pid
    assert where.state.stat().st_mode & 0o077 == 0
