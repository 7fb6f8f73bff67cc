"""Moon keeps cloudmesh's promises: the kit's tests, and this driver's fixtures for them."""

import json
from collections.abc import Iterator
from typing import ClassVar

import pytest
from cloudmesh_moon import MoonCloud
from cloudmesh_moon.server import Moon

from cloudmesh_sdk import plugins
from cloudmesh_sdk.errors import ConfigError, ThrottledError
from cloudmesh_sdk.testing import (
    CANARY,
    LOST,
    CloudSuite,
    ConsoleSuite,
    Loopback,
    Many,
    Reply,
    Request,
    closed_port,
    silence,
)


def cloud(url: str, *, key: str = "demo", page: int = 100, timeout: float = 20) -> MoonCloud:
    return MoonCloud("moon", MoonCloud.Settings(url=url, key=key, page=page, timeout=timeout))


class TestMoonCloud(CloudSuite, ConsoleSuite):
    lacks: ClassVar = {}

    @pytest.fixture
    def moon(self) -> Moon:
        return Moon(machines=1)

    @pytest.fixture
    def server(self, moon: Moon) -> Iterator[Loopback]:
        def answer(request: Request) -> Reply:
            query = "&".join(f"{key}={value}" for key, value in request.query.items())
            key = request.headers.get("x-moon-key")
            status, found = moon.answer(
                request.method, f"{request.path}?{query}", key, request.json
            )
            return Reply(status=status, body=found)

        with Loopback(answer) as server:
            yield server

    @pytest.fixture
    def cloud(self, server: Loopback) -> Iterator[MoonCloud]:
        with cloud(server.url) as moon:
            yield moon

    @pytest.fixture
    def many(self, server: Loopback, moon: Moon) -> Iterator[Many]:
        for number in range(4):
            moon.launch({"name": f"n{number}", "image": "basalt-9", "size": "pebble"})
        with cloud(server.url, page=2) as paged:
            yield Many(paged, {"servers": 5})

    @pytest.fixture
    def refused(self, server: Loopback) -> Iterator[MoonCloud]:
        with cloud(server.url, key=CANARY) as refused:
            yield refused

    @pytest.fixture
    def unreachable(self) -> MoonCloud:
        return cloud(f"http://127.0.0.1:{closed_port()}")

    @pytest.fixture
    def hanging(self) -> Iterator[MoonCloud]:
        with silence() as port, cloud(f"http://127.0.0.1:{port}", timeout=self.deadline) as moon:
            yield moon

    @pytest.fixture
    def garbage(self, server: Loopback, cloud: MoonCloud) -> MoonCloud:
        server.answer = lambda _: Reply(body="<html>Please log in</html>")
        return cloud

    @pytest.fixture
    def half_page(self, server: Loopback, cloud: MoonCloud) -> MoonCloud:
        whole = server.answer
        server.answer = lambda request: Reply(body=whole(request).body, cut=60)
        return cloud

    @pytest.fixture
    def unknown_state(self, moon: Moon, cloud: MoonCloud) -> MoonCloud:
        next(iter(moon.machines.values()))["phase"] = self.strange
        return cloud

    @pytest.fixture
    def secretive(self, server: Loopback, moon: Moon) -> Iterator[MoonCloud]:
        moon.key = CANARY
        with cloud(server.url, key=CANARY) as secretive:
            yield secretive

    @pytest.fixture
    def lossy(self, server: Loopback, cloud: MoonCloud) -> MoonCloud:
        whole = server.answer

        def lose_one_start(request: Request) -> Reply:
            reply = whole(request)
            if request.method != "POST":
                return reply
            server.answer = whole
            return LOST

        server.answer = lose_one_start
        return cloud

    # what is special about Moon

    def test_native_is_moon_s_document(self, cloud: MoonCloud, moon: Moon) -> None:
        (server,) = cloud.servers()
        assert dict(server.native) == json.loads(json.dumps(moon.machines[server.id]))

    def test_throttling_tells_when_to_come_back(self, server: Loopback, cloud: MoonCloud) -> None:
        slow = Reply(status=429, body={"error": "slow down"}, headers={"Retry-After": "7"})
        server.answer = lambda _: slow
        with pytest.raises(ThrottledError) as caught:
            cloud.check()
        assert caught.value.retry_after == 7


def test_the_entry_point_leads_to_the_driver() -> None:
    assert plugins.load("providers", "moon") is MoonCloud


def test_a_wrong_address_is_told() -> None:
    with pytest.raises(ConfigError, match="no http"):
        cloud("moon.example.org")
