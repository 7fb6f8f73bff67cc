"""What was last seen of every cloud, in MongoDB."""

import contextlib
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import attrs
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import KINDS, Fault, Record
from cloudmesh_sdk.store.base import Change, Event, Native, Query, Sync, View
from cloudmesh_sdk.store.masking import masked
from cloudmesh_sdk.store.matching import matching, no_list, record_class
from cloudmesh_sdk.store.mongo.connection import Connection, Documents
from cloudmesh_sdk.store.mongo.errors import refused
from cloudmesh_sdk.store.mongo.happenings import events_of
from cloudmesh_sdk.store.mongo.planning import Plan
from cloudmesh_sdk.store.mongo.putting import Put, put_all
from cloudmesh_sdk.store.mongo.queries import filters
from cloudmesh_sdk.store.mongo.reading import Loader, fresh, natives, rows_of
from cloudmesh_sdk.store.mongo.refresh import Part, Refresh, collided
from cloudmesh_sdk.store.mongo.rows import (
    Shape,
    native_document,
    prefix,
    row_document,
    shape,
    within,
)
from cloudmesh_sdk.store.mongo.schema import beside, main
from cloudmesh_sdk.store.mongo.turns import OvertakenError, Turns, sync_of
from cloudmesh_sdk.store.values import moment, plain
from cloudmesh_sdk.together import Together

_TRIES = 20
"""How often a refresh compares again because another one wrote meanwhile."""


class MongoView(View):
    """Rows and native data in two collections a kind, written only where they differ.

    Where the server is a replica set, readers see a list before or after a refresh; only one of
    more than 2,000 changes (a first load, mostly) may be seen growing.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._puts = Together[Put, None](
            partial(put_all, connection), keys=lambda put: [put.place], again=refused
        )

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
        sync = Sync(cloud=cloud, kind=kind, refreshed=moment(started), calls=calls, elapsed=elapsed)
        return self._take(owner, records, sync, whole=True)

    def merge(
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
        sync = Sync(cloud=cloud, kind=kind, refreshed=moment(started), calls=calls, elapsed=elapsed)
        return self._take(owner, records, sync, whole=False)

    def _take(self, owner: str, records: Iterable[Record], sync: Sync, *, whole: bool) -> Change:
        """Take over a list; `sync` says what it was, but for what only the rows tell."""
        rows = records if isinstance(records, Sequence) else [*records]  # may be compared twice
        cloud, kind, started = sync.cloud, sync.kind, cast("datetime", sync.refreshed)
        with self._connection.use() as database:
            for _ in range(_TRIES):
                turns = Turns(prefix(owner, cloud), cloud, kind)
                before = turns.read(database)
                if before.refreshed is not None and before.refreshed > started:
                    return Change(same=len({row.id for row in rows}))
                if before.refreshed is None and not whole:
                    raise no_list(kind, cloud)
                refresh = Refresh(
                    kind=kind, shape=_shape(kind), prefix=prefix(owner, cloud),
                    started=started, before=before.refreshed, whole=whole, count=before.count,
                )  # fmt: skip
                with contextlib.suppress(OvertakenError):
                    plan = refresh.plan(database, rows)
                    done = attrs.evolve(
                        sync,
                        complete=started if whole else before.complete,
                        count=plan.present,
                    )
                    return self._carry_out(database, refresh, plan, turns, done)
        raise StoreError(f"{kind} of {cloud} are refreshed by too many at once; try again")

    def _carry_out(
        self, database: Documents, refresh: Refresh, plan: Plan, turns: Turns, done: Sync
    ) -> Change:
        """Write a plan part by part; what says that it is done goes with the last one."""
        skipped = 0
        todo = [*refresh.parts(plan)] or [Part()]
        for part in todo:
            last = part is todo[-1]
            if part.write and not last and not plan.known:
                turns.take(database, None, None)
                turns.taken()
                if refresh.load(database, part):
                    continue
            noted = done if last else None
            skipped += self._write(database, refresh, part, turns, known=plan.known, done=noted)
            turns.taken()
        return plan.change(skipped)

    def _write(
        self,
        database: Documents,
        refresh: Refresh,
        part: Part,
        turns: Turns,
        *,
        known: Collection[str],
        done: Sync | None,
    ) -> int:
        """Write one part in a transaction; return how many rows were newer than the list."""
        if part.empty:  # one document alone needs no transaction
            turns.take(database, None, done)
            return 0

        def write(session: ClientSession | None, known: Collection[str]) -> int:
            newer = refresh.apply(database, session, part, known)
            turns.take(database, session, done)
            return newer

        try:
            return self._connection.atomic(database, partial(write, known=known))
        except BulkWriteError as error:
            if not collided(error):
                raise
            known = {ready[0] for ready in part.write}
            return self._connection.atomic(database, partial(write, known=known))

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
        self._puts.ask(self.ready(owner, record))

    def ready(self, owner: str, record: Record) -> Put:
        """Return a record as `put` writes it."""
        kept, record = _shape(record.kind), masked(record)
        # one more millisecond, for the one that was cut off: it is newer than any list before
        touched = moment(datetime.now(UTC)) + timedelta(milliseconds=1)
        said = {"seen": record.seen and moment(record.seen), "touched": touched}
        if record.missing is not None:
            said["missing"] = moment(record.missing)
        draft = kept.draft(prefix(owner, record.cloud), record)
        ready = kept.final(draft, record, said)
        return Put(
            kind=record.kind, key=draft[0], touched=touched,
            native=native_document(ready), row=row_document(ready),
            state=plain(getattr(record, "state", None)) if kept.has_state else None,
        )  # fmt: skip

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
        return matching(kept.record, found, query) if asked.again else found

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

    def events(self, owner: str, cloud: str, id: str, kind: str = "servers") -> list[Event]:  # noqa: A002
        record_class(kind)  # refuses a kind that there is not
        with self._connection.use() as database:
            return events_of(database, kind, prefix(owner, cloud) + id)

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
            (cloud["cloud"], kind): sync_of(cloud["cloud"], kind, said)
            for cloud in clouds
            for kind, said in cloud["kinds"].items()
        }


_Syncs = dict[tuple[str, str], Sync]
"""By cloud and kind."""


def _shape(kind: str) -> Shape:
    record_class(kind)  # refuses a kind that there is not
    return shape(kind)
