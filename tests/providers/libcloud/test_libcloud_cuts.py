"""Whatever connection to DigitalOcean is cut whenever, it has what the journal says."""

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from tests.providers.libcloud.ocean import Ocean
from tests.providers.libcloud.test_suite import ocean

from cloudmesh_sdk.providers.libcloud import LibcloudCloud
from cloudmesh_sdk.testing import Cuts, CutSuite, Loopback


class TestOceanCuts(CutSuite):
    driver: ClassVar = LibcloudCloud

    @pytest.fixture
    def url(self) -> Iterator[str]:
        with Loopback(Ocean().answer) as server:
            yield server.url

    @pytest.fixture
    def cloud(self, url: str) -> Iterator[LibcloudCloud]:
        with quick(url) as cloud:
            yield cloud

    @pytest.fixture
    def through(self, url: str) -> Callable[[Cuts], LibcloudCloud]:
        return lambda cuts: quick(cuts.at(url))


def quick(url: str) -> LibcloudCloud:
    """Return an account whose lists show at once what was made."""
    cloud = ocean(url)
    cloud.settle = min(cloud.settle, 0.3)
    return cloud
