"""Waiting until servers have a state: one question a cloud answers for all its servers."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from cloudmesh_sdk.errors import (
    BackendError,
    BackendTimeoutError,
    CloudmeshError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnsupportedError,
)
from cloudmesh_sdk.fanout import Gathered, Source, ask
from cloudmesh_sdk.mesh.registry import Clouds
from cloudmesh_sdk.models import Server, ServerState
from cloudmesh_sdk.providers.base import Cloud, ListsChanges

_FEW = 3
"""Up to so many servers of a cloud are asked for one by one, more by one list."""

_WHOLE = 60.0
"""Seconds after which a cloud that tells what changed is asked for all its servers all the same:
one that it no longer tells of would be waited for in vain."""

_STEPS = (1.0, 1.0, 2.0, 2.0, 3.0, 5.0)
"""Seconds between questions; the last goes on."""

Key = tuple[str, str]
"""Cloud and id."""


@attrs.frozen(kw_only=True)
class _Told:
    """What an answer means for one server."""

    server: Server
    news: bool
    """Whether the cloud said something new of it."""
    over: bool


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
    time.sleep(min(waiting.fresh(), timeout))
    while waiting.left:
        for heard in waiting.ask(max(1.0, end - time.monotonic())):
            if heard.news:
                seen(heard.server)
            if heard.over and told is not None:
                told(heard.server)
        if not waiting.left:
            break
        if time.monotonic() >= end:
            waiting.give_up(timeout)
            break
        pause = _STEPS[min(step, len(_STEPS) - 1)]
        time.sleep(min(pause, max(0.0, end - time.monotonic())))
        step += 1
    return waiting.gathered()


class _Asked:
    """The questions put to one cloud: of all servers, of what changed, of one after the other."""

    def __init__(self) -> None:
        self._last: datetime | None = None
        """When the last list was asked for."""
        self._whole = time.monotonic()

    def of(self, cloud: Cloud, servers: Sequence[Server]) -> dict[str, Server | None]:
        """Return the servers as they are, by id: None for one that is not there.

        Those that have not changed are the same objects.
        """
        if len(servers) <= _FEW:
            return {server.id: _one(cloud.server, server) for server in servers}
        started, since = datetime.now(UTC), self._since(cloud, servers)
        changed = None if since is None else _changes(cloud, since)
        if changed is not None:
            found = {server.id: changed.get(server.id, server) for server in servers}
            self._last = started
            return {**found}
        listed = {server.id: server for server in cloud.servers()}
        self._last, self._whole = started, time.monotonic()
        return {server.id: listed.get(server.id) for server in servers}

    def _since(self, cloud: Cloud, servers: Sequence[Server]) -> datetime | None:
        """Return since when changes are enough; None where a whole list is due."""
        if not isinstance(cloud, ListsChanges) or time.monotonic() - self._whole >= _WHOLE:
            return None
        if self._last is not None:
            return self._last
        seen = [server.seen for server in servers if server.seen is not None]
        oldest = datetime.now(UTC) - timedelta(seconds=cloud.complete_every)
        return min(seen) if len(seen) == len(servers) and min(seen) >= oldest else None


def _changes(cloud: Any, since: datetime) -> dict[str, Server] | None:
    """Return what changed, by id; None where the cloud cannot tell."""
    with suppress(UnsupportedError, InvalidRequestError):
        return {server.id: server for server in cloud.changes(since)}
    return None


class _Waiting:
    """The servers of one call of `wait`."""

    def __init__(self, servers: Iterable[Server], state: ServerState, clouds: Clouds) -> None:
        self._servers = {(server.cloud, server.id): server for server in servers}
        self._state = state
        self._clouds = clouds
        self._begun = time.monotonic()
        self._asked = {cloud: _Asked() for cloud, _ in self._servers}
        self._errors: dict[Key, CloudmeshError] = {}
        self._last: dict[str, CloudmeshError] = {}
        self.left: set[Key] = set(self._servers)

    def fresh(self) -> float:
        """Return for how many seconds what was just seen of all of them needs no question.

        One that was started a moment ago is not there yet; none of them has the state.
        """
        now, whole = datetime.now(UTC), _STEPS[0]
        ages = [
            (now - server.seen).total_seconds()
            if server.seen and server.state != self._state
            else whole
            for server in self._servers.values()
        ]
        return min(whole, max(0.0, whole - max(ages, default=whole)))

    def ask(self, deadline: float) -> list[_Told]:
        """Ask all clouds at once; return what they say, and for whom the waiting is over."""
        names = dict.fromkeys(cloud for cloud, _ in self._servers if self._of(cloud))
        told: list[_Told] = []
        for answer in ask(names, self._question, deadline=deadline):
            if answer.error is None:
                self._last.pop(answer.name, None)
                told += self._heard(answer.name, answer.value or {})
            else:
                self._failed(answer.name, answer.error)
        return told

    def _of(self, cloud: str) -> list[Server]:
        return [
            server for key, server in self._servers.items() if key in self.left and key[0] == cloud
        ]

    def _question(self, name: str) -> dict[str, Server]:
        """Return what a cloud says of its servers, by id; one that may not show yet is left out."""
        servers = self._of(name)
        with self._clouds.use(name) as cloud:
            found = self._asked[name].of(cloud, servers)
            settled = time.monotonic() - self._begun >= cloud.settle or self._ends
        known = {server.id: server for server in servers}
        said = {key: now or _gone(known[key]) for key, now in found.items() if now or settled}
        return {key: _laid(now) for key, now in said.items()}

    def _heard(self, cloud: str, said: dict[str, Server]) -> Iterable[_Told]:
        for id_, now in said.items():
            old = self._servers[cloud, id_]
            yield _Told(server=now, news=_differs(now, old), over=self._take(now))

    @property
    def _ends(self) -> bool:
        return self._state is ServerState.DELETED

    def _take(self, now: Server) -> bool:
        key = (now.cloud, now.id)
        error = _hopeless(now, self._state, self._servers[key].state)
        self._servers[key] = now
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


def _differs(now: Server, old: Server) -> bool:
    if now is old:
        return False
    return now != old or now.missing != old.missing or now.native != old.native


def _laid(now: Server) -> Server:
    """Return a server as the view shall have it: one that is deleted is missing."""
    is_gone = now.state is ServerState.DELETED and now.missing is None
    return attrs.evolve(now, missing=datetime.now(UTC)) if is_gone else now


_HOPELESS = {
    ServerState.DELETED: (),
    ServerState.DELETING: (ServerState.DELETED, ServerState.ERROR),
    ServerState.ERROR: (),
}
"""State → which others a server may still come to from there. From those that are not named it
may come to any: it is on its way, or somebody has asked for something that does not show yet."""


def _hopeless(server: Server, wanted: ServerState, before: ServerState) -> CloudmeshError | None:
    """Return why a server will never have the wanted state, None while it may."""
    if server.state is wanted or wanted in _HOPELESS.get(server.state, ServerState):
        return None
    if wanted is ServerState.DELETED and server.state is before:
        return None  # it was in error before it was to be deleted
    why = f": {server.fault}" if server.fault else ""
    return ConflictError(f"{server.name} is {server.state}, not {wanted}{why}")
