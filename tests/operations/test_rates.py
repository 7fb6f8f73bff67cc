"""One rate for all processes of a store: counted is when a cloud says that things came to be."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
from tests.operations.cases import never_more

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.operations.gate import scope
from cloudmesh_sdk.pacing import AGE

RATE = 20
PROCESSES = 4
EACH = 10

LATE = 60.0
REFUSED = 5.0
"""Seconds for which a cloud that refused wants to be left alone."""

ASKS = """
import sys
from datetime import UTC, datetime
from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ThrottledError
from cloudmesh_sdk.mesh import Mesh

def refuse(request):
    cloud.start = real
    print(datetime.now(UTC).isoformat(), flush=True)
    raise ThrottledError("india: too many requests", retry_after=float(seconds))

with Mesh.open("mongo", config=Config.load(sys.argv[1])) as mesh:
    cloud = mesh.clouds["india"]
    real = cloud.start
    print("ready", flush=True)
    for line in sys.stdin:
        names, _, seconds = line.strip().partition(" ")
        if seconds:
            cloud.start = refuse
        mesh.start(name=names, cloud="india").complete()
        print("done", flush=True)
"""
"""A process that starts servers for each line it is sent; with seconds, it is refused first."""

Process: TypeAlias = "subprocess.Popen[str]"


@pytest.fixture
def limits() -> str:
    return "{}"


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory, limits: str) -> Path:
    """The path of a cloudmesh.yaml whose store and cloud several processes share."""
    place = tmp_path_factory.mktemp("m")
    path = place / "cloudmesh.yaml"
    path.write_text(
        "profile: {username: albert}\n"
        f"store: {{directory: {place}/mongo, linger: 0}}\n"
        f"clouds:\n  india: {{driver: memory, file: {place}/india.json, limits: {limits}}}\n"
    )
    return path


@pytest.fixture
def mesh(path: Path) -> Iterator[Mesh]:
    with Mesh.open("mongo", config=Config.load(path)) as mesh:
        mesh.refresh()
        yield mesh


def _told(process: Process) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _ask(process: Process, line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


@contextmanager
def _asking(path: Path, count: int) -> Iterator[list[Process]]:
    """Give processes that are ready to start servers."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", ASKS, str(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(count)
    ]  # fmt: skip
    try:
        assert [_told(process) for process in started] == ["ready"] * count
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def _came(mesh: Mesh, prefix: str = "") -> list[datetime]:
    """Return when the cloud says that servers came to be, in order."""
    there = [server for server in mesh.clouds["india"].servers() if server.name.startswith(prefix)]
    return sorted(server.created for server in there if server.created is not None)


@pytest.mark.parametrize("limits", [f"{{rate: {RATE}}}"])
def test_all_processes_together_send_no_faster_than_one_may(path: Path, mesh: Mesh) -> None:
    with _asking(path, PROCESSES) as processes:
        began = datetime.now(UTC)
        for number, process in enumerate(processes):
            _ask(process, f"w{number}-[01-{EACH}]")
        assert [_told(process) for process in processes] == ["done"] * PROCESSES
    came = _came(mesh)
    assert len(came) == PROCESSES * EACH
    assert never_more(came, began, RATE)


def test_what_one_process_was_refused_the_others_wait_for(path: Path, mesh: Mesh) -> None:
    with _asking(path, 2) as (first, *others):
        for number, process in enumerate(others):
            _ask(process, f"before-{number}")
        assert [_told(process) for process in others] == ["done"] * len(others)
        _ask(first, f"refused {REFUSED}")
        refused = datetime.fromisoformat(_told(first))
        where = scope("india", mesh._belonging.account("india"))
        end = time.monotonic() + LATE
        while not mesh.store.rates.slowed(where):
            assert time.monotonic() < end
            time.sleep(0.05)
        time.sleep(AGE)  # so long they may take the cloud to be as it was
        for number, process in enumerate(others):
            _ask(process, f"after-{number}")
        assert [_told(process) for process in (first, *others)] == ["done"] * 2
    opens = refused + timedelta(seconds=REFUSED)
    assert all(moment < opens for moment in _came(mesh, "before"))
    assert len(_came(mesh, "after") + _came(mesh, "refused")) == 2
    assert all(moment >= opens for moment in [*_came(mesh, "after"), *_came(mesh, "refused")])
