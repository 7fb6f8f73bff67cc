"""Whatever connection to slurmrestd is cut whenever, Slurm has what the journal says."""

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from tests.labs.slurm_lab import SlurmLab
from tests.queues.slurm.rest_fakes import OLD, jwt
from tests.queues.slurm.rest_small import small_slurmrestd

from cloudmesh_sdk.queues.slurm import SlurmQueue, SlurmSettings
from cloudmesh_sdk.testing import Cuts, Moment, QueueCutSuite
from cloudmesh_sdk.testing.suite import wanted

Opened = Callable[[str], SlurmQueue]


class SlurmrestdCuts(QueueCutSuite):
    driver: ClassVar = SlurmQueue
    settle: ClassVar[float]
    """That of the queues, in seconds."""

    @pytest.fixture
    def url(self) -> str:
        """Give where slurmrestd is."""
        wanted(self, "url", "where slurmrestd is")

    @pytest.fixture
    def token(self) -> str:
        """Give a token for it."""
        wanted(self, "token", "a token for it")

    @pytest.fixture
    def opened(self, token: str) -> Iterator[Opened]:
        made: list[SlurmQueue] = []

        def opened(url: str) -> SlurmQueue:
            settings = SlurmSettings(transport="rest", url=url, token=token, api_version=OLD)
            queue = SlurmQueue("hpc", settings)
            queue.settle = self.settle
            made.append(queue)
            return queue

        yield opened
        for queue in made:
            queue.close()

    @pytest.fixture
    def queue(self, url: str, opened: Opened) -> SlurmQueue:
        return opened(url)

    @pytest.fixture
    def through(self, url: str, opened: Opened) -> Callable[[Cuts], SlurmQueue]:
        return lambda cuts: opened(cuts.at(url))


class TestSmallSlurmrestd(SlurmrestdCuts):
    settle: ClassVar = 0.3
    moments: ClassVar = {
        "once": tuple(Moment),
        "each": (Moment.UNANSWERED,),
        "dark": (Moment.UNSENT,),
        "dead": (Moment.UNSENT, Moment.UNANSWERED),
    }
    step: ClassVar = 0.02
    given: ClassVar = {"workdir": "/tmp"}

    @pytest.fixture
    def url(self) -> Iterator[str]:
        with small_slurmrestd() as url:
            yield url

    @pytest.fixture
    def token(self) -> str:
        return jwt(sun="albert")


@pytest.mark.slurm
class TestSlurmrestd(SlurmrestdCuts):
    settle: ClassVar = SlurmQueue.settle
    moments: ClassVar = {  # others are tried above
        "once": tuple(Moment),
        "each": (Moment.HALF,),
        "dark": (Moment.UNANSWERED,),
        "dead": (Moment.UNANSWERED,),
    }

    @pytest.fixture
    def url(self, slurm_lab: SlurmLab) -> str:
        type(self).given = {"workdir": str(slurm_lab.jobs)}
        return slurm_lab.url

    @pytest.fixture
    def token(self, slurm_lab: SlurmLab) -> str:
        return slurm_lab.token()
