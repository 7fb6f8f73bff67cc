"""Workers of the same store, whichever machine and whoever started them."""

from collections.abc import Sequence

import attrs

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError, StoreError
from cloudmesh_sdk.mesh.stores import open_store
from cloudmesh_sdk.models import Worker
from cloudmesh_sdk.operations.alive import living
from cloudmesh_sdk.services import store
from cloudmesh_sdk.services.control import WORKER
from cloudmesh_sdk.services.records import ServiceStatus, State

__all__ = ["with_others"]

_PATIENCE = 3.0
"""Seconds that a MongoDB has to answer: how this machine is should be known soon."""


def with_others(config: Config, found: Sequence[ServiceStatus]) -> list[ServiceStatus]:
    """Return services of this machine, then the other workers that the store hears of.

    The worker among them learns how many operations it runs, and at most. Raises `StoreError` where
    the store does not run or does not answer; it is not started for this.
    """
    workers = _ask(config)
    mine = [_learned(one, workers) for one in found]
    known = {(one.host, one.pid) for one in found if one.name == WORKER}
    return [*mine, *(_status(one) for one in workers if (one.host, one.pid) not in known)]


def _ask(config: Config) -> list[Worker]:
    if not _runs(config):
        raise StoreError("the store does not run")
    quick = attrs.evolve(config, store={**config.store, "timeout": _PATIENCE})
    with open_store("mongo", quick) as opened:
        return living(opened)


def _runs(config: Config) -> bool:
    """Tell whether the store runs, or is a MongoDB of the user's own, which has to be asked."""
    try:
        return store.status(config).running
    except ConfigError:
        return True


def _learned(one: ServiceStatus, workers: Sequence[Worker]) -> ServiceStatus:
    if one.name != WORKER:
        return one
    for said in workers:
        if (said.host, said.pid) == (one.host, one.pid):
            working = said.running if one.working is None else one.working
            return attrs.evolve(one, concurrency=said.concurrency, working=working)
    return one


def _status(one: Worker) -> ServiceStatus:
    return ServiceStatus(
        name=WORKER,
        host=one.host,
        state=State.RUNNING,
        pid=one.pid,
        since=one.since,
        working=one.running,
        concurrency=one.concurrency,
        heard=one.seen,
    )
