"""Whose turn it is: who may begin at a service gets a slot there, and a message.

A slot is taken for an operation before its message goes out, and handed on to the next in line
when it is over. So of ten thousand starts no more are called than the clouds' limits allow, and
another user's single one is the next that begins. Those of one user that may begin at the same
moment are called by one message; what follows them may begin where they ran, without one.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, groupby

import attrs

from cloudmesh_sdk.errors import StoreError, UnavailableError
from cloudmesh_sdk.models import Operation, OperationState
from cloudmesh_sdk.models.operation import OPEN
from cloudmesh_sdk.operations.gate import scope as _scope
from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.together import Together

_LOG = logging.getLogger(__name__)

LEASE = 60.0
"""Seconds that a slot is held after its holder last said so."""

GROUP = 8
"""How many operations one message calls at most, and one process runs at once."""

Publish = Callable[[Sequence[Operation]], None]
"""Sends one message for operations of one user; raises `UnavailableError` where no broker confirms
it."""


def scope(operation: Operation) -> str:
    """Return whom an operation shares a limit with: all at its cloud who use its account."""
    return _scope(operation.cloud, operation.account)


@attrs.frozen(kw_only=True)
class Line:
    """Those who wait for the services of one store; `limit` gives how many a cloud takes."""

    store: Store
    limit: Callable[[str], int]
    publish: Publish
    _following: Together[Operation, Operation | None] = attrs.field(init=False)
    """Finds who follows those that end while it is looked for others."""

    @_following.default
    def _gathering(self) -> Together[Operation, Operation | None]:
        return Together(self._followed)

    def fill(self, cloud: str, account: str | None, *, after: str = "") -> int:
        """Let those begin for whom there are slots; return how many that are.

        What becomes free meanwhile is handed on by whoever frees it.
        """
        where, limit = _scope(cloud, account), self.limit(cloud)
        begun = 0
        while (wanted := min(GROUP, limit - begun)) > 0:
            following = self.store.journal.waiting(
                cloud, account, after=after, scope=where, limit=wanted
            )
            given = self._taken(where, following)
            self._send(where, given)
            begun += len(given)
            if len(given) < wanted:
                break
            after = given[-1].owner
        return begun

    def together(self, operations: Iterable[Operation]) -> list[Operation]:
        """Return those of some operations that have a slot, and others that are to run with them.

        That are some of those that were called one by one, and that no process was free for. Who
        has no slot is found by whoever gives one back.
        """
        found: list[Operation] = []
        for where, some in _by_scope(operations):
            found += self._taken(where, some)
            if not any(operation.attempts for operation in some):
                ids = {operation.id for operation in some}
                others = [o for o in self.called(where) if o.id not in ids and not o.attempts]
                found += self._taken(where, others[: max(0, GROUP - len(some))])
        return found

    def called(self, where: str | None = None) -> list[Operation]:
        """Return what has a slot (of one scope) and waits for a process."""
        held = self.store.slots.held()
        holders = [held.get(where, [])] if where else held.values()
        known = self.store.journal.several([*chain.from_iterable(holders)])
        return [operation for operation in known if _is_called(operation)]

    def has_runner(self, operation: Operation) -> bool:
        """Tell whether somebody runs an operation."""
        now = self.store.journal.get(operation.id)
        return now is not None and now.runner is not None and now.state in OPEN

    def renew(self, operations: Iterable[Operation]) -> None:
        """Say that operations are still busy."""
        for where, some in _by_scope(operations):
            self.store.slots.renew(where, [operation.id for operation in some], lease=LEASE)

    def over(self, operations: Iterable[Operation]) -> None:
        """Hand slots on to the next user's next ones, and call those; free them where none waits.

        Of an operation that has none it changes nothing but that others begin.
        """
        for where, ended in _by_scope(operations):
            self._call(where, self._successors(where, ended))

    def follow(self, operation: Operation) -> Operation | None:
        """Hand a slot on as `over` does; return one that is to begin here, and is not called.

        Safe to use from many threads.
        """
        return self._following.ask(operation)

    def tidy(self, waits: Callable[[str], bool]) -> list[Operation]:
        """Free the slots of what is over, hold on those of what waits for a busy worker.

        `waits` tells whether messages wait for a user. Returns what they may be meant for: it has
        a slot and no runner.
        """
        called: list[Operation] = []
        for where, holders in self.store.slots.held().items():
            known = self.store.journal.several(holders)
            busy = {operation.id: operation for operation in known if not _rests(operation)}
            self.store.slots.release(where, [holder for holder in holders if holder not in busy])
            waiting = [o for o in busy.values() if _is_called(o) and waits(o.owner)]
            self.store.slots.renew(where, [operation.id for operation in waiting], lease=LEASE)
            called += waiting
        return called

    def _followed(self, ended: Sequence[Operation]) -> list[Operation | None]:
        here: list[Operation] = []
        for where, some in _by_scope(ended):
            following = self._successors(where, some)
            here += [operation for operation in following if not operation.attempts]
            self._call(where, [operation for operation in following if operation.attempts])
        return [*here, *[None] * (len(ended) - len(here))]

    def _successors(self, where: str, ended: Sequence[Operation]) -> list[Operation]:
        """Return those that have the slots of some now."""
        ids, last = [operation.id for operation in ended], ended[-1]
        following = self.store.journal.waiting(
            last.cloud, last.account, after=last.owner, without=ids, scope=where, limit=len(ids)
        )
        if not following:
            self.store.slots.release(where, ids)
        return self._taken(where, following, instead=ids)

    def _call(self, where: str, operations: Sequence[Operation]) -> None:
        try:
            self._send(where, operations)
        except UnavailableError as error:
            _LOG.warning("%s; who waits for %s is called when it does", error, where)

    def _taken(
        self, where: str, operations: Sequence[Operation], *, instead: Sequence[str] = ()
    ) -> list[Operation]:
        if not operations:
            return []
        ids, limit = [operation.id for operation in operations], self.limit(operations[0].cloud)
        held = self.store.slots.take(where, ids, limit=limit, lease=LEASE, instead=instead)
        return [operation for operation in operations if operation.id in held]

    def _send(self, where: str, operations: Sequence[Operation]) -> None:
        left = {operation.id for operation in operations}
        try:
            for called in messages(operations):
                self.publish(called)
                left -= {operation.id for operation in called}
        except UnavailableError:
            try:
                self.store.slots.release(where, left)
            except StoreError as error:  # they end with their leases
                _LOG.warning("slots were not given back: %s", error)
            raise


def messages(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Yield operations as they are called: those of one user together, at most `GROUP`.

    What was begun before is called alone: what killed its process once is not to kill others.
    """
    for _, of_owner in groupby(operations, lambda operation: operation.owner):
        new: list[Operation] = []
        for operation in of_owner:
            if operation.attempts:
                yield [operation]
                continue
            new.append(operation)
            if len(new) == GROUP:
                yield new
                new = []
        if new:
            yield new


def _by_scope(operations: Iterable[Operation]) -> Iterator[tuple[str, list[Operation]]]:
    """Yield operations by whom they share a limit with."""
    found: dict[str, list[Operation]] = {}
    for operation in operations:
        found.setdefault(scope(operation), []).append(operation)
    yield from found.items()


def _is_called(operation: Operation) -> bool:
    """Tell whether one that has a slot waits for a process."""
    return operation.state is OperationState.PENDING and operation.runner is None


def _rests(operation: Operation) -> bool:
    """Tell whether an operation is not busy and is not about to be."""
    if operation.state is OperationState.PENDING:
        return operation.runner is None and not operation.waits(datetime.now(UTC))
    return operation.state is not OperationState.RUNNING
