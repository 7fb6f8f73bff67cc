"""Which processes belong to an embedded server: the server itself, and its users."""

import contextlib
import os
from pathlib import Path

import attrs
import psutil

from cloudmesh_sdk.store.mongo.places import Place


def running(where: Place) -> psutil.Process | None:
    """Return the server of a place, by its pid file and its command line; None if none runs."""
    try:
        process = psutil.Process(int(where.pid_file.read_text(encoding="ascii")))
        mine = str(where.data) in process.cmdline()
    except (OSError, ValueError, psutil.Error):
        return None
    return process if mine and process.status() != psutil.STATUS_ZOMBIE else None


@attrs.frozen(kw_only=True)
class Figures:
    """What the system says of a running server."""

    pid: int
    since: float
    """Seconds since the epoch."""
    memory: int
    """Resident bytes."""


def figures(where: Place) -> Figures | None:
    """Return what the system says of the server of a place; None if none runs."""
    process = running(where)
    if process is None:
        return None
    try:
        memory = process.memory_info().rss
        return Figures(pid=process.pid, since=process.create_time(), memory=memory)
    except psutil.NoSuchProcess:  # it ended just now
        return None


def terminate(process: psutil.Process) -> None:
    """Ask a process to end; one that ended by itself is no error."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()


def users(where: Place) -> int | None:
    """Return how many processes use the server; None where the system does not say."""
    try:
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
        found = (where.root / "users.lock").stat()
    except OSError:
        return None
    # "1: FLOCK ADVISORY READ pid major:minor:inode 0 EOF", proc_locks(5); majors are hex
    name = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    fields = (line.split() for line in lines)
    return len({f[4] for f in fields if len(f) > 5 and f[1] == "FLOCK" and f[5] == name})  # noqa: PLR2004
