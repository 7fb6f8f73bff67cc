"""Who runs an operation, and whether that process still lives."""

import os
import socket
from datetime import UTC, datetime, timedelta

import psutil

from cloudmesh_sdk.models import Operation

LEASE = timedelta(seconds=60)
"""How long a runner on another machine is taken to live after it last said so."""


def identity() -> str:
    """Return `host/pid/start time` of this process: no other process ever has the same."""
    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def lease() -> datetime:
    """Return until when this process may be taken to live if it says nothing more."""
    return datetime.now(UTC) + LEASE


def orphaned(operation: Operation) -> bool:
    """Tell whether the process that runs an operation is gone.

    On this machine the process table knows; of others the lease is all there is to go by.
    """
    if operation.runner is None:
        return True
    host, _, rest = operation.runner.partition("/")
    if host != socket.gethostname():
        return operation.lease is None or operation.lease < datetime.now(UTC)
    pid, _, started = rest.partition("/")
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" != started
    except (psutil.NoSuchProcess, ValueError):
        return True
