"""What can be asked of a service, as one table, and what to make of what is left of an act."""

from collections.abc import Mapping

import attrs

from cloudmesh_sdk.driver import Driver
from cloudmesh_sdk.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnsupportedError,
)
from cloudmesh_sdk.models import (
    Job,
    JobState,
    Operation,
    OperationState,
    Record,
    Server,
    ServerState,
)
from cloudmesh_sdk.operations.access import ACCESS_ACTS
from cloudmesh_sdk.operations.act import Act, Learned, Records, Secrets
from cloudmesh_sdk.operations.addresses import ADDRESS_ACTS
from cloudmesh_sdk.operations.jobs import JOB_ACTS
from cloudmesh_sdk.operations.servers import SERVER_ACTS
from cloudmesh_sdk.operations.volumes import STORAGE_ACTS

ACTS: Mapping[str, Act] = {
    **SERVER_ACTS, **ACCESS_ACTS, **ADDRESS_ACTS, **STORAGE_ACTS, **JOB_ACTS,
}  # fmt: skip
"""Acts by the word that operations are journalled under."""

_REFUSED = (NotFoundError, ConflictError, InvalidRequestError, QuotaError, UnsupportedError)
"""What a service answers when it will not do an act, now or later."""


def perform(driver: Driver, operation: Operation, secrets: Secrets) -> Records:
    """Do an act and return what came of it; raises `BackendError`."""
    act = ACTS[operation.act]
    if not isinstance(driver, act.needs):
        raise UnsupportedError(f"{driver.name} cannot {operation.act.replace('_', ' ')}")
    return act.go(driver, operation, secrets)


def learn(driver: Driver, operation: Operation, *, again: bool) -> Learned:
    """Find out what became of an operation; raises `BackendError` where the service is silent.

    A harmless act is simply done again where `again` allows it.
    """
    act = ACTS.get(operation.act)
    if act is None:
        why = f"this version knows no act {operation.act!r}"
        return Learned(state=OperationState.FAILED, why=why)
    if not isinstance(driver, act.needs):
        why = f"the driver of {driver.name} cannot {operation.act.replace('_', ' ')} any more"
        return Learned(state=OperationState.FAILED, why=why)
    if not (again and act.harmless):
        return act.look(driver, operation)
    try:
        return Learned(state=OperationState.DONE, records=act.go(driver, operation, {}))
    except _REFUSED as error:
        learned = act.look(driver, operation)
        if learned.state is OperationState.DONE:  # the first time did it
            return learned
        return attrs.evolve(learned, why=str(error))


def laid_to_rest(record: Record, known: Record | None) -> Record:
    """Return what the view shall keep: of a thing that is gone, all that was known of it."""
    if record.missing is None or known is None:
        return record
    if isinstance(known, Server):
        return attrs.evolve(known, missing=record.missing, state=ServerState.DELETED)
    if isinstance(known, Job) and isinstance(record, Job):
        if known.missing is None:
            return attrs.evolve(known, missing=record.missing, state=record.state)
        # gone before it was asked for anything: that is not how it ended
        return known if known.state.is_over else attrs.evolve(known, state=JobState.UNKNOWN)
    return attrs.evolve(known, missing=record.missing)
