"""Acts on servers: each becomes operations, run at once, told one by one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloudmesh_sdk import hooks, plugins
from cloudmesh_sdk.fanout import Answer, Gathered, Source
from cloudmesh_sdk.mesh.registry import Clouds
from cloudmesh_sdk.models import Operation, Record, Server
from cloudmesh_sdk.operations.runner import Runner, Task, intent
from cloudmesh_sdk.store.base import Store

Told = Callable[[Operation], None]
"""Hears an operation as it ends."""


class Acts:
    """Runs acts of one user and tells hooks about them."""

    def __init__(self, store: Store, owner: str, clouds: Clouds) -> None:
        self._store = store
        self._owner = owner
        self._runner = Runner(store, clouds.use)
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
    ) -> Gathered[Record]:
        """Do an act on every (cloud, name, request) and return the records that came of it.

        Where there was one target its error is raised; of several, `errors` names those that
        failed.
        """
        tasks = [
            Task(operation=intent(self._owner, act, *target), secrets=secrets or {})
            for target in targets
        ]
        operations = {task.operation.id: task.operation for task in tasks}

        def begun() -> None:
            for operation in operations.values():
                hooks.tell(self.hooks.operation_changed, operation=operation)

        def heard(answer: Answer[Record]) -> None:
            self._tell(operations[answer.name], answer, told)

        answers = self._runner.run(tasks, begun=begun, told=heard)
        found = [answer.value for answer in answers if answer.value is not None]
        labels = _labels(list(operations.values()))
        sources = {labels[a.name]: _source(labels[a.name], a) for a in answers}
        if len(tasks) == 1 and answers[0].error is not None:
            raise answers[0].error
        return Gathered(found, sources)

    def _tell(self, operation: Operation, answer: Answer[Record], told: Told | None) -> None:
        now = self._store.journal.get(operation.id) or operation
        hooks.tell(self.hooks.operation_changed, operation=now)
        if isinstance(answer.value, Server):
            heard = {"start": self.hooks.server_started, "delete": self.hooks.server_deleted}
            if operation.act in heard:
                hooks.tell(heard[operation.act], server=answer.value)
        if told is not None:
            told(now)


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


def _source(name: str, answer: Answer[Record]) -> Source:
    return Source(
        name=name,
        count=int(answer.value is not None),
        error=answer.error,
        elapsed=answer.elapsed,
    )
