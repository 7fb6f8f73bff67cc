"""The libcloud driver keeps the kit's promises: DigitalOcean over HTTP, and libcloud's dummy."""

import warnings
from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from tests.providers.libcloud.ocean import TOKEN, Ocean

from cloudmesh_sdk.errors import InvalidRequestError
from cloudmesh_sdk.models import Server
from cloudmesh_sdk.providers.libcloud import LibcloudCloud
from cloudmesh_sdk.testing import CANARY, CloudSuite, Loopback, Many, Reply, Request, closed_port
from cloudmesh_sdk.testing.clouds import order


def ocean(url: str, *, key: str = TOKEN, timeout: float = 20) -> LibcloudCloud:
    settings = LibcloudCloud.Settings(
        provider="digitalocean", key=key, url=url, timeout=timeout, location="ams3"
    )
    return LibcloudCloud("ocean", settings)


class TestLibcloudCloud(CloudSuite):
    absent = "404404"
    lacks: ClassVar = {
        "a_start_keeps_tags": "DigitalOcean's tags hold no dots or spaces; see below"
    }

    def test_a_start_keeps_the_tags_that_fit(self, started: Callable[..., Server]) -> None:
        server = started(tags={"owner": "albert"})
        assert dict(server.tags) == {"owner": "albert"}

    def test_tags_that_do_not_fit_are_refused(self, cloud: LibcloudCloud) -> None:
        with pytest.raises(InvalidRequestError, match="letters"):
            cloud.start(order(cloud, tags={"a.b": "c d"}))

    @pytest.fixture
    def account(self) -> Ocean:
        return Ocean(droplets=1)

    @pytest.fixture
    def server(self, account: Ocean) -> Iterator[Loopback]:
        with Loopback(account.answer) as server:
            yield server

    @pytest.fixture
    def cloud(self, server: Loopback) -> Iterator[LibcloudCloud]:
        with ocean(server.url) as cloud:
            yield cloud

    @pytest.fixture
    def many(self, server: Loopback, account: Ocean) -> Iterator[Many]:
        for number in range(4):
            account.create({"name": f"n{number}", "size": "s-1vcpu-1gb", "image": 7555620})
        with ocean(server.url) as cloud:
            cloud.native.ex_per_page = 2
            yield Many(cloud, {"servers": 5})

    @pytest.fixture
    def refused(self, server: Loopback) -> Iterator[LibcloudCloud]:
        with ocean(server.url, key=CANARY) as cloud:
            yield cloud

    @pytest.fixture
    def unreachable(self) -> Iterator[LibcloudCloud]:
        with ocean(f"http://127.0.0.1:{closed_port()}") as cloud:
            yield cloud

    @pytest.fixture
    def hanging(self, server: Loopback) -> Iterator[LibcloudCloud]:
        server.answer = lambda _: Reply(delay=60)
        with ocean(server.url, timeout=self.deadline) as cloud:
            yield cloud

    @pytest.fixture
    def garbage(self, server: Loopback) -> Iterator[LibcloudCloud]:
        server.answer = lambda _: Reply(body="<html>Please\nlog in</html>")
        with ocean(server.url) as cloud:
            yield cloud

    @pytest.fixture
    def half_page(self, server: Loopback, account: Ocean) -> Iterator[LibcloudCloud]:
        def half(request: Request) -> Reply:
            return Reply(body=account.answer(request).body, cut=300)

        server.answer = half
        with ocean(server.url) as cloud:
            yield cloud

    @pytest.fixture
    def unknown_state(self, server: Loopback, account: Ocean) -> Iterator[LibcloudCloud]:
        account.create({"name": "odd", "size": "s-1vcpu-1gb", "image": 7555620})
        account.droplets[max(account.droplets)]["status"] = self.strange
        with ocean(server.url) as cloud:
            yield cloud

    @pytest.fixture
    def secretive(self, server: Loopback, account: Ocean) -> Iterator[LibcloudCloud]:
        account.token = CANARY
        with ocean(server.url, key=CANARY) as cloud:
            yield cloud

    @pytest.fixture
    def lossy(self, server: Loopback, account: Ocean) -> Iterator[LibcloudCloud]:
        lost: list[Request] = []

        def lose(request: Request) -> Reply:
            reply = account.answer(request)
            if request.method == "POST" and not lost:
                lost.append(request)
                return Reply(status=0, cut=0)
            return reply

        server.answer = lose
        with ocean(server.url) as cloud:
            yield cloud
            assert len(lost) == 1


class TestLibcloudDummy(CloudSuite):
    """libcloud's own dummy: no wire, and it gives a server another name than was asked for."""

    _wire = "libcloud's dummy has no wire"
    lacks: ClassVar = {
        "many": "libcloud's dummy has no pages",
        "refused": _wire,
        "unreachable": _wire,
        "hanging": _wire,
        "garbage": _wire,
        "half_page": _wire,
        "unknown_state": "libcloud's dummy knows only libcloud's own states",
        "secretive": "libcloud's dummy takes no user data",
        "lossy": _wire,
        "a_start_shows_as_it_was_asked_for": "libcloud's dummy chooses name, size and image itself",
        "a_start_keeps_tags": "libcloud's dummy keeps no tags, and the driver says so",
        "one_token_starts_one_server": "libcloud's dummy chooses names itself; tried below",
        "two_tokens_start_two_servers": "libcloud's dummy chooses names itself; tried below",
        "a_token_finds_its_server": "its servers carry no token, and the driver says so; see below",
        "servers_name_images_and_flavors_as_the_lists_do": "libcloud's dummy invents them",
        "stop_and_resume": "libcloud's dummy cannot stop, and the driver says so",
        "reboot": "libcloud's dummy never comes back from a reboot",
    }

    @pytest.fixture
    def cloud(self) -> Iterator[LibcloudCloud]:
        with LibcloudCloud("d", LibcloudCloud.Settings(provider="dummy", key="x")) as cloud:
            yield cloud


def test_no_warning_of_libcloud_s_is_ours() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cloud = LibcloudCloud("d", LibcloudCloud.Settings(provider="dummy", key="x"))
        assert len(list(cloud.servers())) == 2
