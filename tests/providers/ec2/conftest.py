from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from tests.labs.ec2_endpoint import ACCESS_KEY, SECRET_KEY, Endpoint
from tests.labs.moto_server import moto

from cloudmesh_sdk.models import ServerRequest
from cloudmesh_sdk.providers.ec2 import Ec2Cloud, Ec2Settings

__all__ = ["moto"]

REQUEST = ServerRequest(name="web", image="ami-0001", flavor="t3.micro", token="token-1")


@pytest.fixture(autouse=True)
def _no_credentials_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the chain of credentials away from this machine's files and from its network."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def request_() -> ServerRequest:
    return REQUEST


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def opened(endpoint: Endpoint) -> Iterator[Callable[..., Ec2Cloud]]:
    """Give a function that opens a cloud at the endpoint, with settings to choose."""
    usual = Ec2Settings(
        endpoint=endpoint.url, access_key=ACCESS_KEY, secret_key=SECRET_KEY, timeout=10.0
    )
    clouds = []

    def opened(**chosen: Any) -> Ec2Cloud:
        clouds.append(Ec2Cloud("aws", attrs.evolve(usual, **chosen)))
        return clouds[-1]

    yield opened
    for cloud in clouds:
        cloud.close()


@pytest.fixture
def cloud(opened: Callable[..., Ec2Cloud]) -> Ec2Cloud:
    return opened()
