"""Whatever is cut whenever, a cloud that libcloud talks to has what the journal says."""

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from tests.providers.libcloud.ocean import TOKEN, Ocean

from cloudmesh_sdk.providers.libcloud import LibcloudCloud
from cloudmesh_sdk.testing import Cuts, CutSuite, Loopback, Moment


def ocean(url: str) -> LibcloudCloud:
    settings = LibcloudCloud.Settings(
        provider="digitalocean", key=TOKEN, url=url, timeout=10.0, location="ams3"
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
