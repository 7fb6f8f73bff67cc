"""The demo shows everything once and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cloudmesh_sdk.shell.demo import STEPS

CM = str(Path(sys.executable).with_name("cm"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the demo's files go; whatever runs out of it in the end is an error."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    yield tmp_path
    assert running(tmp_path) == []


def running(place: Path) -> list[str]:
    return [
        " ".join(process.info["cmdline"])
        for process in psutil.process_iter(["cmdline"])
        if any(str(place) in word for word in process.info["cmdline"] or ())
    ]


def files(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.is_file()]


def demo(*args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [CM, "demo", *args], capture_output=True, text=True, check=False, timeout=110
    )


def test_the_demo_shows_every_step_and_leaves_nothing(place: Path) -> None:
    done = demo()
    assert done.returncode == 0, done.stderr
    for number, (title, python, lines) in enumerate(STEPS, start=1):
        assert f"{number}. {title}" in done.stdout
        assert f"Python: {python}" in done.stdout
        assert all(f"$ cm {line}" in done.stdout for line in lines)
    tables = re.split(r"^\$ cm vm list\b.*$", done.stdout, flags=re.MULTILINE)
    for cloud, name in (("east", "web-1"), ("west", "db-1"), ("lab", "seed-0001")):
        assert re.search(rf"^{cloud} +{name} +running", tables[1], re.MULTILINE)
    for cloud, name in (("east", "demo-0001"), ("west", "demo-0002"), ("lab", "demo-0003")):
        assert re.search(rf"^{cloud} +{name} +pending", done.stdout, re.MULTILINE)
        assert re.search(rf"^{cloud} +{name} +running", done.stdout, re.MULTILINE)
        assert re.search(rf"^{cloud} +{name} +stopped", done.stdout, re.MULTILINE)
        assert re.search(rf"^{cloud} +{name} +deleted", done.stdout, re.MULTILINE)
    assert '"instanceId"' in done.stdout
    assert "\nhello from a job\n" in done.stdout
    assert re.search(r"^laptop +2_3 +sweep .* done ", done.stdout, re.MULTILINE)
    assert done.stdout.endswith("nothing is left.\n")
    assert files(place) == []


@pytest.mark.parametrize(
    ("sent", "after"), [(signal.SIGINT, "$ cm refresh"), (signal.SIGTERM, "EC2 API at")]
)
def test_a_demo_that_is_stopped_in_the_middle_leaves_nothing(
    place: Path, sent: signal.Signals, after: str
) -> None:
    with subprocess.Popen(
        [CM, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            if after in line:
                break
        process.send_signal(sent)
        rest = process.stdout.read()
        told = process.stderr.read()
        assert process.wait(60) == 130
    assert "nothing is left" in rest
    assert "Traceback" not in told
    assert "cm: interrupted" in told
    assert files(place) == []


def test_a_demo_that_is_killed_leaves_nothing_running(place: Path) -> None:
    with subprocess.Popen(
        [CM, "demo"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            if "$ cm refresh" in line:
                break
        assert len(running(place)) >= 2
        process.kill()
    end = time.monotonic() + 60
    while running(place):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_demo_that_is_kept_runs_until_it_is_stopped(place: Path) -> None:
    done = demo("--keep")
    assert done.returncode == 0, done.stderr
    exports = dict(re.findall(r"^  export (\w+)='?([^'\n]+)'?$", done.stdout, re.MULTILINE))
    assert set(exports) == {"CLOUDMESH_CONFIG", "CLOUDMESH_DEMO_SECRET"}
    assert (place / "data" / "cloudmesh").stat().st_mode & 0o777 == 0o700
    listed = subprocess.run(
        [CM, "vm", "list", "--refresh"],
        capture_output=True, text=True, check=True, env={**os.environ, **exports},
    )  # fmt: skip
    assert "web-2" in listed.stdout
    again = demo("--keep")
    assert (again.returncode, "cm demo --stop ends it" in again.stderr) == (2, True)
    stopped = demo("--stop")
    assert (stopped.returncode, "nothing is left" in stopped.stdout) == (0, True)
    assert running(place) == []
    assert files(place) == []
    assert demo("--stop").stdout == "No demo is running.\n"
