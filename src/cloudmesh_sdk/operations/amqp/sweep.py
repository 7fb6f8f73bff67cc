"""Sweeping: what was lost on its way is found in the store, and begins after all."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from functools import cache

from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.models import Operation
from cloudmesh_sdk.operations.amqp.publish import Publisher
from cloudmesh_sdk.operations.amqp.turn import Desk
from cloudmesh_sdk.operations.process import claim, orphaned

_LOG = logging.getLogger(__name__)

_EVERY = 2.0
"""Seconds between two sweeps, of all workers together."""

_LOST = 30.0
"""Seconds that a message may wait for a worker before another one is sent."""

_TURN = 120.0
"""Seconds that a sweep may take before another worker takes it to be dead."""


class Sweeper:
    """Sweeps now and then in two threads: asking silent clouds keeps nobody else waiting."""

    def __init__(self, desk: Desk, publisher: Publisher, clouds: Collection[str]) -> None:
        self._desk = desk
        self._publisher = publisher
        self._clouds = frozenset(clouds)
        self._over = threading.Event()
        self._holder = claim()
        self._told = ""
        self._called: dict[str, tuple[float, float]] = {}
        """By the id of what has a slot and no runner: when a message is sent again, and after how
        many seconds."""

    def begin(self) -> None:
        """Sweep from now on."""
        for what, act in (("fill", self.fill), ("settle", self.settle)):
            name = f"cloudmesh {what}"
            threading.Thread(target=self._loop, args=(what, act), name=name, daemon=True).start()

    def end(self) -> None:
        """Sweep no more."""
        self._over.set()

    def fill(self) -> None:
        """Free slots that nobody uses, and let those begin who wait for one."""
        line = self._desk.line
        for operation in self._overdue(line.tidy(cache(self._publisher.waiting))):
            line.publish([operation])
        for cloud, account in line.store.journal.lines():
            if cloud in self._clouds:
                line.fill(cloud, account)

    def _overdue(self, called: Sequence[Operation]) -> list[Operation]:
        """Return those for which a message was sent so long ago that it may be lost.

        That others wait for the same user hides it. One too many does no harm, and each next one
        is waited for twice as long.
        """
        now = time.monotonic()
        ids = {operation.id for operation in called}
        self._called = {id: when for id, when in self._called.items() if id in ids}  # noqa: A001
        overdue = []
        for operation in called:
            due, patience = self._called.setdefault(operation.id, (now + _LOST, _LOST))
            if now >= due:
                self._called[operation.id] = (now + 2 * patience, 2 * patience)
                overdue.append(operation)
        return overdue

    def settle(self) -> None:
        """Find out what became of operations whose runners died, or whose clouds were silent."""
        held = self._desk.line.store.journal.held()
        left = {o.owner for o in held if o.runner is None or orphaned(o)}
        for owner in sorted(left):
            self._desk.settle(owner)

    def _loop(self, what: str, act: Callable[[], None]) -> None:
        while not self._over.wait(_EVERY / 2):
            try:
                self._in_turn(what, act)
            except CloudmeshError as error:
                if str(error) != self._told:  # once is enough
                    _LOG.warning("%s; tried again every %g s", error, _EVERY)
                self._told = str(error)
            except Exception:  # noqa: BLE001 - told, and what waits is not let down for it
                _LOG.exception("a sweep met a bug")
                time.sleep(_EVERY)

    def _in_turn(self, what: str, act: Callable[[], None]) -> None:
        polls = self._desk.line.store.polls
        turn = polls.take(
            "tasks", what, holder=self._holder, interval=_EVERY, lease=_TURN,
        )  # fmt: skip
        if turn.mine:
            try:
                act()
            finally:
                polls.done("tasks", what, holder=self._holder, wait=_EVERY)
                self._told = ""
