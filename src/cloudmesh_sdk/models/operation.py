"""What was asked for."""

import enum
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

import attrs

from cloudmesh_sdk.models.record import Fault


class OperationState(enum.StrEnum):
    """Where an operation is: `pending → running → done | failed | cancelled`.

    `unknown` is a crashed one that the cloud could not yet be asked about.
    """

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


OPEN = (OperationState.PENDING, OperationState.RUNNING, OperationState.UNKNOWN)
"""States of operations that are not over."""


def _words(given: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)


@attrs.frozen(kw_only=True)
class Operation:
    """Something asked for, journalled before it was done."""

    columns: ClassVar[tuple[str, ...]] = (
        "id", "act", "cloud", "target", "state", "progress", "attempts", "created",
        "error",
    )  # fmt: skip

    id: str
    owner: str
    act: str
    """`start`, `stop`, `resume`, `reboot`, `delete`, `upload` …"""
    cloud: str
    target: str
    """Name of what is acted on."""
    token: str
    request: Mapping[str, Any] = attrs.field(factory=dict, hash=False)
    """Arguments of the act as plain data, without secrets."""
    parcel: Mapping[str, Any] = attrs.field(
        factory=dict, hash=False, repr=False, metadata={"hidden": True}
    )
    """Arguments that may hold secrets, of one that any runner may do: they are written down for
    it, and dropped as it is over. Nothing shows them."""
    state: OperationState = attrs.field(default=OperationState.PENDING, repr=str)
    later: bool = False
    """Any runner may do it: who asked for it does not wait. Such a one is pending, and has no
    runner, until one takes it."""
    done: int = 0
    """How much of it is done, of `total`."""
    total: int = 1
    """How much there is to do: the servers of a group, the kinds of a refresh."""
    message: str = ""
    """What it waits for, or is at, in words; empty where there is nothing to tell."""
    attempts: int = 0
    runner: str | None = None
    """Who runs it: `host/pid/start time of the process`."""
    lease: datetime | None = None
    """Until when the runner may be taken to be alive; of one that waits for a runner, from when on
    it may be taken."""
    result: str | None = None
    """Native id of what came of it, of the first where that are several."""
    results: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    """Native ids of all that came of it, where that are several: a group of servers."""
    account: str | None = None
    """Stands for the account that the entry of the cloud, or the manager, meant then; None where
    that is not known. The view keeps a manager's jobs under it."""
    withheld: tuple[str, ...] | None = attrs.field(default=None, converter=_words)
    """Names of the arguments that nobody has once it is over: only the driver was given them, or
    they were its `parcel`. None where that is not known (an older release)."""
    retry_of: str | None = None
    """Id of the operation that this one asks for again."""
    error: Fault | None = None
    created: datetime
    sent: datetime | None = None
    """When the last attempt was handed to the driver."""
    doubted: datetime | None = None
    """When its answer was given up, where that was lost."""
    finished: datetime | None = None
    cancelling: datetime | None = None
    """When it was to be cancelled while it was on its way: it is never sent again."""

    def waits(self, now: datetime) -> bool:
        """Tell whether it waits for a runner, and may be taken by now."""
        if not self.later or self.runner is not None or self.state is not OperationState.PENDING:
            return False
        return self.lease is None or self.lease <= now

    @property
    def progress(self) -> str:
        """How far it is, in words: `2/5 waiting for addresses`; empty where that tells nothing."""
        counted = self.total > 1 or 0 < self.done < self.total
        count = f"{self.done}/{self.total}" if counted else ""
        wish = "cancelling" if self.cancelling is not None and self.state in OPEN else ""
        return " ".join(part for part in (count, wish, self.message) if part)
