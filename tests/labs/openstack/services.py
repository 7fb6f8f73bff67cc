"""A lab as a whole: start it, stop it, take one server down."""

import fcntl
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.labs.openstack import config, lab as labs, processes, schemas, seed, servers
from tests.labs.openstack.install import install, logged
from tests.labs.openstack.lab import Lab, LabError

PATIENCE = 300.0
"""Seconds that any one server may take to be ready; a busy machine needs many."""
GROUND = ("rabbit", "memcached", "mysql", "epmd")
ROOT = Path(__file__).parents[3]

Told = Callable[[str], None]


def start(lab: Lab, told: Told) -> None:
    """Install what is missing, start what does not run, fill what is empty. May be repeated."""
    for place in (lab.log, lab.run, lab.state / "rabbit"):
        place.mkdir(parents=True, exist_ok=True)
    with (lab.run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # who starts at the same time waits, and finds it running
        _start(lab, told)


def _start(lab: Lab, told: Told) -> None:
    if not running(lab) and (busy := labs.taken(lab.base)):
        raise LabError(f"{lab.directory} wants port {busy[0]}, which is in use; stop who has it")
    install(lab, told)
    lab.write()
    config.write(lab)
    env = servers.environment(lab)
    stages = servers.stages(lab)
    _ground(lab, stages, env)
    _once(lab, "schemas", told, lambda: schemas.create(lab, env))
    _ready(lab, "rabbit")
    processes.start(lab, stages.identity, env)
    _ready(lab, "keystone")
    _once(lab, "identity", told, lambda: seed.identity(lab))
    since = time.gmtime()
    for api in stages.apis:
        processes.start(lab, api, env)
    fresh = [worker.name for worker in stages.workers if processes.start(lab, worker, env)]
    for api in stages.apis:
        _ready(lab, api.name)
    if fresh:
        names = [worker.name for worker in stages.workers]
        seed.wait_for_workers(lab, names, since, PATIENCE)
    _once(lab, f"hosts-{lab.options.computes}", told, lambda: schemas.map_computes(lab, env))
    _once(lab, "resources", told, lambda: seed.resources(lab))


def stop(lab: Lab) -> None:
    """End all processes of a lab, also those that nothing but their mark tells of."""
    names = processes.names(lab)
    processes.end(lab, [name for name in names if name not in GROUND])
    for name in GROUND:
        processes.end(lab, [name])
    processes.end_strays(lab)


def running(lab: Lab) -> list[str]:
    """Return the names of the servers that run."""
    return [name for name in processes.names(lab) if processes.leader(lab, name) is not None]


def wanted(lab: Lab) -> list[str]:
    """Return the names of all servers that a lab has."""
    stages = servers.stages(lab)
    all_ = (*stages.ground, stages.identity, *stages.apis, *stages.workers)
    return [server.name for server in all_]


@contextmanager
def without(lab: Lab, name: str) -> Iterator[None]:
    """Kill one server of a running lab; it is back, and ready, when the block ends."""
    if name not in running(lab):
        raise LabError(f"no {name} of {lab.directory} runs that can be stopped: {running(lab)}")
    processes.end(lab, [name], patience=0)
    try:
        yield
    finally:
        start_apart(lab.directory)


def start_apart(directory: Path) -> None:
    """Start a lab by a process of its own, so that its servers are nobody's children."""
    command = [sys.executable, "-m", "tests.labs.openstack", "start", str(directory)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(done.stderr.strip() or f"{' '.join(command)}: {done.returncode}")


def _ground(lab: Lab, stages: servers.Stages, env: dict[str, str]) -> None:
    data = lab.state / "mysql"
    if not (data / "mysql").is_dir():
        install = servers.database_install(lab)
        data.mkdir(parents=True, exist_ok=True)
        if "--user=mysql" in install:
            shutil.chown(data, "mysql")
        logged(lab, "mysql-install", *install, env=env)
    for server in stages.ground:
        processes.start(lab, server, env)
    _ready(lab, "mysql")


def _ready(lab: Lab, name: str) -> None:
    def ready_or_dead() -> bool:
        processes.must_run(lab, name)
        return servers.ready(lab, name)

    processes.wait(name, ready_or_dead, PATIENCE)


def _once(lab: Lab, step: str, told: Told, do: Callable[[], None]) -> None:
    """Do what a lab needs once in its life; a mark in its state tells that it was done."""
    mark = lab.state / f"done-{step}"
    if not mark.exists():
        told(step)
        do()
        mark.touch()
