"""What changes in MongoDB, told to those who listen: by a change stream, else by looking."""

from collections.abc import Iterable

from pymongo.errors import OperationFailure

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.store.changes import Changes, Listener, asked_kinds, asked_owners
from cloudmesh_sdk.store.mongo.connection import Connection

_NO_STREAMS = (40573, 40324, 59, 115)
"""Codes of servers without change streams: no replica set, or no MongoDB at all."""


class MongoChanges(Changes):
    """Streams where the server is a replica set (the embedded one is), else looks."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def listen(self, owners: str | Iterable[str], kinds: Iterable[str] | None = None) -> Listener:
        from cloudmesh_sdk.store.mongo.looking import Looks  # only who listens pays
        from cloudmesh_sdk.store.mongo.streaming import Stream

        who, what = asked_owners(owners), asked_kinds(kinds)
        try:
            return Stream(self._connection, who, what)
        except StoreError as error:
            cause = error.__cause__
            if isinstance(cause, OperationFailure) and cause.code in _NO_STREAMS:
                return Looks(self._connection, who, what)
            raise
