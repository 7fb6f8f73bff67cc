"""Cancelling what is on its way: a wish in the journal, heard wherever nothing is in flight.

A runner hears of it for nothing: each of its writes returns the operation as it is then. Only
while it waits, for its turn or between two attempts, it looks, for all of one run at once.
"""

import logging
import threading
import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import attrs

from cloudmesh_sdk.errors import ConflictError, StoreError
from cloudmesh_sdk.models import Fault, Operation, OperationState
from cloudmesh_sdk.operations.act import Learned, may_come, verb
from cloudmesh_sdk.store.base import Store

_LOG = logging.getLogger(__name__)

LATE = "it was there before it could be cancelled"
"""Said of an operation that was done all the same."""

NEVER = "it was never sent"
"""Why nothing can have come of an operation."""

_LOOK = 0.5
"""Seconds between two looks for wishes; who waits less looks for none."""


def ended(operation: Operation) -> dict[str, Any]:
    """Return the fields of an operation that is cancelled, so that nothing can come of it."""
    return {
        "state": OperationState.CANCELLED,
        "finished": datetime.now(UTC),
        "error": cancelled(why_nothing(operation)),
        "message": "",
        **dropped(operation),
    }


def dropped(operation: Operation) -> dict[str, Any]:
    """Return the fields that tell that its parcel is not kept any longer, as it is over."""
    return {"parcel": {}} if operation.parcel else {}


def cancelled(why: str) -> Fault:
    """Return what is kept of why nothing can come of an operation."""
    return Fault(kind="Cancelled", message=why)


def refusal(operation: Operation) -> ConflictError:
    """Return what is told who waits for an operation that is not sent as it was cancelled."""
    over = operation.state is OperationState.CANCELLED
    said = "was cancelled" if over else "was to be cancelled and is not sent again"
    why = f": {operation.error.message}" if operation.error else ""
    return ConflictError(f"{verb(operation)} {operation.target} ({operation.id}) {said}{why}")


def heeded(operation: Operation, learned: Learned) -> Learned:
    """Return what became of an operation that may be one to be cancelled.

    It is cancelled where nothing is there that it might have made, and nothing may come any more.
    """
    if operation.cancelling is None or not learned.undone:
        return learned
    if may_come(operation):
        why = f"{operation.cloud} gave no answer in time and may still do it"
        return attrs.evolve(learned, state=OperationState.UNKNOWN, why=why)
    return attrs.evolve(learned, state=OperationState.CANCELLED, why=why_nothing(operation))


def why_nothing(operation: Operation) -> str:
    """Return why nothing can have come of an operation that waits, or shows nothing."""
    if not operation.attempts:
        return NEVER
    return f"{operation.cloud} shows nothing of it, and it was not sent again"


def tell_late(store: Store, operation: Operation | None) -> Operation | None:
    """Say of one that is done that it was to be cancelled; return it as it is then."""
    if operation is None or operation.cancelling is None:
        return operation
    if operation.state is not OperationState.DONE:
        return operation
    return store.journal.change(operation, message=LATE) or operation


class Wishes:
    """Looks for wishes about what waits in one run; used by many threads."""

    def __init__(self, store: Store, stopped: threading.Event) -> None:
        self._store = store
        self._stopped = stopped
        self._lock = threading.Lock()
        self._waiting: set[str] = set()
        self._found: set[str] = set()
        self._looked = 0.0
        self._told = False

    def of(self, id: str) -> "Wish":  # noqa: A002
        """Return what tells whether an operation may be sent."""
        return Wish(self, id, self._stopped)

    def wait(self, id: str, seconds: float) -> bool:  # noqa: A002
        """Wait, until there is a wish at most; tell whether there is one."""
        end = time.monotonic() + seconds
        with self._lock:
            self._waiting.add(id)
        try:
            while (left := end - time.monotonic()) > 0:
                if self._stopped.wait(min(left, _LOOK)):
                    return False
                if time.monotonic() < end and self._heard(id):
                    return True
            return False
        finally:
            with self._lock:
                self._waiting.discard(id)

    def cancelled(self, ids: Collection[str]) -> list[Operation]:
        """Return those of some operations, which wait for their turn, that were cancelled."""
        journal = self._store.journal
        try:
            found = [journal.get(id_) for id_ in (journal.unwanted(ids) if ids else ())]
        except StoreError as error:
            self._tell(error)
            return []
        self._told = False
        return [o for o in found if o is not None and o.state is OperationState.CANCELLED]

    def _tell(self, error: StoreError) -> None:
        """Tell that the store is away, once: the next write hears of wishes, if no look does."""
        if not self._told:
            _LOG.warning("whether something is to be cancelled is not known: %s", error)
        self._told = True

    def _heard(self, id: str) -> bool:  # noqa: A002
        """Tell whether there is a wish; who asks first looks for all others, too."""
        with self._lock:
            if time.monotonic() - self._looked > _LOOK / 2:
                try:
                    self._found = self._store.journal.unwanted(self._waiting)
                    self._told = False
                except StoreError as error:
                    self._tell(error)
                self._looked = time.monotonic()
            return id in self._found


class Wish:
    """Whether one operation is not to be sent any more: its run ends, or it is to be cancelled."""

    def __init__(self, wishes: Wishes, id: str, stopped: threading.Event) -> None:  # noqa: A002
        self._wishes = wishes
        self._id = id
        self._stopped = stopped
        self._heard = False

    def hear(self, operation: Operation) -> None:
        """Take note of an operation as the journal has it."""
        self._heard = self._heard or operation.cancelling is not None

    def is_set(self) -> bool:
        """Tell whether it is not to be sent any more, as far as was heard."""
        return self._heard or self._stopped.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait some seconds, not once it is not to be sent any more; tell whether that is so."""
        if not self.is_set():
            self._heard = self._wishes.wait(self._id, seconds)
        return self.is_set()
