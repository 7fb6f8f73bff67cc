"""How the lab's servers are started, found again and ended: with small programs in their place."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.labs.openstack import lab as labs, processes, servers, services
from tests.labs.openstack.__main__ import main
from tests.labs.openstack.lab import Lab, LabError
from tests.labs.openstack.processes import Process

SLEEP = "import time; time.sleep(600)"
PARENT = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "{SLEEP}"])
print("both", flush=True)
{SLEEP}
"""
DEAF = f"""
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
{SLEEP}
"""
STARTER = """
import os, signal, sys
from pathlib import Path
from tests.labs.openstack import lab, processes
here = lab.read(Path(sys.argv[1]))
processes.start(here, processes.Process(name="one", argv=(sys.executable, "-c", sys.argv[2])), {})
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(directory=tmp_path, base=labs.FIRST_BASE)
    lab.write()
    lab.log.mkdir()
    lab.run.mkdir()
    yield lab
    services.stop(lab)


def server(code: str) -> Process:
    return Process(name="one", argv=(sys.executable, "-c", code))


def said(lab: Lab, name: str, word: str) -> bool:
    return word in (lab.log / f"{name}.out").read_text()


def test_what_runs_is_not_started_twice(lab: Lab) -> None:
    assert processes.start(lab, server(SLEEP), {})
    assert not processes.start(lab, server(SLEEP), {})
    assert len(processes.marked(lab.directory)) == 1


def test_a_stop_ends_children_too(lab: Lab) -> None:
    processes.start(lab, server(PARENT), {})
    processes.wait("the child", lambda: said(lab, "one", "both"), 30)
    assert len(processes.marked(lab.directory)) == 2
    services.stop(lab)
    assert processes.marked(lab.directory) == []


def test_who_does_not_listen_is_killed(lab: Lab) -> None:
    processes.start(lab, server(DEAF), {})
    processes.wait("the process", lambda: said(lab, "one", "deaf"), 30)
    processes.end(lab, ["one"], patience=0.5)
    assert processes.marked(lab.directory) == []


def test_a_stop_finds_what_a_killed_starter_left(lab: Lab) -> None:
    starter = [sys.executable, "-c", STARTER, str(lab.directory), SLEEP]
    done = subprocess.run(starter, cwd=services.ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert services.running(lab) == ["one"]
    services.stop(lab)
    assert processes.marked(lab.directory) == []


def test_a_stop_finds_what_no_pid_file_tells_of(lab: Lab) -> None:
    processes.start(lab, server(SLEEP), {})
    (lab.run / "one.json").unlink()
    services.stop(lab)
    assert processes.marked(lab.directory) == []


def test_a_pid_that_now_is_somebody_elses_is_left_alone(lab: Lab) -> None:
    me = {"pid": os.getpid(), "created": psutil.Process().create_time() - 3600}
    (lab.run / "one.json").write_text(json.dumps(me))
    assert services.running(lab) == []
    services.stop(lab)


def test_a_server_that_ended_is_told_with_where_to_look(lab: Lab) -> None:
    processes.start(lab, server("pass"), {})
    processes.wait("its end", lambda: processes.leader(lab, "one") is None, 30)
    with pytest.raises(LabError, match=r"one has ended; .*one\.out"):
        processes.must_run(lab, "one")


def test_a_port_of_somebody_else_is_told_before_anything_is_installed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        base = taken.getsockname()[1]
        with pytest.raises(LabError, match=f"wants port {base}, which is in use"):
            services.start(Lab(directory=tmp_path, base=base), print)
    assert labs.read(tmp_path) is None


def test_a_directory_without_a_lab_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stop", str(tmp_path / "nowhere")]) == 1
    assert "there is no lab in" in capsys.readouterr().err


def test_a_lab_is_read_as_it_was_written(tmp_path: Path) -> None:
    lab = Lab(directory=tmp_path, base=31000, options=labs.Options(page_limit=7), volumes=False)
    lab.write()
    assert labs.read(tmp_path) == lab


def test_the_database_can_reach_its_files_whoever_may_enter_above(tmp_path: Path) -> None:
    assert servers.database_user(Lab(directory=Path("/no-such-place/lab"), base=31000)) == "mysql"
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert servers.database_user(Lab(directory=closed / "lab", base=31000)) == "root"


def test_the_socket_of_a_lab_deep_down_has_a_path_that_is_short_enough(tmp_path: Path) -> None:
    near = Lab(directory=Path("/srv/lab"), base=31000)
    assert near.socket == Path("/srv/lab/state/mysql/s.sock")
    deep = Lab(directory=tmp_path / ("d" * 90), base=31000)
    assert len(str(deep.socket)) < 108
