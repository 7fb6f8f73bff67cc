"""What changes in the dicts of this process, told to those who listen in it."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from cloudmesh_sdk.models import Happening, Operation, Record, What
from cloudmesh_sdk.store.changes import (
    Changes,
    Listener,
    asked_kinds,
    asked_owners,
    gap,
    of_operation,
)
from cloudmesh_sdk.store.values import plain

KEPT = 10_000
"""How much one listener may have unheard; more is a gap."""


class MemoryListener(Listener):
    """Keeps what its reader has not heard yet, as long as that is not too much."""

    def __init__(self, owners: Iterable[str], kinds: Iterable[str]) -> None:
        super().__init__()
        self._owners = frozenset(owners)
        self._kinds = frozenset(kinds)
        self._changed = threading.Condition()
        self._unheard: deque[Happening] = deque()

    def tell(self, owner: str, happening: Happening) -> None:
        """Take a happening, where it is one of those that are listened for."""
        if owner not in self._owners or happening.kind not in self._kinds:
            return
        with self._changed:
            if len(self._unheard) >= KEPT:
                self._unheard.clear()
                self._unheard.append(gap())  # also for this one: who hears it reads anew
            else:
                self._unheard.append(happening)
            self._changed.notify_all()

    def _heard(self, seconds: float) -> list[Happening]:
        with self._changed:
            self._changed.wait_for(lambda: self._unheard or self._closed.is_set(), seconds)
            found = [*self._unheard]
            self._unheard.clear()
        return found

    def close(self) -> None:
        """Hear no more, and forget what is unheard."""
        with self._changed:
            self._closed.set()
            self._unheard.clear()
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether nobody listens any more."""
        return self._closed.is_set()


class MemoryChanges(Changes):
    """Tells all listeners of one store."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: tuple[MemoryListener, ...] = ()

    def listen(self, owners: str | Iterable[str], kinds: Iterable[str] | None = None) -> Listener:
        listener = MemoryListener(asked_owners(owners), asked_kinds(kinds))
        with self._lock:
            self._listeners = (*self._living(), listener)
        return listener

    def _living(self) -> tuple[MemoryListener, ...]:
        return tuple(listener for listener in self._listeners if not listener.closed)

    def record(self, owner: str, record: Record, what: What) -> None:
        """Tell of a record."""
        self._tell(owner, lambda: _of_record(record, what))

    def operation(self, operation: Operation, what: What) -> None:
        """Tell of an operation."""
        self._tell(operation.owner, lambda: of_operation(operation, what))

    def _tell(self, owner: str, happening: Callable[[], Happening]) -> None:
        listeners = self._living()
        if listeners:
            told = happening()
            for listener in listeners:
                listener.tell(owner, told)


def _of_record(record: Record, what: What) -> Happening:
    state = plain(getattr(record, "state", None))
    return Happening(
        at=datetime.now(UTC), what=what, kind=record.kind, cloud=record.cloud, name=record.name,
        id=record.id, state=state or "",
    )  # fmt: skip
