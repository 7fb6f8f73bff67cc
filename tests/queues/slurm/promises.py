"""Fixtures of the suites of Slurm: by any way of asking it, and by its commands."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.labs.slurm.lab import free_base
from tests.labs.slurm_lab import SlurmLab
from tests.queues.slurm.fakes import SQUEUE, UP, Fakes

from cloudmesh_sdk.queues.slurm import SlurmQueue, SlurmSettings
from cloudmesh_sdk.testing import HistorySuite, OutputSuite, QueueSuite
from cloudmesh_sdk.testing.clouds import CANARY
from cloudmesh_sdk.testing.suite import wanted

Opened = Callable[..., SlurmQueue]

REFUSED = """
sys.stderr.write("slurm_load_jobs error: Protocol authentication error\\n")
sys.exit(1)
"""
STRANGE = '{"JobID": "1", "State": "MOONWALK", "Partition": "india", "UserName": "albert"}'
ONCE = """#!/bin/sh
/usr/bin/sbatch "$@" > "$0.said" || exit
if [ -e "$0.lost" ]; then cat "$0.said"; exit; fi
touch "$0.lost"
echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2
exit 1
"""


class SlurmSuite(QueueSuite, HistorySuite, OutputSuite):
    """To be inherited with a fixture `settings`: how Slurm is asked."""

    patience: ClassVar[float] = 90.0
    step: ClassVar[float] = 0.2
    shortest: ClassVar[int] = 60
    transport: ClassVar[str] = "auto"

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        """Give what all queues of a suite are opened with."""
        wanted(self, "settings", "such as the host to log in to")

    @pytest.fixture
    def opened(self, settings: Mapping[str, Any]) -> Iterator[Opened]:
        made: list[SlurmQueue] = []

        def opened(**chosen: Any) -> SlurmQueue:
            all_chosen = {"transport": self.transport, **settings, **chosen}
            made.append(SlurmQueue("hpc", SlurmSettings(**all_chosen)))
            return made[-1]

        yield opened
        for queue in made:
            queue.close()

    @pytest.fixture
    def queue(self, opened: Opened, slurm_accounting_lab: SlurmLab) -> SlurmQueue:
        # jobs that are handed in without a directory run in one that is gone with the lab
        type(self).given = {"workdir": str(slurm_accounting_lab.jobs)}
        return opened()

    @pytest.fixture
    def second(self) -> str:
        return "sierra"


class SlurmPromises(SlurmSuite):
    """By commands; `settings` tells where they run."""

    transport: ClassVar[str] = "command"

    @pytest.fixture
    def refused(self, opened: Opened, fakes: Fakes) -> SlurmQueue:
        fakes.command("squeue", REFUSED)
        return opened(path=str(fakes.directory), token=CANARY)

    @pytest.fixture
    def unreachable(
        self, opened: Opened, slurm_accounting_lab: SlurmLab, tmp_path: Path
    ) -> SlurmQueue:
        conf = slurm_accounting_lab.lab.conf
        port = f"SlurmctldPort={slurm_accounting_lab.lab.base}\n"
        text = conf.read_text()
        assert port in text
        away = tmp_path / "slurm.conf"
        away.write_text(text.replace(port, f"SlurmctldPort={free_base()}\n"))
        for name in ("squeue", "scontrol"):
            command = tmp_path / name
            command.write_text(f'#!/bin/sh\nSLURM_CONF={away} exec /usr/bin/{name} "$@"\n')
            command.chmod(0o755)
        return opened(path=str(tmp_path))

    @pytest.fixture
    def hanging(self, opened: Opened, fakes: Fakes) -> SlurmQueue:
        for name in ("squeue", "scontrol"):
            fakes.command(name, "time.sleep(30)")
        return opened(path=str(fakes.directory), timeout=self.deadline)

    @pytest.fixture
    def garbage(self, opened: Opened, fakes: Fakes) -> SlurmQueue:
        fakes.command("squeue", "print('PANIC: out of cheese')")
        return opened(path=str(fakes.directory))

    @pytest.fixture
    def unknown_state(self, opened: Opened, fakes: Fakes) -> SlurmQueue:
        (fakes.directory / "jobs.json").write_text(f"[{STRANGE}]")
        fakes.command("squeue", SQUEUE)
        fakes.command("scontrol", UP)
        return opened(path=str(fakes.directory))

    @pytest.fixture
    def lossy(
        self, opened: Opened, queue: SlurmQueue, slurm_accounting_lab: SlurmLab, tmp_path: Path
    ) -> Iterator[SlurmQueue]:
        slurm_accounting_lab.as_user(tmp_path, "root")  # a lab of our own: all jobs are ours
        (tmp_path / "sbatch").write_text(ONCE)
        yield opened(path=str(tmp_path))
        slurm_accounting_lab.run("scancel", "--user=root")
