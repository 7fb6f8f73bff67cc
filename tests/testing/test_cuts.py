"""Cuts are made where they were asked for, and the suite finds drivers that do things twice."""

import http.client
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

import attrs
import pytest
from tests.labs.ec2_endpoint import ACCESS_KEY, SECRET_KEY, Endpoint

from cloudmesh_sdk.errors import BackendError
from cloudmesh_sdk.models import Server, ServerRequest
from cloudmesh_sdk.providers.ec2 import Ec2Cloud, Ec2Settings
from cloudmesh_sdk.testing import Cuts, CutSuite, Loopback, Moment, Reply, Request
from cloudmesh_sdk.testing.cut_deeds import DEEDS, CloudScene
from cloudmesh_sdk.testing.cut_plays import Play

BODY = "0123456789"


def answer(request: Request) -> Reply:
    if request.path == "/none":
        return Reply(status=200, body="")
    return Reply(body=BODY)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(answer) as server:
        yield server


@pytest.fixture
def cuts() -> Iterator[Cuts]:
    with Cuts() as cuts:
        yield cuts


@pytest.fixture
def client(cuts: Cuts, server: Loopback) -> Iterator[http.client.HTTPConnection]:
    parts = urlsplit(cuts.at(server.url))
    client = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    yield client
    client.close()


def ask(client: http.client.HTTPConnection, method: str = "POST", path: str = "/") -> str:
    client.request(method, path, body=b"x" if method == "POST" else None)
    got: bytes = client.getresponse().read()
    return got.decode()


def test_without_a_plan_all_passes_on_one_connection(
    client: http.client.HTTPConnection, cuts: Cuts, server: Loopback
) -> None:
    assert [ask(client, method) for method in ("GET", "POST", "POST")] == [BODY] * 3
    assert cuts.made == 0
    assert len(server.requests) == 3
    assert [request.body for request in cuts.arrived] == [b"x", b"x"]


@pytest.mark.parametrize(
    ("moment", "error", "arrives"),
    [
        (Moment.UNSENT, http.client.RemoteDisconnected, 0),
        (Moment.LATE, http.client.RemoteDisconnected, 1),
        (Moment.UNANSWERED, http.client.RemoteDisconnected, 1),
        (Moment.RESET, ConnectionResetError, 1),
        (Moment.BODILESS, http.client.IncompleteRead, 1),
        (Moment.HALF, http.client.IncompleteRead, 1),
    ],
)
def test_a_connection_is_cut_at_its_moment(
    client: http.client.HTTPConnection,
    cuts: Cuts,
    moment: Moment,
    error: type[Exception],
    arrives: int,
) -> None:
    cuts.cut(moment)
    assert ask(client, "GET") == BODY
    with pytest.raises(error) as caught:
        ask(client)
    assert type(caught.value) is error
    if isinstance(caught.value, http.client.IncompleteRead):
        assert caught.value.partial == (BODY[:5].encode() if moment is Moment.HALF else b"")
    assert len(cuts.arrived) == arrives
    client.close()
    assert ask(client) == BODY, "one cut was ordered"
    assert cuts.made == 1


def test_an_answer_without_a_body_is_cut_in_its_head(
    client: http.client.HTTPConnection, cuts: Cuts
) -> None:
    for moment in (Moment.BODILESS, Moment.HALF):
        cuts.cut(moment)
        client.request("POST", "/none")
        reply = client.sock.makefile("rb").read()
        assert reply.startswith(b"HTTP/1.1")
        assert b"\r\n\r\n" not in reply
        client.close()


def test_what_is_late_comes_after_the_cut_and_before_all_is_healed(server: Loopback) -> None:
    with Cuts(late=0.5) as cuts:
        parts = urlsplit(cuts.at(server.url))
        client = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        cuts.cut(Moment.LATE, then_dark=True)
        with pytest.raises(http.client.RemoteDisconnected):
            ask(client)
        client.close()
        assert server.requests == []
        cuts.heal()
        assert [request.method for request in server.requests] == ["POST"]


def test_after_the_answer_the_connection_is_dead(
    client: http.client.HTTPConnection, cuts: Cuts
) -> None:
    cuts.cut(Moment.SPENT)
    assert ask(client) == BODY
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        ask(client)


def test_in_the_dark_nothing_passes_until_it_is_healed(
    client: http.client.HTTPConnection, cuts: Cuts, server: Loopback
) -> None:
    cuts.cut(Moment.UNANSWERED, then_dark=True)
    for method in ("POST", "GET", "POST"):
        with pytest.raises(http.client.RemoteDisconnected):
            ask(client, method)
        client.close()
    assert [request.method for request in server.requests] == ["POST"]
    cuts.heal()
    assert ask(client, "GET") == BODY


class Forgetful(Ec2Cloud):
    """Sends a start that got no answer again, under a token of its own."""

    def start(self, request: ServerRequest) -> Server:
        try:
            return super().start(request)
        except BackendError:
            return super().start(attrs.evolve(request, token=uuid4().hex))


class Hasty(Ec2Cloud):
    """Restarts a server again where the answer is lost."""

    def reboot(self, server: Server) -> None:
        try:
            super().reboot(server)
        except BackendError:
            super().reboot(server)


class Bold(Ec2Cloud):
    """Finds nothing of what it started."""

    def find(self, token: str) -> Server | None:
        return None


class Suite(CutSuite):
    driver: ClassVar = Ec2Cloud
    patience: ClassVar = 0.3


@pytest.mark.parametrize(
    ("broken", "act", "dies"),
    [(Forgetful, "start", False), (Hasty, "reboot", False), (Bold, "start", True)],
)
def test_a_driver_that_does_it_twice_or_forgets_is_found(
    broken: type[Ec2Cloud], act: str, dies: bool
) -> None:
    usual: dict[str, Any] = {
        "access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "retries": 0, "settle": 0.1,
    }  # fmt: skip
    seen: dict[type, bool] = {}
    for driver in (Ec2Cloud, broken):
        with Endpoint() as endpoint, Cuts(_acts) as cuts:
            cloud = Ec2Cloud("aws", Ec2Settings(endpoint=endpoint.url, **usual))
            settings = Ec2Settings(endpoint=cuts.at(endpoint.url), **usual)
            played = Play(act, DEEDS[act], _scene(cloud), cuts, partial(driver, "aws", settings))
            cuts.cut(Moment.UNANSWERED, then_dark=dies)
            (played.die if dies else played.run)()
            seen[driver] = _kept(played)
            cloud.close()
    assert seen == {Ec2Cloud: True, broken: False}


def _acts(request: Request) -> bool:
    return b"Action=Describe" not in request.body


def _scene(cloud: Ec2Cloud) -> CloudScene:
    order = ServerRequest(name="web", image="ami-0001", flavor="t3.micro", token="t")

    def started(name: str) -> Server:
        made = cloud.start(attrs.evolve(order, name=name))
        return cloud.server(made.id)

    def eventually(look: Callable[[], Any], holds: Callable[[Any], bool], what: str) -> None:
        assert holds(look()), what

    return CloudScene(
        service=cloud, name="web", order=order, started=started, eventually=eventually
    )


def _kept(played: Play) -> bool:
    try:
        Suite().check(played)
    except (AssertionError, pytest.fail.Exception):
        return False
    return True
