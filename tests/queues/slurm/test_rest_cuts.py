"""Whatever connection to slurmrestd is cut whenever, a real Slurm has what the journal says."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from tests.labs.slurm_lab import SlurmLab
from tests.queues.slurm.rest_promises import VERSION

from cloudmesh_sdk.queues.slurm import SlurmQueue, SlurmSettings
from cloudmesh_sdk.testing import Cuts, QueueCutSuite

pytestmark = pytest.mark.slurm


class TestSlurmrestdCuts(QueueCutSuite):
    driver: ClassVar = SlurmQueue

    @pytest.fixture
    def opened(self, slurm_lab: SlurmLab) -> Iterator[Callable[[str], SlurmQueue]]:
        type(self).given = {"workdir": str(slurm_lab.jobs)}
        token = slurm_lab.token()
        made: list[SlurmQueue] = []

        def opened(url: str) -> SlurmQueue:
            settings: dict[str, Any] = {"url": url, "token": token, "api_version": VERSION}
            made.append(SlurmQueue("hpc", SlurmSettings(transport="rest", **settings)))
            return made[-1]

        yield opened
        for queue in made:
            queue.close()

    @pytest.fixture
    def queue(self, slurm_lab: SlurmLab, opened: Callable[[str], SlurmQueue]) -> SlurmQueue:
        return opened(slurm_lab.url)

    @pytest.fixture
    def through(
        self, slurm_lab: SlurmLab, opened: Callable[[str], SlurmQueue]
    ) -> Callable[[Cuts], SlurmQueue]:
        return lambda cuts: opened(cuts.at(slurm_lab.url))
