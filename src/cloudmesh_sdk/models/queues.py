"""Batch queues: jobs, the queues they wait in, the nodes they run on.

The `cloud` of these records is the name of their queue manager; `manager` says so, too.
"""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import attrs

from cloudmesh_sdk.models.record import Record


class JobState(enum.StrEnum):
    """Where a job is in its life, in words common to all queue managers."""

    PENDING = "pending"
    HELD = "held"
    """Waits until somebody releases it, or for a dependency that was not met."""
    RUNNING = "running"
    SUSPENDED = "suspended"
    EXITING = "exiting"
    """Its work is over, its nodes are being cleaned up."""
    DONE = "done"
    FAILED = "failed"
    """Ended with an exit code other than 0, or a failure of its node; `reason` says more."""
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    """Ended by its walltime."""
    UNKNOWN = "unknown"
    """The manager lists it no more and has not told how it ended, or uses a word of its own."""

    @property
    def is_over(self) -> bool:
        """Tell whether such a job will never run again."""
        return self in _OVER


_OVER = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.TIMEOUT})


class QueueState(enum.StrEnum):
    """What a queue does with jobs."""

    OPEN = "open"
    """Takes jobs and runs them."""
    DRAINING = "draining"
    """Runs what it has and takes nothing new."""
    STOPPED = "stopped"
    """Takes jobs and runs none."""
    CLOSED = "closed"
    """Neither takes nor runs jobs."""
    UNKNOWN = "unknown"


class NodeState(enum.StrEnum):
    """What a node does."""

    IDLE = "idle"
    MIXED = "mixed"
    """Part of it is in use."""
    BUSY = "busy"
    """All of it is in use."""
    RESERVED = "reserved"
    DRAINING = "draining"
    """Finishes what it runs and takes nothing new."""
    DRAINED = "drained"
    DOWN = "down"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class _OfManager(Record):
    """A record of a queue manager."""

    @property
    def manager(self) -> str:
        """Name of the queue manager."""
        return self.cloud


@attrs.frozen(kw_only=True)
class Job(_OfManager):
    """A job in a batch queue, or an array of jobs that the manager shows as one."""

    kind: ClassVar[str] = "jobs"
    columns: ClassVar[tuple[str, ...]] = (
        "machine", "id", "name", "user", "state", "queue", "nodes", "cores", "elapsed",
        "walltime", "hosts", "reason",
    )  # fmt: skip

    state: JobState = attrs.field(repr=str)
    user: str = ""
    account: str | None = None
    """What its time is charged to: account, project."""
    queues: tuple[str, ...] = ()
    """Where it is; several while it waits for the first of them that has room."""
    reason: str | None = None
    """Why it waits, is held or failed, in the manager's words."""
    priority: int | None = None
    nodes: int | None = None
    """How many nodes it has or wants."""
    tasks: int | None = None
    """How many processes it wants to start."""
    cores: int | None = None
    """How many cores it has or wants, on all nodes."""
    memory: int | None = None
    """MiB on all nodes, where the manager says."""
    gpus: int | None = None
    """On all nodes."""
    walltime: int | None = None
    """Seconds it may run; None where it is not limited or the manager does not say."""
    hosts: str = ""
    """The nodes it has, as a hostlist."""
    array: str | None = None
    """Id of the array that it belongs to, or is."""
    indices: str = ""
    """Where it stands for several of an array: which, such as `3,7-100`."""
    throttle: int | None = None
    """How many of an array may run at once."""
    index: int | None = None
    """Where it is one of an array: which."""
    count: int = 1
    """How many jobs it stands for."""
    submitted: datetime | None = None
    started: datetime | None = None
    """When it began, or is expected to."""
    ended: datetime | None = None
    """When it was over."""
    exit_code: int | None = None
    signal: int | None = None
    """Signal that ended it."""
    depends: str | None = None
    """On what it waits, in the manager's words."""
    workdir: str | None = None
    output: str | None = None
    """File of its standard output, on the manager's machines."""
    error: str | None = None
    """File of its standard error, where that is another one."""
    token: str | None = attrs.field(default=None, eq=False)
    """Idempotency token of the operation that submitted it, where the manager shows it."""
    machines: tuple[str, ...] = attrs.field(default=(), eq=False)
    """The machines that it belongs to; the mesh says so, not the manager."""

    @property
    def machine(self) -> str:
        """The machines that it belongs to, as one text."""
        return ",".join(self.machines)

    @property
    def queue(self) -> str:
        """The queues it is in, as one text."""
        return ",".join(self.queues)

    @property
    def elapsed(self) -> int | None:
        """Seconds that it ran, so far (as of `seen`) or in all; None where it has not begun."""
        until = self.ended or (None if self.state.is_over else self.seen)
        running = self.state not in (JobState.PENDING, JobState.HELD)
        if not running or self.started is None or until is None:
            return None
        return max(0, round((until - self.started).total_seconds()))


@attrs.frozen(kw_only=True)
class QueueInfo(_OfManager):
    """A queue (partition) of a manager: what it allows, what is in it."""

    kind: ClassVar[str] = "queues"
    columns: ClassVar[tuple[str, ...]] = (
        "machine", "name", "state", "default", "running", "pending", "jobs", "nodes", "cores",
        "walltime", "memory",
    )  # fmt: skip

    state: QueueState = attrs.field(repr=str)
    default: bool = False
    """Jobs that name no queue come here."""
    totals: Mapping[str, int] = attrs.field(factory=dict, hash=False)
    """Jobs by their state (`JobState` words); those of an array count one by one."""
    nodes: int | None = None
    """How many nodes it has."""
    hosts: str = ""
    """Its nodes, as a hostlist."""
    cores: int | None = None
    """On all its nodes."""
    memory: int | None = None
    """Most MiB that a job may have on a node; None where that is not limited."""
    walltime: int | None = None
    """Most seconds that a job may run; None where that is not limited."""
    default_walltime: int | None = None
    """Seconds that a job gets which asks for none."""
    min_nodes: int | None = None
    max_nodes: int | None = None
    """Least and most nodes of one job; None where that is not limited."""
    priority: int | None = None
    machines: tuple[str, ...] = attrs.field(default=(), eq=False)
    """The machines that it belongs to; the mesh says so, not the manager."""

    @property
    def machine(self) -> str:
        """The machines that it belongs to, as one text."""
        return ",".join(self.machines)

    @property
    def jobs(self) -> int:
        """How many jobs are in it."""
        return sum(self.totals.values())

    @property
    def running(self) -> int:
        """How many jobs run in it."""
        return self.totals.get(JobState.RUNNING.value, 0)

    @property
    def pending(self) -> int:
        """How many jobs wait in it."""
        return self.totals.get(JobState.PENDING.value, 0)


@attrs.frozen(kw_only=True)
class Node(_OfManager):
    """A machine that a queue manager runs jobs on."""

    kind: ClassVar[str] = "nodes"
    columns: ClassVar[tuple[str, ...]] = (
        "machine", "name", "state", "queue", "cores_used", "cores", "memory_used", "memory",
        "gpus", "load", "reason",
    )  # fmt: skip

    state: NodeState = attrs.field(repr=str)
    queues: tuple[str, ...] = ()
    cores: int | None = None
    cores_used: int | None = None
    memory: int | None = None
    """MiB."""
    memory_used: int | None = None
    """MiB that are given to jobs."""
    gpus: int | None = None
    load: float | None = None
    """Load average."""
    features: tuple[str, ...] = ()
    reason: str | None = None
    """Why it is down or drained."""
    machines: tuple[str, ...] = attrs.field(default=(), eq=False)
    """The machines that it belongs to; the mesh says so, not the manager."""

    @property
    def machine(self) -> str:
        """The machines that it belongs to, as one text."""
        return ",".join(self.machines)

    @property
    def queue(self) -> str:
        """The queues it serves, as one text."""
        return ",".join(self.queues)


@attrs.frozen(kw_only=True)
class JobRequest:
    """What a driver needs to submit a job; None leaves a choice to the manager.

    What stands below `script` only some drivers do: they name it in `Queue.extras`. One of
    `command` and `script` is given.
    """

    name: str
    token: str
    """The same token submits the same job, however often it is sent."""
    command: tuple[str, ...] = attrs.field(default=(), repr=False)
    """A program and its arguments."""
    script: str | None = attrs.field(default=None, repr=False)
    """The text of a script, which begins with `#!`; the manager's directives in it count."""
    queue: str | None = None
    nodes: int | None = None
    tasks: int | None = None
    """Processes to start, on all nodes."""
    cores: int | None = None
    """Cores for each task."""
    memory: int | None = None
    """MiB on each node."""
    walltime: int | None = None
    """Seconds."""
    gpus: int | None = None
    """On each node."""
    account: str | None = None
    array: str | None = None
    """Submit it as an array with these indices: `1-100`, `1-9:2`, `3,7,9%2` (two at a time)."""
    after: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, hash=False)
    """Ids of jobs to wait for, by how: `after`, `afterok`, `afternotok`, `afterany`."""
    environment: Mapping[str, str] = attrs.field(factory=dict, hash=False, repr=False)
    """Variables that the job gets beside those that it has there anyway."""
    workdir: str | None = None
    output: str | None = None
    """File for standard output (and standard error, where `error` is None)."""
    error: str | None = None
    held: bool = False
    """Submit it held."""
    options: tuple[str, ...] = ()
    """More options for the manager, in its own words (`--qos=high`)."""

    @property
    def asked(self) -> Mapping[str, Any]:
        """What is asked for beyond a name and what to run: field → value."""
        unsaid: tuple[Any, ...] = (None, (), {}, False)
        skipped = ("name", "token", "command", "script")
        given = {field.name: getattr(self, field.name) for field in attrs.fields(type(self))}
        return {k: v for k, v in given.items() if k not in skipped and v not in unsaid}
