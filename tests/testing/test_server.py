"""The kit's own servers misbehave as they are told, and only then."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from cloudmesh_sdk.testing import Loopback, Proxy, Reply, Request, closed_port, silence
from cloudmesh_sdk.testing.server import LOST, Fault


def ask(url: str, data: bytes | None = None, timeout: float = 5) -> bytes:
    request = urllib.request.Request(url, data=data, headers={"X-Me": "1"})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        body: bytes = answer.read()
    return body


def echo(request: Request) -> Reply:
    return Reply(body={"path": request.path, "query": dict(request.query), "got": request.json})


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(echo) as server:
        yield server


@pytest.fixture
def proxy(server: Loopback) -> Iterator[Proxy]:
    with Proxy(server.port) as proxy:
        yield proxy


def test_it_answers_and_remembers(server: Loopback) -> None:
    got = json.loads(ask(f"{server.url}/a/b?x=1", b'{"y": 2}'))
    assert got == {"path": "/a/b", "query": {"x": "1"}, "got": {"y": 2}}
    (request,) = server.requests
    assert (request.method, request.headers["x-me"], request.json) == ("POST", "1", {"y": 2})


def test_it_answers_errors_with_headers(server: Loopback) -> None:
    server.answer = lambda _: Reply(status=429, body="slow down", headers={"Retry-After": "7"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(server.url)
    with caught.value as error:
        assert (error.code, error.headers["Retry-After"], error.read()) == (429, "7", b"slow down")


def test_it_cuts_in_the_middle(server: Loopback) -> None:
    server.answer = lambda _: Reply(body="0123456789", cut=4)
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(server.url)
    assert caught.value.partial == b"0123"


def test_it_loses_an_answer(server: Loopback) -> None:
    server.answer = lambda _: LOST
    with pytest.raises(http.client.RemoteDisconnected):
        ask(server.url)
    assert len(server.requests) == 1


def test_it_delays_but_closes_at_once(server: Loopback) -> None:
    server.answer = lambda _: Reply(delay=60)
    with pytest.raises(TimeoutError):
        ask(server.url, timeout=0.2)
    begun = time.monotonic()
    server.__exit__()
    assert time.monotonic() - begun < 5


def test_a_proxy_passes_on_what_it_gets(server: Loopback, proxy: Proxy) -> None:
    for _ in range(3):
        assert json.loads(ask(f"{proxy.url}/a"))["path"] == "/a"
    assert (proxy.connections, len(server.requests)) == (3, 3)


@pytest.mark.parametrize(
    ("fault", "error", "done"),
    [
        ("refuse", (ConnectionError, http.client.RemoteDisconnected, urllib.error.URLError), 0),
        ("lose", (ConnectionError, http.client.RemoteDisconnected), 1),
        ("short", (http.client.HTTPException, ConnectionError), 1),
        ("garble", http.client.HTTPException, 1),
        ("hold", TimeoutError, 1),
    ],
)
def test_a_proxy_does_one_harm_to_one_connection(
    server: Loopback,
    proxy: Proxy,
    fault: Fault,
    error: type[Exception] | tuple[type[Exception], ...],
    done: int,
) -> None:
    server.answer = lambda _: Reply(body="x" * 2000)
    proxy.faults.append(fault)
    with pytest.raises(error):
        ask(proxy.url, timeout=1)
    assert len(server.requests) == done
    assert ask(proxy.url) == b"x" * 2000


def test_silence_takes_connections_and_says_nothing() -> None:
    with silence() as port, pytest.raises(TimeoutError):
        ask(f"http://127.0.0.1:{port}", timeout=0.2)


def test_a_closed_port_is_closed() -> None:
    with pytest.raises(urllib.error.URLError, match="refused"):
        ask(f"http://127.0.0.1:{closed_port()}")
