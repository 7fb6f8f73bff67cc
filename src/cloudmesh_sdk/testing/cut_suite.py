"""What a driver promises of connections that break: every act is done once, or known not to be."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import uuid4

import attrs
import pytest

from cloudmesh_sdk.errors import BackendError
from cloudmesh_sdk.limits import Limits
from cloudmesh_sdk.models import Operation, OperationState, Server, ServerRequest
from cloudmesh_sdk.operations.acts import perform
from cloudmesh_sdk.operations.reconcile import due, reconcile
from cloudmesh_sdk.operations.runner import Runner, Task, intent
from cloudmesh_sdk.providers.base import Cloud
from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.store.memory import MemoryStore
from cloudmesh_sdk.testing.clouds import CloudFixtures
from cloudmesh_sdk.testing.cut_deeds import DEEDS, Deed, Scene, clean
from cloudmesh_sdk.testing.cuts import Cuts, Moment, writes
from cloudmesh_sdk.testing.server import Request
from cloudmesh_sdk.testing.suite import wanted

OWNER = "kit"
_DEAD = "elsewhere.example.org/1/0.00"
_OVER = (OperationState.DONE, OperationState.FAILED)
_LIMITS = Limits(attempts=2, deadline=10.0)


class CutSuite(CloudFixtures):
    """Promises of every act that changes something, whatever is cut and whenever.

    Give `cloud`, a driver object that nothing is cut for, `through`, which opens one that reaches
    the same account by the proxies of `Cuts.at`, and `driver`, its class. Settings that try again
    once or twice keep it short. `changes` may be overridden where the method of a request does not
    tell whether it changes something, `moments` where a cloud is slow.

    Acts are asked for as the mesh does: journalled, run, and reconciled by another object of the
    driver, as the next process would.
    """

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
        acts = [act for act, deed in DEEDS.items() if issubclass(self.driver, deed.needs)]
        metafunc.parametrize("act", acts)
        for when in self.moments.keys() & set(metafunc.fixturenames):
            metafunc.parametrize(when, self.moments[when], ids=str)

    @pytest.fixture
    def through(self) -> Callable[[Cuts], Cloud]:
        """Give what opens the driver for the account of `cloud`, through proxies of `Cuts`."""
        wanted(self, "through", "opens the driver at the addresses that `Cuts.at` gives")

    def changes(self, request: Request) -> bool:
        """Tell whether a request changes something."""
        return writes(request)

    @pytest.fixture
    def cuts(self) -> Iterator[Cuts]:
        """Give proxies that cut what changes something."""
        with Cuts(self.changes) as cuts:
            yield cuts

    @pytest.fixture
    def play(
        self,
        cloud: Cloud,
        cuts: Cuts,
        through: Callable[[Cuts], Cloud],
        ordered: Callable[..., ServerRequest],
        started: Callable[..., Server],
    ) -> Iterator["Callable[[str], Play]"]:
        """Give what sets the scene for an act; what came of it is taken away at last."""
        plays: list[Play] = []

        def play(act: str) -> Play:
            name = f"kit-{uuid4().hex[:12]}"
            scene = Scene(
                cloud=cloud, name=name, order=ordered(), started=started, eventually=self.eventually
            )
            plays.append(Play(act, scene, cuts, lambda: through(cuts)))
            return plays[-1]

        yield play
        cuts.heal()
        for played in plays:
            self.allowed(played.clean)

    def test_the_driver_is_the_one_that_is_tried(
        self, cloud: Cloud, cuts: Cuts, through: Callable[[Cuts], Cloud]
    ) -> None:
        assert type(cloud) is self.driver
        assert type(through(cuts)) is self.driver

    def test_a_connection_cut_once_leaves_what_the_journal_says(
        self, play: "Callable[[str], Play]", act: str, once: Moment
    ) -> None:
        played = play(act)
        played.cuts.cut(once)
        played.run()
        self.check(played)

    def test_connections_cut_each_time_leave_what_the_journal_says(
        self, play: "Callable[[str], Play]", act: str, each: Moment
    ) -> None:
        played = play(act)
        played.cuts.cut(each, times=1_000)
        played.run()
        self.check(played)

    def test_a_cloud_lost_from_sight_is_asked_when_it_is_back(
        self, play: "Callable[[str], Play]", act: str, dark: Moment
    ) -> None:
        played = play(act)
        played.cuts.cut(dark, then_dark=True)
        played.run()
        self.check(played)

    def test_a_client_that_died_meanwhile_leaves_what_the_journal_says(
        self, play: "Callable[[str], Play]", act: str, dead: Moment
    ) -> None:
        played = play(act)
        played.cuts.cut(dead, then_dark=True)
        played.die()
        self.check(played)

    def check(self, played: "Play") -> None:
        """Assert that the cloud has what the journal says, once it could be asked."""
        assert played.cuts.made, f"{played.act} sent nothing that changes anything"
        played.cuts.heal()
        operation = self.eventually(
            played.settled, lambda now: now.state in _OVER, "it is settled", more=played.settle
        )
        done = operation.state is OperationState.DONE
        deed = DEEDS[played.act]
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


class Play:
    """An act in a scene: asked for, cut off, and settled by the journal."""

    def __init__(self, act: str, scene: Scene, cuts: Cuts, through: Callable[[], Cloud]) -> None:
        self.act = act
        self.cuts = cuts
        self.settle: float = scene.cloud.settle
        self._deed: Deed = DEEDS[act]
        self._scene = scene
        self._through = through
        self._store: Store = MemoryStore()
        target, self._request = self._deed.asked(scene)
        cuts.arrived.clear()
        self._operation = intent(OWNER, act, scene.cloud.name, target, self._request)

    def run(self) -> None:
        """Ask for it as the mesh does, whatever comes of it."""
        with self._through() as cloud:
            runner = Runner(self._store, _lent(cloud), limits=lambda _: _LIMITS)
            runner.run([Task(operation=self._operation)])

    def die(self) -> None:
        """Send it, and know no more of it than a process that was killed meanwhile."""
        now = datetime.now(UTC)
        left = attrs.evolve(
            self._operation, state=OperationState.RUNNING, attempts=1, sent=now, runner=_DEAD,
            lease=now - timedelta(seconds=1),
        )  # fmt: skip
        self._store.journal.add([left])
        with self._through() as cloud, suppress(BackendError):
            perform(cloud, left, {})

    def settled(self) -> Operation:
        """Reconcile with a new object of the driver, as the next process does."""
        now = self._now()
        if now.state not in _OVER and due(now, patient=False):
            with self._through() as cloud:
                reconcile(self._store, [now], _lent(cloud))
        return self._now()

    def _now(self) -> Operation:
        found = self._store.journal.get(self._operation.id)
        assert found is not None
        return found

    def made(self) -> set[str]:
        """Return the ids of all that it made, as the cloud shows it."""
        assert self._deed.made is not None
        return self._deed.made(self._scene, self._operation.token)

    def reached(self) -> bool:
        """Tell whether the thing is as it was wanted."""
        assert self._deed.reached is not None
        return self._deed.reached(self._scene, self._request)

    def viewed(self, ids: set[str]) -> bool:
        """Tell whether the view has all these, so that the mesh knows of them."""
        assert self._deed.kind is not None
        view, name = self._store.view, self._scene.cloud.name
        return all(view.get(OWNER, self._deed.kind, name, id) is not None for id in ids)  # noqa: A001

    def clean(self) -> None:
        """Take away what it left."""
        clean(self._scene.cloud, self.act, self._scene.name, self._operation.token)


@contextmanager
def _same(cloud: Cloud) -> Iterator[Cloud]:
    yield cloud


def _lent(cloud: Cloud) -> Callable[[str], Any]:
    return lambda _: _same(cloud)


def _results(operation: Operation) -> tuple[str, ...]:
    return operation.results or (() if operation.result is None else (operation.result,))
