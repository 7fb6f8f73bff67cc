"""Where the embedded server keeps its files, and the locks that its users meet on.

`users.lock` is held shared by every process that uses the server, `start.lock` exclusively by
the one that starts it, `keeper.lock` exclusively by the keeper. The kernel releases a lock when
its holder dies, however it dies.
"""

import fcntl
import hashlib
import json
import os
import socket
import stat
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import attrs

from cloudmesh_sdk.errors import StoreError

DATABASE_USER = "cloudmesh"
"""The user of the embedded server that stores log in as."""

SOCKET_LIMIT = 107
"""Bytes in the path of a Unix socket: `sun_path` of unix(7) less its NUL."""

_PORT = 27017
"""Part of the socket's name only: nothing listens on TCP."""


@attrs.frozen
class Place:
    """The files of one embedded server."""

    root: Path

    @property
    def data(self) -> Path:
        """Data files of the server."""
        return self.root / "db"

    @property
    def log(self) -> Path:
        """Log of the server."""
        return self.root / "mongod.log"

    @property
    def keeper_log(self) -> Path:
        """What keeper and server said before the server's log was open."""
        return self.root / "keeper.log"

    @property
    def pid_file(self) -> Path:
        """Process id of the server, as it wrote it itself."""
        return self.root / "mongod.pid"

    @property
    def keyfile(self) -> Path:
        """Key of the replica set's members: without one a replica set knows no users."""
        return self.root / "keyfile"

    @property
    def secrets(self) -> Path:
        """Passwords of the two users of the server."""
        return self.root / "secrets.json"

    @property
    def server(self) -> Path:
        """What the keeper says of the server: pid, since, socket; or with which code it ended."""
        return self.root / "server.json"

    @property
    def ready(self) -> Path:
        """Which server is set up and may be used: pid, version."""
        return self.root / "ready.json"

    def lock(self, name: str) -> "Lock":
        """Return the lock `users`, `start` or `keeper`, not yet taken."""
        return Lock(self.root / f"{name}.lock")

    def socket(self) -> Path:
        """Return where the server's socket belongs: here, else in a short private directory."""
        name = f"mongodb-{_PORT}.sock"
        if len(os.fsencode(self.root / name)) <= SOCKET_LIMIT:
            return self.root / name
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        short = Path(tempfile.gettempdir()) / f"cloudmesh-{os.getuid()}-{digest}"
        private(short)
        return short / name


def place(directory: str | os.PathLike[str], *, create: bool = True) -> Place:
    """Return the place of an embedded server; its directory is made if wanted, and is private.

    Raises `StoreError` where others may enter the directory or it belongs to somebody else.
    """
    root = Path(directory).expanduser().absolute()
    if create or root.exists():
        private(root)
    return Place(root)


def private(directory: Path) -> None:
    """Make a directory that only its owner may enter, or check that it is one."""
    try:
        for missing in reversed([d for d in (directory, *directory.parents) if not d.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
    except OSError as error:
        raise StoreError(f"cannot keep data in {directory}: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StoreError(f"{directory} must be a directory of your own to keep data in")
    if found.st_mode & 0o077:
        raise StoreError(
            f"{directory} is open to other users (mode {stat.S_IMODE(found.st_mode):04o}); "
            f"close it with: chmod 700 {directory}"
        )


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 that is there whole or not at all."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Return what a file of ours says; empty where there is none or it is damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def answers(path: str) -> bool:
    """Tell whether somebody listens on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2.0)
        try:
            client.connect(path)
        except OSError:
            return False
    return True


class Lock:
    """A lock on a file between processes (flock); also a context manager, to release it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self, *, shared: bool = False, timeout: float = 0.0) -> bool:
        """Take it, waiting at most `timeout` seconds; tell whether that worked."""
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
        end = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(self._descriptor, how)
            except BlockingIOError:
                if time.monotonic() >= end:
                    return False
                time.sleep(0.02)
            else:
                return True

    def bequeath(self) -> None:
        """Let what this process becomes or starts hold it, too, until all of them ended."""
        assert self._descriptor is not None  # it was taken
        os.set_inheritable(self._descriptor, True)

    def release(self) -> None:
        """Give it back; releasing twice is no error."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
