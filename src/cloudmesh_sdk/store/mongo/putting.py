"""Writing single records as acts leave them: the row, what stands beside it, what happened."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any

import attrs
from pymongo import ReplaceOne
from pymongo.client_session import ClientSession

from cloudmesh_sdk.store.mongo.connection import Connection, Documents
from cloudmesh_sdk.store.mongo.happenings import event
from cloudmesh_sdk.store.mongo.schema import beside, main
from cloudmesh_sdk.store.values import change_of_state


@attrs.frozen(kw_only=True, eq=False)
class Put:
    """A record that is to be written."""

    kind: str
    key: str
    native: Any
    row: Any
    state: str | None = None
    """None for those that have none."""
    touched: datetime

    @property
    def place(self) -> tuple[str, str]:
        """Where it goes: two for one place are written one after the other."""
        return self.kind, self.key

    def happened(self, old: dict[str, Any] | None) -> list[dict[str, Any]]:
        """Return what happened to it, seeing its row as it was before."""
        was = self.state if old is None else old.get("state", self.state)
        if was == self.state:
            return []
        return [event(self.kind, self.key, self.touched, "state", change_of_state(was, self.state))]


def put_all(connection: Connection, puts: Sequence[Put]) -> list[None]:
    """Write records of different places, in one transaction."""
    with connection.use() as database:
        connection.atomic(database, partial(put_in, database, puts))
    return [None] * len(puts)


def put_in(database: Documents, puts: Sequence[Put], session: ClientSession | None) -> None:
    """Write records of different places in a transaction."""
    of_kind = groupby(sorted(puts, key=lambda put: put.place), lambda put: put.kind)
    for kind, some in of_kind:
        several = [*some]
        write = _one if len(several) == 1 else _several
        happened = write(database, kind, several, session)
        if happened:
            database["events"].insert_many(happened, session=session)


def _one(
    database: Documents, kind: str, puts: Sequence[Put], session: ClientSession | None
) -> list[dict[str, Any]]:
    (put,) = puts
    key = {"_id": put.key}
    database[beside(kind)].replace_one(key, put.native, upsert=True, session=session)
    old = database[main(kind)].find_one_and_replace(
        key, put.row, {"state": 1}, upsert=True, session=session
    )
    return put.happened(old)


def _several(
    database: Documents, kind: str, puts: Sequence[Put], session: ClientSession | None
) -> list[dict[str, Any]]:
    rows, keys = database[main(kind)], [put.key for put in puts]
    old = {
        row["_id"]: row for row in rows.find({"_id": {"$in": keys}}, {"state": 1}, session=session)
    }
    for where, documents in (
        (database[beside(kind)], [put.native for put in puts]),
        (rows, [put.row for put in puts]),
    ):
        where.bulk_write(
            [ReplaceOne({"_id": key}, document, upsert=True)
             for key, document in zip(keys, documents, strict=True)],
            ordered=False, session=session,
        )  # fmt: skip
    return [one for put in puts for one in put.happened(old.get(put.key))]
