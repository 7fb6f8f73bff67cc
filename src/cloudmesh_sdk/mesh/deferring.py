"""A mesh whose acts on servers are written down and left to runners."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cloudmesh_sdk.errors import InvalidRequestError
from cloudmesh_sdk.fanout import Gathered, Source
from cloudmesh_sdk.mesh.acting import Acts
from cloudmesh_sdk.models import Operation
from cloudmesh_sdk.operations.jobs import CARRIED

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh

_SHARED = ("clouds", "queues", "_keypairs", "_belonging", "_scopes")
"""Parts that are those of the mesh itself: keys are brought before anything is written down."""

_CARRIED: Mapping[str, tuple[str, ...]] = {"submit": CARRIED}
"""Arguments of acts that may hold secrets, and are kept all the same until they are over: without
them there is nothing to do."""


class Deferred:
    """Stands in for `Acts`: what is asked of it waits in the journal."""

    def __init__(self, acts: Acts) -> None:
        self._acts = acts

    @property
    def hooks(self) -> Any:
        """The hook callers of all installed plug-ins."""
        return self._acts.hooks

    def run(
        self,
        act: str,
        targets: Sequence[tuple[str, str, Mapping[str, Any]]],
        *,
        secrets: Mapping[str, Any] | None = None,
        told: object = None,
    ) -> Gathered[Operation]:
        """Write an act on every target down; return the operations. Nobody is told of an end."""
        del told
        parcel = secrets or {}
        if refused := [word for word in parcel if word not in _CARRIED.get(act, ())]:
            raise InvalidRequestError(
                f"{', '.join(refused)} would have to be written down for another process to {act}: "
                "wait for it, or leave that out"
            )
        asked = self._acts.defer(act, targets, parcel=parcel)
        return Gathered(asked, {o.id: Source(name=o.id, count=1) for o in asked})


def deferring(mesh: "Mesh") -> "Mesh":
    """Return a mesh like this one, whose acts return operations that wait for a runner."""
    other = type(mesh)(mesh.config, mesh.store, user=mesh.user)
    for name in _SHARED:
        other.__dict__[name] = getattr(mesh, name)
    other.__dict__["_acts"] = Deferred(mesh._acts)
    return other
