"""Lists that stay: lines for programs, a table on a terminal, until Ctrl-C."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from tests.store.store_tools import end_all, private_directory

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.store.mongo.places import place

INTERVAL = 1.0
"""Seconds between two questions to the queue manager, for all who look together."""

HEAD = "at,what,kind,cloud,name,id,state,detail\n"
"""What comes first as csv, once it listens."""

CM = "from cloudmesh_sdk.shell.start import main; main()"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A configuration whose store is an embedded server, for several processes."""
    folder = tmp_path_factory.mktemp("watch")
    directory = private_directory(folder)
    path = folder / "cloudmesh.yaml"
    path.write_text(
        "profile: {username: albert}\n"
        f'clouds: {{india: {{driver: memory, servers: 1, file: "{folder}/india.json"}}}}\n'
        f'queues: {{laptop: {{driver: local, directory: "{folder}/jobs", interval: {INTERVAL}}}}}\n'
        f"store: {{directory: {directory}, linger: 0}}\n"
    )
    path.chmod(0o600)
    yield path
    end_all(place(directory))


@pytest.fixture
def mesh(shared: Path) -> Iterator[Mesh]:
    with Mesh.open("mongo", config=Config.load(str(shared))) as mesh:
        mesh.refresh().complete()
        yield mesh


@contextmanager
def watched(shared: Path, *words: str, stdout: int) -> "Iterator[subprocess.Popen[str]]":
    """Run a list that stays; a test that fails takes it along."""
    with subprocess.Popen(
        [sys.executable, "-c", CM, *words, "--watch"],
        stdout=stdout, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "CLOUDMESH_CONFIG": str(shared), "COLUMNS": "200", "TERM": "xterm"},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def interrupted(process: "subprocess.Popen[str]") -> int:
    process.send_signal(signal.SIGINT)
    return process.wait(30)


def test_programs_get_an_object_a_line(shared: Path, mesh: Mesh) -> None:
    words = ("op", "list", "--format", "json")
    with watched(shared, *words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        stdout, lines = process.stdout, list[str]()
        reader = threading.Thread(target=lambda: lines.append(stdout.readline()))
        reader.start()
        while reader.is_alive():  # it listens at some time, and tells of the next act then
            mesh.start(cloud="india").complete()
        first = json.loads(lines[0])
        assert (first["kind"], first["cloud"]) == ("operations", "india")
        assert first["detail"].startswith("start")
        assert interrupted(process) == 0


def test_lines_are_of_what_the_list_shows(shared: Path, mesh: Mesh) -> None:
    words = ("vm", "list", "--state", "stopped", "--format", "csv")
    with watched(shared, *words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == HEAD
        server = mesh.start(name="other", cloud="india").one()
        mesh.start(name="never-shown", cloud="india").complete()
        mesh.stop(server).complete()
        names, state = set(), ""
        while state != "stopped":
            _, _, kind, cloud, name, _, state, _ = process.stdout.readline().split(",")
            names.add((kind, cloud, name))
        assert names == {("servers", "india", "other")}
        assert interrupted(process) == 0


def test_a_terminal_shows_the_table_as_it_is_now(shared: Path, mesh: Mesh) -> None:
    ours, theirs = pty.openpty()
    with (
        os.fdopen(ours, "rb", buffering=0) as screen,
        watched(shared, "vm", "list", stdout=theirs) as process,
    ):
        os.close(theirs)
        shown = _until(screen, b"running")
        assert b"drawn" not in shown
        mesh.start(name="drawn", cloud="india").complete()
        assert b"drawn" in _until(screen, b"drawn")
        assert interrupted(process) == 0


def test_whoever_watches_jobs_hears_how_they_end_and_all_ask_once_an_interval(
    shared: Path, mesh: Mesh
) -> None:
    begun = time.monotonic()
    words = ("job", "list", "--name", "watched", "--format", "csv")
    with (
        watched(shared, *words, stdout=subprocess.PIPE) as one,
        watched(shared, *words, stdout=subprocess.PIPE) as two,
    ):
        told = [process.stdout for process in (one, two) if process.stdout is not None]
        assert [lines.readline() for lines in told] == [HEAD, HEAD]  # both listen now
        job = mesh.submit("true", name="watched", machine="laptop")
        mesh.submit("true", name="other", machine="laptop")
        for lines in told:
            state = ""
            while state != "done":
                _, _, kind, cloud, name, id_, state, _ = lines.readline().split(",")
                assert (kind, cloud, name, id_) == ("jobs", "laptop", "watched", job.id)
        for process in (one, two):
            assert interrupted(process) == 0
    (load,) = mesh.queue_load()
    assert (load.by_kind["jobs"] - 1) * INTERVAL <= time.monotonic() - begun


def test_a_terminal_shows_jobs_as_they_are_now(shared: Path, mesh: Mesh) -> None:
    ours, theirs = pty.openpty()
    with (
        os.fdopen(ours, "rb", buffering=0) as screen,
        watched(shared, "job", "list", "--state", "done", stdout=theirs) as process,
    ):
        os.close(theirs)
        _until(screen, b"machine")
        mesh.submit("true", name="drawn-job", machine="laptop")
        _until(screen, b"drawn-job")
        assert interrupted(process) == 0


def _until(screen: IO[bytes], word: bytes) -> bytes:
    """Return what a terminal shows until a word is there."""
    shown = b""
    while word not in shown:
        more = screen.read(4096)
        assert more, shown
        shown += more
    return shown
