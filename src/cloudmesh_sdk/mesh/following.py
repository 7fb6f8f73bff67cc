"""Showing how far operations are, while somebody waits for them: the journal tells."""

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import Operation
from cloudmesh_sdk.models.operation import OPEN
from cloudmesh_sdk.progress import Progress, progress
from cloudmesh_sdk.store.base import Journal

Shown = Callable[[Progress], object]
"""Hears how far operations are, each time that has changed, and once in the end."""

Shows = Callable[[], Shown]
"""Called where there is something to be shown; what it returns hears of it."""

AFTER = 1.0
"""Seconds after which what is waited for is shown; what is over sooner never is."""

_EVERY = 0.25
"""Seconds between two looks into the journal."""

_SHARE = 10
"""There are so many times as long between two looks as one takes."""

_LOG = logging.getLogger(__name__)


class Following:
    """Shows how far some operations are, from a thread of its own, while its context lasts."""

    def __init__(self, journal: Journal, shows: Shows, operations: Sequence[Operation]) -> None:
        self._journal = journal
        self._shows = shows
        self._all = {operation.id: operation for operation in operations}
        self._begun = time.monotonic()
        self._shown: Shown | None = None
        self._last: Progress | None = None
        self._over = threading.Event()
        # what is shown belongs where the caller is: a notebook's cell, the shell's streams
        run = contextvars.copy_context().run
        self._thread = threading.Thread(
            target=run, args=(self._follow,), name="cloudmesh progress", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._shown is not None:
            self._look()

    def _follow(self) -> None:
        pause = AFTER
        while not self._over.wait(pause):
            begun = time.monotonic()
            if not self._look():
                return
            pause = max(_EVERY, _SHARE * (time.monotonic() - begun))

    def _look(self) -> bool:
        """Show how far they are now; tell whether to go on with that.

        What goes wrong is logged: the operations are what matters, and they go on.
        """
        try:
            self._read()
            now = progress(self._all.values(), seconds=time.monotonic() - self._begun)
            if self._shown is None:
                self._shown = self._shows()
            if now != self._last:
                self._shown(now)
                self._last = now
        except StoreError as error:
            _LOG.warning("how far operations are is not shown: %s", error)
        except Exception as error:  # noqa: BLE001 - of whoever shows it; told
            _LOG.error("how far operations are could not be shown: %r", error)
            self._shown = None
            return False
        return True

    def _read(self) -> None:
        left = [operation for operation in self._all.values() if operation.state in OPEN]
        if not left:
            return
        still = {o.id: o for o in self._journal.find(owner=left[0].owner, states=OPEN)}
        for operation in left:
            now = still.get(operation.id) or self._journal.get(operation.id)
            self._all[operation.id] = now or operation
