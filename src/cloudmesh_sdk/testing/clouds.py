"""What all suites of clouds share: the fixtures to give, and ways to start and to wait."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar
from uuid import uuid4

import attrs
import pytest

from cloudmesh_sdk.models import Server, ServerRequest, ServerState
from cloudmesh_sdk.providers.base import Cloud
from cloudmesh_sdk.testing.suite import Suite, wanted

CANARY = "canary-5e1b9f-not-for-any-eye"
"""The secret to plant in the clouds of `secretive` and `refused`, as password or key."""

GONE = (ServerState.DELETED, ServerState.DELETING)
"""States in which a cloud may still list a server that was deleted."""


@attrs.frozen
class Many:
    """A cloud with two and a half pages of something: list → how many there are."""

    cloud: Cloud
    counts: Mapping[str, int]


def order(cloud: Cloud, **fields: Any) -> ServerRequest:
    """Return a request for a server with a new name and token; image and flavor are the first."""
    given = {"name": f"kit-{uuid4().hex[:12]}", "token": uuid4().hex, **fields}
    if "image" not in given:
        given["image"] = next(iter(cloud.images())).id
    if "flavor" not in given:
        given["flavor"] = next(iter(cloud.flavors())).id
    return ServerRequest(**given)


def named(cloud: Cloud, name: str) -> list[Server]:
    """Return the servers of a name that are not gone."""
    return [s for s in cloud.servers() if s.name == name and s.state not in GONE]


class CloudFixtures(Suite):
    """Fixtures of clouds; only `cloud` is needed by all, each other by the promise it is for."""

    patience: ClassVar[float] = 10.0
    """Most seconds to wait for what the cloud promised."""
    pause: ClassVar[float] = 0.02
    """Seconds between two looks."""
    absent: ClassVar[str] = "no-such-id"
    """An id that the cloud has nothing for."""

    @pytest.fixture
    def cloud(self) -> Cloud:
        """Give a fresh driver object of a cloud that works."""
        wanted(self, "cloud", "a fresh driver object of a cloud that works")

    @pytest.fixture
    def image(self, cloud: Cloud) -> str:
        """Return the id of the image to start from; the first listed one unless overridden."""
        return next(iter(cloud.images())).id

    @pytest.fixture
    def flavor(self, cloud: Cloud) -> str:
        """Return the id of the flavor to start with; the first listed one unless overridden."""
        return next(iter(cloud.flavors())).id

    @pytest.fixture
    def started(self, cloud: Cloud, image: str, flavor: str) -> Iterator[Callable[..., Server]]:
        """Start servers that run, with the given fields of a request; they are deleted at last."""
        made: list[Server] = []

        def started(**fields: Any) -> Server:
            server = cloud.start(order(cloud, **{"image": image, "flavor": flavor, **fields}))
            made.append(server)
            return self.until(cloud, server, ServerState.RUNNING)

        yield started
        for server in made:
            cloud.delete(server)

    def until(self, cloud: Cloud, server: Server, *states: ServerState) -> Server:
        """Return the server once it is in one of these states; fails after `patience` seconds."""
        found = server
        end = time.monotonic() + self.patience + cloud.settle
        while time.monotonic() < end:
            found = cloud.server(server.id)
            if found.state in states:
                return found
            time.sleep(self.pause)
        pytest.fail(f"{server.name} is {found.state}, not {' or '.join(states)}")

    def seen(self, cloud: Cloud, server: Server) -> Server:
        """Return the server as the list shows it; fails when it is not there after `patience`."""
        end = time.monotonic() + self.patience + cloud.settle
        while time.monotonic() < end:
            for row in cloud.servers():
                if row.id == server.id:
                    return row
            time.sleep(self.pause)
        pytest.fail(f"{server.name} was started and is not in the list")

    def gone(self, cloud: Cloud, server: Server) -> None:
        """Return once the list shows the server no more, or as deleted; fails after `patience`."""
        end = time.monotonic() + self.patience + cloud.settle
        while any(row.id == server.id and row.state not in GONE for row in cloud.servers()):
            assert time.monotonic() < end, f"{server.name} was deleted and is still in the list"
            time.sleep(self.pause)
