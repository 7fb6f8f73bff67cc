"""Whose turn it is: who may begin at a service gets a slot there, and a message.

A slot is taken for an operation before its message goes out, and handed on to the next in line
when it is over. So of ten thousand starts no more messages exist than the clouds' limits allow, and
another user's single one is the next that begins.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

import attrs

from cloudmesh_sdk.errors import StoreError, UnavailableError
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.operations.gate import scope as _scope
from cloudmesh_sdk.store.base import Store

_LOG = logging.getLogger(__name__)

LEASE = 60.0
"""Seconds that a slot is held after its holder last said so."""

Publish = Callable[[Operation], None]
"""Sends the message of an operation; raises `UnavailableError` where no broker confirms it."""


def scope(operation: Operation) -> str:
    """Return whom an operation shares a limit with: all at its cloud who use its account."""
    return _scope(operation.cloud, operation.account)


@attrs.frozen(kw_only=True)
class Line:
    """Those who wait for the services of one store; `limit` gives how many a cloud takes."""

    store: Store
    limit: Callable[[str], int]
    publish: Publish

    def fill(self, cloud: str, account: str | None, *, after: str = "") -> int:
        """Let those begin for whom there are slots; return how many that are.

        What becomes free meanwhile is handed on by whoever frees it.
        """
        where, limit = _scope(cloud, account), self.limit(cloud)
        for begun in range(limit):
            following = self.store.journal.waiting(cloud, account, after=after, scope=where)
            if following is None or not self.holds(following):
                return begun
            self._send(following)
            after = following.owner
        return limit

    def holds(self, operation: Operation) -> bool:
        """Take the slot of an operation, or hold it on; False where there is none."""
        return self.store.slots.take(
            scope(operation), operation.id, limit=self.limit(operation.cloud), lease=LEASE
        )

    def renew(self, operation: Operation) -> None:
        """Say that an operation is still busy."""
        self.store.slots.renew(scope(operation), operation.id, lease=LEASE)

    def over(self, operation: Operation) -> None:
        """Hand the slot of an operation on to the next user's next one; free it where none waits.

        Changes nothing but that others begin where it has none.
        """
        where, journal, slots = scope(operation), self.store.journal, self.store.slots
        following = journal.waiting(
            operation.cloud,
            operation.account,
            after=operation.owner,
            without=[operation.id],
            scope=where,
        )
        if following is None:
            slots.release(where, operation.id)
            return
        limit = self.limit(operation.cloud)
        if slots.take(where, following.id, limit=limit, lease=LEASE, instead=operation.id):
            self._send(following)

    def tidy(self, waits: Callable[[str], bool]) -> list[Operation]:
        """Free the slots of what is over, hold on those of what waits for a busy worker.

        `waits` tells whether messages wait for a user. Returns what they may be meant for: it has
        a slot and no runner.
        """
        called: list[Operation] = []
        for where, holders in self.store.slots.held().items():
            for holder in holders:
                operation = self.store.journal.get(holder)
                if operation is None or _rests(operation):
                    self.store.slots.release(where, holder)
                elif operation.runner is None and waits(operation.owner):
                    self.store.slots.renew(where, holder, lease=LEASE)
                    called.append(operation)
        return called

    def _send(self, operation: Operation) -> None:
        try:
            self.publish(operation)
        except UnavailableError:
            try:
                self.store.slots.release(scope(operation), operation.id)
            except StoreError as error:  # it ends with its lease
                _LOG.warning("a slot was not given back: %s", error)
            raise


def _rests(operation: Operation) -> bool:
    """Tell whether an operation is not busy and is not about to be."""
    if operation.state is OperationState.PENDING:
        return operation.runner is None and not operation.waits(datetime.now(UTC))
    return operation.state is not OperationState.RUNNING
