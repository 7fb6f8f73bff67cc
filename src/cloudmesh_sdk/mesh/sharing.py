"""Refreshes as operations: who asks for the same lists at the same time shares one run.

The turn is the store's, so it does not matter which process asks. The runs of a user stand in the
journal under a name of their own: they are many, tell no intent, and are dropped after an hour.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import attrs

from cloudmesh_sdk.errors import BackendTimeoutError, CloudmeshError
from cloudmesh_sdk.fanout import Source
from cloudmesh_sdk.mesh.viewing import revive
from cloudmesh_sdk.models import Fault, Operation, OperationState
from cloudmesh_sdk.models.operation import OPEN
from cloudmesh_sdk.operations.process import HELD, dead, identity, orphaned
from cloudmesh_sdk.operations.runner import fault, intent
from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.store.polls import Turn

ACT = "refresh"
"""The act of these operations."""

_STEP = (0.02, 0.5)
"""Seconds between two looks at another's run, at first and at most."""


class Found(Protocol):
    """What a run found of one kind, in numbers of records."""

    @property
    def kind(self) -> str: ...
    @property
    def new(self) -> int: ...
    @property
    def changed(self) -> int: ...
    @property
    def gone(self) -> int: ...
    @property
    def same(self) -> int: ...


def runs_of(owner: str) -> str:
    """Return under which owner the journal has the refreshes of a user."""
    return f"{ACT}:{owner}"


@attrs.frozen(kw_only=True)
class _Mine:
    """A run of this process: its operation, and the turn it holds."""

    scope: str
    what: str
    holder: str
    operation: Operation

    @property
    def held(self) -> tuple[str, str]:
        """What says that this process is at it: the turn's holder, and the run in the journal."""
        return self.holder, self.operation.id


class Sharing:
    """The runs of one call of `refresh`, by cloud; used by one thread a cloud."""

    def __init__(
        self,
        store: Store,
        owner: str,
        kinds: Sequence[str],
        account: Callable[[str], str | None],
        *,
        full: bool,
        deadline: float,
    ) -> None:
        self._store = store
        self._owner = owner
        self._kinds = list(kinds)
        self._account = account
        self._what = ",".join([*sorted(kinds), *(["full"] if full else [])])
        self._deadline = deadline
        self._mine: dict[str, _Mine] = {}
        self._others: dict[str, Operation] = {}
        self._lock = threading.Lock()
        self._closed = False

    def begin(self, cloud: str) -> bool:
        """Take the turn, or wait for whoever has it; tell whether the cloud is to be asked here."""
        end, step = time.monotonic() + self._deadline, _STEP[0]
        while True:
            mine, turn = self._take(cloud)
            if mine is not None:
                with self._lock:
                    self._mine[cloud] = mine
                if self._closed:  # this thread was given up: nobody hears what it would find
                    self.close()
                return not self._closed
            self._in_time(cloud, end)
            other = self._run_of(turn)
            while other is not None and other.state in OPEN and not dead(turn.holder or ""):
                self._in_time(cloud, end)
                time.sleep(step)
                step = min(step * 1.5, _STEP[1])
                other = self._run_of(turn)
            # who let go has written down before what came of it
            if other is not None and other.state in OPEN:
                other = self._run_of(turn)
            if other is not None and other.state not in OPEN:
                with self._lock:
                    self._others[cloud] = other
                return False

    def other(self, cloud: str) -> Operation | None:
        """Return the run of another that was waited for at a cloud."""
        return self._others.get(cloud)

    def end(self, cloud: str, rows: Sequence[Found], errors: Sequence[CloudmeshError]) -> None:
        """Write down what came of a run of this process, and give its turn back."""
        with self._lock:
            mine = self._mine.pop(cloud, None)
        if mine is None:
            return
        try:
            self._store.journal.change(
                mine.operation,
                state=OperationState.FAILED if errors else OperationState.DONE,
                done=len(rows),
                message=_told(rows),
                error=fault(errors[0]) if errors else None,
                finished=datetime.now(UTC),
            )
            self._store.polls.done(mine.scope, mine.what, holder=mine.holder, wait=0)
        finally:
            HELD.leave(mine.held)

    def close(self) -> None:
        """Give back what turns are left, where an exception ended the call."""
        self._closed = True
        for cloud in [*self._mine]:
            self.end(cloud, (), [CloudmeshError("it was interrupted")])

    def _in_time(self, cloud: str, end: float) -> None:
        if time.monotonic() > end:
            text = f"{cloud}: another process refreshes it, for over {self._deadline:g} s"
            raise BackendTimeoutError(text)

    def _take(self, cloud: str) -> tuple[_Mine | None, Turn]:
        operation = attrs.evolve(
            intent(runs_of(self._owner), ACT, cloud, self._what),
            state=OperationState.RUNNING,
            attempts=1,
            total=len(self._kinds),
            sent=datetime.now(UTC),
            lease=datetime.now(UTC) + timedelta(seconds=self._deadline),
        )
        holder = f"{identity()}/{operation.id}"
        operation = attrs.evolve(operation, runner=holder)
        scope = f"{ACT}:{self._owner}:{cloud}:{self._account(cloud)}"
        mine = _Mine(scope=scope, what=self._what, holder=holder, operation=operation)
        HELD.take(mine.held)
        try:
            turn = self._turn(scope, holder)
            if turn.mine:
                self._store.journal.add([operation])
                return mine, turn
        except BaseException:  # nobody then waits for it: a turn whose holder let go is taken over
            HELD.leave(mine.held)
            raise
        HELD.leave(mine.held)
        return None, turn

    def _turn(self, scope: str, holder: str) -> Turn:
        polls, lease = self._store.polls, self._deadline + 10
        turn = polls.take(scope, self._what, holder=holder, interval=0, lease=lease)
        if turn.mine or turn.holder is None or not dead(turn.holder):
            return turn
        return polls.take(
            scope, self._what, holder=holder, interval=0, lease=lease, instead=turn.holder
        )

    def _run_of(self, turn: Turn) -> Operation | None:
        """Return the run of who has a turn; None where he has not yet written it down."""
        if turn.holder is None:
            return None
        found = self._store.journal.get(turn.holder.rpartition("/")[2])
        if found is None:
            time.sleep(_STEP[0])
        return found


def source_of(run: Operation, rows: Sequence[Found]) -> Source:
    """Return how a cloud answered another's run."""
    error = None if run.error is None else revive(run.error)
    return Source(name=run.cloud, count=sum(row.same for row in rows), error=error)


def refreshes(
    store: Store, owner: str, *, cloud: str | None = None, limit: int | None = None
) -> list[Operation]:
    """Return the refreshes of a user, newest first; those whose process died have failed."""
    found = store.journal.find(owner=runs_of(owner), cloud=cloud, limit=limit)
    return [_settled(store, run) for run in found]


def _settled(store: Store, run: Operation) -> Operation:
    if run.state not in OPEN or not orphaned(run):
        return run
    lost = Fault(kind="Lost", message="the process that asked ended")
    over = store.journal.change(
        run, state=OperationState.FAILED, error=lost, finished=datetime.now(UTC)
    )
    return over or store.journal.get(run.id) or run


def _told(rows: Sequence[Found]) -> str:
    """Return what a refresh found, in words."""
    parts = []
    for row in rows:
        moved = {"new": row.new, "changed": row.changed, "gone": row.gone, "same": row.same}
        parts.append(f"{row.kind} " + ", ".join(f"{n} {word}" for word, n in moved.items() if n))
    return "; ".join(part.rstrip() for part in parts)
