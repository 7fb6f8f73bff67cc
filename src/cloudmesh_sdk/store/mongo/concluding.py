"""Concluding operations: what came of one and that it is over are written at once."""

from collections.abc import Sequence

import attrs
from pymongo.client_session import ClientSession

from cloudmesh_sdk.models import Operation
from cloudmesh_sdk.store.mongo.changing import Change, change_in
from cloudmesh_sdk.store.mongo.connection import Connection
from cloudmesh_sdk.store.mongo.errors import refused
from cloudmesh_sdk.store.mongo.putting import Put, put_in
from cloudmesh_sdk.together import Together


@attrs.frozen(kw_only=True, eq=False)
class Conclusion:
    """The records that came of an operation, and how it changes."""

    puts: tuple[Put, ...]
    change: Change

    @property
    def keys(self) -> tuple[object, ...]:
        """What no other one that is written with it may touch."""
        return self.change.claim["_id"], *(put.place for put in self.puts)


class Concluding:
    """Writes conclusions, those of many threads in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._together = Together[Conclusion, Operation | None](
            self._all, keys=lambda conclusion: conclusion.keys, again=refused
        )

    def conclude(self, conclusion: Conclusion) -> Operation | None:
        """Write one; return the operation, None where somebody else changed it first."""
        return self._together.ask(conclusion)

    def _all(self, asked: Sequence[Conclusion]) -> list[Operation | None]:
        puts = [put for one in asked for put in one.puts]
        changes = [one.change for one in asked]
        with self._connection.use() as database:

            def write(session: ClientSession | None) -> list[Operation | None]:
                put_in(database, puts, session)
                return change_in(database, changes, session)

            return self._connection.atomic(database, write)
