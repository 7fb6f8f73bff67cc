"""An act while connections break: what it is, asked for by the journal, cut off, and settled."""

from collections.abc import Callable, Iterator, Mapping, MutableSequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import attrs

from cloudmesh_sdk.driver import Driver
from cloudmesh_sdk.errors import BackendError
from cloudmesh_sdk.limits import Limits
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.operations.acts import perform
from cloudmesh_sdk.operations.reconcile import due, reconcile
from cloudmesh_sdk.operations.runner import Runner, Task, intent
from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.store.memory import MemoryStore
from cloudmesh_sdk.testing.cuts import Moment

OWNER = "kit"
OVER = (OperationState.DONE, OperationState.FAILED)
"""States of an operation of which it is known what became of it."""
_DEAD = "elsewhere.example.org/1/0.00"
_LIMITS = Limits(attempts=2, deadline=10.0)

Asked = tuple[str, Mapping[str, Any]]
"""The target of an operation and its request."""


class Cutter(Protocol):
    """What cuts the way to a service where it is asked to; for HTTP that is `Cuts`."""

    made: int
    """How many cuts were made so far."""

    @property
    def arrived(self) -> MutableSequence[Any]:
        """What changes something and reached the service."""

    def cut(self, moment: Moment, *, times: int = 1, then_dark: bool = False) -> None:
        """Cut the next so many that change something; `then_dark`: all after them, too."""

    def heal(self) -> None:
        """Let all pass from now on."""


@attrs.frozen(kw_only=True)
class Scene:
    """A service to ask past all that breaks, and a name that nothing there has yet."""

    service: Any
    name: str
    eventually: Callable[..., Any]
    """Asks for something until it is as wanted; see `Patient.eventually`."""


@attrs.frozen(kw_only=True)
class Deed:
    """One act: how it is asked for, and how to see at the service what came of it.

    What makes something tells the ids of all that it made (`made`), all else whether the thing is
    as it was wanted (`reached`). Where that leaves no trace there is neither.
    """

    asked: Callable[[Any], Asked]
    """From the scene, which it sets."""
    needs: type
    """What a driver must be for it."""
    extras: frozenset[str] = frozenset()
    """What a driver must name in its own `extras`."""
    act: str | None = None
    """The word in the journal; left out: that of the table."""
    secrets: Mapping[str, Any] = attrs.field(factory=dict)
    """What the driver is given beside the request, and nobody writes down."""
    made: Callable[[Any, str], set[str]] | None = None
    """From the scene and the token of the operation."""
    reached: Callable[[Any, Mapping[str, Any]], bool] | None = None
    """From the scene and the request."""
    kind: str | None = None
    """Of what it makes."""
    many: int = 1
    """How many things are made."""
    sweep: Callable[[Any, str], None] | None = None
    """Takes away what it left, from the scene and the token."""

    def fits(self, driver: type) -> bool:
        """Tell whether drivers of a class can do it."""
        extras: frozenset[str] = getattr(driver, "extras", frozenset())
        return issubclass(driver, self.needs) and self.extras <= extras


class Play:
    """A deed in a scene: asked for, cut off, and settled by the journal."""

    def __init__(
        self, act: str, deed: Deed, scene: Scene, cuts: Cutter, through: Callable[[], Driver]
    ) -> None:
        self.deed = deed
        self.cuts = cuts
        self.settle: float = scene.service.settle
        self._scene = scene
        self._through = through
        self._store: Store = MemoryStore()
        target, self._request = deed.asked(scene)
        cuts.arrived.clear()
        self._operation = intent(
            OWNER, deed.act or act, scene.service.name, target, self._request,
            withheld=deed.secrets,
        )  # fmt: skip

    def run(self) -> None:
        """Ask for it as the mesh does, whatever comes of it."""
        with self._through() as service:
            runner = Runner(self._store, _lent(service), limits=lambda _: _LIMITS)
            runner.run([Task(operation=self._operation, secrets=self.deed.secrets)])

    def die(self) -> None:
        """Send it, and know no more of it than a process that was killed meanwhile."""
        now = datetime.now(UTC)
        left = attrs.evolve(
            self._operation, state=OperationState.RUNNING, attempts=1, sent=now, runner=_DEAD,
            lease=now - timedelta(seconds=1),
        )  # fmt: skip
        self._store.journal.add([left])
        with self._through() as service, suppress(BackendError):
            perform(service, left, self.deed.secrets)

    def settled(self) -> Operation:
        """Reconcile with a new object of the driver, as the next process does."""
        now = self._now()
        if now.state not in OVER and due(now, patient=False):
            with self._through() as service:
                reconcile(self._store, [now], _lent(service))
        return self._now()

    def _now(self) -> Operation:
        found = self._store.journal.get(self._operation.id)
        assert found is not None
        return found

    def made(self) -> set[str]:
        """Return the ids of all that it made, as the service shows it."""
        assert self.deed.made is not None
        return self.deed.made(self._scene, self._operation.token)

    def reached(self) -> bool:
        """Tell whether the thing is as it was wanted."""
        assert self.deed.reached is not None
        return self.deed.reached(self._scene, self._request)

    def viewed(self, ids: set[str]) -> bool:
        """Tell whether the view has all these, so that the mesh knows of them."""
        assert self.deed.kind is not None
        view, name = self._store.view, self._scene.service.name
        return all(view.get(OWNER, self.deed.kind, name, id) is not None for id in ids)  # noqa: A001

    def clean(self) -> None:
        """Take away what it left."""
        if self.deed.sweep is not None:
            self.deed.sweep(self._scene, self._operation.token)


@contextmanager
def _same(service: Driver) -> Iterator[Driver]:
    yield service


def _lent(service: Driver) -> Callable[[str], Any]:
    return lambda _: _same(service)
