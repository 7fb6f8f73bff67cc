"""A worker of a hosted mesh, or a client that leaves starts to it, as a process of its own.

    worker.py CONFIG [CONCURRENCY]

The cloud `killer` kills the process that starts a server there, each time, before it does. What
rests before it is sent again rests not long.
"""

import importlib
import logging
import os
import signal
import sys
from datetime import timedelta
from typing import Any

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh.hosting import worker_main
from cloudmesh_sdk.models import Server, ServerRequest
from cloudmesh_sdk.providers.memory import MemoryCloud


def murderous() -> None:
    """Let the cloud `killer` be one."""
    real = MemoryCloud.start

    def start(self: Any, request: ServerRequest) -> Server:
        if self.name == "killer":
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, request)

    MemoryCloud.start = start  # type: ignore[method-assign]


def main(path: str, concurrency: str = "2") -> None:
    """Work until SIGTERM."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(process)d %(message)s")
    murderous()
    reconcile = importlib.import_module("cloudmesh_sdk.operations.reconcile")
    reconcile._REST = timedelta(milliseconds=50)  # type: ignore[attr-defined]
    worker_main(Config.load(path), concurrency=int(concurrency))


if __name__ == "__main__":
    main(*sys.argv[1:])
