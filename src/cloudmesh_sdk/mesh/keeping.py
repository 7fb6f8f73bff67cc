"""Keeping the view fresh in the background: each cloud and kind has its own interval.

Each cloud has a thread of its own, so that a dead one delays nobody. What others refreshed
meanwhile counts: only what is old is asked for.
"""

import logging
import random
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cloudmesh_sdk.config.intervals import INTERVALS
from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.store.base import Sync

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh
    from cloudmesh_sdk.mesh.refreshing import Refreshed

_LOG = logging.getLogger(__name__)

SOON = 0.1
"""Kinds that are due within this part of their interval are asked for with those that are."""

_FIRST, _MOST = 5.0, 900.0
"""Seconds that a cloud which fails is left alone for, at most: the first time, and ever."""

_LOOK = 30.0
"""Seconds after which is looked at the latest which clouds are on, and how old what is."""

_LEAST = 0.2

Told = Callable[["Gathered[Refreshed]"], None]
"""Hears what each background refresh came to."""


def due(
    syncs: Iterable[Sync], intervals: Mapping[str, float], now: datetime
) -> tuple[list[str], float]:
    """Return the kinds of a cloud to ask for now, and the seconds until the next is due.

    A kind that was never asked for is due. `syncs` are those of this cloud.
    """
    known = {sync.kind: sync for sync in syncs}
    waits: dict[str, float] = {}
    for kind, interval in intervals.items():
        if interval <= 0:
            continue
        last = known[kind].refreshed if kind in known else None
        waits[kind] = 0.0 if last is None else interval - (now - last).total_seconds()
    if not waits:
        return [], _LOOK
    wait = min(waits.values())
    if wait > 0:
        return [], wait
    return [kind for kind, left in waits.items() if left <= SOON * intervals[kind]], 0.0


def rest(failures: int, dice: Callable[[], float] = random.random) -> float:
    """Return the seconds to leave a cloud alone that failed so many times in a row."""
    return float(min(_MOST, _FIRST * 2 ** (failures - 1)) * (0.5 + dice() / 2))


class Keeping:
    """Keeps the active clouds of one mesh fresh until it is told to stop."""

    def __init__(self, mesh: "Mesh", told: Told | None = None) -> None:
        self._mesh = mesh
        self._told = told
        self._threads: dict[str, threading.Thread] = {}

    def serve(self, stop: threading.Event) -> None:
        """Keep them fresh until `stop` is set; clouds that are switched on join in."""
        while not stop.is_set():
            for cloud in self._active():
                if cloud not in self._threads or not self._threads[cloud].is_alive():
                    name = f"cloudmesh refresh {cloud}"
                    args = (cloud, stop)
                    thread = threading.Thread(target=self._one, args=args, name=name, daemon=True)
                    self._threads[cloud] = thread
                    thread.start()
            stop.wait(_LOOK)

    def _one(self, cloud: str, stop: threading.Event) -> None:
        """Keep one cloud fresh while it is on."""
        failures = 0
        while not stop.is_set() and cloud in self._active():
            kinds, wait = self._due(cloud)
            if kinds:
                failures = 0 if self._refresh(cloud, kinds) else failures + 1
                wait = rest(failures) if failures else _LEAST
            stop.wait(max(_LEAST, min(wait, _MOST if failures else _LOOK)))

    def _due(self, cloud: str) -> tuple[list[str], float]:
        config = self._mesh.config
        intervals = {**INTERVALS, **config.refresh, **config.clouds[cloud].refresh}
        syncs: list[Sync] = self._safely(
            lambda: self._mesh.store.view.syncs(self._mesh.user), otherwise=None
        )
        if syncs is None:
            return [], _FIRST
        return due([s for s in syncs if s.cloud == cloud], intervals, datetime.now(UTC))

    def _refresh(self, cloud: str, kinds: list[str]) -> bool:
        found = self._safely(lambda: self._mesh.refresh(cloud, kinds), otherwise=None)
        if found is None:
            return False
        if found.errors:
            _LOG.warning("%s", "; ".join(str(error) for error in found.errors.values()))
        if self._told is not None:
            self._told(found)
        return not found.errors

    def _active(self) -> tuple[str, ...]:
        return tuple(self._safely(lambda: self._mesh.active, otherwise=tuple(self._threads)))

    def _safely(self, question: Callable[[], Any], *, otherwise: Any) -> Any:
        """Return an answer; a store or cloud that is out of reach is told of, and asked later."""
        try:
            return question()
        except CloudmeshError as error:
            _LOG.warning("%s", error)
            return otherwise
