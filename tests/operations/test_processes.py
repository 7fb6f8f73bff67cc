"""Several processes, one mesh."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cloudmesh_sdk.mesh import Mesh

START = """
import sys
from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
with Mesh.open("mongo", config=Config.load(sys.argv[1])) as mesh:
    sys.stdin.readline()
    print("\\n".join(s.name for s in mesh.start(count=int(sys.argv[2])).complete()))
"""


def _start(config: Path, count: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", START, str(config), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.timeout(300)
def test_eight_processes_starting_25_servers_each_get_200_names(config: Path, keeper: Mesh) -> None:
    processes = [_start(config, 25) for _ in range(8)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    names: list[str] = []
    for process in processes:
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        names += out.split()
    assert len(names) == len(set(names)) == 200
    assert {s.name for s in keeper.clouds["india"].servers()} == set(names)
    assert {s.name for s in keeper.servers("india")} == set(names)


def test_a_server_started_in_the_shell_is_seen_here_at_once(config: Path, keeper: Mesh) -> None:
    assert keeper.servers("india") == []
    cm = str(Path(sys.executable).with_name("cm"))
    command = [cm, "vm", "start", "--format", "json"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={"CLOUDMESH_CONFIG": str(config), "PATH": "/usr/bin:/bin", "HOME": str(config.parent)},
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert [s.name for s in keeper.servers("india")] == [row["name"]]
    assert keeper.server("india", row["name"]).native


REFRESH = """
import sys
from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
with Mesh.open("mongo", config=Config.load(sys.argv[1])) as mesh:
    print("ready", flush=True)
    sys.stdin.readline()
    for row in mesh.refresh(kinds=["servers"]).complete():
        print(row.new + row.changed + row.same)
"""


def test_several_processes_refresh_at_once_and_one_goes_on_listing(
    config: Path, keeper: Mesh
) -> None:
    keeper.start(count=40).complete()
    keeper.refresh(kinds=["servers"])
    changed = keeper.servers("india")[:10]
    for server in changed:
        keeper.clouds["india"].stop(server)
    others = [
        subprocess.Popen(
            [sys.executable, "-c", REFRESH, str(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in others:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in others:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    while any(process.poll() is None for process in others):
        assert len(keeper.servers("india")) == 40, "a reader never sees a gap"
    for process in others:
        out, err = process.communicate()
        assert process.returncode == 0, err
        assert out == "40\n"
    stopped = {server.id for server in keeper.servers("india", state="stopped")}
    assert stopped == {server.id for server in changed}
    assert [e.what for e in keeper.history(changed[0])].count("state") == 1, "told once"


BUSY = """
import sys, threading
from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConflictError, ThrottledError
from cloudmesh_sdk.mesh import Mesh
def busy(request):
    raise ThrottledError("too many requests", retry_after=250)
with Mesh.open("mongo", config=Config.load(sys.argv[1])) as mesh:
    mesh.clouds["india"].start = busy
    if sys.argv[2] == "serve":
        stop = threading.Event()
        threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
        mesh.serve(stop)
    else:
        try:
            mesh.start(name="web")
        except ConflictError as error:
            print(error)
"""


@pytest.mark.parametrize("how", ["serve", "start"])
def test_what_another_process_runs_is_cancelled_from_here(
    config: Path, keeper: Mesh, how: str
) -> None:
    if how == "serve":
        keeper.later.elsewhere.start(name="web", cloud="india")
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY, str(config), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60
    while not (found := keeper.operations(state="unknown")):
        assert time.monotonic() < end, "it was refused"
        time.sleep(0.05)
    now = keeper.cancel_operation(found[0].id)
    why = "india shows nothing of it, and it was not sent again"
    assert (now.state, now.attempts, now.runner) == ("cancelled", 1, found[0].runner)
    assert now.error is not None
    assert now.error.message == why
    out, err = process.communicate("stop\n", timeout=60)
    assert process.returncode == 0, err
    said = {"serve": "", "start": f"start web ({now.id}) was cancelled: {why}\n"}
    assert out == said[how]
    assert not [*keeper.clouds["india"].servers()]
