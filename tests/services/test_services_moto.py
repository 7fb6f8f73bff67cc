"""The EC2 server of the demo: on loopback only, ended by its starter or by name, never lost."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cloudmesh_sdk.errors import PluginError
from cloudmesh_sdk.services import moto

PATIENCE = 20.0


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/moto-api/", timeout=10):
            return True
    except OSError:
        return False


def gone(pid: int) -> bool:
    end = time.monotonic() + PATIENCE
    while moto.alive(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def staying(tmp_path: Path) -> Iterator[moto.Moto]:
    """A server that outlives its starter, started by a process that is gone."""
    code = (
        "import sys; from pathlib import Path; from cloudmesh_sdk.services import moto\n"
        "server = moto.start(Path(sys.argv[1]), stay=True); print(server.url, server.pid)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    url, pid = done.stdout.split()
    yield moto.Moto(url=url, pid=int(pid))
    moto.stop(tmp_path)


def test_it_answers_on_loopback_and_nowhere_else(staying: moto.Moto) -> None:
    assert staying.url.startswith("http://127.0.0.1:")
    assert answers(staying.url)
    listening = [c for c in psutil.Process(staying.pid).net_connections() if c.status == "LISTEN"]
    assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}


def test_one_that_stays_is_stopped_by_its_directory(staying: moto.Moto, tmp_path: Path) -> None:
    found = moto.running(tmp_path)
    assert found is not None
    assert found.pid == staying.pid
    moto.stop(tmp_path)
    assert gone(staying.pid)
    assert moto.running(tmp_path) is None
    moto.stop(tmp_path)  # again is no error


def test_one_that_does_not_stay_dies_with_its_starter(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from cloudmesh_sdk.services import moto\n"
        "server = moto.start(Path(sys.argv[1])); print(server.pid, flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as starter:  # fmt: skip
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert moto.alive(pid)
        starter.kill()
    assert gone(pid)


def test_it_checks_what_ec2_checks(staying: moto.Moto) -> None:
    body = "Action=RunInstances&Version=2016-11-15&ImageId=ami-nothing&MinCount=1&MaxCount=1"
    request = urllib.request.Request(
        staying.url,
        data=body.encode(),
        headers={"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/ec2/x"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    with refused.value as answer:
        assert "InvalidAMIID" in answer.read().decode()


def test_without_moto_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "moto").mkdir()
    (tmp_path / "moto" / "__init__.py").write_text("raise ModuleNotFoundError('No module named x')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(PluginError, match=r"pip install 'cloudmesh-sdk\[demo\]'"):
        moto.start(tmp_path)
    assert moto.running(tmp_path) is None


def test_a_process_id_that_was_used_again_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "moto.json").write_text(f'{{"url": "", "pid": {psutil.Process().pid}}}')
    assert moto.running(tmp_path) is None
    (tmp_path / "moto.json").write_text("no JSON")
    assert moto.running(tmp_path) is None
