"""Keeping the view fresh in the background: each cloud and kind has its own interval.

Each cloud has a thread of its own, so that a dead one delays nobody. What others refreshed
meanwhile counts: only what is old is asked for.
"""

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
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

_SPREAD = 0.1
"""Waits are longer by up to this part, at random: many who keep a cloud fresh fall out of step."""

_WHOLE = ""
"""Stands for all kinds of a cloud."""

Told = Callable[["Gathered[Refreshed]"], None]
"""Hears what each background refresh came to."""


def due(
    syncs: Iterable[Sync],
    intervals: Mapping[str, float],
    now: datetime,
    pauses: Mapping[str, float] = MappingProxyType({}),
) -> tuple[list[str], float]:
    """Return the kinds of a cloud to ask for now, and the seconds until the next is due.

    A kind that was never asked for is due. `syncs` are those of this cloud; `pauses` are the
    seconds that kinds are left alone for, however old they are.
    """
    known = {sync.kind: sync for sync in syncs}
    waits: dict[str, float] = {}
    for kind, interval in intervals.items():
        if interval <= 0:
            continue
        last = known[kind].refreshed if kind in known else None
        # a moment to come is one of a clock that was set back since: that is no reason to wait
        age = interval if last is None else (now - last).total_seconds()
        waits[kind] = max(min(interval - age, interval), pauses.get(kind, 0.0))
    if not waits:
        return [], _LOOK
    wait = min(waits.values())
    if wait > 0:
        return [], wait
    soon = [
        kind
        for kind, left in waits.items()
        if left <= SOON * intervals[kind] and pauses.get(kind, 0.0) <= 0
    ]
    return soon, 0.0


def rest(failures: int, dice: Callable[[], float] = random.random) -> float:
    """Return the seconds to leave a cloud alone that failed so many times in a row."""
    return float(min(_MOST, _FIRST * 2 ** (failures - 1)) * (0.5 + dice() / 2))


class Patience:
    """What one cloud is not asked for yet, because it failed or because it has no such thing.

    A kind that fails alone, such as one that the user has no right to, holds up no other.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._dice = dice
        self._failures: Counter[str] = Counter()
        self._until: dict[str, float] = {}

    def learn(
        self,
        kinds: Collection[str],
        found: Collection[str],
        intervals: Mapping[str, float],
        *,
        failed: bool,
    ) -> None:
        """Hear which of the kinds asked for were found; without a failure the others are lacking.

        Where nothing was found at all the whole cloud is left alone.
        """
        for kind in kinds:
            if kind in found:
                del self._failures[kind]
                self._until.pop(kind, None)
            elif failed:
                self._fail(kind)
            else:
                self._until[kind] = self._clock() + intervals[kind]
        if found or not failed:
            del self._failures[_WHOLE]
            self._until.pop(_WHOLE, None)
        else:
            self._fail(_WHOLE)

    def pauses(self, kinds: Iterable[str]) -> dict[str, float]:
        """Return the seconds that each kind is still left alone for."""
        now = self._clock()
        whole = self._until.get(_WHOLE, now)
        return {kind: max(0.0, max(self._until.get(kind, now), whole) - now) for kind in kinds}

    def _fail(self, what: str) -> None:
        self._failures[what] += 1
        self._until[what] = self._clock() + rest(self._failures[what], self._dice)


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
        config, patience = self._mesh.config, Patience()
        intervals = {**INTERVALS, **config.refresh, **config.clouds[cloud].refresh}
        while not stop.is_set() and cloud in self._active():
            kinds, wait = self._due(cloud, intervals, patience)
            if kinds:
                found, failed = self._refresh(cloud, kinds)
                patience.learn(kinds, found, intervals, failed=failed)
            late = 1 + _SPREAD * random.random()  # noqa: S311 - spreads, hides nothing
            stop.wait(max(_LEAST, min(wait, _LOOK)) * late)

    def _due(
        self, cloud: str, intervals: Mapping[str, float], patience: Patience
    ) -> tuple[list[str], float]:
        syncs: list[Sync] = self._safely(
            lambda: self._mesh.store.view.syncs(self._mesh.user), otherwise=None
        )
        if syncs is None:
            return [], _FIRST
        of_cloud = [sync for sync in syncs if sync.cloud == cloud]
        return due(of_cloud, intervals, datetime.now(UTC), patience.pauses(intervals))

    def _refresh(self, cloud: str, kinds: list[str]) -> tuple[set[str], bool]:
        """Ask for kinds; return those that were found, and whether something failed."""
        found = self._safely(lambda: self._mesh.refresh(cloud, kinds), otherwise=None)
        if found is None:
            return set(), True
        if found.errors:
            _LOG.warning("%s", "; ".join(str(error) for error in found.errors.values()))
        if self._told is not None:
            self._told(found)
        return {row.kind for row in found}, bool(found.errors)

    def _active(self) -> tuple[str, ...]:
        return tuple(self._safely(lambda: self._mesh.active, otherwise=tuple(self._threads)))

    def _safely(self, question: Callable[[], Any], *, otherwise: Any) -> Any:
        """Return an answer; a store or cloud that is out of reach is told of, and asked later."""
        try:
            return question()
        except CloudmeshError as error:
            _LOG.warning("%s", error)
            return otherwise
