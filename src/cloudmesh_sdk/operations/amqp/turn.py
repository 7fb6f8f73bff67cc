"""A turn of a process: what a message calls is run, and what follows it as long as nobody waits.

So where thousands wait, a message is paid once for many of them. A turn ends where others wait for
a process, and those that are called one by one then are run together by who is free first.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.fanout import ask
from cloudmesh_sdk.models import Operation
from cloudmesh_sdk.operations.amqp.line import LEASE, Line
from cloudmesh_sdk.operations.heart import Heart
from cloudmesh_sdk.together import Company

_LOG = logging.getLogger(__name__)

_LOOK = 2.0
"""Seconds between two looks who waits for a process; who does at both has waited long enough."""

_LONGEST = 300.0
"""Seconds after which a turn ends in any case: brokers take a message back that is not answered."""

_GATHER = 0.3
"""Seconds that what ends with a turn waits for the others of the turn: one message calls what
follows them."""

_PATIENCE = 0.03
"""Seconds that one of a turn waits for the others before it asks the store: those that began
together mostly end so, and it is little beside what acts of a cloud take."""


class Desk(Protocol):
    """What a process needs to run operations of any user; used by many threads."""

    line: Line

    def run(self, operation: Operation) -> object:
        """Run an operation that waits; what goes wrong is journalled.

        Gives None where it is not there to be taken.
        """

    def settle(self, owner: str) -> object:
        """Find out what became of a user's operations whose runners died."""

    def close(self) -> None:
        """Give all back."""


class Turn:
    """Operations of a process that have slots: a thread each, and what follows them there.

    Nothing follows once `stopping` says that the process is to end.
    """

    def __init__(self, desk: Desk, stopping: Callable[[], bool]) -> None:
        self._desk = desk
        self._stopping = stopping
        self._changed = threading.Condition()
        self._busy: dict[str, Operation] = {}
        self._ended: list[Operation] = []
        """What ended with the turn, and is not handed on yet."""
        self._end = time.monotonic() + _LONGEST
        self._next = time.monotonic() + _LOOK
        """When to look who waits for a process."""
        self._waited: set[str] = set()
        """Who did at the last look."""
        self._crowded = False

    def run(self, operations: Sequence[Operation]) -> None:
        """Run operations, and what follows them; return when all are over.

        A store that is out of reach is told of: what is left is found again when it is back.
        """
        self._busy = {operation.id: operation for operation in operations}
        with Heart(self._renew, every=LEASE / 3):
            if len(operations) == 1:
                self._serve(operations[0].id)
            else:
                company = Company(len(operations), patience=_PATIENCE)
                ask([*self._busy], partial(self._serve_among, company))

    def _serve_among(self, company: Company, id: str) -> None:  # noqa: A002
        with company.member():
            self._serve(id)

    def _serve(self, id: str) -> None:  # noqa: A002
        """Run an operation, and one after the other those that follow it."""
        following: Operation | None = self._busy[id]
        while following is not None:
            operation = following
            try:
                following = self._one(operation)
            except StoreError as error:
                following = None
                tell([operation.id], error)
            finally:
                with self._changed:
                    self._busy.pop(operation.id, None)
                    self._changed.notify()

    def _one(self, operation: Operation) -> Operation | None:
        """Run an operation and hand its slot on; return who follows it here."""
        line = self._desk.line
        if not self._ran(operation):
            return None  # its slot is the other's, who hands it on
        if self._is_over():
            self._leave(operation)
            return None
        following = line.follow(operation)
        if following is not None:
            with self._changed:
                self._busy[following.id] = following
        return following

    def _ran(self, operation: Operation) -> bool:
        """Run an operation; tell whether that was ours to do, as nobody else runs it."""
        try:
            ran = self._desk.run(operation)
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - told, and its slot is not kept for it
            text = "operation %s met a bug; what became of it is found out later"
            _LOG.exception(text, operation.id)
            return True
        return ran is not None or not self._desk.line.has_runner(operation)

    def _is_over(self) -> bool:
        """Tell whether nothing more is to begin here."""
        return self._stopping() or time.monotonic() >= self._end or self._is_crowded()

    def _is_crowded(self) -> bool:
        """Tell whether somebody waits for a process."""
        with self._changed:
            if not self._crowded and time.monotonic() >= self._next:
                waiting = {operation.id for operation in self._desk.line.called()}
                self._crowded = not self._waited.isdisjoint(waiting)
                self._waited = waiting
                self._next = time.monotonic() + _LOOK
            return self._crowded

    def _leave(self, operation: Operation) -> None:
        """Hand a slot on to who is called then, with those of the others that end soon."""
        with self._changed:
            self._busy.pop(operation.id)
            self._ended.append(operation)
            if len(self._ended) > 1:  # who came first hands all on
                return
            self._changed.wait_for(lambda: not self._busy, timeout=_GATHER)
            ended, self._ended = self._ended, []
        self._desk.line.over(ended)

    def _renew(self) -> None:
        with self._changed:
            busy = [*self._busy.values()]
        self._desk.line.renew(busy)


def tell(ids: Sequence[str], error: StoreError) -> None:
    """Tell of a store that is out of reach."""
    _LOG.warning("operation %s: %s; it is looked for again later", ", ".join(ids), error)
