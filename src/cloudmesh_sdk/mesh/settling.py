"""Waiting until operations are over, whoever runs them: the journal tells."""

import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from cloudmesh_sdk.errors import (
    BackendTimeoutError,
    CloudmeshError,
    ConflictError,
    UnavailableError,
)
from cloudmesh_sdk.fanout import Gathered, Source
from cloudmesh_sdk.mesh.names import several
from cloudmesh_sdk.mesh.past import named
from cloudmesh_sdk.mesh.viewing import revive
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.models.operation import OPEN
from cloudmesh_sdk.operations.act import verb

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh
    from cloudmesh_sdk.mesh.facade import Told
    from cloudmesh_sdk.mesh.operating import Asked

_LEAST, _MOST, _SHARE = 0.05, 2.0, 0.1
"""Seconds between two looks into the journal, at least and at most: a share of those waited."""

_OVER = tuple(state for state in OperationState if state not in OPEN)
"""States that are the end of an operation."""

_AGAIN = (2.0, 30.0)
"""Seconds between two looks for operations whose process is gone, at first and where clouds were
asked in vain: these are not asked more often than they can know more."""

_SILENT = 60.0
"""Seconds that a cloud has at most to say what became of them."""


def wait(
    mesh: "Mesh", operations: "Asked", *, timeout: float, told: "Told | None" = None
) -> Gathered[Operation]:
    """Wait until operations are over, `timeout` seconds at most."""
    begun = time.monotonic()
    end = begun + timeout
    waiting = _Waiting(mesh, operations, told)
    with mesh._follow(waiting.operations):
        while waiting.look(end) and (now := time.monotonic()) < end:
            pause = max(_LEAST, min(_MOST, _SHARE * (now - begun)))
            time.sleep(min(end - now, pause))
    return waiting.gathered(timeout)


def label(operation: Operation) -> str:
    """Return what an operation is called in a sentence: `start web-1 (0123abcd…)`."""
    return f"{verb(operation)} {operation.target} ({operation.id})"


class _Waiting:
    """The operations of one call of `wait`."""

    def __init__(self, mesh: "Mesh", operations: "Asked", told: "Told | None") -> None:
        found = named(mesh.store.journal, mesh.user, _ids(operations))
        self._mesh = mesh
        self._told = told
        self._all = {operation.id: operation for operation in found}
        self._left = dict(self._all)
        self._pause = _AGAIN[0]
        self._next = 0.0
        """When to look for those whose process is gone."""

    @property
    def operations(self) -> list[Operation]:
        """All of them, as last seen."""
        return [*self._all.values()]

    def look(self, end: float) -> bool:
        """Look into the journal; tell whether some are not over."""
        now = time.monotonic()
        due = now >= self._next
        self._read(() if due or now >= end else _OVER)
        if self._left and due:
            patience = min(_SILENT, max(1.0, end - now))
            asked = self._mesh._acts.reconcile(
                [*self._left.values()], patient=True, deadline=patience
            )
            in_vain = any(operation.state in OPEN for operation in asked)
            self._pause = min(_AGAIN[1], self._pause * 2) if in_vain else _AGAIN[0]
            self._next = time.monotonic() + self._pause
            self._read()
        return bool(self._left)

    def _read(self, states: Collection[OperationState] = ()) -> None:
        """Take note of those that are not over, or of some of them, as they are now."""
        for now in self._mesh.store.journal.several(self._left, states=states):
            id_ = now.id
            self._all[id_] = self._left[id_] = now
            if now.state not in OPEN:
                del self._left[id_]
                if self._told is not None:
                    self._told(now)

    def gathered(self, timeout: float) -> Gathered[Operation]:
        """Return all operations as last seen, and what went wrong."""
        sources = {
            id_: Source(name=id_, count=1, error=_error(operation, timeout))
            for id_, operation in self._all.items()
        }
        return Gathered(self._all.values(), sources)


def _ids(operations: "Asked") -> list[str]:
    return [o.id if isinstance(o, Operation) else o for o in several(operations)]


def _error(operation: Operation, timeout: float) -> CloudmeshError | None:
    """Return what went wrong with an operation; one that is done in part says so."""
    fault, name = operation.error, label(operation)
    why = "" if fault is None else f": {fault.message}"
    match operation.state:
        case OperationState.DONE:
            return None if fault is None else UnavailableError(fault.message)
        case OperationState.CANCELLED:
            return ConflictError(f"{name} was cancelled{why}")
        case OperationState.FAILED:
            return CloudmeshError(f"{name} failed") if fault is None else revive(fault)
    return BackendTimeoutError(f"{name} is {operation.state} after {timeout:g} s{why}")
