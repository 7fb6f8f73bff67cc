"""The processes of a service: told from all others, ended together."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from cloudmesh_sdk.operations.process import started
from cloudmesh_sdk.services.records import MARK, Life

_STEP = 0.05


def myself() -> Life:
    """Return this process."""
    return life(os.getpid())


def life(pid: int) -> Life:
    """Return the process that has a pid now."""
    return Life(pid=pid, started=started(pid) or "")


def lives(found: Life) -> bool:
    """Tell whether a process runs still, and is no other one with its pid."""
    return bool(found.started) and started(found.pid) == found.started


def send(found: Life, number: int) -> None:
    """Send a signal to a process, if it is the one; that it ended is no error."""
    if lives(found):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, number)


def members(root: Path, group: int) -> list[psutil.Process]:
    """Return the processes of a service that are in a process group, its leader gone or not.

    What a service started in groups of their own (jobs, say) is not among them, and outlives it.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) != group or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get(MARK) == str(root):
                found.append(process)
    return found


def end(root: Path, group: int, grace: float) -> list[int]:
    """End the members of a group, kill what is left after `grace`; return what remains."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in members(root, group):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        if until(lambda: not members(root, group), grace):
            return []
    return [process.pid for process in members(root, group)]


def until(true: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is so; tell whether it was in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_STEP)
    return True
