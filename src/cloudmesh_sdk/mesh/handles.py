"""Operations that know their mesh, so that one can be waited for and cancelled by itself."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from cloudmesh_sdk.models import Operation

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh

_FIELDS = tuple(field.name for field in attrs.fields(Operation))


@attrs.frozen(kw_only=True, eq=False)
class Handle(Operation):
    """An operation as it was when its mesh gave it; it equals the record that it is of."""

    mesh: "Mesh" = attrs.field(repr=False, metadata={"hidden": True})

    def wait(self, *, timeout: float = 600.0) -> Operation:
        """Wait until it is over, `timeout` seconds at most; return it as it is then.

        Raises what it failed with, that it was cancelled, or that it is not over in time.
        """
        waited = self.mesh.wait_operations(self.id, timeout=timeout)
        for error in waited.errors.values():
            raise error
        return waited.one()

    def cancel(self, *, timeout: float = 30.0) -> Operation:
        """Cancel it as `mesh.cancel_operation` does; raises `ConflictError` where it is over."""
        return self.mesh.cancel_operation(self.id, timeout=timeout)

    def __eq__(self, other: object) -> bool:
        """Tell whether the other one is the same operation as it was at the same moment."""
        if not isinstance(other, Operation):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _FIELDS)

    __hash__ = Operation.__hash__


def handle(mesh: "Mesh", operation: Operation) -> Handle:
    """Return an operation that knows its mesh."""
    return Handle(mesh=mesh, **{name: getattr(operation, name) for name in _FIELDS})


def handles(mesh: "Mesh", operations: Iterable[Operation]) -> list[Handle]:
    """Return operations that know their mesh."""
    return [handle(mesh, operation) for operation in operations]
