"""The public door: a mesh, the configuration, the shell and the version; nothing else."""

import os.path
import sys

# Older cloudmesh-* packages live under this name too. This is what pkgutil.extend_path does with
# folders; pkgutil itself would double the modules that the door loads (typing, re, enum …).
__path__ += [
    folder
    for folder in (os.path.join(entry, __name__) for entry in sys.path)  # noqa: PTH118
    if folder not in __path__ and os.path.isdir(folder)  # noqa: PTH112
]

TYPE_CHECKING = False  # type checkers take it for true; importing typing costs 20 modules
if TYPE_CHECKING:
    from cloudmesh_sdk.config import Config
    from cloudmesh_sdk.mesh import Mesh
    from cloudmesh_sdk.shell.result import Result

__all__ = ["load", "mesh", "shell", "version"]


def mesh(store: str = "mongo", *, config: "str | Config | None" = None) -> "Mesh":
    """Return a mesh over everything the configuration names.

    `store` is `mongo` (the configured MongoDB, else our embedded one) or `memory` (nothing is
    kept). `config` is a path or what `load` returned; left out, it is looked up as `load` does.
    In a notebook what takes longer than a second shows how far it is. Raises `ConfigError`,
    `StoreError`, `PluginError`.
    """
    from cloudmesh_sdk.mesh import Mesh

    opened = Mesh.open(store, config=config)
    if "ipykernel" in sys.modules:
        from cloudmesh_sdk import notebook

        if notebook.is_here():
            notebook.follow(opened)
    return opened


def load(path: str | None = None) -> "Config":
    """Return the configuration: a path, else `CLOUDMESH_CONFIG`, else the user's cloudmesh.yaml.

    Raises `ConfigError` with file, line and key.
    """
    from cloudmesh_sdk.config import Config

    return Config.load(path)


def shell(line: str) -> "Result":
    """Run one line of the `cm` shell in this process and return its exit code and output."""
    from cloudmesh_sdk.shell.result import run

    return run(line)


def version() -> str:
    """Return the version of cloudmesh-sdk."""
    from cloudmesh_sdk import __version__

    return __version__
