"""What can be asked of a cloud, as one table, and what to make of what is left of an act."""

from collections.abc import Mapping

import attrs

from cloudmesh_sdk.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnsupportedError,
)
from cloudmesh_sdk.models import Operation, OperationState, Record, Server, ServerState
from cloudmesh_sdk.operations.access import ACCESS_ACTS
from cloudmesh_sdk.operations.act import Act, Learned, Records, Secrets
from cloudmesh_sdk.operations.addresses import ADDRESS_ACTS
from cloudmesh_sdk.operations.servers import SERVER_ACTS
from cloudmesh_sdk.operations.volumes import STORAGE_ACTS
from cloudmesh_sdk.providers.base import Cloud

ACTS: Mapping[str, Act] = {**SERVER_ACTS, **ACCESS_ACTS, **ADDRESS_ACTS, **STORAGE_ACTS}
"""Acts by the word that operations are journalled under."""

_REFUSED = (NotFoundError, ConflictError, InvalidRequestError, QuotaError, UnsupportedError)
"""What a cloud answers when it will not do an act, now or later."""


def perform(cloud: Cloud, operation: Operation, secrets: Secrets) -> Records:
    """Do an act and return what came of it; raises `BackendError`."""
    act = ACTS[operation.act]
    if not isinstance(cloud, act.needs):
        raise UnsupportedError(f"{cloud.name} cannot {operation.act.replace('_', ' ')}")
    return act.go(cloud, operation, secrets)


def learn(cloud: Cloud, operation: Operation, *, again: bool) -> Learned:
    """Find out what became of an operation; raises `BackendError` where the cloud is silent.

    A harmless act is simply done again where `again` allows it.
    """
    act = ACTS.get(operation.act)
    if act is None:
        why = f"this version knows no act {operation.act!r}"
        return Learned(state=OperationState.FAILED, why=why)
    if not isinstance(cloud, act.needs):
        why = f"the driver of {cloud.name} cannot {operation.act.replace('_', ' ')} any more"
        return Learned(state=OperationState.FAILED, why=why)
    if not (again and act.harmless):
        return act.look(cloud, operation)
    try:
        return Learned(state=OperationState.DONE, records=act.go(cloud, operation, {}))
    except _REFUSED as error:
        learned = act.look(cloud, operation)
        if learned.state is OperationState.DONE:  # the first time did it
            return learned
        return attrs.evolve(learned, why=str(error))


def laid_to_rest(record: Record, known: Record | None) -> Record:
    """Return what the view shall keep: of a thing that is gone, all that was known of it."""
    if record.missing is None or known is None:
        return record
    if isinstance(known, Server):
        return attrs.evolve(known, missing=record.missing, state=ServerState.DELETED)
    return attrs.evolve(known, missing=record.missing)
