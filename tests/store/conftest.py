"""One embedded server for all tests of the store that do not break it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store.store_tools import end_all, private_directory, used

from cloudmesh_sdk.store.mongo import MongoStore, connection
from cloudmesh_sdk.store.mongo.places import place


@pytest.fixture(scope="session", autouse=True)
def no_foreign_uri() -> Iterator[None]:
    """Keep the tests off a server that the environment names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CLOUDMESH_MONGO_URI", raising=False)
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoStore.Settings]:
    """Settings of an embedded server that runs for the whole session."""
    directory = private_directory(tmp_path_factory.mktemp("mongo"))
    with used(directory):
        yield MongoStore.Settings(directory=str(directory), linger=0)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """A private directory whose embedded server is gone after the test, whatever became of it."""
    directory = private_directory(tmp_path)
    yield directory
    end_all(place(directory))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stores give up an embedded server that died after a second, not after three."""
    monkeypatch.setattr(connection, "_EMBEDDED_TIMEOUT", 1.0)
