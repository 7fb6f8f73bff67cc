"""The suite of cut connections finds drivers of queues that hand in twice or look badly."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar
from uuid import uuid4

import attrs
import pytest
from tests.queues.slurm.rest_fakes import OLD, jwt
from tests.queues.slurm.rest_small import small_slurmrestd

from cloudmesh_sdk.errors import BackendError
from cloudmesh_sdk.models import Job, JobRequest
from cloudmesh_sdk.queues.slurm import SlurmQueue, SlurmSettings
from cloudmesh_sdk.testing import Cuts, Moment, QueueCutSuite
from cloudmesh_sdk.testing.cut_plays import Play
from cloudmesh_sdk.testing.queue_cut_deeds import QUEUE_DEEDS, QueueScene
from cloudmesh_sdk.testing.queues import SLEEP

_TRIES = 3
"""How often a driver of Slurm sends at most what does no harm twice."""


class Quick(SlurmQueue):
    settle = 0.5


class Forgetful(Quick):
    """Hands in what got no answer again, under a token of its own."""

    def submit(self, request: JobRequest) -> Job:
        return self._hand_in(request)

    def _hand_in(self, request: JobRequest) -> Job:
        try:
            return super()._hand_in(request)
        except BackendError:
            return super()._hand_in(attrs.evolve(request, token=uuid4().hex))


class Blind(Quick):
    """Finds nothing of what it handed in."""

    def find(self, token: str) -> Job | None:
        return None


class Sure(Quick):
    """Takes for done what got no answer."""

    def cancel(self, job: Job) -> None:
        with suppress(BackendError):
            super().cancel(job)

    def hold(self, job: Job) -> None:
        with suppress(BackendError):
            super().hold(job)


class Impatient(Quick):
    """Takes for undone what is not listed at once."""

    settle = 0.0


class Suite(QueueCutSuite):
    driver: ClassVar = Quick
    patience: ClassVar = 0.3
    step: ClassVar = 0.02


@pytest.fixture
def url() -> Iterator[str]:
    with small_slurmrestd() as url:
        yield url


@pytest.mark.parametrize(
    ("broken", "act", "moment", "dies"),
    [
        (Forgetful, "submit", Moment.UNANSWERED, False),
        (Forgetful, "submit_array", Moment.HALF, False),
        (Blind, "submit", Moment.UNANSWERED, True),
        (Impatient, "submit", Moment.LATE, False),
        (Sure, "cancel", Moment.UNSENT, False),
        (Sure, "hold", Moment.UNSENT, False),
    ],
)
def test_a_driver_that_hands_in_twice_or_looks_badly_is_found(
    url: str, broken: type[Quick], act: str, moment: Moment, dies: bool
) -> None:
    seen: dict[type, bool] = {}
    for driver in (Quick, broken):
        with opened(Quick, url) as queue, Cuts() as cuts:
            through = partial(opened, driver, cuts.at(url))
            played = Play(act, QUEUE_DEEDS[act], scene(queue), cuts, through)
            cuts.cut(moment, times=_TRIES)
            (played.die if dies else played.run)()
            seen[driver] = kept(played)
    assert seen == {Quick: True, broken: False}


def test_what_a_driver_cannot_do_is_not_asked_of_it() -> None:
    class Plain(Quick):
        extras = frozenset({"held"})

    able = {act for act, deed in QUEUE_DEEDS.items() if deed.fits(Plain)}
    assert able == {"submit", "cancel", "hold", "release"}
    assert {act for act, deed in QUEUE_DEEDS.items() if deed.fits(Quick)} == set(QUEUE_DEEDS)


def opened(driver: type[Quick], url: str) -> Quick:
    settings = SlurmSettings(transport="rest", url=url, token=jwt(sun="albert"), api_version=OLD)
    return driver("hpc", settings)


def scene(queue: Quick) -> QueueScene:
    given = {"workdir": "/tmp"}

    def submit(*command: str, **more: Any) -> Job:
        asked = {"name": "first", "token": uuid4().hex, **given, **more}
        return queue.submit(JobRequest(command=command, **asked))

    def waiting() -> Job:
        return submit(*SLEEP, after={"afterany": (submit(*SLEEP).id,)})

    def eventually(look: Callable[[], Any], holds: Callable[[Any], bool], what: str) -> None:
        assert holds(look()), what

    return QueueScene(
        service=queue, name="job", given=given, submit=submit, waiting=waiting,
        eventually=eventually,
    )  # fmt: skip


def kept(played: Play) -> bool:
    try:
        Suite().check(played)
    except (AssertionError, pytest.fail.Exception):
        return False
    return True
