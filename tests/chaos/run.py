"""A chaos run: clients, workers, a refresher, a store and clouds, all of which are struck."""

import os
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
from tests.chaos.plan import Plan, write
from tests.chaos.storm import Blow, Cast, cutter, kill_mongod, kill_rabbit, storm
from tests.chaos.verdict import Verdict, verdict
from tests.labs.moto_server import moto_server
from tests.labs.rabbit_lab import RabbitLab
from tests.labs.sshd_proxy import Proxy

from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import ServerState
from cloudmesh_sdk.providers.base import Cloud
from cloudmesh_sdk.services import places

_MEND = 600.0
"""Seconds that clients and workers get to end what they do once the storm is over."""

_CLEARED = 120.0
"""Seconds in which a cloud deletes what an earlier run left."""

Entries = Mapping[str, Mapping[str, Any]]


@attrs.frozen(kw_only=True)
class Outcome:
    """What a run came to."""

    verdicts: list[Verdict]
    hits: Counter[str]
    orphans: int
    seconds: float


@contextmanager
def clouds(home: Path, *, more: Entries) -> Iterator[tuple[Entries, list[Proxy]]]:
    """Give the clouds of a run: two regions of moto behind a proxy, two of memory, and others."""
    with ExitStack() as stack:
        proxy = Proxy(urlsplit(stack.enter_context(moto_server())).port or 0)
        stack.callback(proxy.close)
        ec2 = {
            "driver": "ec2", "endpoint": f"http://127.0.0.1:{proxy.port}",
            "access_key": "k", "secret_key": "env:CHAOS_KEY", "honours_token": False,
        }  # fmt: skip
        faulty = {"driver": "memory", "latency": 0.02, "lose": 1}
        yield (
            {
                "east": {**ec2, "region": "us-east-1"},
                "west": {**ec2, "region": "us-west-2"},
                "lab1": {**faulty, "file": str(home / "lab1.json")},
                "lab2": {"driver": "memory", "file": str(home / "lab2.json"), "latency": 0.05},
                **more,
            },
            [proxy],
        )


def openstack(stack: ExitStack, home: Path) -> Entries:
    """Start the OpenStack of the tests where none runs, and return its entry as `india`."""
    from tests.labs.openstack_lab import running_lab

    lab = stack.enter_context(running_lab())
    os.environ["OS_CLIENT_CONFIG_FILE"] = str(lab.clouds_yaml(home / "clouds.yaml"))
    return {"india": {"driver": "openstack", "from": "clouds.yaml:demo"}}


def run(
    home: Path,
    *,
    starts: int,
    seconds: float,
    seed: int,
    workers: int = 2,
    more: Entries | None = None,
    broker: RabbitLab | None = None,
) -> Outcome:
    """Ask each cloud for so many servers in a storm of so many seconds, and look what came of it.

    `more` are clouds beside the four of the run's own. With a `broker` that is struck, too, its
    workers run what is left to others.
    """
    begun = time.monotonic()
    with clouds(home, more=more or {}) as (entries, proxies):
        config = write(home, entries, tasks=_tasks(broker))
        plan = Plan(config=config, clouds=tuple(entries), starts=starts)
        with Mesh.open("mongo", config=plan.read()) as mesh:
            for name in more or {}:
                _clear(mesh.clouds[name], plan.names(name))
            mesh.refresh(kinds=["servers", "images", "flavors"]).complete()
        cast = Cast(plan, home)
        try:
            names = ["client", "refresher", *(f"worker-{n + 1}" for n in range(workers))]
            blows = _blows(cast, names, home, proxies, broker)
            for name in names:
                cast.begin(name)
            hits = storm(blows, seconds, lambda: cast.over("client"), seed)
            _mended(cast)
        finally:
            cast.end()
        verdicts, orphans = _judged(plan)
    return Outcome(verdicts=verdicts, hits=hits, orphans=orphans, seconds=time.monotonic() - begun)


def _clear(cloud: Cloud, names: Collection[str]) -> None:
    """Take away what an earlier run left at a cloud that outlives it."""
    end = time.monotonic() + _CLEARED
    while left := [row for row in cloud.servers() if row.name in names]:
        for row in left:
            if row.state not in (ServerState.DELETED, ServerState.DELETING):
                cloud.delete(row)
        if time.monotonic() > end:
            raise TimeoutError(f"{cloud.name} still has {len(left)} servers of an earlier run")
        time.sleep(1.0)


def _tasks(broker: RabbitLab | None) -> dict[str, Any]:
    if broker is None:
        return {}
    where = places.place(broker.config, "broker", create=False)
    return {"broker": f"file:{where.root}/uri", "concurrency": 3}


def _blows(
    cast: Cast, names: list[str], home: Path, proxies: list[Proxy], broker: RabbitLab | None
) -> list[Blow]:
    """Return all that a storm does."""
    blows = [Blow(name, 1.0, partial(cast.kill, name)) for name in names]
    blows += [
        Blow("mongod", 0.4, lambda: kill_mongod(home / "mongo")),
        Blow("connections", 1.0, cutter(proxies)),
    ]
    if broker is not None:
        blows.append(Blow("rabbit", 0.2, lambda: kill_rabbit(broker)))
    return blows


def _mended(cast: Cast) -> None:
    """Wait until the client has all it asked for."""
    end = time.monotonic() + _MEND
    while not cast.over("client"):
        if time.monotonic() > end:
            return  # the verdict tells what is stuck
        time.sleep(0.5)


def _judged(plan: Plan) -> tuple[list[Verdict], int]:
    """Do what any next command does, refresh, and compare; return the number of orphans, too."""
    with Mesh.open("mongo", config=plan.read()) as mesh:
        mesh.reconcile()
        _refreshed(mesh, {name for cloud in plan.clouds for name in plan.leaving(cloud)})
        found = [verdict(mesh, plan, cloud) for cloud in plan.clouds]
        return found, len(mesh.orphans())


def _refreshed(mesh: Mesh, leaving: Collection[str]) -> None:
    """Refresh until clouds show nothing any more that was deleted.

    They delete after they said yes, and Nova may show one as active meanwhile that was told to be
    deleted before it was built.
    """
    end = time.monotonic() + _CLEARED
    while True:
        mesh.refresh(kinds=["servers"], full=True).complete()
        left = [server for server in mesh.servers() if server.name in leaving]
        if not left or time.monotonic() > end:
            return
        time.sleep(1.0)
