"""A configuration that several processes share: an embedded MongoDB and a cloud in a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store.store_tools import impatient

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh


@pytest.fixture
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a cloudmesh.yaml with an empty store of its own."""
    place = tmp_path_factory.mktemp("m")
    path = place / "cloudmesh.yaml"
    path.write_text(
        "profile: {username: albert}\n"
        f"store: {{directory: {place}/mongo, linger: 0}}\n"
        f"clouds:\n  india: {{driver: memory, file: {place}/india.json}}\n"
    )
    return path


@pytest.fixture
def keeper(config: Path) -> Iterator[Mesh]:
    """A mesh of this process, which keeps the embedded server up between the others."""
    with Mesh.open("mongo", config=Config.load(config)) as mesh:
        impatient(config.parent / "mongo")
        mesh.refresh()
        yield mesh
