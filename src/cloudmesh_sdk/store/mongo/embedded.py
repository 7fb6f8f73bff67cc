"""The embedded MongoDB of one user: found running, else started; stopped after its last user.

Every process that uses it holds a shared lock for as long as its store is open. A small keeper
process (`keeper`) owns the server and stops it when nobody has held the lock for a while.
"""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.store.mongo import binary
from cloudmesh_sdk.store.mongo.ailments import disk_full, why
from cloudmesh_sdk.store.mongo.places import DATABASE_USER, Lock, Place, answers, place, read_json


@attrs.frozen(kw_only=True)
class Status:
    """What is known of an embedded server."""

    directory: str
    running: bool
    pid: int | None = None
    since: datetime | None = None
    version: str = ""
    memory: int | None = None
    """Resident memory in MiB."""
    socket: str = ""
    users: int | None = None
    """Processes that use it now; None where the system does not say."""


@attrs.frozen(kw_only=True)
class Attachment:
    """The right to use a running server; it is not stopped before `release`."""

    uri: str = attrs.field(repr=False)
    place: Place
    _lock: Lock = attrs.field(repr=False)

    def release(self) -> None:
        """Leave; the server stops when nobody has used it for a while."""
        self._lock.release()


def default_directory() -> Path:
    """Return where the embedded server of this user keeps its data."""
    import platformdirs

    return Path(platformdirs.user_data_dir("cloudmesh")) / "mongo"


def attach(
    directory: str | os.PathLike[str],
    *,
    mongod: str | None = None,
    linger: float = 300.0,
    timeout: float = 30.0,
) -> Attachment:
    """Return the right to use the server of a directory, which is started if need be.

    `linger`: seconds that a server started now stays after its last user. Raises `StoreError`:
    no mongod, it does not start (full disk, damaged files …), or not within `timeout` seconds.
    """
    where = place(directory)
    users = where.lock("users")
    if not users.take(shared=True, timeout=timeout):
        raise StoreError(f"the MongoDB of {where.root} did not stop in {timeout:g} s; try again")
    try:
        if not _usable(where):
            _start(where, mongod, linger, timeout)
        return Attachment(uri=_uri(where), place=where, lock=users)
    except OSError as error:
        users.release()
        raise StoreError(f"cannot use {where.root}: {error.strerror}") from error
    except BaseException:
        users.release()
        raise


def start(
    directory: str | os.PathLike[str],
    *,
    mongod: str | None = None,
    linger: float = 300.0,
    timeout: float = 30.0,
) -> Status:
    """Start the server of a directory if it does not run; it stays `linger` s without users."""
    attach(directory, mongod=mongod, linger=linger, timeout=timeout).release()
    return status(directory)


def status(directory: str | os.PathLike[str]) -> Status:
    """Return how the server of a directory is."""
    from cloudmesh_sdk.store.mongo.processes import figures, users

    where = place(directory, create=False)
    found = figures(where)
    if found is None:
        return Status(directory=str(where.root), running=False, users=users(where))
    said, ready = read_json(where.server), read_json(where.ready)
    return Status(
        directory=str(where.root),
        running=True,
        pid=found.pid,
        since=datetime.fromtimestamp(found.since, UTC),
        version=str(ready.get("version", "")),
        memory=found.memory // 2**20,
        socket=str(said.get("socket", "")),
        users=users(where),
    )


def stop(
    directory: str | os.PathLike[str], *, force: bool = False, timeout: float = 30.0
) -> Status:
    """Stop the server of a directory cleanly and return how it is then.

    Raises `StoreError` where somebody uses it, unless `force`, or it does not end in time.
    """
    from cloudmesh_sdk.store.mongo.processes import running, terminate, users

    where = place(directory, create=False)
    process = running(where)
    if process is None:
        return status(directory)
    with where.lock("users") as lock:
        if not lock.take(timeout=1.0) and not force:  # the keeper holds it for moments
            count = users(where)
            who = "some" if count is None else count
            raise StoreError(f"{who} process(es) use the MongoDB of {where.root}; force stops it")
        terminate(process)
        end = time.monotonic() + timeout
        while running(where) is not None or _kept(where):
            if time.monotonic() > end:
                raise StoreError(f"the MongoDB of {where.root} did not stop in {timeout:g} s")
            time.sleep(0.02)
    return status(directory)


def _usable(where: Place) -> bool:
    said, ready = read_json(where.server), read_json(where.ready)
    return (
        "pid" in said
        and said["pid"] == ready.get("pid")
        and answers(str(said["socket"]))
        and _kept(where)
    )


def _kept(where: Place) -> bool:
    """Tell whether a keeper lives."""
    with where.lock("keeper") as lock:
        return not lock.take()


def _uri(where: Place) -> str:
    from urllib.parse import quote

    secrets = read_json(where.secrets)
    socket = quote(str(read_json(where.server).get("socket", where.socket())), safe="")
    login = f"{DATABASE_USER}:{quote(secrets.get('app', ''), safe='')}"
    return f"mongodb://{login}@{socket}/?directConnection=true&authSource=admin"


def _start(where: Place, mongod: str | None, linger: float, timeout: float) -> None:
    end = time.monotonic() + timeout
    with where.lock("start") as lock:
        if not lock.take(timeout=timeout):
            raise StoreError(f"another process has been starting {where.root} for {timeout:g} s")
        if _usable(where):
            return
        from cloudmesh_sdk.store.mongo import provision  # pymongo: only who starts a server pays

        if full := disk_full(where):
            raise StoreError(f"the embedded MongoDB cannot start: {full}; make room and try again")
        program = binary.find(mongod)
        if not where.data.exists():
            binary.version(program)
        provision.write_secrets(where)
        said = _launch(where, program, linger, end)
        version = provision.provision(where, str(said["socket"]), end)
        provision.mark_ready(where, int(said["pid"]), version)


def _launch(where: Place, program: Path, linger: float, end: float) -> dict[str, Any]:
    """Return what a keeper says whose server answers: one left by a start cut short, or a new."""
    while _kept(where):
        said = read_json(where.server)
        if "socket" in said and answers(str(said["socket"])):
            return said
        if time.monotonic() > end:
            raise StoreError(f"the keeper of {where.root} does not end; see {where.keeper_log}")
        time.sleep(0.02)
    where.server.unlink(missing_ok=True)
    _spawn_keeper(where, program, linger)
    return _wait(where, end)


def _spawn_keeper(where: Place, program: Path, linger: float) -> None:
    command = [sys.executable, "-m", "cloudmesh_sdk.store.mongo.keeper"]
    with where.keeper_log.open("w", encoding="utf-8") as log:
        where.keeper_log.chmod(0o600)
        done = subprocess.run(  # noqa: S603 - our own module
            [*command, str(where.root), str(program), str(linger)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        said = where.keeper_log.read_text(encoding="utf-8", errors="replace").strip()
        last = said.rpartition("\n")[2]
        raise StoreError(f"the keeper of the embedded MongoDB does not start: {last}")


def _wait(where: Place, end: float) -> dict[str, Any]:
    """Wait until the server answers on its socket; return what its keeper says."""
    while True:
        said = read_json(where.server)
        if "exit" in said:
            raise StoreError(f"the embedded MongoDB does not start: {why(where)}")
        if "socket" in said and answers(str(said["socket"])):
            return said
        if time.monotonic() > end:
            known = disk_full(where) or f"see {where.log}"
            raise StoreError(f"the embedded MongoDB does not answer in time: {known}")
        time.sleep(0.02)
