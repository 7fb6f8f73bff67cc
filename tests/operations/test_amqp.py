"""Operations that a broker gives out: real workers, a real RabbitMQ, kills and restarts."""

import importlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from tests.labs.rabbit_lab import RabbitLab
from tests.operations.cases import never_more

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConflictError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.mesh.announcing import application
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.models.operation import OPEN
from cloudmesh_sdk.operations.amqp.app import queue_of
from cloudmesh_sdk.operations.amqp.line import GROUP, Line
from cloudmesh_sdk.operations.amqp.sweep import Sweeper

WORKER = Path(__file__).with_name("worker.py")
PATIENCE = 90.0

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directory of an embedded MongoDB that stays up between the tests."""
    place = tmp_path_factory.mktemp("m") / "mongo"
    with Mesh.open("mongo", config=Config.parse(f"store: {{directory: {place}, linger: 0}}")):
        yield place


@pytest.fixture
def hosted(rabbit_lab: RabbitLab, mongo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a cloudmesh.yaml with a broker: its queues are empty, its store is new."""
    place = tmp_path_factory.mktemp("h")
    path, uri = place / "cloudmesh.yaml", place / "uri"
    uri.touch(0o600)
    uri.write_text(rabbit_lab.uri)
    path.write_text(
        "profile: {username: albert}\n"
        f"store: {{directory: {mongo}, database: {place.name}, linger: 0}}\n"
        f'tasks: {{broker: "file:{uri}", concurrency: 3}}\n'
        "clouds:\n"
        f"  india: {{driver: memory, file: {place}/india.json, limits: {{parallel: 2}}}}\n"
        f"  slow: {{driver: memory, file: {place}/slow.json, latency: 0.5}}\n"
        f"  killer: {{driver: memory, file: {place}/killer.json}}\n"
        f"  rated: {{driver: memory, file: {place}/rated.json, limits: {{rate: 10}}}}\n"
        f"  busy: {{driver: memory, file: {place}/busy.json}}\n"
        f"queues: {{desk: {{driver: local, interval: 0, directory: {place}/desk}}}}\n"
    )
    with connected(path) as queues:
        for queue in queues.values():
            queue.declare()
            queue.purge()
    return path


@contextmanager
def connected(path: Path) -> Iterator[dict[str, Any]]:
    """Give all queues by name, as one connection sees them."""
    app = application(Config.load(path))
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        yield {queue.name: queue(channel) for queue in app.conf.task_queues}
    app.close()


def messages(path: Path) -> int:
    """Return how many messages wait."""
    with connected(path) as queues:
        return sum(queue.queue_declare(passive=True).message_count for queue in queues.values())


@pytest.fixture
def mesh(hosted: Path) -> Iterator[Mesh]:
    with Mesh.open("mongo", config=Config.load(hosted)) as mesh:
        mesh.refresh()
        yield mesh


@contextmanager
def working(path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Let a worker run; it ends in good order, unless it was killed."""
    with (path.parent / "worker.log").open("ab") as told:
        worker = subprocess.Popen(
            [sys.executable, str(WORKER), str(path), "3"], stdout=told, stderr=told
        )
        try:
            yield worker
        finally:
            if worker.poll() is None:
                worker.send_signal(signal.SIGTERM)
            worker.wait(60)


def asked(mesh: Mesh, cloud: str, count: int, prefix: str) -> list[Operation]:
    names = [f"{prefix}-{number:03}" for number in range(count)]
    return list(mesh.later.start(cloud=cloud, name=names))


def started(mesh: Mesh, cloud: str) -> Counter[str]:
    return Counter(server.name for server in mesh.clouds[cloud].servers())


def until(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.05)


def all_done(mesh: Mesh, operations: list[Operation], cloud: str) -> None:
    """Wait until all are done, and see that none is lost, doubled or stuck."""
    mesh.wait_operations(operations, timeout=PATIENCE).complete()
    assert started(mesh, cloud) == Counter(operation.target for operation in operations)
    until(lambda: not mesh.store.slots.held(), "the end of all slots")


def test_many_users_are_served_and_no_cloud_gets_more_than_its_limit(
    hosted: Path, mesh: Mesh
) -> None:
    with working(hosted) as worker:
        first = asked(mesh, "india", 12, "a")
        with Mesh(mesh.config, mesh.store, user="bertha") as other:
            second = asked(other, "india", 12, "b")
            most = 0
            while left := mesh.store.journal.held():
                running = [o for o in left if o.state is OperationState.RUNNING]
                most = max(most, len(running))
            assert most <= 2
            other.wait_operations(second, timeout=PATIENCE).complete()
            all_of_them = [*first, *second]
            mesh.wait_operations(first, timeout=PATIENCE).complete()
            assert started(mesh, "india") == Counter(o.target for o in all_of_them)
            (told,) = mesh.workers()
            assert (told.pid, told.concurrency) == (worker.pid, 3 * GROUP)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0
            assert mesh.workers() == []


def test_all_processes_of_workers_keep_one_rate(hosted: Path, mesh: Mesh) -> None:
    began = datetime.now(UTC)
    with working(hosted):
        all_done(mesh, asked(mesh, "rated", 15, "r"), "rated")
    came = sorted(server.created for server in mesh.clouds["rated"].servers() if server.created)
    assert len(came) == 15
    assert never_more(came, began, 10)


def test_another_user_does_not_wait_for_those_who_asked_before(hosted: Path, mesh: Mesh) -> None:
    many = asked(mesh, "india", 100, "a")
    bertha = Mesh(mesh.config, mesh.store, user="bertha")
    (one,) = asked(bertha, "india", 1, "b")
    assert messages(hosted) == 1, "those of one user that may begin are called by one"
    with working(hosted):
        (done,) = bertha.wait_operations([one], timeout=PATIENCE).complete()
        mesh.wait_operations(many, timeout=PATIENCE).complete()
    ends = [mesh.operation(o.id).sent for o in many]
    assert done.sent is not None
    before = sum(end < done.sent for end in ends if end)
    assert before <= 10, "a few are under way already, a few more begin as messages cross"


def test_what_kills_its_runner_each_time_fails_and_the_worker_lives(
    hosted: Path, mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconcile = importlib.import_module("cloudmesh_sdk.operations.reconcile")
    monkeypatch.setattr(reconcile, "_REST", timedelta(milliseconds=50))  # as in the worker
    with working(hosted) as worker:
        (poison,) = asked(mesh, "killer", 1, "p")
        (ended,) = mesh.wait_operations([poison], timeout=PATIENCE)
        assert (ended.state, ended.attempts) == ("failed", 5)
        assert ended.error is not None
        assert "killer has no server of it" in ended.error.message
        assert worker.poll() is None
        all_done(mesh, asked(mesh, "india", 2, "a"), "india")
        until(lambda: messages(hosted) == 0, "the end of all messages")


def test_a_killed_child_and_a_killed_worker_lose_and_double_nothing(
    hosted: Path, mesh: Mesh
) -> None:
    with working(hosted) as worker:
        operations = asked(mesh, "slow", 8, "a")

        def runners() -> list[int]:
            running = mesh.store.journal.find(states=[OperationState.RUNNING])
            return [int(str(o.runner).split("/")[1]) for o in running]

        until(runners, "a running operation")
        os.kill(runners()[0], signal.SIGKILL)
        until(lambda: len(runners()) > 1, "others that run")
        worker.kill()
        worker.wait()
        until(lambda: not psutil.pid_exists(runners()[0]) if runners() else True, "their end")
    with working(hosted):
        all_done(mesh, operations, "slow")


def test_a_worker_that_is_stopped_ends_soon_however_many_wait(hosted: Path, mesh: Mesh) -> None:
    with working(hosted) as worker:
        operations = asked(mesh, "slow", 60, "a")
        until(lambda: len(started(mesh, "slow")) > 8, "those that follow the first")
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
        assert worker.returncode == 0
        left = [
            o for o in mesh.store.journal.several([o.id for o in operations]) if o.state in OPEN
        ]
        assert len(left) > 20
        assert {o.state for o in left} == {OperationState.PENDING}
    with working(hosted):
        all_done(mesh, operations, "slow")


def test_the_processes_of_a_killed_worker_end_soon_however_many_wait(
    hosted: Path, mesh: Mesh
) -> None:
    with working(hosted) as worker:
        operations = asked(mesh, "slow", 60, "a")
        until(lambda: len(started(mesh, "slow")) > 8, "those that follow the first")
        children = psutil.Process(worker.pid).children()
        assert len(children) == 3
        worker.kill()
        _, alive = psutil.wait_procs(children, timeout=30)
        assert not alive
        left = [
            o for o in mesh.store.journal.several([o.id for o in operations]) if o.state in OPEN
        ]
        assert len(left) > 20
    with working(hosted):
        all_done(mesh, operations, "slow")


def test_a_broker_that_restarts_under_load_loses_and_doubles_nothing(
    hosted: Path,
    mesh: Mesh,
    rabbit_lab: RabbitLab,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with working(hosted):
        operations = asked(mesh, "india", 20, "a")
        until(lambda: started(mesh, "india"), "a first server")
        rabbit_lab.stop()
        more = asked(mesh, "india", 2, "b")
        (told,) = [record.message for record in caplog.records if "broker" in record.message]
        assert "does not answer" in told
        assert "2 operations wait in the journal until it takes them" in told
        assert Config.load(hosted).tasks.uri() not in told
        rabbit_lab.start()
        (hosted.parent / "uri").write_text(rabbit_lab.uri)
        all_done(mesh, [*operations, *more], "india")


def test_what_is_cancelled_before_its_turn_is_never_sent(hosted: Path, mesh: Mesh) -> None:
    operations = asked(mesh, "india", 4, "a")
    mesh.cancel_operation(operations[0].id)  # whose message waits already
    mesh.cancel_operation(operations[3].id)
    with working(hosted):
        all_done(mesh, operations[1:3], "india")
    with pytest.raises(ConflictError, match="is done"):
        mesh.cancel_operation(operations[1].id)


def _waiting_to_be_sent_again(mesh: Mesh, operation: Operation) -> tuple[Operation, int]:
    """Return an operation once a child of a worker waits to send it again, and the child."""
    until(lambda: mesh.operation(operation.id).state is OperationState.UNKNOWN, "a refusal")
    now = mesh.operation(operation.id)
    return now, int(str(now.runner).split("/")[1])


def test_what_waits_in_a_child_to_be_sent_again_is_cancelled_from_here(
    hosted: Path, mesh: Mesh
) -> None:
    with working(hosted) as worker:
        (operation,) = asked(mesh, "busy", 1, "a")
        waits, child = _waiting_to_be_sent_again(mesh, operation)
        assert child in {process.pid for process in psutil.Process(worker.pid).children()}
        now = mesh.cancel_operation(operation.id)
        assert (now.state, now.attempts, now.runner) == ("cancelled", 1, waits.runner)
        assert now.error is not None
        assert now.error.message == "busy shows nothing of it, and it was not sent again"
        assert psutil.pid_exists(child)
        all_done(mesh, asked(mesh, "india", 2, "b"), "india")
    assert not started(mesh, "busy")


def test_what_is_to_be_cancelled_is_sent_by_nobody_once_its_child_is_killed(
    hosted: Path, mesh: Mesh
) -> None:
    with working(hosted):
        (operation,) = asked(mesh, "busy", 1, "a")
        _, child = _waiting_to_be_sent_again(mesh, operation)
        os.kill(child, signal.SIGSTOP)  # it hears nothing
        assert mesh.cancel_operation(operation.id, timeout=0).state == "unknown"
        os.kill(child, signal.SIGKILL)
        until(lambda: mesh.operation(operation.id).state not in OPEN, "its end")
        now = mesh.operation(operation.id)
        assert (now.state, now.attempts) == ("cancelled", 1)
        until(lambda: not mesh.store.slots.held(), "the end of all slots")
        until(lambda: messages(hosted) == 0, "the end of all messages")
    assert not started(mesh, "busy")


def test_a_message_that_is_lost_is_sent_once_more(hosted: Path, mesh: Mesh) -> None:
    operations = asked(mesh, "india", 3, "a")
    with connected(hosted) as queues:
        assert queues[queue_of("albert")].purge() == 1
    for where, holders in mesh.store.slots.held().items():
        mesh.store.slots.release(where, holders)  # as after their leases
    with working(hosted):
        all_done(mesh, operations, "india")


def test_a_worker_hands_in_a_job_that_another_process_asked_for(hosted: Path, mesh: Mesh) -> None:
    left = mesh.later.submit("sh", "-c", "exit 3", name="fit")
    with working(hosted):
        (done,) = mesh.wait_operations(left, timeout=PATIENCE).complete()
        assert (done.state, done.attempts, done.parcel) == ("done", 1, {})
        (job,) = mesh.wait_jobs(str(done.result), timeout=PATIENCE)
        assert (job.name, job.exit_code) == ("fit", 3)


def test_messages_hold_ids_and_nothing_else(hosted: Path, mesh: Mesh) -> None:
    operations = asked(mesh, "india", 3, "a")
    with connected(hosted) as queues:
        message = queues[queue_of("albert")].get()
    args, kwargs, _ = message.decode()
    assert (args, kwargs) == ([o.id for o in operations[:2]], {})
    assert message.properties["delivery_mode"] == 2
    for secret in (operations[0].token, "albert", "img-"):
        assert secret not in f"{message.body!r} {message.headers}"


def test_a_line_gives_a_slot_on_and_frees_it_where_nobody_waits(mesh: Mesh) -> None:
    sent: list[Operation] = []
    line = Line(store=mesh.store, limit=lambda _: 1, publish=sent.extend)
    asked: Any = mesh._deferring.start(cloud="killer", name="l-[1-2]")
    line.fill("killer", asked[0].account)
    (first,) = sent
    done = mesh.store.journal.change(first, state=OperationState.DONE)
    assert done is not None
    line.over([done])
    assert {operation.id for operation in sent} == {operation.id for operation in asked}
    mesh.cancel_operation(sent[1].id)
    line.over([sent[1]])
    assert mesh.store.slots.held() == {}


def test_a_lost_message_is_sent_again_while_others_wait_for_the_same_user(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock: Any = SimpleNamespace(at=0.0, monotonic=lambda: clock.at)
    monkeypatch.setattr("cloudmesh_sdk.operations.amqp.sweep.time", clock)
    sent: list[Operation] = []
    line = Line(store=mesh.store, limit=lambda _: 1, publish=sent.extend)
    desk: Any = SimpleNamespace(line=line)
    busy: Any = SimpleNamespace(waiting=lambda _: True)
    sweeper = Sweeper(desk, busy, ["killer"])
    (asked,) = mesh._deferring.start(cloud="killer", name=["l"])
    for clock.at, times in ((0.0, 1), (0.0, 1), (29.0, 1), (30.0, 2), (89.0, 2)):
        sweeper.fill()
        assert [o.id for o in sent] == [asked.id] * times
    assert mesh.store.journal.change(sent[0], runner="h/1/1") is not None
    clock.at = 90.0
    sweeper.fill()
    assert len(sent) == 2, "it has a runner"
    assert sweeper._called == {}
