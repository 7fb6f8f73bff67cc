"""Clients of the small OpenStack on loopback, and what they told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.labs.openstack_endpoint import PASSWORD, PROJECT, USER, Endpoint

from cloudmesh_sdk.providers.openstack.client import Client
from cloudmesh_sdk.providers.openstack.settings import OpenstackSettings
from cloudmesh_sdk.wire import Exchange


class Opened:
    """Opens clients at an endpoint; counts the requests that they told of."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.told = 0
        self.exchanges: list[Exchange] | None = None
        """Set it to a list to watch."""
        self.clients: list[Client] = []
        self.usual = OpenstackSettings(
            auth_url=endpoint.url,
            username=USER,
            password=PASSWORD,
            project_name=PROJECT,
            timeout=10.0,
            retries=2,
            cache=False,
        )

    def __call__(self, **chosen: Any) -> Client:
        client = Client("india", attrs.evolve(self.usual, **chosen), self._tell, self._watch)
        self.clients.append(client)
        return client

    def _tell(self) -> None:
        self.told += 1

    def _watch(self) -> Any:
        return None if self.exchanges is None else self.exchanges.append


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def opened(endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """Give a function that opens clients, with settings to choose; each test has its own cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    opened = Opened(endpoint)
    yield opened
    for client in opened.clients:
        client.close()


@pytest.fixture
def client(opened: Opened) -> Client:
    return opened()
