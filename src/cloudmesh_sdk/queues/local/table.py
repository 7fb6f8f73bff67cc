"""Jobs in an SQLite file."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cloudmesh_sdk.errors import UnavailableError
from cloudmesh_sdk.queues.small.table import Documents, Table

_PATIENCE = 30.0
"""Seconds to wait for another process that changes the list."""

_SCHEMA = "CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, place INTEGER, job TEXT)"
_READ = "SELECT id, job FROM jobs ORDER BY place"


class File(Table):
    """A file that several processes share; each transaction has a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Documents:
        with self._opened() as connection:
            return _jobs(connection)

    @contextmanager
    def change(self) -> Iterator[Documents]:
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                jobs = _jobs(connection)
                before = {id: json.dumps(job) for id, job in jobs.items()}  # noqa: A001
                yield jobs
                _write(connection, before, jobs)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as connection:
                connection.isolation_level = None  # transactions are begun and ended here
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                connection.execute(_SCHEMA)
                yield connection
        except sqlite3.Error as error:
            raise UnavailableError(f"{self._path} cannot be used: {error}") from error


def _jobs(connection: sqlite3.Connection) -> Documents:
    return {id: json.loads(text) for id, text in connection.execute(_READ)}  # noqa: A001


def _write(connection: sqlite3.Connection, before: dict[str, str], jobs: Documents) -> None:
    """Write the rows that differ."""
    gone = [(id,) for id in before.keys() - jobs.keys()]  # noqa: A001
    connection.executemany("DELETE FROM jobs WHERE id = ?", gone)
    texts = {id: json.dumps(job) for id, job in jobs.items()}  # noqa: A001
    rows = [
        (id, _place(id), text)
        for id, text in texts.items()  # noqa: A001
        if before.get(id) != text
    ]
    connection.executemany("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?)", rows)


def _place(id: str) -> int:  # noqa: A002
    """Return the order of ids: those of arrays by their index."""
    number, _, index = id.partition("_")
    return int(number) * 10_000_000 + int(index or 0)
