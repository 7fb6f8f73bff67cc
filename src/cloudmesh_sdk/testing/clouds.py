"""What all suites of clouds share: the fixtures to give, and ways to start and to wait."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

import attrs
import pytest

from cloudmesh_sdk.errors import ConflictError
from cloudmesh_sdk.models import Server, ServerRequest, ServerState
from cloudmesh_sdk.providers.base import Cloud
from cloudmesh_sdk.testing.patient import Patient
from cloudmesh_sdk.testing.suite import wanted

T = TypeVar("T")

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


def flavor_words(cloud: Cloud, flavor: str) -> set[str]:
    """Return what a server may say of its flavor: the id of it, or its name."""
    return {flavor} | {known.name for known in cloud.flavors() if known.id == flavor}


def cost(cloud: Cloud, act: Callable[[], object]) -> int:
    """Return how many requests something took."""
    before = cloud.calls
    act()
    return cloud.calls - before


def named(cloud: Cloud, name: str) -> list[Server]:
    """Return the servers of a name that are not gone."""
    return [s for s in cloud.servers() if s.name == name and s.state not in GONE]


class CloudFixtures(Patient):
    """Fixtures of clouds; only `cloud` is needed by all, each other by the promise it is for."""

    pause: ClassVar[float] = 0.02
    """Seconds between two looks."""
    absent: ClassVar[str] = "no-such-id"
    """An id that the cloud has nothing for."""

    @property
    def between(self) -> float:
        return self.pause

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
    def networks(self) -> tuple[str, ...]:
        """Return what to start servers on; empty, which leaves it to the cloud, unless overridden.

        Give ids of networks where the cloud wants to be told.
        """
        return ()

    @pytest.fixture
    def lossy(self) -> Cloud:
        """Give a cloud that does the first start and whose answer to it is lost."""
        wanted(self, "lossy", "a cloud that does the first start while its answer is lost")

    @pytest.fixture
    def ordered(
        self, cloud: Cloud, image: str, flavor: str, networks: tuple[str, ...]
    ) -> Callable[..., ServerRequest]:
        """Make requests for servers with a new name and token, and the given fields."""

        def ordered(**fields: Any) -> ServerRequest:
            given = {"image": image, "flavor": flavor, "networks": networks}
            return order(cloud, **{**given, **fields})

        return ordered

    @pytest.fixture
    def started(
        self, cloud: Cloud, ordered: Callable[..., ServerRequest]
    ) -> Iterator[Callable[..., Server]]:
        """Start servers that run, with the given fields of a request; they are deleted at last."""
        made: list[Server] = []

        def started(**fields: Any) -> Server:
            server = cloud.start(ordered(**fields))
            made.append(server)
            return self.until(cloud, server, ServerState.RUNNING)

        yield started
        for server in made:
            cloud.delete(server)

    def unknown(self, server: Server) -> Server:
        """Return a server that the cloud has never had."""
        return attrs.evolve(server, id=self.absent)

    def until(self, cloud: Cloud, server: Server, *states: ServerState) -> Server:
        """Return the server once it is in one of these states; fails after `patience` seconds."""
        found = server
        end = time.monotonic() + self.patience + cloud.settle
        while time.monotonic() < end:
            found = cloud.server(server.id)
            if found.state in states:
                return found
            if found.state is ServerState.ERROR:
                break
            time.sleep(self.pause)
        wished = " or ".join(states)
        pytest.fail(f"{server.name} is {found.state} ({found.fault}), not {wished}")

    def allowed(self, act: Callable[[], T]) -> T:
        """Return what an act gives once nothing is in its way; fails after `patience` seconds."""
        end = time.monotonic() + self.patience
        while True:
            try:
                return act()
            except ConflictError:
                if time.monotonic() > end:
                    raise
            time.sleep(self.pause)

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
