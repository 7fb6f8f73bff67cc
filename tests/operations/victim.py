"""A process that does one thing with a mesh and is killed at its Nth step.

    victim.py CONFIG ACT STEP

A step is a moment before or after a call that writes to the store or speaks to the cloud. The
process prints `done` when it had fewer steps than that.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh

WRITES = {
    "view": ("replace", "put", "failed"),
    "journal": ("add", "change"),
    "settings": ("numbers", "set_default"),
}
CALLS = ("servers", "server", "start", "stop", "delete")

ACTS: dict[str, Callable[[Mesh], object]] = {
    "start": lambda mesh: mesh.start(count=2),
    "delete": lambda mesh: mesh.delete("doomed"),
    "stop": lambda mesh: mesh.stop("doomed"),
    "refresh": lambda mesh: mesh.refresh(kinds=["servers"]),
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
    for part, names in WRITES.items():
        executioner.watch(getattr(mesh.store, part), names)
    executioner.watch(mesh.clouds["india"], CALLS)
    ACTS[act](mesh)
    mesh.close()
    print("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
