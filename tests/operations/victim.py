"""A process that does one thing with a mesh and is killed at its Nth step.

    victim.py                       (`killing.py` speaks to it)

Each line of its input, `[[CONFIG, ACT, STEP], environment]`, forks a victim: to import everything
takes longer than to do it. The answer is `[exit code, stdout, stderr]` of the victim.

A step is a moment before or after a call that writes to the store or speaks to the cloud. A victim
prints `done` when it had fewer steps than that.
"""

import importlib
import json
import os
import pkgutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO, Any

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ThrottledError
from cloudmesh_sdk.mesh import Mesh, polling
from cloudmesh_sdk.models import Server, ServerRequest
from cloudmesh_sdk.queues.base import Queue

WRITES = {
    "view": ("replace", "merge", "put", "failed"),
    "journal": ("add", "change", "take"),
    "settings": ("numbers", "set_default"),
    "polls": ("take", "done", "note"),
}
CALLS = (
    "servers",
    "changes",
    "server",
    "start",
    "start_many",
    "stop",
    "delete",
    "volume",
    "create_volume",
    "attach_volume",
    "create_snapshot",
    "create_floating_ip",
    "attach_floating_ip",
    "security_groups",
    "create_security_group",
)
OF_QUEUES = ("jobs", "submit", "find", "job")  # fmt: skip


def busy(mesh: Mesh, *, lie: bool) -> None:
    """Let the cloud refuse the first start for its load; with `lie`, it makes the server first."""
    cloud, refused = mesh.clouds["india"], list[str]()
    real = cloud.start

    def start(request: ServerRequest) -> Server:
        made = real(request) if lie or refused else None
        if made is None or not refused:
            refused.append(request.token)
            raise ThrottledError("india: too many requests")
        return made

    cloud.start = start  # type: ignore[method-assign]


def start_busy(mesh: Mesh, *, lie: bool = False) -> object:
    """Start a server at a cloud that is busy."""
    busy(mesh, lie=lie)
    return mesh.start(name=f"own-{os.getpid()}")


def start_later(mesh: Mesh) -> object:
    """Ask for a server, and be the worker that starts it."""
    (asked,) = mesh.later.elsewhere.start(name=f"own-{os.getpid()}")
    return mesh.run_operation(asked.id)


def start_unwanted(mesh: Mesh) -> object:
    """Ask for a server, and be the worker that starts it, which is to be cancelled meanwhile."""
    (asked,) = mesh.later.elsewhere.start(name=f"own-{os.getpid()}")
    real = mesh.clouds["india"].start

    def start(request: ServerRequest) -> Server:
        now = mesh.operation(asked.id)
        if now.cancelling is not None:
            return real(request)
        mesh.store.journal.change(now, cancelling=datetime.now(UTC))
        raise ThrottledError("india: too many requests")

    mesh.clouds["india"].start = start  # type: ignore[method-assign]
    return mesh.run_operation(asked.id)


def ask_for_jobs(mesh: Mesh) -> object:
    """Ask for jobs though the manager was asked a moment ago."""
    polling.CALM = Queue.floor = 0.0
    return mesh.jobs()


ACTS: dict[str, Callable[[Mesh], object]] = {
    "start": lambda mesh: mesh.start(name=f"own-{os.getpid()}-[1-2]"),
    "start_busy": start_busy,
    "start_lying": lambda mesh: start_busy(mesh, lie=True),
    "start_later": start_later,
    "start_unwanted": start_unwanted,
    "start_many": lambda mesh: mesh.start(count=3),
    "create_floating_ip": lambda mesh: mesh.create_floating_ip(),
    "attach_floating_ip": lambda mesh: mesh.attach_floating_ip(mesh.floating_ips()[0], "doomed"),
    "create_volume": lambda mesh: mesh.create_volume("disk", 1),
    "attach_volume": lambda mesh: mesh.attach_volume("disk", "doomed"),
    "create_snapshot": lambda mesh: mesh.create_snapshot("disk", "monday"),
    "create_security_group": lambda mesh: mesh.create_security_group(f"group-{os.getpid()}"),
    "delete": lambda mesh: mesh.delete("doomed"),
    "stop": lambda mesh: mesh.stop("doomed"),
    "refresh": lambda mesh: mesh.refresh(kinds=["servers"]),
    "refresh_whole": lambda mesh: mesh.refresh(kinds=["servers"], full=True),
    "submit": lambda mesh: mesh.submit("sleep", "600", name=f"own-{os.getpid()}", held=True),
    "jobs": ask_for_jobs,
}


class Executioner:
    """Counts moments and kills this process at one of them."""

    def __init__(self, step: int) -> None:
        self._left = step

    def moment(self) -> None:
        """Die here if it is time."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, thing: Any, names: tuple[str, ...]) -> None:
        """Make a moment before and after each of some methods."""
        for name in names:
            setattr(thing, name, self._watched(getattr(thing, name)))

    def _watched(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.moment()
            value = method(*args, **kwargs)
            self.moment()
            return value

        return watched


def main(path: str, act: str, step: str) -> None:
    """Do it, and die at the step."""
    mesh = Mesh.open("mongo", config=Config.load(path))
    executioner = Executioner(int(step))
    executioner.watch(mesh.store, ("conclude",))
    for part, names in WRITES.items():
        executioner.watch(getattr(mesh.store, part), names)
    for name in mesh.clouds:
        executioner.watch(mesh.clouds[name], CALLS)
    for name in mesh.queues:
        executioner.watch(mesh.queues[name], OF_QUEUES)
    ACTS[act](mesh)
    mesh.close()
    print("done")


WHOLE = ("cloudmesh_sdk.mesh", "cloudmesh_sdk.store.mongo", "cloudmesh_sdk.providers.memory")
"""Packages whose modules are all imported before anybody is forked."""


def serve() -> None:
    """Fork a victim for each line of stdin; the victim itself returns from here, too."""
    for name in WHOLE:
        for found in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
            importlib.import_module(found.name)
    for line in sys.stdin:
        assert threading.active_count() == 1, "a fork takes no threads along"
        words, environment = json.loads(line)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
            if (pid := os.fork()) == 0:
                be_born(environment, out, errors)
                main(*words)
                return
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            out.seek(0)
            errors.seek(0)
            print(json.dumps([code, out.read(), errors.read()]), flush=True)


def be_born(environment: dict[str, str], out: IO[str], errors: IO[str]) -> None:
    """Be a process of one's own, with an environment and streams of one's own."""
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out.fileno(), 1)
    os.dup2(errors.fileno(), 2)


if __name__ == "__main__":
    serve()
