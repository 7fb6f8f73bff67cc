"""The way to the database: opened at first use, reopened after it was lost."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import pymongo
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import AutoReconnect, ConnectionFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.store.mongo.errors import lasts, opening, translated
from cloudmesh_sdk.store.mongo.escape import TIMES
from cloudmesh_sdk.store.mongo.schema import prepare

if TYPE_CHECKING:
    from cloudmesh_sdk.store.mongo.embedded import Attachment

T = TypeVar("T")
Documents = Database[dict[str, Any]]

DURABLE = WriteConcern(w="majority", j=True)
"""For what must not be lost, and what others must see at once: a snapshot holds no less."""

_EMBEDDED_TIMEOUT = 3.0
"""Seconds to look for an embedded server that was there: it is on this machine."""

_SOON = 1.5
"""Seconds after which a server that does not answer is looked at: why not?"""

_ABANDONED = 75.0
"""Seconds after which a transaction that a killed process left open holds no rows any more: the
server ends it after 60 (transactionLifetimeLimitSeconds), our embedded one after 5."""


class Connection:
    """A database of one server; safe to use from many threads."""

    def __init__(
        self,
        *,
        uri: str | None,
        database: str,
        timeout: float,
        attach: "Callable[[], Attachment]",
        directory: str,
    ) -> None:
        self._uri = uri or os.environ.get("CLOUDMESH_MONGO_URI") or None
        self._name = database
        self._timeout = timeout
        self._attach = attach
        self._directory = directory
        self._lock = threading.RLock()
        self._attachment: Attachment | None = None
        self._client: MongoClient[dict[str, Any]] | None = None
        self._closed = False

    @property
    def where(self) -> str:
        """The server in words, without secrets."""
        if self._uri is None:
            return f"the embedded MongoDB in {self._directory}"
        hosts = self._uri.partition("://")[2].rpartition("@")[2].partition("/")[0]
        return f"the MongoDB at {hosts or 'the configured URI'}"

    @contextmanager
    def use(self) -> Iterator[Documents]:
        """Give the database for one piece of work; all errors become `StoreError`."""
        with translated(self.where, self._hint):
            database = self._open()
            try:
                yield database
            except AutoReconnect:
                self._lost(database.client)
                raise

    def atomic(self, database: Documents, work: Callable[[ClientSession | None], T]) -> T:
        """Do reads and writes in one transaction: repeated on a conflict, all or nothing.

        A server that has no transactions (no replica set) does them one after the other.
        """
        if not self._has_transactions(database):
            return work(None)
        end = time.monotonic() + max(self._timeout, _ABANDONED)
        longest = 0.02
        while True:
            try:
                return _transaction(database.client, work)
            except ConnectionFailure:
                raise
            except PyMongoError as error:
                again = error.has_error_label("TransientTransactionError")
                if not again or time.monotonic() > end:
                    raise
                time.sleep(random.uniform(0.001, longest))  # noqa: S311 - spreads who collide
                longest = min(0.5, longest * 1.5)

    def reading(self, database: Documents, work: Callable[[ClientSession | None], T]) -> T:
        """Do several reads of one moment; a server without snapshots reads what is there."""
        if not self._has_transactions(database):
            return work(None)
        with database.client.start_session(snapshot=True) as session:
            return work(session)

    def close(self) -> None:
        """Give all back; anything asked later raises `StoreError`."""
        with self._lock:
            self._closed = True
            self._drop()

    def _open(self) -> Documents:
        with self._lock:
            if self._closed:
                raise StoreError(f"{self.where} cannot be asked: this store is closed")
            if self._client is None:
                self._connect()
            assert self._client is not None
            return self._client.get_database(self._name, codec_options=TIMES)

    def _connect(self) -> None:
        timeout = self._timeout
        uri = self._uri
        if uri is None:
            self._attachment = self._attach()
            uri = self._attachment.uri
            timeout = min(timeout, _EMBEDDED_TIMEOUT)
        elif not uri.startswith(("mongodb://", "mongodb+srv://")):
            raise StoreError("the URI of the store must begin with mongodb:// or mongodb+srv://")
        try:
            with opening(self.where):
                self._client = MongoClient(
                    uri, appname="cloudmesh", serverSelectionTimeoutMS=int(timeout * 1000),
                    connectTimeoutMS=int(timeout * 1000), w="majority",
                )  # fmt: skip
            if self._uri is not None:
                _greet(self._client)
            prepare(self._client.get_database(self._name, codec_options=TIMES))
        except BaseException:
            self._drop()
            raise

    def _lost(self, client: MongoClient[dict[str, Any]]) -> None:
        """Forget a server that is gone: the next use finds or starts one.

        Another thread may have done both already: what it opened since stays.
        """
        with self._lock:
            if self._attachment is not None and self._client is client:
                self._drop()

    def _drop(self) -> None:
        client, self._client = self._client, None
        attachment, self._attachment = self._attachment, None
        if client is not None:
            client.close()
        if attachment is not None:
            attachment.release()

    def _hint(self) -> str:
        if self._uri is not None:
            return ""
        from cloudmesh_sdk.store.mongo.ailments import disk_full
        from cloudmesh_sdk.store.mongo.places import place

        return disk_full(place(self._directory, create=False))

    @staticmethod
    def _has_transactions(database: Documents) -> bool:
        servers = database.client.topology_description.server_descriptions().values()
        kinds = {server.server_type_name for server in servers}
        return not kinds & {"Standalone", "Unknown"} or "RSPrimary" in kinds


def _greet(client: MongoClient[dict[str, Any]]) -> None:
    """Fail soon where waiting does not help: the driver tries a bad certificate again and again."""
    try:
        with pymongo.timeout(_SOON):
            client.admin.command("ping")
    except PyMongoError as error:
        if lasts(error) or not error.timeout:
            raise


def _transaction(
    client: MongoClient[dict[str, Any]], work: Callable[[ClientSession | None], T]
) -> T:
    with (
        client.start_session() as session,
        session.start_transaction(ReadConcern("snapshot"), WriteConcern("majority")),
    ):
        return work(session)
