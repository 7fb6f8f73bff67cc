"""What was asked for and what a user set, in dicts of this process."""

import copy
import threading
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs

from cloudmesh_sdk.models import Operation, OperationState, What
from cloudmesh_sdk.models.operation import OPEN
from cloudmesh_sdk.store.base import PASSED, PASSING, Journal, Settings, User
from cloudmesh_sdk.store.changes import TOLD
from cloudmesh_sdk.store.matching import check_limit
from cloudmesh_sdk.store.memory.changes import MemoryChanges
from cloudmesh_sdk.store.memory.slots import MemorySlots


class MemoryJournal(Journal):
    """Keeps its operations in a dict."""

    def __init__(
        self, changes: MemoryChanges | None = None, slots: MemorySlots | None = None
    ) -> None:
        self._changes = changes or MemoryChanges()
        self._slots = slots or MemorySlots()
        self._lock = threading.Lock()
        self._operations: dict[str, Operation] = {}

    def add(self, operations: Sequence[Operation]) -> None:
        before = datetime.now(UTC) - PASSED
        with self._lock:
            if any(operation.act in PASSING for operation in operations):
                for old in [o for o in self._operations.values() if o.act in PASSING]:
                    if old.created < before:
                        del self._operations[old.id]
            self._operations |= {operation.id: operation for operation in operations}
            for operation in operations:
                self._changes.operation(operation, What.NEW)

    def change(self, operation: Operation, **fields: Any) -> Operation | None:
        with self._lock:
            now = self._operations.get(operation.id)
            if now is None or _claim(now) != _claim(operation):
                return None
            new = self._operations[now.id] = attrs.evolve(now, **fields)
            if any(getattr(new, name) != getattr(now, name) for name in TOLD):
                self._changes.operation(new, What.CHANGED)
            return new

    def take(
        self,
        *,
        runner: str,
        lease: datetime,
        limit: int = 1,
        owner: str | None = None,
        clouds: Collection[str] | None = None,
    ) -> list[Operation]:
        now = datetime.now(UTC)
        with self._lock:
            waiting = [
                operation
                for operation in self._operations.values()
                if operation.waits(now)
                and (owner is None or operation.owner == owner)
                and (clouds is None or operation.cloud in clouds)
            ]
            oldest = sorted(waiting, key=lambda o: (o.created, o.id))[:limit]
            taken = [attrs.evolve(o, runner=runner, lease=lease) for o in oldest]
            self._operations |= {operation.id: operation for operation in taken}
        return taken

    def waiting(
        self,
        cloud: str,
        account: str | None,
        *,
        after: str = "",
        without: Collection[str] = (),
        scope: str | None = None,
        limit: int = 1,
    ) -> list[Operation]:
        now = datetime.now(UTC)
        holding = () if scope is None else self._slots.held().get(scope, ())
        with self._lock:
            found = [
                o
                for o in self._operations.values()
                if o.waits(now) and (o.cloud, o.account) == (cloud, account)
            ]
        left = [o for o in found if o.id not in without and o.id not in holding]
        return sorted(left, key=lambda o: (o.owner <= after, o.owner, o.created, o.id))[:limit]

    def lines(self) -> list[tuple[str, str | None]]:
        now = datetime.now(UTC)
        with self._lock:
            waiting = [o for o in self._operations.values() if o.waits(now)]
        return list(dict.fromkeys((o.cloud, o.account) for o in waiting))

    def held(self) -> list[Operation]:
        with self._lock:
            held = [o for o in self._operations.values() if o.state in OPEN and _is_held(o)]
        return [operation for operation in held if operation.act not in PASSING]

    def get(self, id: str) -> Operation | None:  # noqa: A002
        with self._lock:
            return self._operations.get(id)

    def several(
        self, ids: Collection[str], *, states: Collection[OperationState] = ()
    ) -> list[Operation]:
        with self._lock:
            known = [self._operations[id_] for id_ in ids if id_ in self._operations]
        return [operation for operation in known if not states or operation.state in states]

    def unwanted(self, ids: Collection[str]) -> set[str]:
        with self._lock:
            found = [self._operations.get(id_) for id_ in ids]
        return {o.id for o in found if o is not None and _is_unwanted(o)}

    def find(
        self,
        *,
        owner: str | None = None,
        states: Collection[OperationState] = (),
        cloud: str | None = None,
        target: str | None = None,
        limit: int | None = None,
    ) -> list[Operation]:
        check_limit(limit)
        with self._lock:
            found = [
                operation
                for operation in self._operations.values()
                if (owner is None or operation.owner == owner)
                and (not states or operation.state in states)
                and (cloud is None or operation.cloud == cloud)
                and (target is None or operation.target == target)
            ]
        return sorted(found, key=lambda o: (o.created, o.id), reverse=True)[:limit]


def _is_held(operation: Operation) -> bool:
    return operation.runner is not None or operation.state is not OperationState.PENDING


def _is_unwanted(operation: Operation) -> bool:
    return operation.cancelling is not None or operation.state is OperationState.CANCELLED


def _claim(operation: Operation) -> tuple[OperationState, str | None, int]:
    return operation.state, operation.runner, operation.attempts


class MemorySettings(Settings):
    """Keeps defaults, counters and users in dicts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[tuple[str, str], int] = defaultdict(int)
        self._defaults: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self._users: dict[str, User] = {}

    def numbers(self, owner: str, counter: str, count: int = 1) -> range:
        with self._lock:
            first = self._counters[owner, counter] + 1
            self._counters[owner, counter] += count
            return range(first, first + count)

    def defaults(self, owner: str) -> dict[str, dict[str, Any]]:
        with self._lock:
            return copy.deepcopy(self._defaults[owner])

    def set_default(self, owner: str, scope: str, key: str, value: Any) -> None:
        with self._lock:
            values = self._defaults[owner].setdefault(scope, {})
            if value is None:
                values.pop(key, None)
            else:
                values[key] = copy.deepcopy(value)

    def remember(self, user: User) -> None:
        with self._lock:
            self._users[user.username] = user

    def users(self) -> list[User]:
        with self._lock:
            return [self._users[name] for name in sorted(self._users)]
