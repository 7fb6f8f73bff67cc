"""Several processes, one mesh."""

import json
import subprocess
import sys
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
