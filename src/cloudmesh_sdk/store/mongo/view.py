"""What was last seen of every cloud, in MongoDB."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import attrs
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError

from cloudmesh_sdk.errors import StoreError, near
from cloudmesh_sdk.models import KINDS, Fault, Record, Server
from cloudmesh_sdk.store.base import Change, Event, Native, Query, Sync, View
from cloudmesh_sdk.store.matching import matching
from cloudmesh_sdk.store.mongo.connection import Connection, Documents
from cloudmesh_sdk.store.mongo.queries import filters
from cloudmesh_sdk.store.mongo.reading import Loader, fresh, natives, rows_of
from cloudmesh_sdk.store.mongo.refresh import Part, Plan, Refresh, collided
from cloudmesh_sdk.store.mongo.rows import (
    Shape,
    moment,
    native_document,
    prefix,
    row_document,
    shape,
    within,
)
from cloudmesh_sdk.store.mongo.schema import beside, main


class MongoView(View):
    """Rows and native data in two collections a kind, written only where they differ.

    Where the server is a replica set, readers see a list before or after a refresh; only one of
    more than 2,000 changes (a first load, mostly) may be seen growing.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def replace(
        self,
        owner: str,
        cloud: str,
        kind: str,
        records: Iterable[Record],
        *,
        started: datetime,
        calls: int = 0,
        elapsed: float = 0.0,
    ) -> Change:
        started = moment(started)
        with self._connection.use() as database:
            before = self._syncs(database, owner, None).get((cloud, kind))
            refresh = Refresh(
                kind=kind, shape=_shape(kind), prefix=prefix(owner, cloud), started=started,
                before=before.refreshed if before else None,
            )  # fmt: skip
            plan = refresh.plan(database, records)
            sync = Sync(
                cloud=cloud, kind=kind, refreshed=started,
                count=plan.listed, calls=calls, elapsed=elapsed,
            )  # fmt: skip
            return self._carry_out(database, refresh, plan, owner, sync)

    def _carry_out(
        self, database: Documents, refresh: Refresh, plan: Plan, owner: str, sync: Sync
    ) -> Change:
        """Write a plan part by part; what says that it is done goes with the last one."""
        skipped = 0
        todo = [*refresh.parts(plan)] or [Part()]
        for part in todo:

            def write(
                session: ClientSession | None, *, known: Collection[str], part: Part = part
            ) -> int:
                newer = refresh.apply(database, session, part, known)
                if part is todo[-1]:
                    _note(database, owner, sync, session)
                return newer

            try:
                skipped += self._connection.atomic(database, partial(write, known=plan.known))
            except BulkWriteError as error:
                if not collided(error):
                    raise
                known = {ready[0] for ready in part.write}
                skipped += self._connection.atomic(database, partial(write, known=known))
        return plan.change(skipped)

    def failed(self, owner: str, cloud: str, kind: str, error: Fault, *, at: datetime) -> None:
        path = f"kinds.{kind}"
        first = {"$ifNull": [f"${path}.failed", moment(at)]}
        fault = {"$literal": attrs.asdict(error)}
        with self._connection.use() as database:
            database["clouds"].update_one(
                {"_id": prefix(owner, cloud)},
                [
                    {
                        "$set": {
                            "cloud": {"$literal": cloud},
                            f"{path}.failed": first,
                            f"{path}.error": fault,
                        }
                    }
                ],
                upsert=True,
            )

    def put(self, owner: str, record: Record) -> None:
        kept = _shape(record.kind)
        # one more millisecond, for the one that was cut off: it is newer than any list before
        touched = moment(datetime.now(UTC)) + timedelta(milliseconds=1)
        said = {"seen": record.seen and moment(record.seen), "touched": touched}
        if record.missing is not None:
            said["missing"] = moment(record.missing)
        draft = kept.draft(prefix(owner, record.cloud), record)
        key = draft[0]
        ready = kept.final(draft, record, said)
        with self._connection.use() as database:

            def write(session: ClientSession | None) -> None:
                database[beside(record.kind)].replace_one(
                    {"_id": key}, native_document(ready), upsert=True, session=session
                )
                old = database[main(record.kind)].find_one_and_replace(
                    {"_id": key}, row_document(ready), {"state": 1}, upsert=True, session=session
                )
                if old and isinstance(record, Server) and old["state"] != record.state:
                    event = {
                        "of": key, "at": touched, "what": "state",
                        "detail": f"{old['state']} → {record.state}",
                    }  # fmt: skip
                    database["events"].insert_one(event, session=session)

            self._connection.atomic(database, write)

    def find(self, owner: str, kind: str, query: Query) -> list[Record]:
        kept = _shape(kind)
        asked = filters(owner, kept.record, query)
        if query.limit == 0:
            return []
        limit = None if asked.again else query.limit
        with self._connection.use() as database:

            def read(session: ClientSession | None) -> tuple[list[dict[str, Any]], _Syncs]:
                rows = rows_of(database, kind, asked, limit, session)
                return rows, self._syncs(database, owner, session) if rows else {}

            rows, syncs = self._connection.reading(database, read)
        load = Loader(self._connection, kind, [row["_id"] for row in rows])
        found = [
            fresh(kept, row, syncs.get((row["cloud"], kind)), Native(row["_id"], load))
            for row in rows
        ]
        return matching(found, query) if asked.again else found

    def get(self, owner: str, kind: str, cloud: str, id: str) -> Record | None:  # noqa: A002
        kept = _shape(kind)
        key = prefix(owner, cloud) + id
        with self._connection.use() as database:

            def read(
                session: ClientSession | None,
            ) -> tuple[dict[str, Any] | None, dict[str, Any], _Syncs]:
                row = database[main(kind)].find_one({"_id": key}, session=session)
                if row is None:
                    return None, {}, {}
                native = natives(database, kind, [key], session)
                return row, native.get(key, {}), self._syncs(database, owner, session)

            row, native, syncs = self._connection.reading(database, read)
        return None if row is None else fresh(kept, row, syncs.get((cloud, kind)), native)

    def syncs(self, owner: str) -> list[Sync]:
        with self._connection.use() as database:
            found = self._syncs(database, owner, None)
        return [found[key] for key in sorted(found)]

    def events(self, owner: str, cloud: str, id: str) -> list[Event]:  # noqa: A002
        with self._connection.use() as database:
            rows = database["events"].find({"of": prefix(owner, cloud) + id})
            found = rows.sort([("at", 1), ("_id", 1)])
            return [Event(at=row["at"], what=row["what"], detail=row["detail"]) for row in found]

    def forget(self, owner: str, cloud: str) -> None:
        start = prefix(owner, cloud)
        with self._connection.use() as database:

            def drop(session: ClientSession | None) -> None:
                for kind in KINDS:
                    database[main(kind)].delete_many(within(start), session=session)
                    database[beside(kind)].delete_many(within(start), session=session)
                of = within(start)["_id"]
                database["events"].delete_many({"of": of}, session=session)
                database["clouds"].delete_one({"_id": start}, session=session)

            self._connection.atomic(database, drop)

    def _syncs(self, database: Documents, owner: str, session: ClientSession | None) -> "_Syncs":
        clouds = database["clouds"].find(
            {"_id": {"$gte": prefix(owner), "$lt": prefix(owner)[:-1] + "0"}}, session=session
        )
        return {
            (cloud["cloud"], kind): _sync(cloud["cloud"], kind, said)
            for cloud in clouds
            for kind, said in cloud["kinds"].items()
        }


_Syncs = dict[tuple[str, str], Sync]
"""By cloud and kind."""


def _shape(kind: str) -> Shape:
    if kind not in KINDS:
        raise StoreError(f"there is no kind of record named {kind!r}; {near(kind, KINDS)}")
    return shape(kind)


def _note(database: Documents, owner: str, sync: Sync, session: ClientSession | None) -> None:
    said = attrs.asdict(sync, filter=lambda field, _: field.name not in ("cloud", "kind"))
    database["clouds"].update_one(
        {"_id": prefix(owner, sync.cloud)},
        {"$set": {"cloud": sync.cloud, f"kinds.{sync.kind}": said}},
        upsert=True,
        session=session,
    )


def _sync(cloud: str, kind: str, said: Mapping[str, Any]) -> Sync:
    error = said.get("error")
    given = {**said, "error": Fault(**error) if error else None}
    return Sync(cloud=cloud, kind=kind, **given)
