"""What all drivers promise of connections that break: an act is done once, or known not to be."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import pytest

from cloudmesh_sdk.driver import Driver
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.testing.cut_plays import OVER, Cutter, Deed, Play, Scene
from cloudmesh_sdk.testing.cuts import Cuts, Moment, writes
from cloudmesh_sdk.testing.patient import Patient
from cloudmesh_sdk.testing.server import Request
from cloudmesh_sdk.testing.suite import wanted


class CutPromises(Patient):
    """Promises of every act that changes something, whatever is cut and whenever.

    Acts are asked for as the mesh does: journalled, run, and reconciled by another object of the
    driver, as the next process would. `changes` may be overridden where the method of a request
    does not tell whether it changes something, `moments` where a service is slow, `cuts` where it
    does not speak HTTP.
    """

    deeds: ClassVar[Mapping[str, Deed]]
    """What is tried."""
    driver: ClassVar[type]
    """The class of the driver: all acts that it can do are tried."""
    moments: ClassVar[Mapping[str, tuple[Moment, ...]]] = {
        "once": tuple(Moment),
        "each": (Moment.UNSENT, Moment.UNANSWERED, Moment.HALF),
        "dark": (Moment.UNSENT, Moment.UNANSWERED),
        "dead": (Moment.UNSENT, Moment.UNANSWERED),
    }
    """Where connections are cut, by the argument of the promise that it is for."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Try what the driver can do, cut at each moment."""
        if "act" not in metafunc.fixturenames:
            return
        acts = [act for act, deed in self.deeds.items() if deed.fits(self.driver)]
        metafunc.parametrize("act", acts)
        for when in self.moments.keys() & set(metafunc.fixturenames):
            metafunc.parametrize(when, self.moments[when], ids=str)

    @pytest.fixture
    def scene(self) -> Callable[[], Scene]:
        """Give what makes scenes at the service, past all that breaks."""
        wanted(self, "scene", "makes a scene at the service")

    @pytest.fixture
    def through(self) -> Callable[[Any], Driver]:
        """Give what opens the driver for the same account, through what `cuts` gives."""
        wanted(self, "through", "opens the driver at the addresses that `Cuts.at` gives")

    def changes(self, request: Request) -> bool:
        """Tell whether a request changes something."""
        return writes(request)

    @pytest.fixture
    def cuts(self) -> Iterator[Cutter]:
        """Give proxies that cut what changes something."""
        with Cuts(self.changes) as cuts:
            yield cuts

    @pytest.fixture
    def play(
        self, scene: Callable[[], Scene], cuts: Cutter, through: Callable[[Any], Driver]
    ) -> Iterator[Callable[[str], Play]]:
        """Give what sets the scene for an act; what came of it is taken away at last."""
        plays: list[Play] = []

        def play(act: str) -> Play:
            plays.append(Play(act, self.deeds[act], scene(), cuts, lambda: through(cuts)))
            return plays[-1]

        yield play
        cuts.heal()
        for played in plays:
            self.sweep(played)

    def sweep(self, played: Play) -> None:
        """Take away what a play left."""
        played.clean()

    def test_the_driver_is_the_one_that_is_tried(
        self, scene: Callable[[], Scene], cuts: Cutter, through: Callable[[Any], Driver]
    ) -> None:
        assert type(scene().service) is self.driver
        with through(cuts) as service:
            assert type(service) is self.driver

    def test_a_connection_cut_once_leaves_what_the_journal_says(
        self, play: Callable[[str], Play], act: str, once: Moment
    ) -> None:
        played = play(act)
        played.cuts.cut(once)
        played.run()
        self.check(played)

    def test_connections_cut_each_time_leave_what_the_journal_says(
        self, play: Callable[[str], Play], act: str, each: Moment
    ) -> None:
        played = play(act)
        played.cuts.cut(each, times=1_000)
        played.run()
        self.check(played)

    def test_a_cloud_lost_from_sight_is_asked_when_it_is_back(
        self, play: Callable[[str], Play], act: str, dark: Moment
    ) -> None:
        played = play(act)
        played.cuts.cut(dark, then_dark=True)
        played.run()
        self.check(played)

    def test_a_client_that_died_meanwhile_leaves_what_the_journal_says(
        self, play: Callable[[str], Play], act: str, dead: Moment
    ) -> None:
        played = play(act)
        played.cuts.cut(dead, then_dark=True)
        played.die()
        self.check(played)

    def check(self, played: Play) -> None:
        """Assert that the service has what the journal says, once it could be asked."""
        assert played.cuts.made, "nothing was sent that changes anything"
        played.cuts.heal()
        operation = self.eventually(
            played.settled, lambda now: now.state in OVER, "it is settled", more=played.settle
        )
        done = operation.state is OperationState.DONE
        deed = played.deed
        if deed.made is not None:
            made = self.eventually(
                played.made, lambda found: not done or len(found) >= deed.many, "all is shown"
            )
            assert len(made) == (deed.many if done else 0), (operation, made)
            assert made == (set(_results(operation)) if done else set())
            assert played.viewed(made)
        elif deed.reached is not None:
            self.eventually(played.reached, lambda now: now is done, f"it is {operation.state}")
        else:
            sent = len(played.cuts.arrived)
            assert sent == 1 if done else sent <= 1, (operation, played.cuts.arrived)


def _results(operation: Operation) -> tuple[str, ...]:
    return operation.results or (() if operation.result is None else (operation.result,))
