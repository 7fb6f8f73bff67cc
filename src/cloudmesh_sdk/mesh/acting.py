"""Acts: each becomes operations, run at once, told one by one."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from cloudmesh_sdk import hooks, operations, plugins
from cloudmesh_sdk.errors import UnavailableError
from cloudmesh_sdk.fanout import Answer, Gathered, Source
from cloudmesh_sdk.limits import Limits
from cloudmesh_sdk.mesh.belonging import Belonging
from cloudmesh_sdk.models import Operation, Record
from cloudmesh_sdk.operations.act import Records
from cloudmesh_sdk.operations.runner import Runner, Task, Use, intent
from cloudmesh_sdk.store.base import Store

Told = Callable[[Operation], None]
"""Hears an operation as it ends."""


class Acts:
    """Runs acts of one user and tells hooks about them."""

    def __init__(
        self,
        store: Store,
        owner: str,
        use: Use,
        belonging: Belonging,
        *,
        limits: Callable[[str], Limits],
        follow: Callable[[Sequence[Operation]], AbstractContextManager[object]],
    ) -> None:
        self._store = store
        self._belonging = belonging
        self._owner = owner
        self._use = use
        self._follow = follow
        self.runner = Runner(store, use, limits=limits)
        """Runs them; each service has its lane there."""
        self._hooks: Any = None

    @property
    def hooks(self) -> Any:
        """The hook callers of all installed plug-ins, loaded when first needed."""
        if self._hooks is None:
            self._hooks = hooks.manager(hooks.sound(plugins.entry_points("hooks"))).hook
        return self._hooks

    def run(
        self,
        act: str,
        targets: Sequence[tuple[str, str, Mapping[str, Any]]],
        *,
        secrets: Mapping[str, Any] | None = None,
        told: Told | None = None,
        retry_of: str | None = None,
        begun: Callable[[], None] | None = None,
    ) -> Gathered[Record]:
        """Do an act on every (cloud, name, request) and return the records that came of it.

        Where there was one target its error is raised; of several, `errors` names those that
        failed. `retry_of` is the operation that is asked for again. `begun` is called once
        all are journalled; what it raises cancels them.
        """
        tasks = [
            Task(
                operation=self._intent(act, target, withheld=secrets or (), retry_of=retry_of),
                secrets=secrets or {},
            )
            for target in targets
        ]
        asked = {task.operation.id: task.operation for task in tasks}

        def started() -> None:
            if begun is not None:
                begun()
            for operation in asked.values():
                hooks.tell(self.hooks.operation_changed, operation=operation)

        ended: dict[str, Operation] = {}

        def heard(now: Operation, answer: Answer[Records]) -> None:
            ended[now.id] = now
            self.heard(now, answer)
            if told is not None:
                told(now)

        with self._follow([*asked.values()]):
            answers = self.runner.run(tasks, begun=started, told=heard)
        found = [record for answer in answers for record in answer.value or ()]
        labels = _labels(list(asked.values()))
        sources = {labels[a.name]: _source(labels[a.name], a, ended.get(a.name)) for a in answers}
        if len(tasks) == 1 and answers[0].error is not None:
            raise answers[0].error
        return Gathered(found, sources)

    def _intent(
        self, act: str, target: tuple[str, str, Mapping[str, Any]], **more: Any
    ) -> Operation:
        account = self._belonging.account(target[0])
        return intent(self._owner, act, *target, account=account, **more)

    def defer(
        self,
        act: str,
        targets: Sequence[tuple[str, str, Mapping[str, Any]]],
        *,
        parcel: Mapping[str, Any] | None = None,
    ) -> list[Operation]:
        """Write an act on every (cloud, name, request) down for any runner to do.

        What is in the `parcel` is dropped as each is over.
        """
        asked = [self._intent(act, target, later=True, parcel=parcel) for target in targets]
        self._store.journal.add(asked)
        for operation in asked:
            hooks.tell(self.hooks.operation_changed, operation=operation)
        return asked

    def here(self, operation: Operation) -> Operation | None:
        """Run one that waits, in this thread; None where another runner has it by then.

        What goes wrong is in the journal.
        """
        ended: list[Operation] = []

        def heard(now: Operation, answer: Answer[Records]) -> None:
            ended.append(now)
            self.heard(now, answer)

        self.runner.here(operation, told=heard)
        return ended[0] if ended else None

    def reconcile(
        self, found: Sequence[Operation], *, patient: bool, deadline: float = 60.0
    ) -> list[Operation]:
        """Settle those of some open operations that no living process runs.

        Those of another account stay open until the cloud's entry means that one again. A cloud
        that is silent for `deadline` seconds is asked another time.
        """
        left = [
            operation
            for operation in found
            if operations.due(operation, patient=patient) and self._belonging.ours(operation)
        ]
        done = operations.reconcile(self._store, left, self._use, deadline=deadline)
        for operation in done:
            hooks.tell(self.hooks.operation_changed, operation=operation)
        return done

    def heard(self, now: Operation, answer: Answer[Records]) -> None:
        """Tell hooks of an operation as it is, and of what came of it."""
        hooks.tell(self.hooks.operation_changed, operation=now)
        if (name := _HEARD.get(now.act)) is not None:
            for server in answer.value or ():
                hooks.tell(getattr(self.hooks, name), server=server)


def _labels(operations: Sequence[Operation]) -> dict[str, str]:
    """Return a name for each operation's target: its own, with the cloud where two share one."""
    times: dict[str, int] = {}
    for operation in operations:
        times[operation.target] = times.get(operation.target, 0) + 1
    return {
        o.id: o.target
        if times[o.target] == 1
        else f"{o.cloud}:{o.target}:{o.request.get('id', o.id)}"
        for o in operations
    }


def _source(name: str, answer: Answer[Records], ended: Operation | None) -> Source:
    error = answer.error
    if error is None and ended is not None and ended.error is not None:
        error = UnavailableError(ended.error.message)  # it was done in part
    return Source(name=name, count=len(answer.value or ()), error=error, elapsed=answer.elapsed)


_HEARD = {
    "start": "server_started", "start_many": "server_started", "delete": "server_deleted",
}  # fmt: skip
"""Which acts hooks hear of, once for each server."""
