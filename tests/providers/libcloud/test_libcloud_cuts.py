"""Whatever is cut whenever, a cloud that libcloud talks to has what the journal says."""

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from tests.labs.moto_server import moto_server
from tests.providers.libcloud.amazon import amazon, forward
from tests.providers.libcloud.nova import Nova, nova
from tests.providers.libcloud.ocean import TOKEN, Ocean
from tests.providers.libcloud.tokenless import known, plain

from cloudmesh_sdk.providers.libcloud import LibcloudCloud
from cloudmesh_sdk.testing import Cuts, CutSuite, Loopback, Moment, Request


def ocean(url: str) -> LibcloudCloud:
    settings = LibcloudCloud.Settings(
        provider="digitalocean", key=TOKEN, url=url, timeout=10.0, settle=0.2, location="ams3"
    )
    return LibcloudCloud("ocean", settings)


class TestDigitalOcean(CutSuite):
    driver: ClassVar = LibcloudCloud

    @pytest.fixture
    def server(self) -> Iterator[Loopback]:
        with Loopback(Ocean().answer) as server:
            yield server

    @pytest.fixture
    def cloud(self, server: Loopback) -> Iterator[LibcloudCloud]:
        with ocean(server.url) as cloud:
            yield cloud

    @pytest.fixture
    def through(self, server: Loopback) -> Callable[[Cuts], LibcloudCloud]:
        return lambda cuts: ocean(cuts.at(server.url))


class TestToldToTryAgain(TestDigitalOcean):
    """The same where the environment tells libcloud to send again what failed."""

    moments: ClassVar = dict.fromkeys(("once", "each", "dark", "dead"), (Moment.UNANSWERED,))

    @pytest.fixture(autouse=True)
    def _told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LIBCLOUD_RETRY_FAILED_HTTP_REQUESTS", "1")


@pytest.fixture(scope="module", autouse=True)
def _known() -> Iterator[None]:
    with known():
        yield


class TestTokenless(TestDigitalOcean):
    """Where servers carry no token a start is settled by the name, and that it is new."""

    @pytest.fixture
    def cloud(self, server: Loopback) -> Iterator[LibcloudCloud]:
        with plain(server.url, "tokenless") as cloud:
            assert not cloud.shows_tokens
            yield cloud

    @pytest.fixture
    def through(self, server: Loopback) -> Callable[[Cuts], LibcloudCloud]:
        return lambda cuts: plain(cuts.at(server.url), "tokenless")


class TestOpenstack(CutSuite):
    """Libcloud starts a server by two requests here: the start, and one for what it made."""

    driver: ClassVar = LibcloudCloud

    @pytest.fixture
    def server(self) -> Iterator[Loopback]:
        with Loopback(Nova().answer) as server:
            yield server

    @pytest.fixture
    def cloud(self, server: Loopback) -> Iterator[LibcloudCloud]:
        with nova(server.url) as cloud:
            yield cloud

    @pytest.fixture
    def through(self, server: Loopback) -> Callable[[Cuts], LibcloudCloud]:
        return lambda cuts: nova(cuts.at(server.url))


@pytest.fixture(scope="module")
def door() -> Iterator[str]:
    with moto_server() as moto, Loopback(lambda request: forward(moto, request)) as door:
        yield door.url


class TestAmazon(CutSuite):
    """At moto, behind a door that answers in EC2's namespace: libcloud overlooks moto's own."""

    driver: ClassVar = LibcloudCloud
    moments: ClassVar = {
        "once": (Moment.UNANSWERED, Moment.HALF),
        "each": (Moment.UNANSWERED,),
        "dark": (Moment.UNSENT, Moment.UNANSWERED),
        "dead": (Moment.UNSENT, Moment.UNANSWERED),
    }

    def changes(self, request: Request) -> bool:
        """All is a GET here: the action tells."""
        return not request.query["Action"].startswith("Describe")

    @pytest.fixture
    def cloud(self, door: str) -> Iterator[LibcloudCloud]:
        with amazon(door) as cloud:
            yield cloud

    @pytest.fixture
    def flavor(self) -> str:
        return "t3.micro"

    @pytest.fixture
    def through(self, door: str) -> Callable[[Cuts], LibcloudCloud]:
        return lambda cuts: amazon(cuts.at(door))
