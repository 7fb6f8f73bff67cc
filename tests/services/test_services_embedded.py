"""`tasks: {broker: embedded}`: the broker of this place, found and started without any URI."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.labs.rabbit_lab import install

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError, PluginError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import OperationState
from cloudmesh_sdk.services import broker, control, places, store
from cloudmesh_sdk.services.records import State
from cloudmesh_sdk.store.mongo import embedded

PATIENCE = 60.0
CM = str(Path(sys.executable).with_name("cm"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "cloudmesh.yaml"
    path.write_text(
        "profile: {username: albert}\n"
        f'store: {{directory: "{tmp_path}/mongo", linger: 60}}\n'
        f'clouds: {{a: {{driver: memory, file: "{tmp_path}/a.json"}}}}\n'
        "tasks: {broker: embedded, concurrency: 2}\n"
    )
    return path


def test_one_that_was_never_started_is_asked_for_before_anything_is_written_down(
    path: Path,
) -> None:
    config = Config.load(path)
    assert config.warnings == ()
    with Mesh.open("memory", config=config) as mesh:
        mesh.refresh()
        with pytest.raises(ConfigError, match=r"no broker was started in .*service start worker"):
            mesh.later.start(cloud="a", name=["x"])
        assert mesh.operations() == []


def test_a_worker_that_needs_one_names_the_package_that_is_missing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "PROGRAM", path.with_name("rabbitmq-server"))
    with pytest.raises(PluginError, match="apt-get install rabbitmq-server"):
        control.start(Config.load(path), "worker")
    assert control.status(Config.load(path), "worker").state is State.STOPPED


def test_its_uri_is_the_one_that_the_service_writes(path: Path) -> None:
    config = Config.load(path)
    access = broker.prepare(places.place(config, broker.NAME))
    assert config.tasks.uri() == access.uri == broker.uri(config)
    assert access.password not in f"{config!r} {config.tasks!r}"


def test_services_are_where_the_store_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOUDMESH_MONGO_URI", raising=False)
    data = embedded.default_directory()
    assert places.directory(Config()) == data / "services"
    assert places.directory(Config.load(path)) == path.with_name("mongo") / "services"
    monkeypatch.setenv("CLOUDMESH_MONGO_URI", "mongodb://db.example.org/")
    assert places.directory(Config()) == data.parent / "services"
    monkeypatch.delenv("CLOUDMESH_MONGO_URI")
    with pytest.raises(ConfigError, match=r"store\.directory: a path was wanted"):
        places.directory(Config.parse("store: {directory: 7}"))


def test_other_words_are_none(path: Path) -> None:
    text = path.read_text()
    with pytest.raises(ConfigError, match=r"tasks\.broker: .*or embedded was wanted"):
        Config.parse(text.replace("embedded,", "builtin,"))


@pytest.fixture
def started(path: Path) -> Iterator[Config]:
    install()
    config = Config.load(path)
    yield config
    for name in ("worker", "broker"):
        control.stop(config, name)
    store.stop(config, force=True)


@pytest.mark.lab
@pytest.mark.timeout(240)
def test_a_worker_starts_it_and_runs_what_it_gives_out(started: Config, path: Path) -> None:
    words = [CM, "--config", str(path), "service", "start", "worker", "--format", "json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["name"] == "worker"
    assert "the broker was started for it, and stays" in done.stderr
    assert control.status(started, "broker").state is State.RUNNING
    again = subprocess.run(words, capture_output=True, text=True, check=True)
    assert again.stderr == ""
    with Mesh.open("mongo", config=started) as mesh:
        mesh.refresh()
        (operation,) = mesh.later.start(cloud="a", name=["x"])
        (told,) = mesh.wait_operations([operation], timeout=PATIENCE).complete()
        assert told.state is OperationState.DONE
        (worker,) = mesh.workers()
        assert worker.pid == control.status(started, "worker").pid
    control.stop(started, "worker")
    assert control.status(started, "broker").state is State.RUNNING
    control.stop(started, "broker")
    words = [CM, "--config", str(path), "vm", "start", "--cloud", "a", "--async", "y"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    notes = [line for line in done.stderr.splitlines() if "was started for it" in line]
    assert [line.split()[1] for line in notes] == ["broker", "worker"]
    with Mesh.open("mongo", config=started) as mesh:
        (now,) = mesh.wait_operations(mesh.operations(limit=1), timeout=PATIENCE).complete()
    assert (now.target, now.state) == ("y", OperationState.DONE)
