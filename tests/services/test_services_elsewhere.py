"""`cm service status` shows the living workers of the store, on whichever machine they are."""

import csv
import io
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import Worker
from cloudmesh_sdk.services import control, kin, store
from cloudmesh_sdk.shell.result import Result, run
from cloudmesh_sdk.shell.session import Session

PATIENCE = 20.0
FAR = Worker(
    id="far.example.org/12/7", host="far.example.org", pid=12, concurrency=16, running=3,
    since=datetime(2026, 1, 2, tzinfo=UTC),
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "cloudmesh.yaml"
    path.write_text(
        f'store: {{directory: "{tmp_path}/mongo", linger: 60}}\n'
        f'clouds: {{a: {{driver: memory, file: "{tmp_path}/a.json", limits: {{parallel: 5}}}}}}\n'
    )
    yield path
    control.stop(Config.load(path), "worker")
    store.stop(Config.load(path), force=True)


@pytest.fixture
def cm(path: Path) -> Iterator[Callable[[str], Result]]:
    session = Session(config=str(path), embedded=True)
    yield lambda line: run(line, session=session)
    session.close()


def rows(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(result.output)
    return found


def test_workers_of_other_machines_are_shown_after_the_services_of_this_one(
    cm: Callable[[str], Result], path: Path
) -> None:
    cm("service start worker")
    with Mesh.open(config=Config.load(path)) as mesh:
        assert kin.until(lambda: len(mesh.workers()) == 1, PATIENCE)
        mesh.store.workers.beat(FAR, lease=60)
        told = cm("service status --format json")
        *services, far = rows(told)
        assert [one["name"] for one in services] == list(control.NAMES)
        assert {one["host"] for one in services} == {socket.gethostname()}
        (mine,) = (one for one in services if one["name"] == "worker")
        assert (mine["state"], mine["working"], mine["concurrency"]) == ("running", 0, 5)
        names = ("name", "host", "state", "pid", "working", "concurrency")
        assert [far[name] for name in names] == [
            "worker", "far.example.org", "running", 12, 3, 16,
        ]  # fmt: skip
        assert far["heard"] > far["since"]
        assert (told.exit_code, told.error) == (0, "")
        (line,) = csv.DictReader(
            io.StringIO(cm("service status --format csv --where pid=12").output)
        )
        assert (line["host"], line["working"]) == ("far.example.org", "3")
        table = cm("service status --columns name,host,heard").output.splitlines()
        assert table[-1].split()[:2] == ["worker", "far.example.org"]
        assert table[-1].endswith("just now")
        one = cm("service status worker --format json")
        assert json.loads(one.output)["host"] == socket.gethostname()
        assert "1 more of this store live" in one.error
        mesh.store.workers.leave(FAR.id)
        assert len(rows(cm("service status --format json"))) == len(control.NAMES)


def test_a_worker_that_no_service_is_lives_as_long_as_it_serves(
    cm: Callable[[str], Result], path: Path
) -> None:
    stop = threading.Event()
    with Mesh.open(config=Config.load(path)) as mesh:
        thread = threading.Thread(target=mesh.serve, args=(stop,))
        thread.start()
        try:
            assert kin.until(lambda: len(mesh.workers()) == 1, PATIENCE)
            *_, own, _, last = rows(cm("service status --format json"))
            assert (own["name"], own["state"]) == ("worker", "stopped")
            assert (last["name"], last["concurrency"]) == ("worker", 5)
            assert last["pid"] == mesh.workers()[0].pid
        finally:
            stop.set()
            thread.join(PATIENCE)
        assert mesh.workers() == []


def test_one_that_was_killed_is_not_taken_to_live_where_its_machine_knows_better(
    cm: Callable[[str], Result], path: Path
) -> None:
    here, (pid, start) = socket.gethostname(), (os.getpid(), kin.myself().started)
    ids = {"killed": f"{here}/{pid}/0.1", "alive": f"{here}/{pid}/{start}/7"}
    with Mesh.open(config=Config.load(path)) as mesh:
        for id in ids.values():  # noqa: A001
            mesh.store.workers.beat(attrs.evolve(FAR, id=id, host=here, pid=pid), lease=60)
        assert [worker.id for worker in mesh.workers()] == [ids["alive"]]
        assert len(rows(cm("service status --format json"))) == len(control.NAMES) + 1


def test_a_store_that_does_not_run_is_told_and_not_started(cm: Callable[[str], Result]) -> None:
    told = cm("service status --format json")
    assert [one["name"] for one in rows(told)] == list(control.NAMES)
    assert told.error == (
        "workers of other machines could not be asked for: the store does not run\n"
    )
    assert json.loads(cm("service status store --format json").output)["running"] is False


def test_a_store_that_does_not_answer_hides_nothing_of_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "cloudmesh.yaml"
    path.write_text("store: {uri: 'mongodb://albert:geheim@127.0.0.1:1/'}\n")
    told = run("service status --format json", session=Session(config=str(path), embedded=True))
    assert [one["name"] for one in rows(told)] == list(control.KINDS)
    *_, line = told.error.splitlines()
    assert "other machines could not be asked for: the MongoDB at 127.0.0.1:1 does not" in line
    assert "geheim" not in line
