"""What goes over the wire, for those who look: `--debug-http` shows it, `--record` keeps it."""

import contextvars
import sys
import threading

from cloudmesh_sdk import wire
from cloudmesh_sdk.shell.output import note
from cloudmesh_sdk.tables import visible
from cloudmesh_sdk.wire import Exchange


class Watcher:
    """Hears the exchanges of one command line, from whichever thread makes them."""

    def __init__(self, *, shows: bool = False, path: str | None = None) -> None:
        self.shows = shows
        self.path = path
        self._heard: list[Exchange] = []
        self._lock = threading.Lock()
        self._context = contextvars.copy_context()
        """Where stderr goes in the thread of the command: other threads tell there too."""

    def __call__(self, exchange: Exchange) -> None:
        """Take an exchange."""
        with self._lock:
            if self.path is not None:
                self._heard.append(exchange)
            if self.shows:
                self._context.copy().run(_tell, exchange)

    def close(self) -> None:
        """Write the tape, where there is to be one; raises `ConfigError` where that fails."""
        if self.path is None:
            return
        with self._lock:
            heard, self._heard = self._heard, []
        wire.write_tape(self.path, heard)
        clouds = ", ".join(sorted({exchange.cloud for exchange in heard})) or "no cloud"
        note(
            f"{len(heard)} exchanges with {clouds} are in {self.path}, secrets masked; "
            f"cm register NAME --driver openstack --set replay={self.path} plays them back"
        )


def watching(
    known: Watcher | None, *, shows: bool | None = None, path: str | None = None
) -> Watcher:
    """Return who looks at a line, as options say; what is None is as `known` has it."""
    if known is None:
        return Watcher(shows=bool(shows), path=path)
    return Watcher(shows=known.shows if shows is None else shows, path=path or known.path)


def _tell(exchange: Exchange) -> None:
    """Print an exchange; what a service says cannot command the terminal."""
    for line in wire.curl(exchange).split("\n"):
        print(visible(line), file=sys.stderr)
