"""A small queue on this machine, for a laptop without a scheduler.

Jobs are written down in an SQLite file in a directory of their own; they run on when who handed
them in has ended, and a keeper of their own starts those that wait and ends those whose walltime
is over. SQLite, for several processes change the list at once, and one that is killed in the
middle must leave it whole.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import attrs
import platformdirs

from cloudmesh_sdk.errors import ConfigError, UnavailableError
from cloudmesh_sdk.options import option
from cloudmesh_sdk.queues.local.table import File
from cloudmesh_sdk.queues.small import SmallQueue
from cloudmesh_sdk.queues.small.scheduling import Scheduler

__all__ = ["LocalQueue", "LocalQueueSettings"]

_LAUNCH = '"$@" </dev/null >/dev/null 2>&1 &'


@attrs.frozen(kw_only=True)
class LocalQueueSettings:
    """What the local queue reads from the configuration; all may be left out."""

    directory: str | None = option(
        "where jobs are kept; left out: a place of the queue's name among your state files",
        default=None,
    )
    slots: int | None = option(
        "how many cores jobs may use at once; left out: all of this machine", default=None
    )
    queues: tuple[str, ...] = option("names of the queues; the first is the default one",
                                     default=("batch",))  # fmt: skip


class LocalQueue(SmallQueue):
    """Jobs of this user on this machine; all who name the same directory share one queue."""

    Settings: ClassVar[type] = LocalQueueSettings

    def __init__(self, name: str, settings: LocalQueueSettings | None = None) -> None:
        settings = settings or LocalQueueSettings()
        slots = os.cpu_count() or 1 if settings.slots is None else settings.slots
        if slots < 1 or not settings.queues:
            raise ConfigError(f"{name}: one slot and one queue at least are wanted")
        place = _place(name, settings.directory)
        table = File(place / "jobs.sqlite")
        scheduler = Scheduler(table=table, directory=place / "jobs", slots=slots)
        super().__init__(name, scheduler, settings.queues)
        self._directory = place

    def _wake(self) -> None:
        """See that a keeper works; one that does already makes a second one end at once."""
        keeper = ["-m", "cloudmesh_sdk.queues.local.keeper", str(self._directory)]
        argv = [sys.executable, *keeper, str(self._scheduler.slots)]
        try:
            subprocess.run(  # noqa: S603 - our own program
                ["/bin/sh", "-c", _LAUNCH, "sh", *argv],
                cwd="/",
                start_new_session=True,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise UnavailableError(f"{self.name}: its keeper cannot be started: {error}") from error


def _place(name: str, directory: str | None) -> Path:
    """Return the directory of a queue, made when missing; only its user may read it."""
    state = Path(platformdirs.user_state_dir("cloudmesh")) / "queues" / name
    place = Path(directory).expanduser() if directory else state
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{name}: {place} cannot be made: {error.strerror}") from error
    return place
