"""Running operations in threads: claim, act, write down what came of it.

The order is what makes a crash harmless: the intent is journalled first (`pending`), then the
claim (`running`, with the time it is sent), then the driver acts, then the record goes into the
view, and last the operation is `done`. Whatever is killed in between, `reconcile` finds it.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.fanout import Answer
from cloudmesh_sdk.limits import Limits
from cloudmesh_sdk.models import Operation
from cloudmesh_sdk.operations.act import Records
from cloudmesh_sdk.operations.attempts import Use, fault
from cloudmesh_sdk.operations.heart import Heart
from cloudmesh_sdk.operations.lanes import THREADS, Lanes
from cloudmesh_sdk.operations.process import HELD, claim, lease
from cloudmesh_sdk.operations.run import Ended, Run, TakenError, Task
from cloudmesh_sdk.store.base import Store

__all__ = ["Runner", "Task", "Use", "fault", "intent"]

_TOKEN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def is_token(text: str | None) -> bool:
    """Tell whether a text has the form of the tokens that `intent` gives operations."""
    return text is not None and _TOKEN.fullmatch(text) is not None


def intent(
    owner: str,
    act: str,
    cloud: str,
    target: str,
    request: Mapping[str, Any] | None = None,
    *,
    account: str | None = None,
    withheld: Iterable[str] = (),
    retry_of: str | None = None,
    later: bool = False,
    parcel: Mapping[str, Any] | None = None,
) -> Operation:
    """Return a new operation, not journalled yet: of this process, or one for any runner."""
    names = (request or {}).get("names")
    return Operation(
        id=uuid.uuid4().hex[:16],
        owner=owner,
        act=act,
        cloud=cloud,
        target=target,
        token=str(uuid.uuid4()),
        request=dict(request or {}),
        account=account,
        parcel=dict(parcel or {}),
        withheld=(*withheld, *(parcel or ())),
        retry_of=retry_of,
        later=later,
        total=len(names) if names else 1,
        runner=None if later else claim(),
        lease=None if later else lease(),
        created=datetime.now(UTC),
    )


def _usual(_: str) -> Limits:
    return Limits()


class Runner:
    """Runs operations of one process, many at a time, each service within its limits.

    `limits` gives those of a cloud or a queue manager, `threads` is how many operations may be
    under way at once over all of them, from however many threads it is called.
    """

    def __init__(
        self,
        store: Store,
        use: Use,
        *,
        limits: Callable[[str], Limits] = _usual,
        threads: int = THREADS,
    ) -> None:
        self._store = store
        self.use = use
        self.lanes = Lanes(limits, threads=threads)
        """What waits and is under way, by service."""

    def run(
        self,
        tasks: Sequence[Task],
        *,
        begun: Callable[[], None] | None = None,
        told: Ended | None = None,
    ) -> list[Answer[Records]]:
        """Journal the tasks, run them and return their records, in order, named by operation id.

        `begun` is called once all are journalled, `told` hears each as it ends, both in the
        caller's thread. On Ctrl-C what was not sent is cancelled and calls in flight get some
        seconds to end before it is raised.
        """

        def heard(answer: Answer[Records]) -> None:
            if told is not None:
                told(run.now(answer.name), answer)

        run = Run(self._store, self.use, tasks)
        try:
            self._store.journal.add([task.operation for task in tasks])
            if begun is not None:
                begun()
            with run.beating(self.lanes):
                return self.lanes.each(run.jobs, run.one, told=heard)
        except BaseException:
            with suppress(StoreError):  # out of reach: what is left open is reconciled later
                run.stop()
            raise
        finally:
            HELD.leave(run.landed())

    def here(self, operation: Operation, *, told: Ended) -> None:
        """Run one that waits in the journal in the caller's thread; nobody need hold it yet.

        Where another runner has it by then nobody is told.
        """
        run = Run(self._store, self.use, [Task(operation=operation)])
        try:
            with Heart(run.renew):
                answer = self.lanes.here(
                    operation.id, operation.cloud, run.one, stopped=run.wishes.of(operation.id)
                )
            if not isinstance(answer.error, TakenError):
                told(run.now(operation.id), answer)
        finally:
            HELD.leave([operation.id])
