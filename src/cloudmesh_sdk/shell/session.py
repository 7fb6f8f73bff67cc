"""What all commands of one `cm` share: the options before the command, and the mesh."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from cloudmesh_sdk.tables import visible

if TYPE_CHECKING:
    from cloudmesh_sdk.config import Config
    from cloudmesh_sdk.mesh import Mesh
    from cloudmesh_sdk.shell.watching import Watcher

_Key = tuple[str, Path, bool]
_Stamp = tuple[int, int]


@attrs.define(kw_only=True)
class Session:
    """One `cm`: a process, or the whole life of an interactive shell or a notebook."""

    store: str = "mongo"
    """Name of the store to open."""
    config: str | None = None
    """Path of cloudmesh.yaml; None to look it up as always."""
    debug: bool = False
    embedded: bool = False
    """Called from Python: never ask, never start another program."""
    variables: dict[str, str] = attrs.field(factory=dict)
    scripts: list[str] = attrs.field(factory=list)
    """Scripts that run now, each called by the one before."""
    acted: bool = False
    """The command of this line changes something at clouds."""
    watcher: "Watcher | None" = None
    """Hears what goes over the wire, where somebody looks."""
    _meshes: "dict[_Key, tuple[_Stamp, Mesh]]" = attrs.field(factory=dict)
    _warned: set[str] = attrs.field(factory=set)

    @property
    def mesh(self) -> "Mesh":
        """The mesh, opened when first asked for, and again when its configuration changed."""
        from cloudmesh_sdk.mesh import Mesh

        config = None if self.watcher is None else self.watcher.config(self.read_config())
        key, stamp = (self.store, self.path, config is not None), _stamp(self.path)
        old, mesh = self._meshes.get(key, (stamp, None))
        if mesh is not None and old != stamp:
            del self._meshes[key]
            mesh.close()
            mesh = None
        if mesh is None:
            mesh = Mesh.open(self.store, config=config or self.read_config())
            self._meshes[key] = (stamp, mesh)
        self.watch(mesh)
        return mesh

    def told(self, config: "Config") -> "Config":
        """Return a configuration as who looks at the wire wants it."""
        return (self.watcher and self.watcher.config(config)) or config

    def watch(self, mesh: "Mesh") -> None:
        """Let who looks at the wire hear what a mesh sends."""
        if self.watcher is not None:
            mesh.watch_http(self.watcher)

    @property
    def path(self) -> Path:
        """Where cloudmesh.yaml is, or would be."""
        from cloudmesh_sdk.config import default_path

        asked = self.config or os.environ.get("CLOUDMESH_CONFIG")
        return Path(asked).expanduser() if asked else default_path()

    def read_config(self) -> "Config":
        """Return the configuration as it is now; what it warns of is told once."""
        from cloudmesh_sdk.config import Config

        config = Config.load(self.config)
        for warning in config.warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                print(f"cm: warning: {visible(warning)}", file=sys.stderr)
        return config

    def asks(self) -> bool:
        """Tell whether there is somebody to ask."""
        return not self.embedded and all(s and s.isatty() for s in (sys.stdin, sys.stderr))

    def watched(self) -> bool:
        """Tell whether somebody watches what is told on stderr."""
        return not self.embedded and sys.stderr.isatty()

    def recorded(self) -> bool:
        """Tell whether what goes over the wire is kept on a tape."""
        return self.watcher is not None and self.watcher.tape is not None

    @contextmanager
    def line(self) -> Iterator[None]:
        """Let the options of one command line hold for that line only."""
        kept = (self.store, self.config, self.debug, self.watcher)
        try:
            yield
        finally:
            mine = self.watcher
            self.store, self.config, self.debug, self.watcher = kept
            if mine is not self.watcher:
                for _, mesh in self._meshes.values():
                    mesh.watch_http(self.watcher)

    def close(self) -> None:
        """Close the meshes that were opened."""
        while self._meshes:
            _, (_, mesh) = self._meshes.popitem()
            mesh.close()


def _stamp(path: Path) -> _Stamp:
    """Return what changes when a file changes."""
    try:
        status = path.stat()
    except OSError:  # reading it says what is wrong
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)
