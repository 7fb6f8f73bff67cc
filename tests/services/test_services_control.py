"""Services by name: `cm service` starts, tells, restarts and stops real workers."""

import configparser
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tests.services.standin import PATIENCE, QUICK, WAITS, program

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError, UnavailableError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import OperationState
from cloudmesh_sdk.services import control, kin, places, store, supervised, systemd
from cloudmesh_sdk.services.records import State
from cloudmesh_sdk.shell.result import Result, run
from cloudmesh_sdk.shell.session import Session

CM = str(Path(sys.executable).with_name("cm"))


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "cloudmesh.yaml"
    path.write_text(
        f'store: {{directory: "{tmp_path}/mongo", linger: 60}}\n'
        f'clouds: {{a: {{driver: memory, servers: 1, file: "{tmp_path}/a.json"}}}}\n'
    )
    yield path
    config = Config.load(path)
    for name in control.KINDS:
        control.stop(config, name)
    store.stop(config, force=True)


@pytest.fixture
def config(path: Path) -> Config:
    return Config.load(path)


@pytest.fixture
def cm(path: Path) -> Iterator[Callable[[str], Result]]:
    session = Session(config=str(path), embedded=True)
    yield lambda line: run(line, session=session)
    session.close()


def shown(result: Result) -> dict[str, dict[str, object]]:
    found = json.loads(result.output)
    return {one["name"]: one for one in (found if isinstance(found, list) else [found])}


def back(config: Config) -> bool:
    """Tell whether a worker was started again, once, and works."""
    found = control.status(config, "worker")
    return found.restarts == 1 and found.heard is not None


def call(path: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [CM, "--config", str(path), *words], capture_output=True, text=True, check=True
    )


def test_a_worker_does_what_another_process_asked_for(
    cm: Callable[[str], Result], config: Config, path: Path
) -> None:
    started = shown(cm("service start worker --format json"))["worker"]
    assert started["state"] == "running"
    assert started["heard"]
    call(path, "vm", "start", "x1", "--async")
    with Mesh.open(config=config) as mesh:
        (operation,) = mesh.operations()
        done = mesh.wait_operations([operation], timeout=PATIENCE)
        assert [found.state for found in done] == [OperationState.DONE]
        mesh.refresh("a")
        assert [server.name for server in mesh.servers("a", name="x1")] == ["x1"]


def test_a_worker_is_started_once_comes_back_and_is_stopped(
    cm: Callable[[str], Result], config: Config, path: Path
) -> None:
    words = [CM, "--config", str(path), "service", "start", "worker", "--format", "json"]
    two = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    pids = {json.loads(one.communicate(timeout=60)[0])["pid"] for one in two}
    assert len(pids) == 1
    (pid,) = pids
    assert psutil.Process(pid).environ()["CLOUDMESH_CONFIG"] == str(path)
    os.kill(pid, signal.SIGKILL)
    assert kin.until(lambda: back(config), PATIENCE)
    found = control.status(config, "worker")
    assert found.pid not in (None, pid)
    assert "killed by SIGKILL" in cm("service logs worker").output
    again = shown(cm("service restart worker --format json"))["worker"]
    assert again["restarts"] == 0
    assert again["pid"] != found.pid
    assert shown(cm("service stop worker --format json"))["worker"]["state"] == "stopped"
    assert cm("service status worker").exit_code == 1


def test_status_shows_all_and_stop_stops_all(cm: Callable[[str], Result]) -> None:
    before = cm("service status --format json")
    assert before.exit_code == 1
    assert {name: one["state"] for name, one in shown(before).items()} == dict.fromkeys(
        control.NAMES, "stopped"
    )
    cm("service start store worker")
    after = cm("service status --format json")
    assert after.exit_code == 0
    running = {name for name, one in shown(after).items() if one["state"] == "running"}
    assert running == {"store", "worker"}
    stopped = cm("service stop --format json")
    assert {one["state"] for one in shown(stopped).values()} == {"stopped"}
    assert set(shown(stopped)) == set(control.NAMES)


def test_one_that_crashed_is_told(cm: Callable[[str], Result], config: Config) -> None:
    store.start(config)
    where = places.place(config, "refresher")
    supervised.launch(where, program(WAITS), ready=kin.lives)
    found = control.status(config, "refresher")
    assert (found.state, found.restarts) == (State.RUNNING, 0)
    known = supervised.known(where)
    assert known is not None
    assert known.child is not None
    os.kill(known.supervisor.pid, signal.SIGKILL)
    assert kin.until(lambda: not kin.lives(known.supervisor), PATIENCE)
    told = cm("service status")
    assert told.exit_code == 1
    assert "refresher: its supervisor was killed" in told.error
    assert shown(cm("service status refresher --format json"))["refresher"]["state"] == "crashed"
    cm("service stop refresher")
    assert cm("service status").exit_code == 0


def test_a_worker_that_cannot_start_says_why(tmp_path: Path, path: Path) -> None:
    text = path.read_text().replace("linger: 60", f'mongod: "{tmp_path}/no-mongod"')
    path.write_text(text)
    with pytest.raises(UnavailableError, match=r"worker does not start: .*no-mongod"):
        control.start(Config.load(path), "worker")
    assert control.status(Config.load(path), "worker").pid is None


def test_logs_are_followed_until_ctrl_c(config: Config, path: Path) -> None:
    where = places.place(config, "worker")
    talks = "import time\nn = 0\nwhile True: print('line', n); n += 1; time.sleep(0.05)"
    supervised.launch(where, program(talks, pace=QUICK), ready=kin.lives)
    words = [CM, "--config", str(path), "service", "logs", "worker", "-n", "0", "--follow"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        first, second = (int(reader.stdout.readline().split()[1]) for _ in range(2))
        reader.send_signal(signal.SIGINT)
        assert reader.wait(PATIENCE) == 130
    assert second == first + 1


def test_names_are_put_in_order_and_wrong_ones_told(cm: Callable[[str], Result]) -> None:
    assert control.in_order(("worker", "store", "worker")) == ("store", "worker")
    with pytest.raises(ConfigError, match="did you mean worker"):
        control.in_order(("wroker",))
    assert cm("service start wroker").exit_code == 2


def test_a_mongodb_of_ones_own_leaves_the_others_to_us(tmp_path: Path) -> None:
    path = tmp_path / "uri.yaml"
    path.write_text("store: {uri: 'mongodb://127.0.0.1:1/'}\n")
    session = Session(config=str(path), embedded=True)
    told = run("service status --format json", session=session)
    assert set(shown(told)) == set(control.KINDS)
    assert told.exit_code == 0
    assert "not ours to manage" in told.error


@pytest.mark.parametrize("name", control.KINDS)
def test_a_unit_file_runs_what_the_supervisor_would_run(tmp_path: Path, name: str) -> None:
    path = tmp_path / 'a "good" 100% place' / "cloudmesh.yaml"
    path.parent.mkdir()
    path.write_text("")
    config = Config.load(path)
    (text,) = systemd.units(config, (name,)).values()
    unit = parsed(text)
    # what systemd.service(5) makes of it: quotes, then %% and $$
    said = [
        w.replace("%%", "%").replace("$$", "$") for w in shlex.split(unit["Service", "ExecStart"])
    ]
    assert tuple(said) == control.command(config, name)
    assert unit["Service", "Restart"] == "always"
    assert float(unit["Service", "TimeoutStopSec"]) == control.KINDS[name].grace
    assert unit["Install", "WantedBy"] == "default.target"


def test_jobs_outlive_a_worker_and_nothing_outlives_a_broker(config: Config) -> None:
    units = systemd.units(config, ("broker", "worker"))
    kill = {file: parsed(text)["Service", "KillMode"] for file, text in units.items()}
    assert kill == {
        "cloudmesh-broker.service": "control-group", "cloudmesh-worker.service": "process",
    }  # fmt: skip
    assert "cloudmesh-store.service" in parsed(units["cloudmesh-worker.service"])["Unit", "Wants"]


def test_unit_files_are_printed_and_nothing_is_started(
    cm: Callable[[str], Result], config: Config
) -> None:
    told = cm("service start store worker --systemd")
    assert told.exit_code == 0
    files = [line for line in told.output.splitlines() if line.startswith("# ")]
    assert files == [
        "# ~/.config/systemd/user/cloudmesh-store.service",
        "# ~/.config/systemd/user/cloudmesh-worker.service",
    ]
    assert control.status(config, "store").state is State.STOPPED
    (text,) = systemd.units(config, ("store",)).values()
    assert shlex.split(parsed(text)["Service", "ExecStart"]) == [
        CM, "--config", str(config.path), "service", "start", "store",
    ]  # fmt: skip


def parsed(text: str) -> dict[tuple[str, str], str]:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    return {(part, key): value for part in parser.sections() for key, value in parser[part].items()}
