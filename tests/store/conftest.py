"""One embedded server for all tests of the store that do not break it."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from cloudmesh_sdk.store.mongo import MongoStore, embedded
from cloudmesh_sdk.store.mongo.places import Place, place
from cloudmesh_sdk.store.mongo.processes import running


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


class used:  # noqa: N801 - reads as a verb
    """Hold an embedded server for a block, and end it after."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __enter__(self) -> embedded.Attachment:
        self.attachment = embedded.attach(self.directory, linger=0)
        return self.attachment

    def __exit__(self, *_: object) -> None:
        self.attachment.release()
        end_all(place(self.directory))


def private_directory(parent: Path) -> Path:
    """Return a new directory of mode 0700."""
    directory = parent / "m"
    directory.mkdir(mode=0o700)
    return directory


def end_all(where: Place) -> None:
    """Stop the server of a place and wait for its keeper to end."""
    if running(where) is not None:
        embedded.stop(where.root, force=True)
    eventually(lambda: not kept(where), "the keeper ends")


def kept(where: Place) -> bool:
    """Tell whether a place has a living keeper."""
    with where.lock("keeper") as lock:
        return not lock.take()


def eventually(holds: Callable[[], object], what: str, *, within: float = 30.0) -> None:
    """Wait until something holds; fail the test where it does not in time."""
    end = time.monotonic() + within
    while not holds():
        if time.monotonic() > end:
            pytest.fail(f"not within {within:g} s: {what}")
        time.sleep(0.02)


def mongods(directory: Path) -> list[psutil.Process]:
    """Return all servers that run on a directory, however they were started."""
    data = os.fspath(directory / "db")
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if data in (process.info["cmdline"] or ()) and process.info["status"] != "zombie":
            found.append(process)
    return found
