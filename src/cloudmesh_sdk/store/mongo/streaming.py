"""A change stream of MongoDB: goes on where it was when the server was away.

The server keeps what is not heard yet, in its log; here is never more than one batch. Commands are
sent one by one rather than by the driver's cursor: that gives a batch whole, and after a kill the
embedded server is another one, with another address.
"""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

from bson.int64 import Int64
from pymongo.client_session import ClientSession
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import Happening
from cloudmesh_sdk.store.changes import Listener, gap
from cloudmesh_sdk.store.mongo.connection import Connection, Documents
from cloudmesh_sdk.store.mongo.telling import happening, pipeline

_BATCH = 1_000
"""Changes that are fetched at once."""

_PATIENCE = 60.0
"""Seconds after which a server that does not come back is told of."""

_PAUSE = 0.2
"""Seconds between two attempts to reach a server that is away."""

_FORGOTTEN = (286, 280, 260, 10334)
"""Codes of a stream that cannot be taken up: the log does not reach back so far, or the like."""

_CURSOR_GONE = 43


class Stream(Listener):
    """Hears a change stream, from the moment it was made."""

    def __init__(
        self, connection: Connection, owners: Collection[str], kinds: Sequence[str]
    ) -> None:
        super().__init__()
        self._connection = connection
        self._pipeline = pipeline(owners, kinds)
        self._lock = threading.Lock()
        self._database: Documents | None = None
        self._session: ClientSession | None = None
        self._cursor: int | None = None
        self._token: Any = None
        """Where the stream is to go on."""
        self._missed = False
        """Whether something was lost that is not told of yet."""
        self._away: float | None = None
        """Since when the server does not answer."""
        self._first = self._guarded(self._open)

    def _heard(self, seconds: float) -> list[Happening]:
        with self._lock:
            if self._closed.is_set():
                return []
            found, self._first = self._first, []
            try:
                found = found or self._guarded(lambda database: self._more(database, seconds))
            except StoreError as error:
                if not self._passes(error):
                    raise
                self._closed.wait(min(_PAUSE, seconds))
                return []
            self._away = None
            return found

    def _guarded(self, work: Callable[[Documents], list[Happening]]) -> list[Happening]:
        """Ask the server; what was not heard to its end is asked for again from the last token."""
        try:
            with self._connection.use() as database:
                try:
                    return work(database)
                except OperationFailure as error:
                    if error.code not in _FORGOTTEN or self._token is None:
                        raise
                    self._token, self._missed = None, True
                    return self._open(database)
        except BaseException:
            self._cursor = None
            raise

    def _more(self, database: Documents, seconds: float) -> list[Happening]:
        if self._cursor is None or self._database is None:
            return self._open(database)
        if database.client is not self._database.client:
            return self._open(database)
        more = {
            "getMore": Int64(self._cursor), "collection": "$cmd.aggregate", "batchSize": _BATCH,
            "maxTimeMS": max(1, int(seconds * 1000)),
        }  # fmt: skip
        return self._taken(database.command(more, session=self._session)["cursor"], "nextBatch")

    def _open(self, database: Documents) -> list[Happening]:
        """Begin where the stream was, or now where it cannot go on or never began."""
        if self._database is None or self._database.client is not database.client:
            self._session = database.client.start_session()
        self._database = database
        where = {} if self._token is None else {"resumeAfter": self._token}
        stream = {"$changeStream": {"fullDocument": "updateLookup", **where}}
        answer = database.command(
            "aggregate", 1, pipeline=[stream, *self._pipeline], cursor={"batchSize": _BATCH},
            session=self._session,
        )  # fmt: skip
        return self._taken(answer["cursor"], "firstBatch")

    def _taken(self, cursor: dict[str, Any], batch: str) -> list[Happening]:
        self._token = cursor.get("postBatchResumeToken", self._token)
        self._cursor = cursor["id"] or None
        missed, self._missed = self._missed, False
        if self._cursor is None:  # the database was dropped: there is nothing to go on from
            self._token, self._missed = None, True
        return [*([gap()] if missed else []), *map(happening, cursor[batch])]

    def _passes(self, error: StoreError) -> bool:
        """Tell whether a server that is away may still come back in time."""
        cause, now = error.__cause__, time.monotonic()
        self._away = self._away or now
        if now - self._away > _PATIENCE or not isinstance(cause, PyMongoError):
            self._away = None
            return False
        return (
            isinstance(cause, ConnectionFailure)
            or cause.has_error_label("ResumableChangeStreamError")
            or (isinstance(cause, OperationFailure) and cause.code == _CURSOR_GONE)
        )

    def close(self) -> None:
        """Hear no more, and let the server forget the stream."""
        self._closed.set()
        with self._lock:
            cursor, self._cursor = self._cursor, None
            if cursor is None or self._database is None:
                return
            with suppress(PyMongoError):  # one that cannot be told forgets it after ten minutes
                self._database.command(
                    "killCursors", "$cmd.aggregate", cursors=[Int64(cursor)],
                    session=self._session,
                )  # fmt: skip
                if self._session is not None:
                    self._session.end_session()
