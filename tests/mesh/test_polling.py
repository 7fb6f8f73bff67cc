"""One gentle question per manager, for all who look."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from tests.mesh.conftest import Make
from tests.mesh.manager import Manager

from cloudmesh_sdk.errors import BackendTimeoutError, NotFoundError, UnavailableError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.mesh.polling import CALM, REST, SOON
from cloudmesh_sdk.models import JobState

ALONE = "{profile: {username: albert}, queues: {fg: {driver: memory, interval: 30, floor: 7}}}"


class Clock:
    """What the store of the tests takes for the time, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("cloudmesh_sdk.store.memory.polls.time", found)
    return found


@pytest.fixture
def mesh(make: Make, manager: Manager, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Mesh:
    made = make(ALONE)
    monkeypatch.setitem(made.queues._open, "fg", manager)
    return made


@pytest.fixture
def manager() -> Manager:
    found = Manager()
    found.put("1")
    return found


def lists(manager: Manager) -> int:
    return manager.asked.count("jobs")


def test_within_the_interval_a_manager_is_asked_once(
    mesh: Mesh, manager: Manager, clock: Clock
) -> None:
    assert [job.id for job in mesh.jobs()] == ["1"]
    manager.put("2")
    clock.now += 29.9
    assert [job.id for job in mesh.jobs()] == ["1"]
    assert [job.id for job in mesh.jobs(refresh=True)] == ["1"]
    assert lists(manager) == 1
    clock.now += 0.2
    assert [job.id for job in mesh.jobs()] == ["1", "2"]
    assert lists(manager) == 2


def test_many_who_look_at_once_cost_one_question(mesh: Mesh, manager: Manager) -> None:
    manager.go.clear()
    with ThreadPoolExecutor(20) as pool:
        looks = [pool.submit(mesh.jobs) for _ in range(20)]
        end = time.monotonic() + 20
        while not lists(manager) and time.monotonic() < end:
            time.sleep(0.01)
        manager.go.set()
        assert [[job.id for job in look.result(30)] for look in looks] == [["1"]] * 20
    assert lists(manager) == 1


def test_who_looks_while_another_asks_gets_what_is_known(
    mesh: Mesh, manager: Manager, clock: Clock
) -> None:
    mesh.jobs()
    clock.now += 31
    manager.put("2")
    manager.go.clear()
    asking = threading.Thread(target=mesh.jobs)
    asking.start()
    end = time.monotonic() + 20
    while lists(manager) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    assert [job.id for job in mesh.jobs()] == ["1"]
    manager.go.set()
    asking.join(20)
    assert [job.id for job in mesh.jobs()] == ["1", "2"]
    assert lists(manager) == 2


def test_one_who_refreshes_waits_for_the_question_that_is_being_asked(
    mesh: Mesh, manager: Manager, clock: Clock
) -> None:
    mesh.jobs()
    clock.now += 31
    manager.put("2")
    manager.go.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(mesh.jobs)
        end = time.monotonic() + 20
        while lists(manager) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        second = pool.submit(lambda: mesh.jobs(refresh=True))
        time.sleep(0.3)
        assert not second.done()
        manager.go.set()
        assert [job.id for job in second.result(20)] == ["1", "2"]
        first.result(20)
    assert lists(manager) == 2


def test_a_slow_manager_is_left_alone_for_longer(
    mesh: Mesh, manager: Manager, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticking = iter(range(0, 10_000, 20))  # each look at the clock is 20 s later
    seconds = SimpleNamespace(monotonic=lambda: float(next(ticking)), sleep=time.sleep)
    with monkeypatch.context() as slow:
        slow.setattr("cloudmesh_sdk.mesh.polling.time", seconds)
        mesh.jobs()
    (sync,) = mesh._polling.syncs("fg").values()
    rest = min(REST, CALM * sync.elapsed)
    assert rest > 100
    clock.now += rest - 1
    mesh.jobs()
    assert lists(manager) == 1
    clock.now += 2
    mesh.jobs()
    assert lists(manager) == 2


def test_the_floor_of_a_site_and_of_a_driver_are_kept(
    make: Make, manager: Manager, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fg = "{driver: memory, interval: 1, floor: 7}"
    mesh = make(f"{{queues: {{fg: {fg}, free: {{driver: memory, interval: 1}}}}}}")
    slow = Manager("free")
    monkeypatch.setattr(slow, "floor", 12.0)
    monkeypatch.setitem(mesh.queues._open, "fg", manager)
    monkeypatch.setitem(mesh.queues._open, "free", slow)
    mesh.jobs()
    clock.now += 6.9
    mesh.jobs()
    assert (lists(manager), lists(slow)) == (1, 1)
    clock.now += 0.2
    mesh.jobs()
    assert (lists(manager), lists(slow)) == (2, 1)
    clock.now += 5
    mesh.jobs()
    assert lists(slow) == 2


def test_a_failure_is_told_beside_what_was_known_and_not_tried_again_at_once(
    mesh: Mesh, manager: Manager, clock: Clock
) -> None:
    mesh.jobs()
    clock.now += 31
    manager.error = UnavailableError("fg: the controller is down")
    found = mesh.jobs()
    assert [job.id for job in found] == ["1"]
    assert str(found.errors["fg"]) == "fg: the controller is down"
    assert found[0].stale is not None
    clock.now += 29
    assert str(mesh.jobs().errors["fg"]) == "fg: the controller is down"
    assert lists(manager) == 2
    manager.error = None
    clock.now += 2
    assert mesh.jobs().errors == {}


def test_a_first_failure_is_told_and_shared(mesh: Mesh, manager: Manager) -> None:
    manager.error = UnavailableError("fg: the controller is down")
    assert "fg" in mesh.jobs().errors
    assert "fg" in mesh.jobs().errors
    assert lists(manager) == 1


def test_an_exception_of_a_driver_is_an_error_and_gives_the_turn_back(
    mesh: Mesh, manager: Manager, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trip() -> None:
        raise ZeroDivisionError("a bug")

    with monkeypatch.context() as broken:
        broken.setattr(manager, "jobs", trip)
        assert "the driver failed: ZeroDivisionError" in str(mesh.jobs().errors["fg"])
    clock.now += 31
    assert mesh.jobs().errors == {}


def test_the_turn_of_one_who_died_is_taken_over(mesh: Mesh, manager: Manager, clock: Clock) -> None:
    gone = f"{socket.gethostname()}/999999999/0/dead"
    taken = mesh.store.polls.take(mesh._scopes["fg"], "jobs", holder=gone, interval=30, lease=3600)
    assert taken.mine
    clock.now += SOON + 0.1
    assert [job.id for job in mesh.jobs()] == ["1"]
    assert lists(manager) == 1


def test_the_turn_of_another_machine_ends_with_its_lease(
    mesh: Mesh, manager: Manager, clock: Clock
) -> None:
    mesh.jobs()
    clock.now += 31
    other = "elsewhere/12/34/56"
    assert mesh.store.polls.take(
        mesh._scopes["fg"], "jobs", holder=other, interval=30, lease=120
    ).mine
    clock.now += 119
    mesh.jobs()
    assert lists(manager) == 1
    clock.now += 2
    mesh.jobs()
    assert lists(manager) == 2


def test_who_waits_for_a_first_answer_in_vain_is_told(
    mesh: Mesh, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.store.polls.take(
        mesh._scopes["fg"], "jobs", holder="elsewhere/12/34/56", interval=30, lease=3600
    )
    errors = mesh._polling.look(["fg"], "jobs", deadline=0.5)
    assert isinstance(errors["fg"], BackendTimeoutError)
    assert lists(manager) == 0


def test_two_meshes_on_one_store_share_a_list(
    mesh: Mesh, manager: Manager, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.jobs()
    other = Mesh(mesh.config, mesh.store, user="berta")
    mine = Manager()
    monkeypatch.setitem(other.queues._open, "fg", mine)
    assert [job.id for job in other.jobs()] == ["1"]
    assert mine.asked == []


def test_where_each_sees_only_his_own_lists_are_not_shared(
    make: Make, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = make("{profile: {username: albert}, queues: {fg: {driver: memory, shared: false}}}")
    monkeypatch.setitem(mesh.queues._open, "fg", manager)
    mesh.jobs()
    other = Mesh(mesh.config, mesh.store, user="berta")
    mine = Manager()
    monkeypatch.setitem(other.queues._open, "fg", mine)
    assert other.jobs() == []
    assert lists(mine) == 1


def test_what_was_asked_is_counted_for_all(mesh: Mesh, manager: Manager, clock: Clock) -> None:
    mesh.jobs()
    mesh.nodes()
    mesh.job("1")
    clock.now += 31
    manager.error = UnavailableError("fg: the controller is down")
    mesh.jobs()
    (load,) = mesh.queue_load()
    assert (load.manager, load.driver, load.interval) == ("fg", "memory", 30)
    assert load.by_kind == {"jobs": 2, "nodes": 1, "job": 1}
    assert (load.questions, load.calls, load.askers) == (4, 4, 1)
    assert load.error == "fg: the controller is down"
    assert load.last is not None


def test_that_there_is_no_such_job_is_no_failure_of_its_manager(mesh: Mesh) -> None:
    with pytest.raises(NotFoundError):
        mesh.job("4712")
    (load,) = mesh.queue_load()
    assert load.by_kind["job"] == 1
    assert load.error == ""


def test_queues_and_nodes_are_asked_for_more_seldom(
    mesh: Mesh, manager: Manager, clock: Clock
) -> None:
    for _ in range(11):
        mesh.queue_info()
        mesh.nodes()
        clock.now += 30.5
    assert manager.asked.count("nodes") == 6
    assert manager.asked.count("queues") == 2
    assert lists(manager) == 11


# jobs that vanish


def test_a_job_that_vanished_is_as_accounting_says(
    mesh: Mesh, manager: Manager, clock: Clock
) -> None:
    job = manager.put("7", token="cm-7")
    manager.over = {"7": manager.put("7", state=JobState.FAILED, exit_code=3)}
    manager.table["7"] = job
    mesh.jobs()
    del manager.table["7"]
    clock.now += 31
    assert [found.id for found in mesh.jobs()] == ["1"]
    (gone,) = mesh.jobs(name="7", missing=True)
    assert (gone.state, gone.exit_code, gone.token) == (JobState.FAILED, 3, "cm-7")
    assert gone.missing is not None


def test_without_accounting_its_end_is_unknown_and_it_stays_in_sight(
    mesh: Mesh, manager: Manager, clock: Clock
) -> None:
    manager.put("7", token="cm-7")
    mesh.jobs()
    del manager.table["7"]
    clock.now += 31
    states = {job.id: job.state for job in mesh.jobs()}
    assert states == {"1": JobState.RUNNING, "7": JobState.UNKNOWN}
    assert [job.id for job in mesh.jobs(state="unknown")] == ["7"]
    assert [job.id for job in mesh.jobs(state="running")] == ["1"]


def test_a_job_of_others_that_vanished_is_shown_on_demand_as_unknown(
    mesh: Mesh, manager: Manager, clock: Clock
) -> None:
    mesh.jobs()
    del manager.table["1"]
    clock.now += 31
    assert mesh.jobs() == []
    (gone,) = mesh.jobs(missing=True)
    assert gone.state is JobState.UNKNOWN
    assert "history" not in manager.asked


def test_its_own_record_says_how_it_ended_where_there_is_no_accounting(
    mesh: Mesh, manager: Manager, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.put("7", token="cm-7")
    mesh.jobs()
    over = manager.put("7", state=JobState.DONE, exit_code=0)
    monkeypatch.setattr(manager, "jobs", lambda: [manager.table["1"]])
    clock.now += 31
    mesh.jobs()
    (gone,) = mesh.jobs(name="7", missing=True)
    assert (gone.state, gone.exit_code) == (over.state, 0)


def test_a_job_that_was_forgotten_is_not_asked_for_with_every_list(
    mesh: Mesh, manager: Manager, clock: Clock
) -> None:
    manager.put("7", token="cm-7")
    mesh.jobs()
    del manager.table["7"]
    for _ in range(5):
        clock.now += 31
        mesh.jobs()
    assert manager.asked.count("history") == 1


def test_one_that_comes_back_is_as_it_is(mesh: Mesh, manager: Manager, clock: Clock) -> None:
    job = manager.put("7", token="cm-7")
    mesh.jobs()
    del manager.table["7"]
    clock.now += 31
    mesh.jobs()
    manager.table["7"] = job
    clock.now += 31
    assert {found.id: found.state for found in mesh.jobs()}["7"] is JobState.RUNNING


def test_asked_by_its_id_one_that_is_gone_is_unknown(mesh: Mesh, manager: Manager) -> None:
    mesh.jobs()
    del manager.table["1"]
    assert mesh.job("1").state is JobState.UNKNOWN
    with pytest.raises(NotFoundError, match=r"fg has no job '2'; there: 1"):
        mesh.job("2")
