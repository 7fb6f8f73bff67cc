"""Saying again and again that a process lives: one thread for all that a process runs."""

import logging
import os
import threading
import time
from collections.abc import Callable

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.operations.process import LEASE

_LOG = logging.getLogger(__name__)


class Heart:
    """Calls something now and then, in a thread, while its context lasts."""

    def __init__(self, beat: Callable[[], None], *, every: float | None = None) -> None:
        self._beat = beat
        self.every = every or LEASE.total_seconds() / 3
        """Seconds between two beats."""
        self._busy = threading.Lock()

    def __enter__(self) -> None:
        _CLOCK.begin(self)

    def __exit__(self, *_: object) -> None:
        _CLOCK.end(self)

    def beat(self) -> None:
        """Call it in a thread of its own: one that waits for a store holds up no other heart."""
        threading.Thread(target=self._once, name="cloudmesh heart", daemon=True).start()

    def _once(self) -> None:
        if not self._busy.acquire(blocking=False):  # the last beat is not over
            return
        try:
            self._beat()
        except StoreError as error:  # it may come back before the leases end
            _LOG.warning("leases were not renewed: %s", error)
        finally:
            self._busy.release()


class _Clock:
    """Lets the hearts of a process beat when they are due; its thread ends when none is left."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[Heart, float] = {}
        self._wakes: float | None = None
        """When the thread looks next; None where there is none."""

    def begin(self, heart: Heart) -> None:
        """Let a heart beat from now on, first when its time has passed."""
        with self._changed:
            due = self._due[heart] = time.monotonic() + heart.every
            if self._wakes is None:
                self._wakes = due
                threading.Thread(target=self._run, name="cloudmesh hearts", daemon=True).start()
            elif due < self._wakes:
                self._changed.notify()

    def end(self, heart: Heart) -> None:
        """Let a heart beat no more."""
        with self._changed:
            self._due.pop(heart, None)

    def _run(self) -> None:
        with self._changed:
            while self._due:
                now = time.monotonic()
                for heart in [heart for heart, due in self._due.items() if due <= now]:
                    self._due[heart] = now + heart.every
                    heart.beat()
                self._wakes = min(self._due.values())
                self._changed.wait(self._wakes - now)
            self._wakes = None


_CLOCK = _Clock()


def _forked() -> None:
    """Give a child process a clock of its own: threads stay with the parent."""
    global _CLOCK  # noqa: PLW0603
    _CLOCK = _Clock()


os.register_at_fork(after_in_child=_forked)
