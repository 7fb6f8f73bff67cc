"""Asking once more for what came to nothing."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError, UnsupportedError
from cloudmesh_sdk.mesh.naming import require_free
from cloudmesh_sdk.mesh.settling import label
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.operations import ACTS
from cloudmesh_sdk.operations.jobs import SECRETS

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh
    from cloudmesh_sdk.mesh.facade import Told

_SECRET: Mapping[str, tuple[str, ...]] = {
    "start": ("user_data",), "start_many": ("user_data",), "submit": SECRETS,
}  # fmt: skip
"""Arguments of acts that are not kept."""

_NOTHING = (OperationState.FAILED, OperationState.CANCELLED)
"""States of operations that came to nothing."""

_STANDS: Mapping[OperationState, str] = {
    OperationState.PENDING: "is pending: wait for it, or cancel it",
    OperationState.RUNNING: "is running: wait for it, or cancel it",
    OperationState.UNKNOWN: "may have been done: reconcile first, which asks its cloud",
    OperationState.DONE: "is done: there is nothing to ask for again",
}
"""Why an operation is not asked for again, by its state."""


def retry(mesh: "Mesh", id: str, *, told: "Told | None" = None) -> Operation:  # noqa: A002
    """Ask again for an operation that came to nothing; raises why that cannot be."""
    old = mesh.operation(id)
    if old.state not in _NOTHING:
        raise ConflictError(f"{label(old)} {_STANDS[old.state]}")
    _require_known(mesh, old)
    _require_whole(old)
    _require_once(mesh, old)
    if (check := _CHECKS.get(old.act)) is not None:
        check(mesh, old)
    heard: list[Operation] = []

    def hear(operation: Operation) -> None:
        heard.append(operation)
        if told is not None:
            told(operation)

    mesh._acts.run(
        old.act, [(old.cloud, old.target, old.request)], told=hear, retry_of=old.id,
        begun=lambda: _require_once(mesh, old, most=1),
    )  # fmt: skip
    return heard[0]


def _require_known(mesh: "Mesh", old: Operation) -> None:
    """Refuse what cannot be asked of the same account in the same words."""
    if old.act not in ACTS:
        raise UnsupportedError(f"{label(old)}: this version knows no act {old.act!r}")
    if not mesh._belonging.ours(old):
        raise ConflictError(f"{label(old)} was asked of another account than {old.cloud} is now")


def _require_whole(old: Operation) -> None:
    """Refuse what was asked with arguments that nobody has any more."""
    secret = _SECRET.get(old.act, ())
    if old.withheld is None and secret:
        words = ", ".join(secret)
        raise InvalidRequestError(
            f"{label(old)} is of an older release, which did not note whether it had {words}, "
            "which are not kept; ask for it anew"
        )
    if old.withheld:
        words = ", ".join(old.withheld)
        raise InvalidRequestError(
            f"{label(old)} had {words}: that is not kept, so it cannot be asked for again as it "
            "was; ask for it anew"
        )


def _require_once(mesh: "Mesh", old: Operation, *, most: int = 0) -> None:
    """Refuse what was asked for again already and did not come to nothing then, too.

    Who has journalled its own (`most` is 1) looks once more before anything is sent: of two who
    ask at the same moment at most one goes on.
    """
    since = mesh.store.journal.find(owner=old.owner, cloud=old.cloud, target=old.target)
    again = [o for o in since if o.retry_of == old.id and o.state not in _NOTHING]
    if len(again) > most:
        others = ", ".join(f"{other.id} is {other.state}" for other in again)
        raise ConflictError(f"{label(old)} was asked for again already: {others}")


def _check_start(mesh: "Mesh", old: Operation) -> None:
    """Refuse a start whose names have been taken since, by itself even; bring its key again."""
    require_free(mesh, old.cloud, old.request.get("names") or [old.target])
    if old.request.get("key"):
        mesh._keypairs.bring(old.cloud, old.request["key"])


def _check_group(mesh: "Mesh", old: Operation) -> None:
    """Refuse to make a second security group of one name: nothing else tells them apart."""
    mesh._things.require_free_group(old.cloud, old.target)


_CHECKS: Mapping[str, Callable[["Mesh", Operation], None]] = {
    "start": _check_start, "start_many": _check_start, "create_security_group": _check_group,
}  # fmt: skip
"""What is looked at before an act is asked for again, which the mesh looks at before the first."""
