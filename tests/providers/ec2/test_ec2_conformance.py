"""The driver keeps what every cloud promises, at the tests' own endpoint and at moto's."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar
from uuid import uuid4

import attrs
import pytest
from tests.labs.ec2_endpoint import Endpoint

from cloudmesh_sdk.models import ServerRequest
from cloudmesh_sdk.providers.ec2 import Ec2Cloud, Ec2Settings
from cloudmesh_sdk.testing import (
    CloudSuite,
    ConsoleSuite,
    KeypairSuite,
    Many,
    QuotaSuite,
    RenameSuite,
    SecurityGroupSuite,
    TagSuite,
    ZoneSuite,
)
from cloudmesh_sdk.testing.clouds import CANARY
from cloudmesh_sdk.testing.server import closed_port, silence

Opened = Callable[..., Ec2Cloud]


class TestEndpoint(
    CloudSuite,
    KeypairSuite,
    SecurityGroupSuite,
    ConsoleSuite,
    QuotaSuite,
    ZoneSuite,
    TagSuite,
    RenameSuite,
):
    absent: ClassVar = "i-0123456789abcdef0"

    @pytest.fixture
    def cloud(self, opened: Opened) -> Ec2Cloud:
        return opened()

    @pytest.fixture
    def many(self, opened: Opened, endpoint: Endpoint) -> Many:
        endpoint.account.seed(25)
        return Many(opened(page_size=10), {"servers": 25})

    @pytest.fixture
    def refused(self, opened: Opened) -> Ec2Cloud:
        return opened(access_key="AKIAWRONG", secret_key=CANARY)

    @pytest.fixture
    def unreachable(self, opened: Opened) -> Ec2Cloud:
        return opened(endpoint=f"http://127.0.0.1:{closed_port()}", retries=1)

    @pytest.fixture
    def hanging(self, opened: Opened) -> Iterator[Ec2Cloud]:
        with silence() as port:
            yield opened(endpoint=f"http://127.0.0.1:{port}", timeout=self.deadline)

    @pytest.fixture
    def garbage(self, opened: Opened, endpoint: Endpoint) -> Ec2Cloud:
        endpoint.fail("DescribeInstances", "html", times=2)
        return opened(retries=1)

    @pytest.fixture
    def half_page(self, opened: Opened, endpoint: Endpoint) -> Ec2Cloud:
        endpoint.account.seed(5)
        endpoint.fail("DescribeInstances", "half-page", times=2)
        return opened(retries=1)

    @pytest.fixture
    def unknown_state(self, cloud: Ec2Cloud, endpoint: Endpoint) -> Ec2Cloud:
        endpoint.account.seed(1)
        (instance,) = endpoint.account.instances.values()
        instance["instanceState"] = {"code": "99", "name": self.strange}
        return cloud

    @pytest.fixture
    def secretive(self, opened: Opened) -> Ec2Cloud:
        return opened(secret_key=CANARY)

    @pytest.fixture
    def lossy(self, cloud: Ec2Cloud, endpoint: Endpoint) -> Ec2Cloud:
        endpoint.fail("RunInstances", "cut-after")
        return cloud


EMPTY = iter(("eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1"))
"""Regions that nobody has started anything in: moto shows what was deleted for ever."""

ELSEWHERE = "moto cannot be told to fail so; tried at the tests' own endpoint"


@pytest.mark.lab
class TestMoto(
    CloudSuite,
    KeypairSuite,
    SecurityGroupSuite,
    ConsoleSuite,
    QuotaSuite,
    ZoneSuite,
    TagSuite,
    RenameSuite,
):
    absent: ClassVar = "i-0123456789abcdef0"
    lacks: ClassVar = {
        **dict.fromkeys(("refused", "hanging", "garbage", "half_page", "lossy"), ELSEWHERE),
        "unknown_state": "moto knows the states of EC2 only",
        "a_deleted_server_cannot_be_acted_on": "moto starts terminated instances again",
    }

    @pytest.fixture
    def region(self, moto: str) -> Iterator[Callable[..., Ec2Cloud]]:
        """Give a function that opens a region of moto, with settings to choose."""
        clouds = []

        def region(**chosen: Any) -> Ec2Cloud:
            settings: dict[str, Any] = {
                "endpoint": moto,
                "access_key": "AKIALAB",
                "secret_key": "lab",
            }
            cloud = Ec2Cloud("moto", Ec2Settings(honours_token=False, **(settings | chosen)))
            clouds.append(cloud)
            return cloud

        yield region
        for cloud in clouds:
            cloud.close()

    @pytest.fixture
    def cloud(self, region: Opened) -> Ec2Cloud:
        return region()

    @pytest.fixture
    def flavor(self) -> str:
        return "t3.micro"  # moto takes three seconds to list all it has

    @pytest.fixture
    def secretive(self, region: Opened) -> Ec2Cloud:
        return region(secret_key=CANARY)

    @pytest.fixture
    def unreachable(self, region: Opened) -> Ec2Cloud:
        return region(endpoint=f"http://127.0.0.1:{closed_port()}", retries=1)

    @pytest.fixture
    def many(self, region: Opened) -> Many:
        cloud = region(region=next(EMPTY), page_size=10)
        request = ServerRequest(
            name="many", image=next(iter(cloud.images())).id, flavor="t3.micro", token=""
        )
        for _ in range(25):
            cloud.start(attrs.evolve(request, token=uuid4().hex))
        return Many(cloud, {"servers": 25})
