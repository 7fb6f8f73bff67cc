"""Where a memory cloud keeps its things: this process, or a JSON file that processes share."""

import abc
import contextlib
import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from cloudmesh_sdk.errors import BackendTimeoutError, UnavailableError
from cloudmesh_sdk.providers.memory.documents import UPDATED, later

Tables = dict[str, dict[str, Any]]
"""Native documents by kind and id, in order of ids."""

_PAUSE = 0.002
"""Seconds between two tries to get the lock of a file."""


class Place(abc.ABC):
    """Tables of native documents; documents in them are replaced, never changed in place."""

    @abc.abstractmethod
    def read(self) -> Tables:
        """Return the tables as they are now, to look at only."""

    @abc.abstractmethod
    def change(self) -> contextlib.AbstractContextManager[Tables]:
        """Give the tables to one writer at a time; kept unless the block raises."""


class Heap(Place):
    """Tables of one object in this process."""

    def __init__(self, seed: Callable[[], Tables]) -> None:
        self._tables = seed()
        self._lock = threading.RLock()

    def read(self) -> Tables:
        with self._lock:
            return {kind: dict(rows) for kind, rows in self._tables.items()}

    @contextlib.contextmanager
    def change(self) -> Iterator[Tables]:
        with self._lock:
            tables = self.read()
            yield tables
            _stamp(self._tables["servers"], tables)
            self._tables = tables


class File(Place):
    """Tables in a JSON file, written whole under a lock and put in place by a rename.

    Readers need no lock: they see the file before a change or after it. What is written survives
    the end of any process, though not a power cut. Waiting for the lock ends after `timeout`
    seconds with `BackendTimeoutError`; a file that is not ours is an `UnavailableError`.
    """

    def __init__(self, path: Path, seed: Callable[[], Tables], *, timeout: float) -> None:
        self.path = path
        self._seed = seed
        self._timeout = timeout
        self._cached: tuple[Any, Tables] | None = None

    def read(self) -> Tables:
        try:
            info = self.path.stat()
        except OSError:  # not there yet; what else is wrong, creating it will say
            with self.change() as tables:
                return tables
        stamp = (info.st_ino, info.st_mtime_ns, info.st_size)
        if self._cached is None or self._cached[0] != stamp:
            self._cached = (stamp, self._load())
        return self._cached[1]

    @contextlib.contextmanager
    def change(self) -> Iterator[Tables]:
        with self._locked():
            tables = self._load()
            before = dict(tables["servers"])
            yield tables
            _stamp(before, tables)
            self._write(tables)

    def _load(self) -> Tables:
        try:
            tables = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return self._seed()
        except (OSError, ValueError) as error:
            raise UnavailableError(
                f"cannot read the memory cloud in {self.path}: {error}"
            ) from error
        if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
            raise UnavailableError(f"{self.path} does not hold a memory cloud; name another file")
        fresh = self._seed()
        return {**fresh, **tables, "last": {**fresh["last"], **tables.get("last", {})}}

    def _write(self, tables: Tables) -> None:
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            fresh.write_text(json.dumps(tables), encoding="utf-8")
            fresh.replace(self.path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise UnavailableError(
                f"cannot write the memory cloud in {self.path}: {error}"
            ) from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        end = time.monotonic() + self._timeout
        with self._lock_file() as lock:
            while not _taken(lock.fileno()):
                if time.monotonic() > end:
                    raise BackendTimeoutError(
                        f"{self.path} was locked by others for {self._timeout:g} s"
                    )
                time.sleep(_PAUSE)
            yield

    def _lock_file(self) -> IO[str]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return self.path.with_name(f".{self.path.name}.lock").open("a")
        except OSError as error:
            raise UnavailableError(f"cannot write {self.path}: {error}") from error


def _stamp(before: Mapping[str, Any], tables: Tables) -> None:
    """Note in servers' documents when they changed, and keep those that are gone as deleted."""
    now, servers = later(0), tables["servers"]
    for number in before.keys() - servers.keys():
        tables["deleted"][number] = {**before[number], "status": "DELETED", UPDATED: now}
    for number, row in before.items():
        new = servers.get(number, row)
        if new is not row and new.get(UPDATED) == row.get(UPDATED):
            servers[number] = {**new, UPDATED: now}


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
