"""Meshes in a notebook: what takes long shows how far it is, below the cell that waits for it."""

from typing import Any

from IPython import get_ipython
from IPython.display import display

from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.progress import Progress

__all__ = ["Bar", "follow", "is_here"]


def is_here() -> bool:
    """Tell whether this process is the kernel of a notebook: a terminal's IPython is none."""
    return getattr(get_ipython(), "kernel", None) is not None


def follow(mesh: Mesh) -> None:
    """Show in cells how far the acts of a mesh are; one that `cloudmesh.mesh` opened does."""
    mesh.follow(Bar)


class Bar:
    """Shows how far operations are, in one output of the cell that is drawn anew."""

    def __init__(self) -> None:
        self._handle: Any = None

    def __call__(self, progress: Progress) -> None:
        """Draw it as it is now."""
        drawn = {"text/plain": str(progress), "text/html": progress._repr_html_()}
        if self._handle is None:
            show: Any = display  # it has no types
            self._handle = show(drawn, raw=True, display_id=True)
        else:
            self._handle.update(drawn, raw=True)
