"""A queue manager whose jobs a test puts in and takes away, and that counts what it is asked."""

import threading
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar

import attrs

from cloudmesh_sdk.errors import BackendError, ConflictError, NotFoundError, UnsupportedError
from cloudmesh_sdk.models import (
    Job,
    JobRequest,
    JobState,
    Node,
    NodeState,
    QueueInfo,
    QueueState,
)
from cloudmesh_sdk.queues import HasHistory, HasOutput, Queue

HOSTS = {"batch": "i[001-002]", "long": "i002", "mixed": "i002,s001"}


class Manager(Queue, HasHistory, HasOutput):
    """Queues `batch` (the default one), `long` and `mixed`."""

    Settings: ClassVar[type] = object
    extras = frozenset({
        "queue", "walltime", "memory", "after", "array", "environment", "nodes", "options",
        "account", "held",
    })  # fmt: skip
    floor = 0.0

    def __init__(self, name: str = "fg") -> None:
        super().__init__(name)
        self.table: dict[str, Job] = {}
        self.over: dict[str, Job] | None = None
        """What accounting knows; None where none is kept."""
        self.asked: list[str] = []
        self.requests: list[JobRequest] = []
        self.error: BackendError | None = None
        """Raised by each list."""
        self.lost: BackendError | None = None
        """Raised once by the next submit, when the job is made."""
        self.go = threading.Event()
        """Lists wait for it."""
        self.go.set()

    @property
    def native(self) -> Any:
        return self

    def put(self, id: str, **fields: Any) -> Job:  # noqa: A002
        given: dict[str, Any] = {
            "name": f"job-{id}", "state": JobState.RUNNING, "user": "albert", "queues": ("batch",),
            "native": {"of": id}, "submitted": datetime(2026, 1, 1, tzinfo=UTC), **fields,
        }  # fmt: skip
        self.table[id] = Job(cloud=self.name, id=id, **given)
        return self.table[id]

    def info(self, jobs: Iterable[Job] | None = None) -> list[QueueInfo]:
        self._ask("queues")
        return [
            QueueInfo(
                cloud=self.name, id=name, name=name, state=QueueState.OPEN, hosts=hosts,
                default=name == "batch",
            )
            for name, hosts in HOSTS.items()
        ]  # fmt: skip

    def jobs(self) -> list[Job]:
        self._ask("jobs")
        return list(self.table.values())

    def nodes(self) -> list[Node]:
        self._ask("nodes")
        return [
            Node(cloud=self.name, id=name, name=name, state=NodeState.IDLE)
            for name in ("i001", "i002", "s001")
        ]

    def job(self, id: str) -> Job:  # noqa: A002
        self._ask("job")
        if id not in self.table:
            raise NotFoundError(f"{self.name} has no job {id}")
        return self.table[id]

    def submit(self, request: JobRequest) -> Job:
        self._ask("submit")
        self.requests.append(request)
        made = self.put(
            str(100 + len(self.table)), name=request.name, state=JobState.PENDING,
            queues=tuple((request.queue or "batch").split(",")), token=request.token,
        )  # fmt: skip
        if self.lost is not None:
            error, self.lost = self.lost, None
            raise error
        return made

    def find(self, token: str) -> Job | None:
        self._ask("find")
        return next((job for job in self.table.values() if job.token == token), None)

    def cancel(self, job: Job) -> None:
        self._become("cancel", job, JobState.CANCELLED)

    def hold(self, job: Job) -> None:
        if self.table[job.id].state is JobState.RUNNING:
            raise ConflictError(f"job {job.id} runs")
        self._become("hold", job, JobState.HELD)

    def release(self, job: Job) -> None:
        self._become("release", job, JobState.PENDING)

    def history(
        self,
        *,
        ids: Collection[str] | None = None,
        user: str | None = None,
        since: datetime | None = None,
    ) -> list[Job]:
        self._ask("history")
        if self.over is None:
            raise UnsupportedError(f"{self.name} keeps no accounting")
        found = (job for id_, job in self.over.items() if ids is None or id_ in ids)
        return [job for job in found if user in (None, job.user)]

    def output(self, job: Job, *, error: bool = False, tail: int | None = None) -> str:
        self._ask("output")
        return f"{'errors' if error else 'output'} of {job.id}"[-(tail or 100) :]

    def _become(self, verb: str, job: Job, state: JobState) -> None:
        self._ask(verb)
        self.table[job.id] = attrs.evolve(self.table[job.id], state=state)

    def _ask(self, what: str) -> None:
        self.calls += 1
        self.asked.append(what)
        if what in ("jobs", "queues", "nodes"):
            self.go.wait(30)
            if self.error is not None:
                raise self.error
