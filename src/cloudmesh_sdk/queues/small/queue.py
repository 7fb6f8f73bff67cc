"""A queue driver on the small scheduler; those that inherit it say where jobs are written down."""

import getpass
import os
import socket
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from cloudmesh_sdk.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnavailableError,
)
from cloudmesh_sdk.models import (
    Health,
    Job,
    JobRequest,
    Node,
    NodeState,
    QueueInfo,
    QueueState,
)
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.base import HasHistory, HasOutput, Queue
from cloudmesh_sdk.queues.batch import scripts
from cloudmesh_sdk.queues.small import records
from cloudmesh_sdk.queues.small.scheduling import Scheduler, end_soon
from cloudmesh_sdk.queues.small.states import CANCELLED, HELD, OVER, RUNS, WAITING, WAITS
from cloudmesh_sdk.queues.small.table import Document, Documents

MOST = 10_000
"""Jobs that may be open at once."""

_MIB = 1024 * 1024


class SmallQueue(Queue, HasHistory, HasOutput):
    """Jobs that run on this machine, as many at once as there are slots."""

    extras = frozenset({
        "queue", "tasks", "cores", "walltime", "account", "array", "after", "environment",
        "workdir", "output", "error", "held",
    })  # fmt: skip
    floor = 0.0
    parallel = 8

    def __init__(self, name: str, scheduler: Scheduler, queues: tuple[str, ...]) -> None:
        super().__init__(name)
        self._scheduler = scheduler
        self._queues = queues
        self._node = socket.gethostname()

    @property
    def native(self) -> Scheduler:
        """The scheduler: `native.table.read()` has the jobs as they are kept."""
        return self._scheduler

    def check(self) -> Health:
        self._ask()
        return Health(service=self.name, version="1", identity=getpass.getuser())

    def info(self, jobs: Iterable[Job] | None = None) -> Iterator[QueueInfo]:
        given = self.jobs() if jobs is None else jobs
        totals: dict[str, Counter[str]] = {name: Counter() for name in self._queues}
        for job in given:
            for queue in job.queues:
                totals.setdefault(queue, Counter())[job.state.value] += job.count
        if jobs is not None:
            self._ask()
        for place, name in enumerate(self._queues):
            yield QueueInfo(
                cloud=self.name,
                id=name,
                name=name,
                state=QueueState.OPEN,
                default=place == 0,
                totals=dict(totals[name]),
                nodes=1,
                hosts=self._node,
                cores=self._scheduler.slots,
                max_nodes=1,
                native={"name": name, "slots": self._scheduler.slots},
            )

    def jobs(self) -> Iterator[Job]:
        rows = self._ask()
        return (records.job(self.name, row) for row in rows.values())

    def job(self, id: str) -> Job:  # noqa: A002
        rows = self._ask()
        if id in rows:
            return records.job(self.name, rows[id])
        parts = [records.job(self.name, row) for row in rows.values() if row["array"] == id]
        if not parts:
            raise NotFoundError(f"{self.name} has no job with id {id}")
        return arrays.whole(parts)

    def find(self, token: str) -> Job | None:
        found = [row for row in self._ask().values() if row["token"] == token]
        if not found:
            return None
        rows = [records.job(self.name, row) for row in found]
        return arrays.whole(rows)

    def submit(self, request: JobRequest) -> Job:
        if (found := self.find(request.token)) is not None:
            return found
        queue = request.queue or self._queues[0]
        if queue not in self._queues:
            known = ", ".join(self._queues)
            raise InvalidRequestError(f"{self.name} has no queue {queue!r}; there are {known}")
        made = self._write(request, queue)
        self._wake()
        self._scheduler.step()
        return self.job(made)

    def cancel(self, job: Job) -> None:
        self._change(job, _cancel)

    def hold(self, job: Job) -> None:
        if not self._change(job, _hold):
            raise NotFoundError(f"{self.name} has no job with id {job.id}")

    def release(self, job: Job) -> None:
        self._change(job, _release)
        self._wake()

    def nodes(self) -> Iterator[Node]:
        used = sum(row["cores"] for row in self._ask().values() if row["state"] in RUNS)
        slots = self._scheduler.slots
        states = {0: NodeState.IDLE, slots: NodeState.BUSY}
        yield Node(
            cloud=self.name,
            id=self._node,
            name=self._node,
            state=states.get(used, NodeState.MIXED),
            queues=self._queues,
            cores=slots,
            cores_used=used,
            memory=psutil.virtual_memory().total // _MIB,
            load=os.getloadavg()[0],
            native={"name": self._node, "slots": slots, "used": used},
        )

    def history(
        self,
        *,
        ids: Collection[str] | None = None,
        user: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[Job]:
        rows = [row for row in self._ask().values() if row["state"] in OVER]
        rows.sort(key=lambda row: row["ended"])
        for row in rows:
            job = records.job(self.name, row)
            is_meant = ids is None or job.id in ids or job.array in ids
            young = since is None or (job.ended is not None and job.ended >= since)
            if is_meant and young and user in (None, job.user):
                yield job

    def output(self, job: Job, *, error: bool = False, tail: int | None = None) -> str:
        rows = self._ask()
        if job.id not in rows:
            raise NotFoundError(f"{self.name} has no job with id {job.id}")
        row = rows[job.id]
        path = Path((row["error"] if error else None) or row["output"])
        try:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(0 if tail is None else max(0, size - tail))
                return file.read().decode(errors="replace")
        except FileNotFoundError as missing:
            raise NotFoundError(f"job {job.id} has written no file {path} yet") from missing
        except OSError as failure:
            raise UnavailableError(f"{path} cannot be read: {failure.strerror}") from failure

    def close(self) -> None:
        self._scheduler.table.close()

    def _wake(self) -> None:
        """See that somebody lets happen what is due while nobody looks."""

    def _ask(self) -> Documents:
        """Return all jobs as they are now; counts as one question."""
        self.calls += 1
        self._scheduler.step()
        return self._scheduler.table.read()

    def _write(self, request: JobRequest, queue: str) -> str:
        """Write down the jobs of a request; return the id of the first, or of their array."""
        if request.array and arrays.size(request.array) > MOST:
            raise InvalidRequestError(f"an array has {MOST:,} jobs at most, not {request.array}")
        cores = (request.cores or 1) * (request.tasks or 1)
        if cores > self._scheduler.slots:
            has = f"{self.name} has {self._scheduler.slots}"
            raise InvalidRequestError(f"{cores} cores were wanted, and {has}: it would never begin")
        text = scripts.script(request)
        scripts.after(request)  # raises on a way of waiting that is none
        self.calls += 1
        with self._scheduler.table.change() as jobs:
            same = [row for row in jobs.values() if row["token"] == request.token]
            if same:  # another process was faster with it
                return same[0]["array"] or same[0]["id"]  # type: ignore[no-any-return]
            if sum(row["state"] not in OVER for row in jobs.values()) >= MOST:
                raise QuotaError(f"{self.name} takes {MOST:,} jobs at most; wait or cancel some")
            first = 1 + max((int(id.partition("_")[0]) for id in jobs), default=0)  # noqa: A001
            made = list(
                records.documents(
                    request, first=first, user=getpass.getuser(), node=self._node, queue=queue,
                    rooms=self._scheduler.directory,
                )
            )  # fmt: skip
            environment = {**os.environ, **request.environment}
            self._scheduler.base(made[0]).furnish(text, environment)
            jobs |= {row["id"]: row for row in made}
        return str(first)

    def _change(self, job: Job, act: Any) -> list[Document]:
        """Do something to a job, or to each of an array; return them as they are then."""
        self.calls += 1
        with self._scheduler.table.change() as jobs:
            meant = [row for row in jobs.values() if job.id in (row["id"], row["array"])]
            for row in meant:
                act(row)
        self._scheduler.step()
        return meant


def _cancel(row: Document) -> None:
    if row["state"] in WAITS:
        row |= {"state": CANCELLED, "ended": time.time()}
    elif row["state"] in RUNS and not row["ending"]:
        row["ending"] = CANCELLED
        if row["group"]:
            end_soon(row, CANCELLED)


def _hold(row: Document) -> None:
    if row["state"] in RUNS or row["state"] in OVER:
        word = row["state"].lower()
        raise ConflictError(f"job {row['id']} is {word}; only one that waits can be held")
    row["state"] = HELD


def _release(row: Document) -> None:
    if row["state"] == HELD:
        row["state"] = WAITING
