"""A worker of a hosted mesh, or a client that leaves starts to it, as a process of its own.

    worker.py CONFIG [CONCURRENCY]

The cloud `killer` kills the process that starts a server there, each time, before it does; the
cloud `busy` refuses each start for its load, and is to be left alone for minutes. What rests before
it is sent again rests not long.
"""

import importlib
import logging
import os
import signal
import sys
from datetime import timedelta
from typing import Any

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ThrottledError
from cloudmesh_sdk.mesh.hosting import worker_main
from cloudmesh_sdk.models import Server, ServerRequest
from cloudmesh_sdk.providers.memory import MemoryCloud


def misbehaving() -> None:
    """Let the cloud `killer` be one, and `busy` be busy."""
    real = MemoryCloud.start

    def start(self: Any, request: ServerRequest) -> Server:
        if self.name == "killer":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.name == "busy":
            raise ThrottledError("busy: too many requests", retry_after=250)
        return real(self, request)

    MemoryCloud.start = start  # type: ignore[method-assign]


def main(path: str, concurrency: str = "2") -> None:
    """Work until SIGTERM."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(process)d %(message)s")
    misbehaving()
    reconcile = importlib.import_module("cloudmesh_sdk.operations.reconcile")
    reconcile._REST = timedelta(milliseconds=50)  # type: ignore[attr-defined]
    worker_main(Config.load(path), concurrency=int(concurrency))


if __name__ == "__main__":
    main(*sys.argv[1:])
