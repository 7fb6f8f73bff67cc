"""The process that keeps a local queue going while nobody looks: `keeper.py DIRECTORY SLOTS`.

One at a time works in a directory; it ends when no job is left that is not over.
"""

import fcntl
import sys
import time
from pathlib import Path

from cloudmesh_sdk.queues.local.table import File
from cloudmesh_sdk.queues.small.scheduling import Scheduler

STEP = 0.25
"""Seconds between two looks."""


def keep(directory: Path, slots: int) -> None:
    """Let happen what is due until all is over."""
    scheduler = Scheduler(
        table=File(directory / "jobs.sqlite"), directory=directory / "jobs", slots=slots
    )
    with (directory / "keeper.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another one does it
        while scheduler.step():
            time.sleep(STEP)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), int(sys.argv[2]))
