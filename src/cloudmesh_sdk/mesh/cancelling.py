"""Cancelling operations: at once what waits, else as a wish that whoever runs them respects."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cloudmesh_sdk import hooks
from cloudmesh_sdk.errors import BackendTimeoutError, CloudmeshError, ConflictError
from cloudmesh_sdk.fanout import Gathered, Source
from cloudmesh_sdk.mesh.names import several
from cloudmesh_sdk.mesh.settling import label, wait
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.models.operation import OPEN
from cloudmesh_sdk.operations.wishes import ended

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh
    from cloudmesh_sdk.mesh.facade import Told
    from cloudmesh_sdk.mesh.operating import Asked

_UNDO: Mapping[str, str] = {
    "start": "cm vm delete {target}", "start_many": "cm vm delete {target}",
    "stop": "cm vm resume {target}", "resume": "cm vm stop {target}",
    "suspend": "cm vm resume {target}", "pause": "cm vm unpause {target}",
    "unpause": "cm vm pause {target}", "shelve": "cm vm unshelve {target}",
    "unshelve": "cm vm shelve {target}", "resize": "cm vm revert {target}",
    "rescue": "cm vm unrescue {target}", "unrescue": "cm vm rescue {target}",
    "lock": "cm vm unlock {target}", "unlock": "cm vm lock {target}",
    "create_volume": "cm volume delete {target}", "attach_volume": "cm volume detach {target}",
    "create_snapshot": "cm snapshot delete {target}",
    "create_security_group": "cm secgroup delete {target}",
    "create_floating_ip": "cm ip release {result}", "attach_floating_ip": "cm ip detach {target}",
    "submit": "cm job cancel {result}",
}  # fmt: skip
"""What undoes an act that is done; of the others nothing does."""


def cancel(
    mesh: "Mesh", operations: "Asked", *, timeout: float, told: "Told | None" = None
) -> Gathered[Operation]:
    """Cancel operations, and wait `timeout` seconds at most for what becomes of them.

    All are to be cancelled before any is waited for. Those that were over before are left out.
    """
    asked = [mesh.operation(o.id if isinstance(o, Operation) else o) for o in several(operations)]
    found: dict[str, Operation] = {}
    errors: dict[str, CloudmeshError] = {}
    for operation in {o.id: o for o in asked}.values():
        try:
            found[operation.id] = _ask(mesh, operation)
        except ConflictError as error:
            errors[operation.id] = error
    for now in found.values():
        if told is not None and now.state not in OPEN:
            told(now)
    if left := [o for o in found.values() if o.state in OPEN]:
        found |= {o.id: o for o in wait(mesh, left, timeout=timeout, told=told)}
    errors |= {id_: e for id_, o in found.items() if (e := _missed(o, timeout))}
    sources = {o.id: Source(name=o.id, count=1, error=errors.get(o.id)) for o in asked}
    return Gathered(found.values(), sources)


def _ask(mesh: "Mesh", operation: Operation) -> Operation:
    """Cancel what waits, write down the wish for what is on its way; refuse what is over."""
    while operation.state in OPEN:
        now: Operation | None = operation
        if operation.state is OperationState.PENDING:
            now = mesh.store.journal.change(operation, **ended(operation))
        elif operation.cancelling is None:
            now = mesh.store.journal.change(operation, cancelling=datetime.now(UTC))
        if now is not None:  # else its runner, or a second one, was faster
            hooks.tell(mesh._acts.hooks.operation_changed, operation=now)
            return now
        operation = mesh.operation(operation.id)
    raise ConflictError(f"{label(operation)} is {operation.state} already{_undo(operation)}")


def _missed(operation: Operation, timeout: float) -> CloudmeshError | None:
    """Return why an operation that was to be cancelled is not."""
    name, why = label(operation), operation.error
    match operation.state:
        case OperationState.CANCELLED:
            return None
        case OperationState.DONE:
            text = f"{name} was done before it could be cancelled{_undo(operation)}"
        case OperationState.FAILED:
            reason = f": {why.message}" if why else ""
            text = f"{name} failed before it could be cancelled{reason}"
        case _:
            return BackendTimeoutError(
                f"{name} is {operation.state} after {timeout:g} s; it is never sent again, and is "
                f"cancelled once it is known that nothing came of it: cm op wait {operation.id}"
            )
    return ConflictError(text)


def _undo(operation: Operation) -> str:
    """Return how to undo an operation that is done, to be read after what it is."""
    how = _UNDO.get(operation.act)
    if operation.state is not OperationState.DONE or how is None:
        return ""
    return f": {how.format(target=operation.target, result=operation.result)} undoes it"
