"""A mesh of memory clouds on a memory store."""

from collections.abc import Callable, Iterator

import pytest
from tests.mesh.plain import PlainCloud

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh

MESH = """
profile: {username: albert, email: a@example.org}
clouds:
  india: {driver: memory, servers: 3}
  sierra: {driver: memory, servers: 2, defaults: {flavor: m1.large}}
  off: {driver: memory, active: false}
"""

Make = Callable[[str], Mesh]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes meshes from the text of a configuration."""
    opened: list[Mesh] = []

    def made(text: str) -> Mesh:
        opened.append(Mesh.open("memory", config=Config.parse(text)))
        return opened[-1]

    yield made
    for mesh in opened:
        mesh.close()


@pytest.fixture
def mesh(make: Make) -> Mesh:
    """Two clouds that are on, with servers, and one that is off."""
    return make(MESH)


@pytest.fixture
def plain(make: Make, monkeypatch: pytest.MonkeyPatch) -> Mesh:
    """A cloud with every ability (`india`) and one with none (`plain`)."""
    mesh = make("clouds: {india: {driver: memory}, plain: {driver: memory}}")
    monkeypatch.setitem(mesh.clouds._open, "plain", PlainCloud("plain"))
    return mesh
