"""One message: its operation is run where it is its turn, and settled where its runner died."""

import logging
from collections.abc import Callable
from typing import Protocol

from cloudmesh_sdk.errors import StoreError, UnavailableError
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.models.operation import OPEN
from cloudmesh_sdk.operations.amqp.line import LEASE, Line
from cloudmesh_sdk.operations.heart import Heart
from cloudmesh_sdk.operations.process import orphaned

_LOG = logging.getLogger(__name__)


class Desk(Protocol):
    """What a process needs to run operations of any user."""

    line: Line

    def run(self, operation: Operation) -> object:
        """Run an operation that waits, if nobody else has it; what goes wrong is journalled."""

    def settle(self, owner: str) -> object:
        """Find out what became of a user's operations whose runners died."""

    def close(self) -> None:
        """Give all back."""


def run(desk: Desk, id: str) -> None:  # noqa: A002
    """Do what a message asks for. A message that comes twice, or too late, does nothing.

    A store that is out of reach is told of: the operation is found again when it is back.
    """
    try:
        _run(desk, id)
    except StoreError as error:
        _LOG.warning("operation %s: %s; it is looked for again later", id, error)


def _run(desk: Desk, id: str) -> None:  # noqa: A002
    operation = desk.line.store.journal.get(id)
    if operation is None:
        return
    if operation.runner is not None and operation.state in OPEN:
        if not orphaned(operation):
            return  # a second message of what runs
        desk.settle(operation.owner)
    elif operation.state is OperationState.PENDING:
        if not desk.line.holds(operation):
            return  # who gives a slot back finds it
        with Heart(lambda: desk.line.renew(operation), every=LEASE / 3):
            desk.run(operation)
    _hand_on(desk.line.over, operation)


def _hand_on(over: Callable[[Operation], None], operation: Operation) -> None:
    try:
        over(operation)
    except UnavailableError as error:
        _LOG.warning("%s; who waits for %s is called when it does", error, operation.cloud)
