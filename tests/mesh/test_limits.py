"""Limits of the configuration hold for what a mesh does, cloud by cloud."""

import threading
from collections.abc import Callable

import pytest

from cloudmesh_sdk.errors import ConfigError, ThrottledError
from cloudmesh_sdk.fanout import Answer
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import (
    Job,
    JobRequest,
    Operation,
    OperationState,
    Server,
    ServerRequest,
)
from cloudmesh_sdk.operations import Runner, Task
from cloudmesh_sdk.operations.act import Records
from cloudmesh_sdk.operations.runner import intent

Make = Callable[[str], Mesh]

LATE = 30.0
"""Seconds after which a test gives up; none takes so long that is green."""


def _most(mesh: Mesh, monkeypatch: pytest.MonkeyPatch, *, together: int) -> int:
    """Start 20 servers, so many of which meet each time; return the most there were at once."""
    cloud = mesh.clouds["india"]
    real, barrier = cloud.start, threading.Barrier(together)
    lock, at_once, most = threading.Lock(), 0, 0

    def start(request: ServerRequest) -> Server:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        barrier.wait(LATE)  # it breaks where fewer ever meet
        with lock:
            at_once -= 1
        return real(request)

    monkeypatch.setattr(cloud, "start", start)
    assert len(mesh.start(name="w-[01-20]").complete()) == 20
    return most


def test_a_cloud_is_asked_for_as_many_starts_at_once_as_its_limit_says(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = make("clouds: {india: {driver: memory, limits: {parallel: 5}}}")
    assert _most(mesh, monkeypatch, together=5) == 5


def test_a_cloud_that_hangs_with_many_starts_holds_up_no_other_cloud(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = make("clouds: {hangs: {driver: memory}, quick: {driver: memory}}")
    cloud, freed = mesh.clouds["hangs"], threading.Event()
    real = cloud.start

    def start(request: ServerRequest) -> Server:
        assert freed.wait(LATE), "the other cloud waited for this one"
        return real(request)

    monkeypatch.setattr(cloud, "start", start)
    image, flavor = (next(iter(kind())).id for kind in (cloud.images, cloud.flavors))
    tasks = [
        Task(operation=intent(mesh.user, "start", where, name, {
            "name": name, "image": image, "flavor": flavor,
        }))
        for where, count in (("hangs", 200), ("quick", 40))
        for name in (f"{where}-{number}" for number in range(count))
    ]  # fmt: skip
    where = {task.operation.id: task.operation.cloud for task in tasks}
    order: list[str] = []

    def told(now: Operation, _: Answer[Records]) -> None:
        order.append(where[now.id])
        if order.count("quick") == 40:
            freed.set()

    answers = Runner(mesh.store, mesh.clouds.use, threads=12).run(tasks, told=told)
    assert [answer.error for answer in answers] == [None] * 240
    assert order[:40] == ["quick"] * 40


def test_what_a_driver_serves_at_once_is_kept_whatever_the_limit_says(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = make("clouds: {india: {driver: memory, limits: {parallel: 50}}}")
    cloud = mesh.clouds["india"]
    monkeypatch.setattr(type(cloud), "parallel", 2)
    assert _most(mesh, monkeypatch, together=2) == 2


def test_starts_that_a_busy_cloud_refused_are_made_once_each(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = make("clouds: {india: {driver: memory, limits: {rate: 500}}}")
    cloud = mesh.clouds["india"]
    real, lock, sent = cloud.start, threading.Lock(), 0

    def start(request: ServerRequest) -> Server:
        nonlocal sent
        with lock:
            sent += 1
            busy = sent % 3 == 1
        if busy:
            raise ThrottledError("india: too many requests")
        return real(request)

    monkeypatch.setattr(cloud, "start", start)
    mesh.start(name="w-[01-12]")
    done = {o.target for o in mesh.operations() if o.state is OperationState.DONE}
    there = [server.name for server in cloud.servers()]
    assert sorted(there) == sorted(done), "each once, and none that is not known"
    assert sum(o.attempts for o in mesh.operations()) == sent
    assert sent > 12


def test_a_job_that_a_busy_manager_refused_is_handed_in_once(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = make("queues: {lab: {driver: memory, limits: {rate: 500}}}")
    queue = mesh.queues["lab"]
    real, sent = queue.submit, []

    def submit(request: JobRequest) -> Job:
        sent.append(request.token)
        if len(sent) == 1:
            raise ThrottledError("lab: too many requests")
        return real(request)

    monkeypatch.setattr(queue, "submit", submit)
    job = mesh.submit("true", name="once")
    assert len(sent) == 2
    assert len(set(sent)) == 1
    assert [row.id for row in queue.jobs() if row.name == "once"] == [job.id]


def test_an_operation_at_a_cloud_that_is_not_configured_fails_by_itself(make: Make) -> None:
    mesh = make("clouds: {india: {driver: memory}}")
    with pytest.raises(ConfigError, match="there is no cloud 'nowhere'"):
        mesh._acts.run("stop", [("nowhere", "web", {"id": "1"})])
    (operation,) = mesh.operations()
    assert operation.state is OperationState.FAILED
    assert operation.attempts == 0
