"""Hearing what changes in a store, whichever process changes it.

What is written after `listen` returned is told, in the order in which it was written. A listener
that was away too long, or too slow, hears of a `gap` instead and reads anew: nothing is lost in
silence, and no queue grows without end. Only a MongoDB without change streams is compared each
second: what changes and changes back between two looks is not told there.
"""

import abc
import threading
import time
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import ClassVar, Self

from cloudmesh_sdk.errors import StoreError, near
from cloudmesh_sdk.models import KINDS, Happening, Operation, What

OPERATIONS = "operations"
"""The kind of what happens to operations."""

ALERT = 0.5
"""Seconds that a wait lasts at a time: Ctrl-C and `close` are heard after it at the latest."""

TOLD = (
    "state", "attempts", "done", "total", "message", "error", "result", "results", "cancelling",
)  # fmt: skip
"""Fields of an operation whose change is told; that its lease was renewed says nothing."""


class Listener(abc.ABC):
    """Hears the changes of some owners; one thread asks, any may close."""

    looks: ClassVar[bool] = False
    """Whether it looks each second because the store cannot tell: what changes and changes back
    between two looks is then not told."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def next(self, timeout: float | None = None) -> list[Happening]:
        """Return what happened since the last call, oldest first; empty after `timeout` seconds.

        Waits where there is nothing yet, for ever without a timeout; empty, too, once it is
        closed. Raises `StoreError` where the store cannot be reached any more; a later call goes
        on where this one was.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while not self._closed.is_set():
            left = ALERT if end is None else max(0.0, end - time.monotonic())
            if found := self._heard(min(ALERT, left)):
                return found
            if end is not None and time.monotonic() >= end:
                break
        return []

    @abc.abstractmethod
    def _heard(self, seconds: float) -> list[Happening]:
        """Return what happened, after so many seconds at the latest."""

    def close(self) -> None:
        """Hear no more."""
        self._closed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Changes(abc.ABC):
    """Tells what changes in a store."""

    @abc.abstractmethod
    def listen(self, owners: str | Iterable[str], kinds: Iterable[str] | None = None) -> Listener:
        """Hear what changes from now on for owners: records of `kinds`, and `operations`.

        None is all kinds. A record that is written anew as it was may be told as `changed`, one
        that was gone as `gone` again when its last trace is dropped. Raises `StoreError` for a
        kind that there is not.
        """


def asked_owners(owners: str | Iterable[str]) -> tuple[str, ...]:
    """Return owners, each once."""
    return tuple(dict.fromkeys([owners] if isinstance(owners, str) else owners))


def asked_kinds(kinds: Iterable[str] | None) -> tuple[str, ...]:
    """Return the kinds that are asked for; raises `StoreError`."""
    known: Collection[str] = (*KINDS, OPERATIONS)
    asked = tuple(known if kinds is None else dict.fromkeys(kinds))
    for kind in asked:
        if kind not in known:
            raise StoreError(f"nothing of the kind {kind!r} is kept; {near(kind, known)}")
    return asked


def gap() -> Happening:
    """Return what stands for all that was missed."""
    return Happening(at=datetime.now(UTC), what=What.GAP)


def of_operation(operation: Operation, what: What) -> Happening:
    """Return what is told of an operation."""
    error = operation.error.message if operation.error else ""
    return Happening(
        at=datetime.now(UTC), what=what, kind=OPERATIONS, cloud=operation.cloud,
        name=operation.target, id=operation.id, state=operation.state.value,
        detail=" ".join(part for part in (operation.act, operation.progress or error) if part),
    )  # fmt: skip
