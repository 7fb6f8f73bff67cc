"""Whenever the way to PBS's commands is cut, PBS has what the journal says: a fake one here."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest
from tests.labs.sshd_lab import Sshd, running_sshd
from tests.queues.batch.ssh_cuts import SshCuts, ssh_cuts
from tests.queues.pbs import fake_pbs

from cloudmesh_sdk.operations import act
from cloudmesh_sdk.queues.pbs import PbsQueue, PbsSettings
from cloudmesh_sdk.testing import Moment, QueueCutSuite

CHANGES = {"qsub": "*", "qdel": "*", "qhold": "*", "qrls": "*"}


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as sshd:
        yield sshd


class TestPbsOverSsh(QueueCutSuite):
    driver: ClassVar = PbsQueue
    step: ClassVar = 0.05
    moments: ClassVar = {
        "once": (Moment.LATE, Moment.HALF),  # the rest is tried at Slurm
        "each": (Moment.UNANSWERED,),
        "dark": (Moment.UNANSWERED,),
        "dead": (Moment.UNANSWERED,),
    }

    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        place = tmp_path / "pbs"
        place.mkdir()
        monkeypatch.chdir(place)  # where the jobs write to
        fake_pbs.install(place)
        yield place
        fake_pbs.stop(place)

    @pytest.fixture
    def cuts(
        self, sshd: Sshd, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[SshCuts]:
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
        # what is cut before its work never does it here, so there is nothing to be waited for
        monkeypatch.setattr(act, "_LATE", timedelta(seconds=1))
        others = ("qstat", "pbsnodes")
        with ssh_cuts(sshd, tmp_path / "commands", place, CHANGES, others) as cuts:
            yield cuts

    @pytest.fixture
    def queue(self, place: Path) -> Iterator[PbsQueue]:
        with PbsQueue("hpc", PbsSettings(path=str(place))) as queue:
            yield queue

    @pytest.fixture
    def through(self, sshd: Sshd, tmp_path: Path) -> Callable[[SshCuts], PbsQueue]:
        def through(cuts: SshCuts) -> PbsQueue:
            login = attrs.asdict(sshd.settings(port=cuts.port))
            given: dict[str, Any] = {**login, "path": str(tmp_path / "commands")}
            return PbsQueue("hpc", PbsSettings(**given))

        return through
