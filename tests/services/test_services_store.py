"""The embedded MongoDB of a configuration is started, told and stopped by name."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError, StoreError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.services import store
from cloudmesh_sdk.shell.result import Result, run
from cloudmesh_sdk.shell.session import Session


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "cloudmesh.yaml"
    path.write_text(f'store: {{directory: "{tmp_path}/mongo", linger: 60}}\n')
    yield path
    store.stop(Config.load(path), force=True)


@pytest.fixture
def cm(path: Path) -> Iterator[Callable[[str], Result]]:
    session = Session(config=str(path), embedded=True)
    yield lambda line: run(line, session=session)
    session.close()


def test_it_is_started_once_and_stopped_once(path: Path) -> None:
    config = Config.load(path)
    assert store.status(config).running is False
    first = store.start(config)
    assert first.running
    assert store.start(config).pid == first.pid == store.status(config).pid
    assert store.stop(config).running is False
    assert store.stop(config).running is False


def test_one_in_use_is_stopped_only_by_force(path: Path) -> None:
    config = Config.load(path)
    with Mesh.open("mongo", config=config) as mesh:
        mesh.default("format", "json")
        with pytest.raises(StoreError, match="force"):
            store.stop(config)
        assert store.stop(config, force=True).running is False


@pytest.mark.parametrize("act", [store.start, store.stop, store.status])
def test_a_mongodb_of_ones_own_is_not_ours_to_manage(act: Callable[[Config], object]) -> None:
    config = Config.parse("store: {uri: 'mongodb://127.0.0.1:1/'}")
    with pytest.raises(ConfigError, match="not ours to manage"):
        act(config)


def test_the_shell_starts_tells_and_stops_it(cm: Callable[[str], Result]) -> None:
    assert cm("service status").exit_code == 1
    assert json.loads(cm("service start --format json").output)["running"] is True
    assert cm("cloud list").exit_code == 0
    told = cm("service status store")
    assert told.exit_code == 0
    assert "running    yes" in told.output.splitlines()
    assert cm("service stop").exit_code == 0
    assert cm("service status").exit_code == 1


def test_every_process_finds_what_another_one_did(cm: Callable[[str], Result], path: Path) -> None:
    path.write_text(path.read_text() + "clouds: {a: {driver: memory, servers: 1}}\n")
    assert "seed-0001" in cm("vm list").output
    done = subprocess.run(
        [str(Path(sys.executable).with_name("cm")), "--config", str(path), "default", "set",
         "image", "img-0002", "--cloud", "a"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "image at a is img-0002: set for a" in done.stderr
    assert "img-0002" in cm("default why image --cloud a").output
