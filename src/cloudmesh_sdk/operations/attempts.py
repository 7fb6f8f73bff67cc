"""The attempts of one operation: what each came to, and whether another one is safe.

After an error that leaves open whether it was done, the service is asked before anything is sent
again. Sent again is what does no harm twice, and what was refused for the load and carries a token
that the service has nothing of. All else is written down as it is known, and left to `reconcile`
where it is not. Each attempt is journalled before it goes out.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import attrs

from cloudmesh_sdk.driver import Driver, guarded
from cloudmesh_sdk.errors import (
    BackendError,
    BackendTimeoutError,
    CloudmeshError,
    ThrottledError,
    UnavailableError,
)
from cloudmesh_sdk.models import Fault, Operation, OperationState
from cloudmesh_sdk.operations.act import Learned, Records, results
from cloudmesh_sdk.operations.acts import ACTS, perform
from cloudmesh_sdk.operations.gate import Gate
from cloudmesh_sdk.operations.lanes import Lane
from cloudmesh_sdk.operations.process import lease
from cloudmesh_sdk.operations.reconcile import as_seen, asked, came, conclude, silent, wanted
from cloudmesh_sdk.operations.wishes import Wish, dropped, refusal, tell_late
from cloudmesh_sdk.retrying import Budget
from cloudmesh_sdk.store.base import Store

Use = Callable[[str], AbstractContextManager[Driver]]
"""Lends the driver of a cloud or a queue manager to one thread."""


def fault(error: CloudmeshError) -> Fault:
    """Return an error as it is kept."""
    transient = isinstance(error, BackendError) and error.transient
    return Fault(kind=type(error).__name__, message=str(error), transient=transient)


def repeatable(operation: Operation, error: BackendError, learned: Learned) -> bool:
    """Tell whether an operation may be sent again that failed so, once this was learnt of it.

    A cut connection or a missing answer leaves open that it still happens: then only what is
    harmless is sent again. What was refused for the load, and is not there, was not done.
    """
    if not error.transient or learned.state is not OperationState.FAILED:
        return False
    return ACTS[operation.act].harmless or (isinstance(error, ThrottledError) and learned.absent)


def told(error: BackendError, learned: Learned) -> BackendError:
    """Return an error that tells, too, what the service left open when it was asked."""
    failed = learned.state is OperationState.FAILED
    if not failed or learned.undone or isinstance(error, ThrottledError):  # which leaves nothing
        return error
    text = f"{error}; {learned.why}"
    more = type(error)(text, retry_after=error.retry_after, request_id=error.request_id)
    more.__cause__ = error
    return more


def clears(operation: Operation, error: BackendError, learned: Learned) -> bool:
    """Tell whether it may be known a little later what is not known now, and is worth waiting."""
    if not error.transient or learned.state is not OperationState.UNKNOWN:
        return False
    return ACTS[operation.act].harmless or isinstance(error, ThrottledError)


_OF_ATTEMPT = ("state", "attempts", "sent", "error", "doubted", "message")
"""Fields that an attempt writes before it goes out."""


class Attempts:
    """Sends one operation, again where that is safe and its lane's limits allow it.

    `gate` is passed already the first time. `claim` journals an attempt and returns the operation
    as it is then; it raises where that is not to be. `moved` hears what became of it between two
    attempts. No wait outlives `stopped`, which hears, too, of what is to be cancelled: that is not
    sent again.
    """

    def __init__(
        self,
        store: Store,
        use: Use,
        lane: Lane,
        gate: Gate,
        *,
        claim: Callable[[Operation], Operation],
        moved: Callable[[Operation], None],
        stopped: Wish,
    ) -> None:
        self._store = store
        self._use = use
        self._lane = lane
        self._gate = gate
        self._claim = claim
        self._moved = moved
        self._stopped = stopped
        self._settle = 0.0
        self._blind: BackendError | None = None
        self._shown = Learned(state=OperationState.FAILED, undone=True)
        """What the service showed last; before the first attempt nothing is there."""
        self._budget = Budget(
            seconds=lane.limits.deadline,
            retries=lane.limits.attempts - 1,
            hopeless=lambda error: stopped.is_set() or not error.transient,
            sleep=stopped.wait,
        )

    def run(self, operation: Operation, secrets: Mapping[str, Any]) -> Records:
        """Return what came of an operation; raises what went wrong, once it is written down."""
        while True:
            with self._use(operation.cloud) as cloud:
                self._settle = cloud.settle
                operation = self._claimed(operation)
                went = self._lane.clock()
                try:
                    with guarded(cloud.name):
                        records = perform(cloud, operation, {**operation.parcel, **secrets})
                except BackendError as error:
                    problem = error
                else:
                    return self._done(operation, records)
            operation = self._doubt(operation, problem)
            self._hear(problem, went)
            learned = self._cleared(operation, problem)
            if learned is not None:
                return self._concluded(operation, problem, learned)

    def _claimed(self, operation: Operation) -> Operation:
        """Journal an attempt; raises where it is not to be sent, once that is written down."""
        claimed = self._claim(operation)
        if claimed.cancelling is None:
            return claimed
        before = {name: getattr(operation, name) for name in _OF_ATTEMPT}  # that attempt was none
        back = self._store.journal.change(claimed, **before)
        if back is not None:
            why = back.error.message if back.error else ""
            conclude(self._store, back, attrs.evolve(self._shown, why=why))
        raise refusal(self._store.journal.get(operation.id) or claimed)

    def _done(self, operation: Operation, records: Records) -> Records:
        seen, rows = as_seen(self._store, operation, records)
        self._over(
            self._store.conclude(
                operation, rows,
                state=OperationState.DONE, finished=datetime.now(UTC),
                **came(seen), **dropped(operation),
            )
        )  # fmt: skip
        return results(seen)

    def _doubt(self, operation: Operation, error: BackendError) -> Operation:
        """Write down that it is not known what became of it; raises where that is known.

        What is refused the first time was not done. A later time, the first may have done it.
        """
        if not error.transient and operation.attempts == 1:
            self._end(operation, state=OperationState.FAILED, error=fault(error))
            raise error
        unknown = self._store.journal.change(
            operation,
            state=OperationState.UNKNOWN,
            error=fault(error),
            doubted=datetime.now(UTC),
            lease=lease(),
            message=f"asks {operation.cloud} what became of it",
        )
        if unknown is None:  # somebody else took it over
            raise error
        self._moved(unknown)
        self._stopped.hear(unknown)
        return unknown

    def _cleared(self, operation: Operation, error: BackendError) -> Learned | None:
        """Return what became of an operation, None where it is to be sent again.

        A service that asked for less is not asked before it was left alone for a while.
        """
        learned = None if isinstance(error, ThrottledError) else self._look(operation)
        paused = False
        while learned is None or self._hopeful(operation, error, learned):
            if paused and learned is not None and learned.state is OperationState.FAILED:
                self._shown = learned
                return None if self._again() else learned
            try:
                self._budget.pause(error, least=self._least(operation))
            except BackendError:
                return learned or self._look(operation)
            paused = True
            if learned is None or learned.state is OperationState.UNKNOWN:
                learned = self._look(operation)
        return learned

    def _again(self) -> bool:
        """Wait until it may be sent once more, and tell whether that is in time."""
        mine = self._lane.again(self._stopped, self._budget.left())
        return mine and self._gate.passed(self._budget.left())

    def _hopeful(self, operation: Operation, error: BackendError, learned: Learned) -> bool:
        """Tell whether waiting may lead to more than is known now."""
        if learned.state is OperationState.UNKNOWN:
            dead = isinstance(self._blind, BackendTimeoutError)
            return not dead and clears(operation, error, learned)
        harmless = ACTS[operation.act].harmless
        if harmless and not wanted(self._store, operation):
            return False
        return repeatable(operation, error, learned)

    def _least(self, operation: Operation) -> float:
        """Return the seconds to wait at least: what was made must be shown by then."""
        return 0.0 if ACTS[operation.act].harmless else self._settle

    def _look(self, operation: Operation) -> Learned:
        """Ask the service what became of an operation, without doing anything."""
        went, self._blind = self._lane.clock(), None
        try:
            with self._use(operation.cloud) as cloud, guarded(cloud.name):
                return asked(self._store, cloud, operation, again=False)
        except BackendError as error:
            self._blind = error
            self._hear(error, went)
            return silent(operation, error)

    def _concluded(self, operation: Operation, error: BackendError, learned: Learned) -> Records:
        """Write down what became of it; return what came of it, or raise the error that it had."""
        done = learned.state is OperationState.DONE
        error = told(error, learned)
        records = conclude(
            self._store, operation, learned if done else attrs.evolve(learned, why=str(error))
        )
        if records:
            return records
        now = self._store.journal.get(operation.id)
        if now is not None and now.state in (OperationState.UNKNOWN, OperationState.PENDING):
            text = f"{error}; what became of it is found out later (operation {operation.id})"
            kind = type(error) if error.transient else UnavailableError
            raise kind(text, retry_after=error.retry_after) from error
        if now is not None and now.state is OperationState.CANCELLED:
            raise refusal(now) from error
        raise error

    def _hear(self, error: BackendError, went: float) -> None:
        if isinstance(error, ThrottledError):
            self._gate.throttled(went, error.retry_after)

    def _end(self, operation: Operation, **fields: Any) -> None:
        fields |= {"finished": datetime.now(UTC), **dropped(operation)}
        self._over(self._store.journal.change(operation, **fields))

    def _over(self, operation: Operation | None) -> None:
        if (now := tell_late(self._store, operation)) is not None:
            self._moved(now)
