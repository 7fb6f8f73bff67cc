"""Whatever is cut whenever, EC2 has what the journal says: at the tests' endpoint and at moto."""

from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import parse_qs

import pytest
from tests.labs.ec2_endpoint import Endpoint

from cloudmesh_sdk.providers.ec2 import Ec2Cloud
from cloudmesh_sdk.testing import Cuts, CutSuite, Request

Opened = Callable[..., Ec2Cloud]

QUICK: dict[str, Any] = {"retries": 1, "settle": 0.2}
"""Settings for an endpoint whose lists show at once what was made."""


class Ec2Cuts(CutSuite):
    driver: ClassVar = Ec2Cloud

    def changes(self, request: Request) -> bool:
        """All is a POST here: the action tells."""
        action = parse_qs(request.body.decode()).get("Action", [""])[0]
        return not action.startswith(("Describe", "Get"))


class TestEndpoint(Ec2Cuts):
    @pytest.fixture
    def cloud(self, opened: Opened) -> Ec2Cloud:
        return opened(**QUICK)

    @pytest.fixture
    def through(self, opened: Opened, endpoint: Endpoint) -> Callable[[Cuts], Ec2Cloud]:
        return lambda cuts: opened(endpoint=cuts.at(endpoint.url), **QUICK)
