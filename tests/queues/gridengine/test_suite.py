"""The example driver for Grid Engine keeps all promises of a queue, on a real Grid Engine."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from cloudmesh_gridengine import GridEngineQueue, GridEngineSettings
from tests.labs.gridengine_lab import GridEngineLab

from cloudmesh_sdk.testing import CANARY, HistorySuite, OutputSuite, QueueSuite

pytestmark = pytest.mark.gridengine

Opened = Callable[..., GridEngineQueue]

REFUSED = """
echo 'error: commlib error: access denied (client IP resolved to host name "x")' >&2
echo 'error: unable to contact qmaster using port 6444 on host "y"' >&2
exit 1
"""
STRANGE = """
cat <<'END'
<?xml version='1.0'?>
<job_info><queue_info><Queue-List><name>india.q@one</name></Queue-List></queue_info>
<job_info><job_list state="pending"><JB_job_number>1</JB_job_number><JB_owner>albert</JB_owner>
<state>MOONWALK</state><full_job_name>odd</full_job_name></job_list></job_info></job_info>
END
"""
LOST = "Unable to run job: failed receiving gdi request response for mid=1 (got syncron message"


def command(directory: Path, name: str, body: str) -> Path:
    """Write a command that stands in for a real one; return its directory."""
    path = directory / name
    path.write_text(f"#!/bin/sh\n{body}")
    path.chmod(0o755)
    return directory


class TestGridEngineQueue(QueueSuite, HistorySuite, OutputSuite):
    step: ClassVar[float] = 0.2
    index_variable: ClassVar[str] = "$SGE_TASK_ID"
    waits: ClassVar[tuple[str, ...]] = ("afterany",)

    lacks: ClassVar[dict[str, str]] = {
        "a_job_for_a_success_that_never_comes_does_not_run": (
            "Grid Engine lets a job wait until others are over, however they ended"
        )
    }

    @pytest.fixture
    def opened(self, gridengine_lab: GridEngineLab) -> Iterator[Opened]:
        made: list[GridEngineQueue] = []

        def opened(path: Path = gridengine_lab.commands, timeout: float = 30.0) -> GridEngineQueue:
            settings = GridEngineSettings(path=str(path), timeout=timeout)
            made.append(GridEngineQueue("hpc", settings))
            return made[-1]

        yield opened
        for queue in made:
            queue.close()

    @pytest.fixture
    def queue(self, opened: Opened, gridengine_lab: GridEngineLab) -> GridEngineQueue:
        # jobs that are handed in without a directory write to the home of who does
        type(self).given = {"workdir": str(gridengine_lab.jobs)}
        return opened()

    @pytest.fixture
    def second(self) -> str:
        return "sierra.q"

    @pytest.fixture
    def refused(self, opened: Opened, tmp_path: Path) -> GridEngineQueue:
        return opened(command(tmp_path, "qstat", REFUSED + f"# {CANARY}"))

    @pytest.fixture
    def unreachable(
        self, opened: Opened, gridengine_lab: GridEngineLab, tmp_path: Path
    ) -> GridEngineQueue:
        real = gridengine_lab.commands / "qstat"
        return opened(command(tmp_path, "qstat", f'SGE_QMASTER_PORT=9 exec {real} "$@"'))

    @pytest.fixture
    def hanging(self, opened: Opened, tmp_path: Path) -> GridEngineQueue:
        return opened(command(tmp_path, "qstat", "exec sleep 30"), timeout=self.deadline)

    @pytest.fixture
    def garbage(self, opened: Opened, tmp_path: Path) -> GridEngineQueue:
        return opened(command(tmp_path, "qstat", "echo 'PANIC: out of cheese'"))

    @pytest.fixture
    def unknown_state(self, opened: Opened, tmp_path: Path) -> GridEngineQueue:
        return opened(command(tmp_path, "qstat", STRANGE))

    @pytest.fixture
    def lossy(
        self, queue: GridEngineQueue, opened: Opened, gridengine_lab: GridEngineLab, tmp_path: Path
    ) -> Iterator[GridEngineQueue]:
        gridengine_lab.as_user(tmp_path, None)
        real = gridengine_lab.commands / "qsub"
        once = f'[ -e "$0.lost" ] && exec {real} "$@"\ntouch "$0.lost"\n{real} "$@" > /dev/null\n'
        yield opened(command(tmp_path, "qsub", f"{once}echo '{LOST}' >&2\nexit 1\n"))
        gridengine_lab.run("qdel", "-u", "root")
