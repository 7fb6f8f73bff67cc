"""The gate before a cloud: who waits there, for how long, and who does not."""

import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import CloudmeshError, StoreError, ThrottledError
from cloudmesh_sdk.limits import Limits
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import OperationState
from cloudmesh_sdk.operations.gate import Gate, scope
from cloudmesh_sdk.operations.lanes import Lane, Lanes
from cloudmesh_sdk.operations.runner import intent
from cloudmesh_sdk.store.memory import MemoryStore
from cloudmesh_sdk.store.rates import Place, Rates

LATE = 30.0
FAR = 250.0

OPERATION = attrs.evolve(intent("albert", "start", "india", "web"), account="acc")
SCOPE = scope("india", "acc")


def _lane(rate: float | None = None) -> Lane:
    return Lanes(lambda _: Limits(rate=rate)).lane("india")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def stopped() -> threading.Event:
    return threading.Event()


class Told(Rates):
    """Rates that say what they were told to, one after the other."""

    def __init__(self, *places: Place, slowed: tuple[int, ...]) -> None:
        self.places = [*places]
        self.slowings = [*slowed]

    def slowed(self, scope: str) -> int:
        return self.slowings.pop(0)

    def reserve(self, scope: str, most: float | None, *, within: float) -> Place:
        return self.places.pop(0)

    def throttled(self, *_: Any, **__: Any) -> None:
        raise AssertionError


def test_all_pass_where_no_rate_is_set_and_nothing_was_refused(
    store: MemoryStore, stopped: threading.Event
) -> None:
    store.rates.reserve(SCOPE, 1 / FAR, within=math.inf)
    assert Gate(store, _lane(), OPERATION, stopped).passed(0.0)


def test_nobody_passes_who_cannot_in_time_and_no_place_is_lost_by_it(
    store: MemoryStore, stopped: threading.Event
) -> None:
    gate = Gate(store, _lane(1 / FAR), OPERATION, stopped)
    assert gate.passed(LATE)
    assert [gate.passed(LATE) for _ in range(3)] == [False] * 3
    wait = store.rates.reserve(SCOPE, 1 / FAR, within=0).wait
    assert round(wait / FAR) == 1


def test_one_that_was_refused_closes_the_gate_for_other_processes(
    store: MemoryStore, stopped: threading.Event
) -> None:
    mine = _lane()
    Gate(store, mine, OPERATION, stopped).throttled(mine.clock(), FAR)
    assert not Gate(store, _lane(), OPERATION, stopped).passed(LATE)
    elsewhere = attrs.evolve(OPERATION, account="other")
    assert Gate(store, _lane(), elsewhere, stopped).passed(0.0)


def test_a_wait_ends_as_the_runner_ends(store: MemoryStore, stopped: threading.Event) -> None:
    gate, passed = Gate(store, _lane(1 / FAR), OPERATION, stopped), list[bool]()
    assert gate.passed()
    waiting = threading.Thread(target=lambda: passed.append(gate.passed()))
    waiting.start()
    stopped.set()
    waiting.join(LATE)
    assert passed == [False]


def test_who_waited_while_more_was_refused_takes_another_place(
    store: MemoryStore, stopped: threading.Event
) -> None:
    first, second, third = (Place(wait=0.001, slowing=number) for number in (1, 2, 3))
    rates = Told(first, second, third, slowed=(1, 2, 2, 2, 9))
    store.rates = rates
    assert Gate(store, _lane(), OPERATION, stopped).passed()
    assert (rates.places, rates.slowings) == ([third], [9])


def test_a_refusal_is_told_once_for_all_that_went_before(
    store: MemoryStore, stopped: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(store.rates, "throttled", lambda *_, **given: told.append(given))
    lane = _lane()
    went = lane.clock()
    for _ in range(10):
        lane.bucket.take()
    for _ in range(3):
        Gate(store, lane, OPERATION, stopped).throttled(went, None)
    assert [(given["pace"], given["retry_after"]) for given in told] == [(2.0, None)]
    Gate(store, lane, OPERATION, stopped).throttled(went, 20)
    assert [(given["pace"], given["retry_after"]) for given in told[1:]] == [(None, 20)]


@pytest.fixture
def mesh() -> Iterator[Mesh]:
    text = "clouds: {india: {driver: memory, limits: {rate: 500, attempts: 1}}}"
    with Mesh.open("memory", config=Config.parse(text)) as mesh:
        yield mesh


def _raising(error: CloudmeshError) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(("room", "call"), [("rates", "reserve"), ("journal", "change")])
def test_a_store_that_gives_no_place_is_as_one_that_takes_no_claim(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch, room: str, call: str
) -> None:
    mesh.refresh()
    with monkeypatch.context() as away:
        away.setattr(getattr(mesh.store, room), call, _raising(StoreError("it is away")))
        with pytest.raises(StoreError, match="it is away"):
            mesh.start(name="web", cloud="india")
    (left,) = mesh.operations()
    assert (left.state, left.attempts) == (OperationState.PENDING, 0)
    (settled,) = mesh.reconcile()
    assert settled.state is OperationState.CANCELLED
    assert [*mesh.clouds["india"].servers()] == []


def test_what_one_mesh_was_refused_holds_for_another_one(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.refresh()
    refusal = ThrottledError("india: too many requests", retry_after=FAR)
    monkeypatch.setattr(mesh.clouds["india"], "reboot", _raising(refusal))
    server = mesh.start(name="web", cloud="india").complete()[0]
    with pytest.raises(ThrottledError):
        mesh.reboot(server)
    account = mesh._belonging.account("india")
    other = Mesh(mesh.config, mesh.store, user="bertha")
    place = other.store.rates.reserve(scope("india", account), None, within=0)
    assert round(place.wait / FAR) == 1


def test_what_waits_at_the_gate_as_its_runner_ends_goes_back_to_the_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = f"clouds: {{india: {{driver: memory, limits: {{rate: {1 / FAR}}}}}}}"
    stop, waits = threading.Event(), threading.Event()
    with Mesh.open("memory", config=Config.parse(text)) as mesh:
        mesh.refresh()
        real = mesh.store.rates.reserve

        def reserve(*args: Any, **given: Any) -> Place:
            place = real(*args, **given)
            waits.set()
            return place

        real(scope("india", mesh._belonging.account("india")), 1 / FAR, within=0)
        monkeypatch.setattr(mesh.store.rates, "reserve", reserve)
        (left,) = mesh._deferring.start(name="web", cloud="india")
        feed = threading.Thread(target=mesh.serve, args=(stop,))
        feed.start()
        assert waits.wait(LATE)
        assert mesh.operation(left.id).runner, "it is held while it waits"
        stop.set()
        feed.join(LATE)
        assert not feed.is_alive()
        now = mesh.operation(left.id)
        assert (now.state, now.runner, now.attempts) == (OperationState.PENDING, None, 0)
        assert [*mesh.clouds["india"].servers()] == []
