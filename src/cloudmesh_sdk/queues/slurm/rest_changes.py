"""What the last list of jobs said, so that slurmrestd need not say it again: `update_time`.

The controller answers "nothing changed" where its last change is older than the time it is given,
both by its own clock in whole seconds (`last_update - 1 >= last_job_update` in proc_req.c); it
counts jobs that it forgets (MinJobAge) as changes, too. So that time must not be later than the
moment at which the controller made the list that is kept. Whose clock is how wrong is not known,
so only the controller's own words count: newer versions tell that moment (`last_update`); of older
ones the latest time of something past that their jobs have, and seconds that went by here since.
That is too early rather than too late, and makes a full list, at worst.

The list of the last time is kept in memory, natives too, for as long as the queue is open.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from cloudmesh_sdk.models import Job
from cloudmesh_sdk.queues.slurm.rest_values import number

_FULL = 300.0
"""Seconds after which all is asked for again: somebody may have set the controller's clock back,
and some changes of why a job waits are none to it."""
_MARGIN = 2
"""Seconds that a time may be ahead: a job that is requeued is submitted in the next second."""
_LOOKED = 500
"""How many jobs are looked at, those submitted last: it takes time, and any will do."""
_PAST = ("submit_time", "last_sched_evaluation")
"""Times of a job that are never in the future, of whatever state it is."""


@attrs.frozen(kw_only=True)
class _Kept:
    jobs: Sequence[Job] = attrs.field(repr=False)
    since: int
    at: float
    """Of `time.monotonic`."""


class Changes:
    """The last list, and from which moment on changes to it are asked for."""

    def __init__(self) -> None:
        self._kept: _Kept | None = None
        self._ahead: float | None = None

    def query(self) -> dict[str, str]:
        """Return what is to be asked: for all, or for changes only."""
        kept = self._kept
        if kept is None or time.monotonic() - kept.at > _FULL:
            return {}
        return {"update_time": str(kept.since)}

    def unchanged(self) -> list[Job]:
        """Return the jobs of the last list."""
        return [] if self._kept is None else [*self._kept.jobs]

    def keep(self, jobs: Sequence[Job], data: Mapping[str, Any], asked: float, got: float) -> None:
        """Keep a full list; `asked` and `got` are of `time.monotonic`."""
        since = number(data.get("last_update")) or self._since(data["jobs"], asked, got)
        self._kept = None if since is None else _Kept(jobs=jobs, since=since, at=asked)

    def tell(self, moment: int, got: float) -> None:
        """Hear what time it was at the controller before `got`."""
        ahead = moment - got
        self._ahead = ahead if self._ahead is None else max(ahead, self._ahead)

    def _since(self, told: Sequence[Any], asked: float, got: float) -> int | None:
        """Return a moment before which the controller surely did not make a list."""
        jobs = [job for job in told[-_LOOKED:] if isinstance(job, dict)]
        latest = max((number(job.get(field)) or 0 for job in jobs for field in _PAST), default=0)
        known = self._ahead
        if latest:
            self.tell(latest, got)
        by_clock = 0 if known is None else int(known + asked)
        return max(latest, by_clock) - _MARGIN if latest or by_clock else None

    def forget(self) -> None:
        """Let go of what was kept."""
        self._kept = None
