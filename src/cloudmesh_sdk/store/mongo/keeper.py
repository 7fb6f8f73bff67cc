"""The keeper of an embedded server: starts it, and stops it when its last user has left.

Run as `python -m cloudmesh_sdk.store.mongo.keeper DIRECTORY MONGOD LINGER`; it detaches itself.
It is small on purpose: no database driver is imported.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cloudmesh_sdk.store.mongo.places import Lock, Place, place, write_private

_STOPPING = 30.0
"""Seconds that a server has to end after SIGTERM, before it is killed."""

_LOG_LIMIT = 5_000_000
"""Bytes of the server's log after which the next start begins a new one."""


def command(mongod: str, where: Place, socket: Path) -> list[str]:
    """Return the command line of an embedded server.

    One member of a replica set (transactions), on a Unix socket alone, with users; a small
    cache and journal files of 10 MB (30 MB on disk when empty, not 300).
    """
    return [
        mongod, "--dbpath", str(where.data), "--port", socket.stem.rpartition("-")[2],
        "--bind_ip", str(socket), "--unixSocketPrefix", str(socket.parent),
        "--filePermissions", "0600", "--replSet", "cloudmesh", "--oplogSize", "256",
        "--auth", "--keyFile", str(where.keyfile), "--wiredTigerCacheSizeGB", "0.25",
        "--wiredTigerEngineConfigString", "log=(file_max=10MB)",
        "--zstdDefaultCompressionLevel", "1",
        "--setParameter", "diagnosticDataCollectionEnabled=false",
        # what a killed process left open holds its rows no longer than this
        "--setParameter", "transactionLifetimeLimitSeconds=5",
        "--setParameter", "scramSHA256IterationCount=5000",  # the passwords are random, 256 bits
        "--logpath", str(where.log), "--logappend", "--logRotate", "reopen", "--quiet",
        "--pidfilepath", str(where.pid_file),
    ]  # fmt: skip


class _Server:
    """A running mongod: our child, or one whose keeper died."""

    def __init__(self, pid: int, ended: Callable[[float], int | None]) -> None:
        self.pid = pid
        self.ended = ended

    def stop(self) -> int | None:
        os.kill(self.pid, signal.SIGTERM)
        code = self.ended(_STOPPING)
        if code is None:
            os.kill(self.pid, signal.SIGKILL)
            code = self.ended(_STOPPING)
        return code


def main(arguments: Sequence[str]) -> int:
    """Detach, then keep the server until it ends."""
    directory, mongod, linger = arguments
    if os.fork():
        return 0
    where = place(directory)
    with where.lock("keeper") as lock:
        if lock.take(timeout=_STOPPING):
            _keep(where, mongod, float(linger))
    return 0


def _keep(where: Place, mongod: str, linger: float) -> None:
    server = _adopt(where) or _spawn(where, mongod)
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    code = _watch(server, where.lock("users"), linger, told)
    where.ready.unlink(missing_ok=True)
    _tell(where, exit=code)


def _watch(server: _Server, users: Lock, linger: float, told: list[int]) -> int | None:
    """Return the exit code of the server, once it ended or its last user has been gone a while."""
    step = 1.0 if linger >= 10 else 0.1  # noqa: PLR2004 - seconds
    idle: float | None = None
    while True:
        code = server.ended(step)
        if code is not None:
            return code
        if told:
            return server.stop()
        with users:
            if not users.take():
                idle = None
                continue
            now = time.monotonic()
            idle = now if idle is None else idle
            if now - idle >= linger:
                # whoever comes now waits for the lock, finds no server and starts one
                return server.stop()


def _spawn(where: Place, mongod: str) -> _Server:
    where.data.mkdir(mode=0o700, exist_ok=True)
    if where.log.exists() and where.log.stat().st_size > _LOG_LIMIT:
        where.log.replace(where.log.with_suffix(".log.1"))
    socket = where.socket()
    os.umask(0o077)
    child = subprocess.Popen(  # noqa: S603 - the user's own choice of program
        command(mongod, where, socket), stdin=subprocess.DEVNULL, cwd="/"
    )
    _tell(where, pid=child.pid, socket=str(socket))

    def ended(timeout: float) -> int | None:
        try:
            return child.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    return _Server(child.pid, ended)


def _adopt(where: Place) -> _Server | None:
    """Take over a server whose keeper died; None where none runs."""
    from cloudmesh_sdk.store.mongo.processes import running  # psutil: only here

    process = running(where)
    if process is None:
        return None
    _tell(where, pid=process.pid, socket=str(where.socket()), since=process.create_time())

    def ended(timeout: float) -> int | None:
        end = time.monotonic() + timeout
        while process.is_running() and process.status() != "zombie":
            if time.monotonic() >= end:
                return None
            time.sleep(min(0.1, timeout))
        return -1

    return _Server(process.pid, ended)


def _tell(where: Place, **said: object) -> None:
    known = {"keeper": os.getpid(), "since": time.time(), **said}
    try:
        write_private(where.server, json.dumps(known))
    except OSError as error:  # a full disk must not leave the server without its keeper
        sys.stderr.write(f"cannot write {where.server}: {error}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
