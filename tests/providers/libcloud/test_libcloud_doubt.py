"""A start through libcloud of which nobody can tell: its user hears that, and it is sent once."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from tests.labs.moto_server import moto_server
from tests.providers.libcloud.amazon import IMAGE, amazon, forward
from tests.providers.libcloud.ocean import Ocean
from tests.providers.libcloud.tokenless import known, plain

from cloudmesh_sdk.fanout import Answer
from cloudmesh_sdk.limits import Limits
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.operations import Runner, Task
from cloudmesh_sdk.operations.reconcile import reconcile
from cloudmesh_sdk.operations.runner import intent
from cloudmesh_sdk.providers.libcloud import LibcloudCloud
from cloudmesh_sdk.store.memory import MemoryStore
from cloudmesh_sdk.testing import LOST, Loopback, Reply, Request

DROPLET = {"image": "7555620", "flavor": "s-1vcpu-1gb"}
FAILED, UNKNOWN = OperationState.FAILED, OperationState.UNKNOWN


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    with known():
        yield


class Start:
    """A start of `web` that is asked for as the mesh does."""

    def __init__(self, cloud: LibcloudCloud, **request: Any) -> None:
        self.cloud = cloud
        self.store = MemoryStore()
        self.operation = intent("albert", "start", cloud.name, "web", {"name": "web", **request})

    def run(self) -> Answer[Any]:
        """Run it and return what its user is told."""
        runner = Runner(self.store, self.use, limits=lambda _: Limits(attempts=3, deadline=10.0))
        (answer,) = runner.run([Task(operation=self.operation)])
        return answer

    def left(self) -> None:
        """Journal it as one whose runner died after it was sent."""
        now = datetime.now(UTC)
        left = attrs.evolve(
            self.operation, state=OperationState.RUNNING, attempts=1, sent=now,
            runner="elsewhere.example.org/1/0.00", lease=now - timedelta(seconds=1),
        )  # fmt: skip
        self.store.journal.add([left])

    def settled(self) -> Operation:
        """Reconcile it as the next process does."""
        reconcile(self.store, [self.now()], self.use)
        return self.now()

    def now(self) -> Operation:
        found = self.store.journal.get(self.operation.id)
        assert found is not None
        return found

    def use(self, _: str) -> Any:
        return nullcontext(self.cloud)


@contextmanager
def losing(account: Ocean) -> Iterator[Loopback]:
    """Serve an account whose answers to starts are lost."""

    def lose(request: Request) -> Reply:
        reply = account.answer(request)
        return LOST if request.method == "POST" else reply

    with Loopback(lose) as server:
        yield server


def posts(server: Loopback) -> int:
    return sum(request.method == "POST" for request in server.requests)


def test_a_lost_start_of_which_nobody_can_tell_names_what_it_may_have_made() -> None:
    account = Ocean()
    with losing(account) as server, plain(server.url, "ageless") as cloud:
        start = Start(cloud, **DROPLET)
        told = str(start.run().error)
        (made,) = account.droplets
        now = start.now()
        assert (now.state, now.result, posts(server)) == (FAILED, None, 1)
        assert now.error is not None
        for text in (told, now.error.message):
            assert f"plain has web ({made}) and cannot tell whether this start made it" in text
            assert "cannot start" in text


@pytest.mark.parametrize("made", [0, 1])
def test_a_start_of_a_dead_client_of_which_nobody_can_tell_is_told(made: int) -> None:
    account = Ocean()
    with Loopback(account.answer) as server, plain(server.url, "ageless") as cloud:
        start = Start(cloud, **DROPLET)
        for _ in range(made):
            account.create({"name": "web", "size": DROPLET["flavor"], "image": DROPLET["image"]})
        start.left()
        start.store.journal.change(start.now(), sent=datetime.now(UTC) - timedelta(minutes=1))
        now = start.settled()
        assert (now.state, posts(server), len(account.droplets)) == (FAILED, 0, made)
        assert now.error is not None
        told = {0: "no server called web, which is all that can be looked for", 1: "cannot tell"}
        assert told[made] in now.error.message


def test_a_server_that_another_start_made_is_not_taken_for_a_lost_one() -> None:
    account = Ocean()
    lost: list[bool] = []

    def lose(request: Request) -> Reply:
        if request.method == "POST" and lost:
            return LOST
        return account.answer(request)

    with Loopback(lose) as server, plain(server.url, "tokenless") as cloud:
        first = Start(cloud, **DROPLET)
        assert first.run().error is None
        (made,) = map(str, account.droplets)
        assert first.now().result == made
        lost.append(True)
        again = Start(cloud, **DROPLET)
        again.store = first.store
        told = str(again.run().error)
        assert (again.now().state, again.now().result) == (FAILED, None)
        assert f"has web ({made}), which operation {first.operation.id} started" in told
        assert len(account.droplets) == 1


def test_a_lost_start_is_adopted_though_its_server_was_stopped_since() -> None:
    account = Ocean()
    with Loopback(account.answer) as server, plain(server.url, "tokenless") as cloud:
        start = Start(cloud, **DROPLET)
        account.create({"name": "web", "size": DROPLET["flavor"], "image": DROPLET["image"]})
        (made,) = map(str, account.droplets)
        start.left()
        stop = intent("albert", "stop", cloud.name, "web", {"id": made})
        Runner(start.store, start.use).run([Task(operation=stop)])
        stopped = start.store.journal.get(stop.id)
        assert stopped is not None
        assert stopped.result == made
        now = start.settled()
        assert (now.state, now.result) == (OperationState.DONE, made)


def test_a_cloud_that_gives_other_names_is_not_said_to_have_nothing() -> None:
    account = Ocean()
    create = account.create
    account.create = lambda asked: create({**asked, "name": "droplet-1"})  # type: ignore[method-assign]
    with losing(account) as server, plain(server.url, "tokenless") as cloud:
        cloud.settle = 0.0
        start = Start(cloud, **DROPLET)
        told = str(start.run().error)
        assert (start.now().state, posts(server), len(account.droplets)) == (FAILED, 1, 1)
        assert "which is all that can be looked for, as its servers carry no token" in told


def test_a_start_whose_list_libcloud_cannot_read_stays_unknown_and_is_sent_once() -> None:
    """Libcloud reads no instance in moto's answers, so that it cannot tell what it started."""
    own = ("RunInstances", "DescribeInstances")
    with (
        moto_server() as moto,
        Loopback(lambda request: forward(moto, request, own=own)) as server,
        amazon(server.url, settle=0.0) as cloud,
    ):
        start = Start(cloud, image=IMAGE, flavor="t3.micro")
        told = str(start.run().error)
        assert f"found out later (operation {start.operation.id})" in told
        now = start.settled()
        sent = [each.query for each in server.requests if each.query["Action"] == "RunInstances"]
    assert now.state is UNKNOWN
    assert [query["ClientToken"] for query in sent] == [start.operation.token]
    assert now.error is not None
    assert "libcloud read 0 of the 1 instances" in now.error.message
    assert "driver: ec2" in now.error.message
