"""What the tests of the store share: waiting, private directories, servers that end."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
from pymongo import MongoClient

from cloudmesh_sdk.store.mongo import embedded
from cloudmesh_sdk.store.mongo.places import Place, place, read_json
from cloudmesh_sdk.store.mongo.processes import running


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


def impatient(directory: Path) -> None:
    """Let an embedded server end in a second or two what killed processes left open, not in five.

    For tests that kill many of them: what each left holds its rows until then.
    """
    where = place(directory)
    password = read_json(where.secrets)["root"]
    login = f"root:{quote(password, safe='')}@{quote(str(where.socket()), safe='')}"
    with MongoClient[Any](f"mongodb://{login}/?directConnection=true") as client:
        client.admin.command("setParameter", 1, transactionLifetimeLimitSeconds=1)


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
