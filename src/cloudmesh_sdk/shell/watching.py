"""What goes over the wire, for those who look: `--debug-http` shows it, `--record` keeps it."""

import contextvars
import shlex
import sys
import threading
from pathlib import Path

import attrs
import click

from cloudmesh_sdk import plugins, wire
from cloudmesh_sdk.config import CloudConfig, Config
from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.options import describe
from cloudmesh_sdk.shell.output import note
from cloudmesh_sdk.tables import visible
from cloudmesh_sdk.wire import Exchange


class Watcher:
    """Hears the exchanges of one command line, from whichever thread makes them."""

    def __init__(self, *, shows: bool = False, tape: Path | None = None) -> None:
        self.shows = shows
        self.tape = tape
        self._clouds: list[str] = []
        self._failed: OSError | None = None
        self._lock = threading.Lock()
        self._context = contextvars.copy_context()
        """Where stderr goes in the thread of the command: other threads tell there too."""

    def __call__(self, exchange: Exchange) -> None:
        """Take an exchange."""
        with self._lock:
            self._clouds.append(exchange.cloud)
            if self.tape is not None and self._failed is None:
                self._keep(self.tape, exchange)
            if self.shows:
                self._context.copy().run(_tell, exchange)

    def _keep(self, tape: Path, exchange: Exchange) -> None:
        try:
            wire.write(tape, exchange)
        except OSError as error:  # the cloud's thread is not to die of it: the line says so
            self._failed = error

    def config(self, config: Config) -> Config | None:
        """Return a configuration that keeps no tokens, where a tape is to begin with signing in.

        None means that `config` will do as it is.
        """
        clouds = {} if self.tape is None else dict(config.clouds)
        found = {name: unkept(cloud) for name, cloud in clouds.items()}
        return attrs.evolve(config, clouds=found) if found != clouds else None

    def close(self, *, failed: bool) -> None:
        """Tell what became of the tape, where there is one; less of a line that `failed`."""
        if not self._clouds and not failed:
            note("nothing was heard on the wire: no cloud was asked, or its driver tells nothing")
        if self.tape is None or not self._clouds:
            return
        if self._failed is not None:
            raise click.ClickException(f"{self.tape} cannot be written: {self._failed.strerror}")
        clouds = ", ".join(sorted(set(self._clouds)))
        count = len(self._clouds)
        many = "1 exchange with {} is" if count == 1 else f"{count} exchanges with {{}} are"
        where = shlex.quote(str(self.tape))
        note(
            f"{many.format(clouds)} in {self.tape}, secrets masked; cm register NAME --driver "
            f"openstack --set replay={where} --no-check plays them back"
        )


def watching(
    known: Watcher | None, *, shows: bool | None = None, tape: str | None = None
) -> Watcher:
    """Return who looks at a line, as options say; what is None is as `known` has it.

    Raises `click.UsageError` where the tape is a file of another kind, or can be none.
    """
    path = _tape(tape) if tape is not None else known.tape if known else None
    return Watcher(shows=known.shows if shows is None and known else bool(shows), tape=path)


def unkept(cloud: CloudConfig) -> CloudConfig:
    """Return a cloud that takes up no token which was kept from before."""
    try:
        known = describe(plugins.load("providers", cloud.driver).Settings)
    except CloudmeshError:  # who opens it says what is wrong
        return cloud
    if "cache" not in known:
        return cloud
    return attrs.evolve(cloud, options={**cloud.options, "cache": False})


def _tape(text: str) -> Path:
    """Return the file of a tape, a new one or one that is added to."""
    path = Path(text).expanduser().absolute()
    try:
        if path.exists():
            next(wire.read(path), None)
        elif not path.parent.is_dir():
            raise click.UsageError(f"--record: there is no directory {path.parent}")
    except OSError as error:
        raise click.UsageError(f"--record: {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise click.UsageError(f"--record adds to no file that is no tape: {error}") from error
    return path


def _tell(exchange: Exchange) -> None:
    """Print an exchange; what a service says cannot command the terminal."""
    for line in wire.as_curl(exchange).split("\n"):
        print(visible(line), file=sys.stderr)
