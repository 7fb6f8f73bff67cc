"""Services of a configuration by name: start, stop, status, and where their logs are."""

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import attrs

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError, near
from cloudmesh_sdk.services import broker, kin, places, store, supervised
from cloudmesh_sdk.services.logs import follow, tail
from cloudmesh_sdk.services.places import Place
from cloudmesh_sdk.services.records import Known, Life, Program, ServiceStatus, State
from cloudmesh_sdk.services.supervised import Told
from cloudmesh_sdk.store.mongo.places import read_json

__all__ = [
    "KINDS", "NAMES", "STORE", "WORKER", "Kind", "command", "follow", "in_order", "log",
    "missing", "start", "status", "stop", "tail",
]  # fmt: skip


def _nothing(*_: object) -> None:
    """Nothing is to be checked."""


def _heard(_: Config, where: Place, child: Life) -> bool:
    """Tell whether a service has had its first heartbeat."""
    return read_json(where.heartbeat).get("pid") == child.pid


@attrs.frozen(kw_only=True)
class Kind:
    """A kind of service that a supervisor runs, as `python -m cloudmesh_sdk.services.NAME`."""

    name: str
    summary: str
    grace: float = 30.0
    """Seconds that it has to end."""
    patience: float = 60.0
    """Seconds that it has to be ready."""
    check: Callable[[], None] = _nothing
    """Raises where it cannot run here."""
    ready: Callable[[Config, Place, Life], bool] = _heard
    whole: bool = False
    """All processes that it started end with it; else they may outlive it, as jobs do."""


STORE = "store"
"""The embedded MongoDB, which has a keeper of its own."""

WORKER = "worker"
"""What runs operations."""

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name=broker.NAME,
            summary="message broker (RabbitMQ)",
            patience=120.0,
            check=broker.check,
            ready=lambda config, _, __: broker.answers(config),
            whole=True,
        ),
        Kind(name=WORKER, summary="runs operations"),
        Kind(name="refresher", summary="keeps the view fresh"),
    )
}
"""What a supervisor runs; a new service is a line here and a module of its name."""

NAMES = (STORE, *KINDS)
"""All services, in the order in which they are started."""


def in_order(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names once each, as they are to be started; raises `ConfigError` for a wrong one."""
    for name in names:
        if name not in NAMES:
            raise ConfigError(f"there is no service {name!r}; {near(name, NAMES)}")
    return tuple(name for name in NAMES if name in names)


def missing(config: Config, name: str) -> tuple[str, ...]:
    """Return what a service needs and what does not run; the store starts by itself."""
    needs = (broker.NAME,) if name == WORKER and config.tasks.embedded else ()
    return tuple(n for n in needs if status(config, n).state is not State.RUNNING)


def start(config: Config, name: str, *, told: Told = _nothing) -> ServiceStatus:
    """Start a service unless it runs, wait until it is ready, and return how it is.

    What it needs is started before. `told` hears which part of the longest wait is over. Raises
    `CloudmeshError`.
    """
    if name == STORE:
        return _of_store(config, store.start(config))
    for other in missing(config, name):
        start(config, other, told=told)
    kind = KINDS[name]
    kind.check()
    where = places.place(config, name)
    supervised.launch(
        where,
        _program(config, kind),
        ready=lambda child: kind.ready(config, where, child),
        patience=kind.patience,
        told=told,
    )
    return status(config, name)


def stop(config: Config, name: str, *, force: bool = False) -> ServiceStatus:
    """Stop a service, if it runs, and return how it is; `force` is for a store in use."""
    if name == STORE:
        return _of_store(config, store.stop(config, force=force))
    supervised.end(places.place(config, name, create=False))
    return status(config, name)


def status(config: Config, name: str) -> ServiceStatus:
    """Return how a service is."""
    if name == STORE:
        return _of_store(config, store.status(config))
    where = places.place(config, name, create=False)
    known = supervised.known(where)
    lives = supervised.supervised(where)
    if not lives and (other := supervised.stranger(where)) is not None:
        return _of_stranger(where, other)
    if known is None:
        return ServiceStatus(name=name, state=State.STOPPED, log=str(where.log))
    return _of_known(where, known, lives)


def command(config: Config, name: str) -> tuple[str, ...]:
    """Return the command line of a service."""
    path = _path(config)
    words = (sys.executable, "-m", f"cloudmesh_sdk.services.{name}")
    return (*words, "--config", path) if path else words


def log(config: Config, name: str) -> Path:
    """Return where the log of a service is, or would be."""
    if name == STORE:
        return store.log(config)
    return places.place(config, name, create=False).log


def _program(config: Config, kind: Kind) -> Program:
    path = _path(config)
    return Program(
        argv=command(config, kind.name),
        env={"CLOUDMESH_CONFIG": path} if path else {},  # for commands that it starts
        config=path,
        grace=kind.grace,
    )


def _path(config: Config) -> str:
    return str(config.path.expanduser().absolute()) if config.path else ""


def _of_store(config: Config, found: store.Status) -> ServiceStatus:
    return ServiceStatus(
        name=STORE,
        state=State.RUNNING if found.running else State.STOPPED,
        pid=found.pid,
        since=found.since,
        log=str(store.log(config)),
    )


def _of_stranger(where: Place, process: Life) -> ServiceStatus:
    """Return how a service is that somebody else runs, such as systemd."""
    found = ServiceStatus(
        name=where.name,
        state=State.RUNNING,
        pid=process.pid,
        note="not started by cm service; its log is where it was started",
    )
    return _with_heartbeat(where, found)


def _of_known(where: Place, known: Known, lives: bool) -> ServiceStatus:
    killed = not lives and known.state in (State.RUNNING, State.BACKING_OFF)
    state = State.CRASHED if killed else known.state
    runs = state is State.RUNNING and known.child is not None and kin.lives(known.child)
    found = ServiceStatus(
        name=where.name,
        state=state,
        pid=known.child.pid if runs and known.child else None,
        since=datetime.fromtimestamp(known.since, UTC) if known.since else None,
        restarts=known.restarts,
        log=str(where.log),
        config=known.config,
        note="its supervisor was killed" if killed else "",
    )
    return _with_heartbeat(where, found)


def _with_heartbeat(where: Place, found: ServiceStatus) -> ServiceStatus:
    said = read_json(where.heartbeat)
    if found.pid is None or said.get("pid") != found.pid:
        return found
    heard = datetime.fromtimestamp(said["at"], UTC)
    return attrs.evolve(found, working=said["working"], heard=heard)
