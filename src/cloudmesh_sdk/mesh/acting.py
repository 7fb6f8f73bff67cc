"""Acts on servers: each becomes operations, run at once, told one by one."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs

from cloudmesh_sdk import hooks, plugins
from cloudmesh_sdk.errors import BackendTimeoutError, CloudmeshError, ConflictError, NotFoundError
from cloudmesh_sdk.fanout import Answer, Gathered, Source
from cloudmesh_sdk.mesh.registry import Clouds
from cloudmesh_sdk.models import Operation, Record, Server, ServerState
from cloudmesh_sdk.operations.runner import Runner, Task, intent
from cloudmesh_sdk.store.base import Store

Told = Callable[[Operation], None]
"""Hears an operation as it ends."""

_FEW = 3
"""Up to so many servers of a cloud are asked for one by one, more by one list."""

_STEPS = (1.0, 1.0, 2.0, 2.0, 3.0, 5.0)
"""Seconds between questions while waiting; the last goes on."""


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
        for operation in operations.values():
            hooks.tell(self.hooks.operation_changed, operation=operation)

        def heard(answer: Answer[Record]) -> None:
            self._tell(operations[answer.name], answer, told)

        answers = self._runner.run(tasks, told=heard)
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


def wait(
    servers: Iterable[Server],
    state: ServerState,
    clouds: Clouds,
    seen: Callable[[Server], None],
    *,
    timeout: float,
    told: Callable[[Server], None] | None = None,
) -> Gathered[Server]:
    """Ask until every server has the state; one list answers for all servers of a cloud.

    `seen` takes each answer into the view. A server that goes to ERROR, or is gone while another
    state was wanted, ends its waiting; so does the deadline, `timeout` seconds from now.
    """
    waiting = {(server.cloud, server.id): server for server in servers}
    order, done = list(waiting), dict[tuple[str, str], Server]()
    errors: dict[str, CloudmeshError] = {}
    end, step = time.monotonic() + timeout, 0
    while waiting:
        for now in _ask(waiting, clouds):
            key = (now.cloud, now.id)
            seen(now)
            error = _hopeless(now, state)
            if now.state == state or error is not None:
                done[key] = now
                del waiting[key]
                if error is not None:
                    errors[now.name] = error
                if told is not None:
                    told(now)
        if waiting and time.monotonic() >= end:
            late = f"not {state} after {timeout:g} s"
            errors |= {s.name: BackendTimeoutError(f"{s.name}: {late}") for s in waiting.values()}
            done |= waiting
            break
        if waiting:
            time.sleep(min(_STEPS[min(step, len(_STEPS) - 1)], max(0.0, end - time.monotonic())))
            step += 1
    rows = [done[key] for key in order]
    return Gathered(
        rows, {s.name: Source(name=s.name, count=1, error=errors.get(s.name)) for s in rows}
    )


def _ask(waiting: Mapping[tuple[str, str], Server], clouds: Clouds) -> list[Server]:
    by_cloud: dict[str, dict[str, Server]] = {}
    for server in waiting.values():
        by_cloud.setdefault(server.cloud, {})[server.id] = server
    found: list[Server] = []
    for name, servers in by_cloud.items():
        with clouds.use(name) as cloud:
            if len(servers) <= _FEW:
                found += [_one(cloud.server, server) for server in servers.values()]
            else:
                listed = {server.id: server for server in cloud.servers()}
                found += [listed.get(id, _gone(old)) for id, old in servers.items()]  # noqa: A001
    return found


def _one(ask: Callable[[str], Server], old: Server) -> Server:
    try:
        return ask(old.id)
    except NotFoundError:
        return _gone(old)


def _gone(old: Server) -> Server:
    return attrs.evolve(old, state=ServerState.DELETED, missing=datetime.now(UTC))


def _hopeless(server: Server, wanted: ServerState) -> CloudmeshError | None:
    """Return why a server will never have the wanted state, None while it may."""
    if server.state == wanted or server.state not in (ServerState.ERROR, ServerState.DELETED):
        return None
    why = f": {server.fault}" if server.fault else ""
    return ConflictError(f"{server.name} is {server.state}, not {wanted}{why}")
