"""Jobs, queues and nodes as last seen, by machine: as rows, and as dicts of dicts."""

import enum
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import attrs

from cloudmesh_sdk.config.queues import UNASSIGNED
from cloudmesh_sdk.errors import CloudmeshError, InvalidRequestError, near
from cloudmesh_sdk.fanout import Gathered, Source
from cloudmesh_sdk.mesh.machines import Machines
from cloudmesh_sdk.mesh.names import hostlists, several, states
from cloudmesh_sdk.mesh.polling import Polling
from cloudmesh_sdk.mesh.scopes import Scopes
from cloudmesh_sdk.mesh.vanished import shown
from cloudmesh_sdk.mesh.viewing import source
from cloudmesh_sdk.models import Job, JobState, Node, NodeState, QueueInfo, Record
from cloudmesh_sdk.queues.arrays import expanded
from cloudmesh_sdk.store.base import Query, Store

R = TypeVar("R", bound=Record)
P = TypeVar("P", Job, QueueInfo, Node)

Which = str | Iterable[str] | None
"""Machines or managers by name; None for all that are on."""

_FILTERS: Mapping[str, str] = {"user": "user", "account": "account", "queue": "queues"}
"""Arguments of `jobs` that are asked of a field."""

_NUMBER = re.compile(r"([0-9]+)")


class JobLists:
    """What one mesh knows of its queue managers."""

    def __init__(self, store: Store, polling: Polling, machines: Machines, scopes: Scopes) -> None:
        self._store = store
        self._polling = polling
        self._machines = machines
        self._scopes = scopes

    def jobs(
        self,
        machine: Which = None,
        *,
        state: Any = None,
        name: Any = None,
        where: Mapping[Any, Any] | None = None,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        expand: bool = False,
        missing: bool = False,
        refresh: bool = False,
        **fields: Any,
    ) -> Gathered[Job]:
        """Return jobs; `fields` are `user`, `account` and `queue`: a text, or several."""
        wanted = None if state is None else states(JobState, state)
        asked: dict[Any, Any] = {
            _FILTERS[k]: {"$in": several(v)} for k, v in fields.items() if v is not None
        }
        query = Query(
            names=None if name is None else hostlists(several(name)),
            states=wanted,
            where={**(where or {}), **asked},
            missing=missing,
        )

        def read(manager: str) -> list[Job]:
            found = [shown(job) for job in self._find(Job, manager, query)]
            found += [] if missing else self._unknown(manager, query, wanted)
            return self._machines.placed_jobs(manager, found, self.queues_by_nodes(manager))

        rows = self._rows(Job, machine, read, refresh=refresh)
        if wanted is not None:  # one that vanished is shown as unknown, and found as such alone
            rows = _like(rows, (job for job in rows if job.state in wanted))
        if expand:
            rows = _like(rows, (one for job in rows for one in expanded(job)))
        return ordered(rows, ("cloud", "submitted", "id") if sort is None else sort, limit)

    def queue_info(
        self, machine: Which = None, *, queue: Any = None, sort: str | Sequence[str] | None = None
    ) -> Gathered[QueueInfo]:
        """Return queues with their totals, which are counted from the list of jobs."""

        def read(manager: str) -> list[QueueInfo]:
            query = Query(names=None if queue is None else hostlists(several(queue)))
            found = self._find(QueueInfo, manager, query)
            return self._machines.placed_queues(manager, self._counted(manager, found))

        rows = self._rows(QueueInfo, machine, read, "jobs")
        return ordered(rows, ("cloud", "name") if sort is None else sort)

    def nodes(
        self,
        machine: Which = None,
        *,
        state: Any = None,
        name: Any = None,
        queue: Any = None,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
    ) -> Gathered[Node]:
        """Return the nodes that jobs run on."""
        query = Query(
            names=None if name is None else hostlists(several(name)),
            states=None if state is None else states(NodeState, state),
            where={} if queue is None else {"queues": {"$in": several(queue)}},
        )

        def read(manager: str) -> list[Node]:
            return self._machines.placed_nodes(manager, self._find(Node, manager, query))

        rows = self._rows(Node, machine, read)
        return ordered(rows, ("cloud", "name") if sort is None else sort, limit)

    def by_machine(self, rows: Iterable[P], which: Which) -> dict[str, list[P]]:
        """Return rows by their machines: one of two machines is at both.

        Machines that were asked for are there, if only with nothing.
        """
        asked = self._machines.chosen(which)
        found: dict[str, list[P]] = {
            machine.name: []
            for manager, names in asked.items()
            for machine in self._machines.of(manager)
            if names is None or machine.name in names
        }
        if any(names is not None and UNASSIGNED in names for names in asked.values()):
            found[UNASSIGNED] = []
        for row in rows:
            for name in row.machines:
                if name in found or asked.get(row.cloud, ()) is None:
                    found.setdefault(name, []).append(row)
        return found

    def _rows(
        self,
        kind: type[P],
        which: Which,
        read: Callable[[str], list[P]],
        *also: str,
        refresh: bool = False,
    ) -> Gathered[P]:
        """Return rows of the managers that are asked for, those of some of their machines."""
        chosen: Mapping[str, frozenset[str] | None] = self._machines.chosen(which)
        kinds = dict.fromkeys((*also, *self._needed(kind, chosen), kind.kind))
        errors = self._polling.look(chosen, *kinds, wait=refresh)
        rows: list[P] = []
        sources: dict[str, Source] = {}
        for manager, machines in chosen.items():
            mine = read(manager) if manager not in errors or self._scopes.account(manager) else []
            mine = [row for row in mine if machines is None or machines & set(row.machines)]
            sources[manager] = self._source(manager, kind.kind, len(mine), errors.get(manager))
            rows += mine
        return Gathered(rows, sources)

    def _needed(self, kind: type[Record], managers: Iterable[str]) -> tuple[str, ...]:
        """Return which kinds must be known beside: where waiting jobs may run their queues tell."""
        by_nodes = any(m.nodes for manager in managers for m in self._machines.of(manager))
        return (QueueInfo.kind,) if kind is Job and by_nodes else ()

    def _source(self, manager: str, kind: str, count: int, error: CloudmeshError | None) -> Source:
        if self._scopes.account(manager) is None:
            return Source(name=manager, error=error)
        known = source(manager, self._polling.syncs(manager).get(kind), count)
        return known if error is None else attrs.evolve(known, error=error)

    def _find(self, kind: type[R], manager: str, query: Query) -> list[R]:
        of_manager = attrs.evolve(query, clouds=(manager,))
        found: list[Any] = self._store.view.find(self._scopes[manager], kind.kind, of_manager)
        return found

    def _unknown(
        self, manager: str, query: Query, wanted: tuple[JobState, ...] | None
    ) -> list[Job]:
        """Return the jobs submitted from here that vanished, and of which nothing is known yet."""
        if wanted is not None and JobState.UNKNOWN not in wanted:
            return []
        lost = attrs.evolve(
            query,
            missing=True,
            states=None,
            where={**query.where, "missing": {"$exists": True}, "token": {"$ne": None}},
        )
        found = (shown(job) for job in self._find(Job, manager, lost))
        return [job for job in found if job.state is JobState.UNKNOWN and not job.indices]

    def queues_by_nodes(self, manager: str) -> list[QueueInfo]:
        """Return a manager's queues where machines are known by nodes: waiting jobs need them."""
        by_nodes = any(machine.nodes for machine in self._machines.of(manager))
        return self._find(QueueInfo, manager, Query()) if by_nodes else []

    def _counted(self, manager: str, queues: Sequence[QueueInfo]) -> list[QueueInfo]:
        jobs = self._find(Job, manager, Query())
        totals = {queue.name: Counter[str]() for queue in queues}
        for job in jobs:
            for name in job.queues:
                if name in totals:
                    totals[name][job.state.value] += job.count
        return [attrs.evolve(queue, totals=dict(totals[queue.name])) for queue in queues]


def ordered(rows: Gathered[R], sort: str | Sequence[str], limit: int | None = None) -> Gathered[R]:
    """Return rows by fields or columns, `-` before one that falls; what is unknown comes last.

    Numbers within texts (`12_9`, `12_10`) stand as numbers. Raises `InvalidRequestError` for what
    is no field.
    """
    found = list(rows)
    for word in reversed(several(sort)):
        field = str(word).removeprefix("-")
        if found:
            _check(type(found[0]), field)
        known = [row for row in found if getattr(row, field) is not None]
        known.sort(key=lambda row: _key(getattr(row, field)), reverse=str(word).startswith("-"))
        found = known + [row for row in found if getattr(row, field) is None]
    return _like(rows, found if limit is None else found[:limit])


def _key(value: Any) -> Any:
    if isinstance(value, str):
        return [_part(word) for word in _NUMBER.split(value) if word], value
    return (0, len(value), str(value)) if isinstance(value, Mapping) else value


def _part(word: str) -> tuple[int, int, str]:
    """Return the key of a part of a text: numbers stand before letters, and as numbers."""
    if not _NUMBER.fullmatch(word):
        return 1, 0, word
    digits = word.lstrip("0")  # compared by their length first: some have more than int() takes
    return 0, len(digits), digits


def _check(kind: type[Record], field: str) -> None:
    known = [*(a.name for a in attrs.fields(kind)), *kind.columns]
    if field not in known:
        raise InvalidRequestError(f"{kind.kind} have no field {field!r}; {near(field, known)}")


def _like(rows: Gathered[R], found: Iterable[R]) -> Gathered[R]:
    return Gathered(found, rows.sources)


def plain(record: Record) -> dict[str, Any]:
    """Return a record as a plain dict: words for states, tuples as lists, native data whole."""
    return {name: _plain(value) for name, value in _values(record)}


def _values(record: Record) -> Iterator[tuple[str, Any]]:
    for field in attrs.fields(type(record)):
        yield field.name, getattr(record, field.name)


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
