"""Who runs an operation, and whether it still does."""

import os
import socket
import threading
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from cloudmesh_sdk.models import Operation

LEASE = timedelta(seconds=60)
"""How long a runner on another machine is taken to live after it last said so."""

_PROC = Path("/proc")
_STATE, _START = 0, 19
"""Places after the command in /proc/PID/stat: state, start in ticks since boot (proc(5))."""


class Held:
    """What this process works on now, by id; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: set[str] = set()

    def take(self, ids: Iterable[str]) -> None:
        """Work on these from now on."""
        with self._lock:
            self._ids |= set(ids)

    def leave(self, ids: Iterable[str]) -> None:
        """Work on these no more."""
        with self._lock:
            self._ids -= set(ids)

    def __contains__(self, id: str) -> bool:  # noqa: A002
        with self._lock:
            return id in self._ids


HELD = Held()
"""What this process works on. What it claimed and does not work on was given up by an error."""


def identity() -> str:
    """Return `host/pid/start` of this process: no other process ever has the same."""
    pid = os.getpid()
    return f"{socket.gethostname()}/{pid}/{started(pid)}"


def claim() -> str:
    """Return a runner that is this process and that nobody else, not even it, has used."""
    return f"{identity()}/{uuid.uuid4().hex[:8]}"


def lease() -> datetime:
    """Return until when this process may be taken to live if it says nothing more."""
    return datetime.now(UTC) + LEASE


def orphaned(operation: Operation) -> bool:
    """Tell whether nobody works on an operation any more.

    On this machine the process table knows; of others the lease is all there is to go by.
    """
    if operation.runner is None:
        return True
    if not _is_here(operation.runner):
        return operation.lease is None or operation.lease < datetime.now(UTC)
    return _is_gone(operation.runner, operation.id)


def dead(runner: str) -> bool:
    """Tell whether a runner that held itself (`HELD`) is gone, as far as this machine can know."""
    return _is_here(runner) and _is_gone(runner, runner)


def _is_here(runner: str) -> bool:
    return runner.partition("/")[0] == socket.gethostname()


def _is_gone(runner: str, held: str) -> bool:
    """Tell whether a runner of this machine is gone, or has given up what it held."""
    host, pid, since = (*runner.split("/"), "", "", "")[:3]
    if f"{host}/{pid}/{since}" == identity():
        return held not in HELD
    return not pid.isdigit() or started(int(pid)) != since


def started(pid: int) -> str | None:
    """Return when a process started, in words only fit to compare; None where it is gone.

    On Linux that are ticks since a boot, which no setting of the clock moves.
    """
    if (_PROC / "self" / "stat").exists():
        return _ticks(pid)
    try:
        process = psutil.Process(pid)
        ended = process.status() == psutil.STATUS_ZOMBIE
        return None if ended else f"{process.create_time():.0f}"
    except psutil.NoSuchProcess:
        return None


def _ticks(pid: int) -> str | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    words = text.rpartition(")")[2].split()
    if words[_STATE] in "ZX":
        return None
    boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="utf-8")
    return f"{boot[:8]}.{words[_START]}"
