"""Whenever the way to Slurm's commands is cut, a real Slurm has what the journal says."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest
from tests.labs.slurm_lab import SlurmLab
from tests.labs.sshd_lab import Sshd, running_sshd
from tests.queues.batch.ssh_cuts import MOMENTS, SshCuts, ssh_cuts

from cloudmesh_sdk.operations import act
from cloudmesh_sdk.queues.slurm import SlurmQueue, SlurmSettings
from cloudmesh_sdk.testing import Moment, QueueCutSuite

pytestmark = pytest.mark.slurm

CHANGES = {"sbatch": "*", "scancel": "*", "scontrol": '*" hold "*|*" release "*'}


@pytest.fixture(scope="module")
def sshd(slurm_lab: SlurmLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd"), env=slurm_lab.environment) as sshd:
        yield sshd


class TestSlurmOverSsh(QueueCutSuite):
    driver: ClassVar = SlurmQueue
    moments: ClassVar = {
        "once": MOMENTS,
        "each": (Moment.UNANSWERED,),
        "dark": (Moment.UNANSWERED,),
        "dead": (Moment.UNANSWERED,),
    }

    @pytest.fixture
    def cuts(
        self, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[SshCuts]:
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
        # what is cut before its work never does it here, so there is nothing to be waited for
        monkeypatch.setattr(act, "_LATE", timedelta(seconds=1))
        place = tmp_path / "commands"
        with ssh_cuts(sshd, place, Path("/usr/bin"), CHANGES, ("squeue", "sacct")) as cuts:
            yield cuts

    @pytest.fixture
    def queue(self, slurm_lab: SlurmLab) -> Iterator[SlurmQueue]:
        type(self).given = {"workdir": str(slurm_lab.jobs)}
        with SlurmQueue("hpc", SlurmSettings(transport="command")) as queue:
            yield queue

    @pytest.fixture
    def through(self, sshd: Sshd, tmp_path: Path) -> Callable[[SshCuts], SlurmQueue]:
        def through(cuts: SshCuts) -> SlurmQueue:
            login = attrs.asdict(sshd.settings(port=cuts.port))
            given: dict[str, Any] = {**login, "path": str(tmp_path / "commands")}
            return SlurmQueue("hpc", SlurmSettings(**given, transport="command"))

        return through
