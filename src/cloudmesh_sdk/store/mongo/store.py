"""The store that `mesh("mongo")` opens."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import attrs

from cloudmesh_sdk.models import Operation, Record
from cloudmesh_sdk.options import option
from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.store.mongo import embedded
from cloudmesh_sdk.store.mongo.changes import MongoChanges
from cloudmesh_sdk.store.mongo.changing import change_of
from cloudmesh_sdk.store.mongo.concluding import Concluding, Conclusion
from cloudmesh_sdk.store.mongo.connection import Connection
from cloudmesh_sdk.store.mongo.journal import MongoJournal
from cloudmesh_sdk.store.mongo.polls import MongoPolls
from cloudmesh_sdk.store.mongo.preferences import MongoSettings
from cloudmesh_sdk.store.mongo.rates import MongoRates
from cloudmesh_sdk.store.mongo.slots import MongoSlots, MongoWorkers
from cloudmesh_sdk.store.mongo.view import MongoView


class MongoStore(Store):
    """A database of a MongoDB; nothing is opened before it is first used.

    The server is the one of `uri`, else of the environment's CLOUDMESH_MONGO_URI, else the
    embedded one of this user, which is started where it does not run.
    """

    view: MongoView
    journal: MongoJournal
    settings: MongoSettings
    polls: MongoPolls
    changes: MongoChanges
    slots: MongoSlots
    rates: MongoRates
    workers: MongoWorkers

    @attrs.frozen(kw_only=True)
    class Settings:
        """Which MongoDB to use."""

        uri: str | None = option(
            "URI of a MongoDB of your own; left out: the embedded one", default=None, secret=True
        )
        database: str = option("name of the database", default="cloudmesh")
        directory: str | None = option(
            "where the embedded MongoDB keeps its data; left out: the user's data directory",
            default=None,
        )
        mongod: str | None = option(
            "program of the embedded MongoDB; left out: the one on PATH, else that of the wheel",
            default=None,
        )
        linger: float = option(
            "seconds that the embedded MongoDB stays after its last user left", default=300.0
        )
        timeout: float = option("seconds to wait for the server", default=30.0)

    def __init__(self, settings: "MongoStore.Settings | None" = None) -> None:
        given = settings or MongoStore.Settings()
        directory = given.directory or str(embedded.default_directory())

        def attach() -> embedded.Attachment:
            return embedded.attach(
                directory, mongod=given.mongod, linger=given.linger, timeout=given.timeout
            )

        self._connection = Connection(
            uri=given.uri, database=given.database, timeout=given.timeout,
            attach=attach, directory=directory,
        )  # fmt: skip
        self.view = MongoView(self._connection)
        self.journal = MongoJournal(self._connection)
        self.settings = MongoSettings(self._connection)
        self.polls = MongoPolls(self._connection)
        self.changes = MongoChanges(self._connection)
        self.slots = MongoSlots(self._connection)
        self.rates = MongoRates(self._connection)
        self.workers = MongoWorkers(self._connection)

        self._concluding = Concluding(self._connection)

    def conclude(
        self, operation: Operation, rows: Iterable[tuple[str, Record]], **fields: Any
    ) -> Operation | None:
        puts = tuple(self.view.ready(owner, record) for owner, record in rows)
        return self._concluding.conclude(Conclusion(puts=puts, change=change_of(operation, fields)))

    @property
    def where(self) -> str:
        return self._connection.where

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def documents(self) -> Iterator[ModuleType]:
        """Give the stored documents as MongoEngine classes, for one object at a time."""
        from cloudmesh_sdk.store.mongo import documents  # MongoEngine: only who asks pays

        with self._connection.use() as database, documents.using(database):
            yield documents
