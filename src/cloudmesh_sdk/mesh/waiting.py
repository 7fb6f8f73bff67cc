"""Waiting until servers have a state: one question a cloud answers for all its servers."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import attrs

from cloudmesh_sdk.errors import (
    BackendError,
    BackendTimeoutError,
    CloudmeshError,
    ConflictError,
    NotFoundError,
)
from cloudmesh_sdk.fanout import Gathered, Source, ask
from cloudmesh_sdk.mesh.registry import Clouds
from cloudmesh_sdk.models import Server, ServerState

_FEW = 3
"""Up to so many servers of a cloud are asked for one by one, more by one list."""

_STEPS = (1.0, 1.0, 2.0, 2.0, 3.0, 5.0)
"""Seconds between questions; the last goes on."""

Key = tuple[str, str]
"""Cloud and id."""


def wait(
    servers: Iterable[Server],
    state: ServerState,
    clouds: Clouds,
    seen: Callable[[Server], None],
    *,
    timeout: float,
    told: Callable[[Server], None] | None = None,
) -> Gathered[Server]:
    """Ask until every server has the state, or never will, or `timeout` seconds are over.

    `seen` takes each answer into the view. A cloud that cannot answer for a moment is asked again;
    one that refuses (credentials, say) ends the waiting of its servers.
    """
    waiting = _Waiting(servers, state, clouds)
    end, step = time.monotonic() + timeout, 0
    while waiting.left:
        for now, over in waiting.ask(max(1.0, end - time.monotonic())):
            seen(now)
            if over and told is not None:
                told(now)
        if not waiting.left:
            break
        if time.monotonic() >= end:
            waiting.give_up(timeout)
            break
        pause = _STEPS[min(step, len(_STEPS) - 1)]
        time.sleep(min(pause, max(0.0, end - time.monotonic())))
        step += 1
    return waiting.gathered()


class _Waiting:
    """The servers of one call of `wait`."""

    def __init__(self, servers: Iterable[Server], state: ServerState, clouds: Clouds) -> None:
        self._servers = {(server.cloud, server.id): server for server in servers}
        self._state = state
        self._clouds = clouds
        self._begun = time.monotonic()
        self._errors: dict[Key, CloudmeshError] = {}
        self._last: dict[str, CloudmeshError] = {}
        self.left: set[Key] = set(self._servers)

    def ask(self, deadline: float) -> list[tuple[Server, bool]]:
        """Ask all clouds at once; return what they say, and for whom the waiting is over."""
        names = dict.fromkeys(cloud for cloud, _ in self._servers if self._of(cloud))
        told: list[tuple[Server, bool]] = []
        for answer in ask(names, self._question, deadline=deadline):
            if answer.error is None:
                self._last.pop(answer.name, None)
                told += [(now, self._take(now)) for now in answer.value or ()]
            else:
                self._failed(answer.name, answer.error)
        return told

    def _of(self, cloud: str) -> list[Server]:
        return [
            server for key, server in self._servers.items() if key in self.left and key[0] == cloud
        ]

    def _question(self, name: str) -> list[Server]:
        servers = self._of(name)
        with self._clouds.use(name) as cloud:
            if len(servers) <= _FEW:
                found = [_one(cloud.server, server) for server in servers]
            else:
                listed = {server.id: server for server in cloud.servers()}
                found = [listed.get(server.id) for server in servers]
            settled = time.monotonic() - self._begun >= cloud.settle
        pairs = zip(servers, found, strict=True)
        return [now or _gone(old) for old, now in pairs if now or settled or self._ends]

    @property
    def _ends(self) -> bool:
        return self._state is ServerState.DELETED

    def _take(self, now: Server) -> bool:
        key = (now.cloud, now.id)
        self._servers[key] = now
        error = _hopeless(now, self._state)
        if error is not None:
            self._errors[key] = error
        if error is None and now.state is not self._state:
            return False
        self.left.discard(key)
        return True

    def _failed(self, cloud: str, error: CloudmeshError) -> None:
        self._last[cloud] = error
        if isinstance(error, BackendError) and error.transient:
            return
        for key in [key for key in self.left if key[0] == cloud]:
            self._errors[key] = error
            self.left.discard(key)

    def give_up(self, timeout: float) -> None:
        """Note for all that are left that the time is over, or why their cloud was silent."""
        for key in self.left:
            late = f"{self._servers[key].name}: not {self._state} after {timeout:g} s"
            self._errors[key] = self._last.get(key[0]) or BackendTimeoutError(late)

    def gathered(self) -> Gathered[Server]:
        """Return all servers as last seen, and whose waiting failed."""
        rows = list(self._servers.values())
        labels = _labels(rows)
        return Gathered(
            rows,
            {
                label: Source(name=label, count=1, error=self._errors.get((row.cloud, row.id)))
                for label, row in zip(labels, rows, strict=True)
            },
        )


def _labels(servers: Sequence[Server]) -> list[str]:
    times = Counter(server.name for server in servers)
    return [s.name if times[s.name] == 1 else f"{s.cloud}:{s.name}:{s.id}" for s in servers]


def _one(ask: Callable[[str], Server], old: Server) -> Server | None:
    try:
        return ask(old.id)
    except NotFoundError:
        return None


def _gone(old: Server) -> Server:
    return attrs.evolve(old, state=ServerState.DELETED, missing=datetime.now(UTC))


def _hopeless(server: Server, wanted: ServerState) -> CloudmeshError | None:
    """Return why a server will never have the wanted state, None while it may."""
    if server.state == wanted or server.state not in (ServerState.ERROR, ServerState.DELETED):
        return None
    why = f": {server.fault}" if server.fault else ""
    return ConflictError(f"{server.name} is {server.state}, not {wanted}{why}")
