"""Whatever connection to Moon is cut whenever, Moon has what the journal says."""

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from cloudmesh_moon import MoonCloud
from cloudmesh_moon.server import Moon, serving

from cloudmesh_sdk.testing import Cuts, CutSuite


def moon(url: str) -> MoonCloud:
    return MoonCloud("moon", MoonCloud.Settings(url=url, key="demo"))


class TestMoonCuts(CutSuite):
    driver: ClassVar = MoonCloud

    @pytest.fixture
    def url(self) -> Iterator[str]:
        with serving(Moon()) as url:
            yield url

    @pytest.fixture
    def cloud(self, url: str) -> Iterator[MoonCloud]:
        with moon(url) as cloud:
            yield cloud

    @pytest.fixture
    def through(self, url: str) -> Callable[[Cuts], MoonCloud]:
        return lambda cuts: moon(cuts.at(url))
