"""One gentle question per queue manager, for all who look.

A question is asked when somebody looks and what the store has is older than the interval. Who asks
holds a turn in the store; all others, whatever their process, user or machine, are served what is
there. The turn of a process that died is taken over.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import attrs

from cloudmesh_sdk.config import QueueConfig
from cloudmesh_sdk.errors import BackendTimeoutError, CloudmeshError, NotFoundError, StoreError
from cloudmesh_sdk.fanout import ask
from cloudmesh_sdk.mesh.refreshing import Listing, Refreshed, keep, tell_refreshed
from cloudmesh_sdk.mesh.registry import Queues
from cloudmesh_sdk.mesh.scopes import Scopes
from cloudmesh_sdk.mesh.vanished import learn_vanished
from cloudmesh_sdk.operations.process import HELD, claim, dead
from cloudmesh_sdk.queues.base import Queue
from cloudmesh_sdk.store.base import Store, Sync
from cloudmesh_sdk.store.polls import Question, Turn

LEAST: Mapping[str, float] = {"jobs": 0.0, "nodes": 60.0, "queues": 300.0}
"""Seconds between two questions for a kind, whatever the configuration says."""

CALM = 10.0
"""A manager is left alone for so many times as long as its last answer took."""

REST = 900.0
"""Seconds after which a slow manager is asked again at the latest."""

LEASE = 120.0
"""Seconds after which a turn is over whose holder, on another machine, was not heard of."""

SOON = 5.0
"""Seconds after which is asked again what one asked who died over it."""

DEADLINE = 60.0
"""Seconds that somebody who looks waits for an answer."""

_PAUSES = (0.5, 5.0)
"""Least and most seconds between two looks of who waits for a newer list."""

_STEP = 0.2
"""Seconds between two looks into the store while another process asks."""

_LOG = logging.getLogger(__name__)

_METHODS: Mapping[str, Callable[[Queue], Iterable[Any]]] = {
    "jobs": lambda queue: queue.jobs(),
    "nodes": lambda queue: queue.nodes(),
    "queues": lambda queue: queue.info(()),
}
"""How a manager is asked for a kind; the numbers of jobs are counted from the list of jobs."""


class Polling:
    """The questions that one mesh asks of queue managers."""

    def __init__(
        self,
        store: Store,
        queues: Queues,
        entries: Mapping[str, QueueConfig],
        scopes: Scopes,
        *,
        by: str,
        hooks: Callable[[], Any] | None = None,
    ) -> None:
        self._store = store
        self._queues = queues
        self._entries = entries
        self._scopes = scopes
        self._by = by
        self._hooks = hooks

    def look(
        self, managers: Iterable[str], *kinds: str, wait: bool = False, deadline: float = DEADLINE
    ) -> dict[str, CloudmeshError]:
        """See that the store has lists of some kinds that are as young as they may be.

        Returns what kept managers from answering; the store then has what they said last. Where
        another process is asking just now, its answer is waited for if there is none before, or
        with `wait`.
        """
        answers = ask(
            managers, lambda name: self._look(name, kinds, wait, deadline), deadline=deadline
        )
        return {answer.name: answer.error for answer in answers if answer.error is not None}

    def keep(self, managers: Collection[str], kind: str, stop: threading.Event) -> None:
        """See, until `stop` is set, that the store has lists that are as young as they may be."""
        while not stop.is_set():
            self.look(managers, kind)
            stop.wait(self.pause(managers))

    def pause(self, managers: Iterable[str]) -> float:
        """Return the seconds between two looks: lists come no sooner than their interval."""
        interval = min((self.interval(manager) for manager in managers), default=0.0)
        least, most = _PAUSES
        return min(most, max(least, interval / 10))

    def interval(self, manager: str, kind: str = "jobs") -> float:
        """Return the seconds that are between two questions at least."""
        entry = self._entries[manager]
        return max(entry.interval, entry.floor, LEAST[kind])

    def syncs(self, manager: str) -> dict[str, Sync]:
        """Return what is known of the lists of a manager, by kind."""
        return {
            sync.kind: sync
            for sync in self._store.view.syncs(self._scopes[manager])
            if sync.cloud == manager
        }

    @contextmanager
    def use(self, manager: str, what: str = "act") -> Iterator[Queue]:
        """Lend a driver to one thread, and write down what that cost its manager."""
        begun, at, error = time.monotonic(), datetime.now(UTC), ""
        with self._queues.use(manager) as queue:
            before = queue.calls
            try:
                yield queue
            except CloudmeshError as problem:
                # that it has no such job is an answer
                error = "" if isinstance(problem, NotFoundError) else str(problem)
                raise
            finally:
                self._note(
                    manager,
                    Question(
                        at=at,
                        what=what,
                        calls=queue.calls - before,
                        elapsed=time.monotonic() - begun,
                        by=self._by,
                        error=error,
                    ),
                )

    def _look(self, manager: str, kinds: Sequence[str], wait: bool, deadline: float) -> None:
        for kind in kinds:
            self._one(manager, kind, wait, time.monotonic() + deadline)

    def _one(self, manager: str, kind: str, wait: bool, end: float) -> None:
        """Ask for one kind, or wait for who does; a failure stands in the store."""
        while True:
            with self._turn(manager, kind) as (turn, listed):
                if turn.mine:
                    listed(self._question(manager, kind))
                    return
            known = self.syncs(manager).get(kind)
            is_there = known is not None and (known.refreshed or known.failed)
            if is_there and (turn.holder is None or not wait):
                return
            if time.monotonic() > end:
                raise BackendTimeoutError(_why(manager, turn))
            time.sleep(_STEP)

    @contextmanager
    def _turn(self, manager: str, kind: str) -> Iterator[tuple[Turn, Callable[[float], None]]]:
        """Ask the store for the turn; what is told of the answer decides when the next is due."""
        scope, holder = self._scopes[manager], claim()
        interval = self.interval(manager, kind)
        rest = interval

        def listed(elapsed: float) -> None:
            nonlocal rest
            floor = self._queues[manager].floor
            rest = max(interval, floor, min(REST, CALM * elapsed))

        HELD.take([holder])
        try:
            turn = self._take(scope, kind, holder, interval)
            try:
                yield turn, listed
            finally:
                if turn.mine:
                    self._store.polls.done(scope, kind, holder=holder, wait=rest)
        finally:
            HELD.leave([holder])

    def _take(self, scope: str, kind: str, holder: str, interval: float) -> Turn:
        polls = self._store.polls
        turn = polls.take(scope, kind, holder=holder, interval=interval, lease=LEASE)
        if turn.mine or turn.holder is None or not dead(turn.holder):
            return turn
        soon = min(interval, SOON)
        return polls.take(
            scope, kind, holder=holder, interval=soon, lease=LEASE, instead=turn.holder
        )

    def _question(self, manager: str, kind: str) -> float:
        """Ask for a list and keep it; return the seconds that took."""
        known = self.syncs(manager).get(kind)
        started, begun = datetime.now(UTC), time.monotonic()
        listing = Listing(kind=kind, started=started, elapsed=0.0, calls=0)
        try:
            with self.use(manager, kind) as queue:
                before = queue.calls
                records = list(_METHODS[kind](queue))
                listing = attrs.evolve(listing, records=records, calls=queue.calls - before)
        except CloudmeshError as error:
            listing = attrs.evolve(listing, error=error)
        elapsed = time.monotonic() - begun
        scope = self._scopes[manager]
        kept = keep(self._store, scope, manager, attrs.evolve(listing, elapsed=elapsed))
        if isinstance(kept, Refreshed):
            tell_refreshed(self._hooks, [kept])
            if kind == "jobs":
                self._vanished(manager, scope, known.refreshed if known else None)
        return elapsed

    def _vanished(self, manager: str, scope: str, before: datetime | None) -> None:
        """Find out how jobs of ours ended that the manager lists no more."""
        try:
            learn_vanished(
                self._store, scope, manager, lambda: self.use(manager, "history"), before=before
            )
        except CloudmeshError as error:  # they stay unknown, and are asked for once more
            _LOG.warning("%s did not tell how jobs ended: %s", manager, error)

    def _note(self, manager: str, question: Question) -> None:
        if not question.calls:
            return
        try:
            self._store.polls.note(self._scopes[manager], question)
        except StoreError as error:  # what was learnt is worth more than the note
            _LOG.warning("a question to %s was not written down: %s", manager, error)


def _why(manager: str, turn: Turn) -> str:
    """Return why there is still nothing of a manager."""
    if turn.holder is not None:
        return f"{manager} has not answered {turn.holder.partition('/')[0]} yet, which asks it"
    return f"{manager} may not be asked before {turn.wait:.0f} s are over; nothing is known of it"
