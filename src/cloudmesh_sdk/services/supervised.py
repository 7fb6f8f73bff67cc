"""Starting, stopping and finding what a supervisor runs; every shell of the user can."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import attrs

from cloudmesh_sdk.errors import UnavailableError
from cloudmesh_sdk.services import kin
from cloudmesh_sdk.services.logs import tail
from cloudmesh_sdk.services.places import Place
from cloudmesh_sdk.services.records import Known, Life, Program, State
from cloudmesh_sdk.store.mongo.places import read_json, write_private

Told = Callable[[float], None]
"""Takes the part of the longest wait that is over, from 0 to 1."""

_STEP = 0.05
_MARGIN = 10.0
"""Seconds beyond the service's own that a supervisor has to end."""
_LINES = 200
"""Lines of a log in which the reason of a failed start is looked for."""


_OURS = " supervisor: "
"""What stands in a line of the supervisor's own."""

_WHEN = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")
"""How a line of a log begins."""

_LETTING_GO = 5.0
"""Seconds that a process which was killed may hold its lock."""


def launch(
    where: Place,
    program: Program,
    *,
    ready: Callable[[Life], bool],
    patience: float = 60.0,
    told: Told = lambda _: None,
) -> bool:
    """Start a program under a supervisor unless it runs; tell whether it was started.

    Returns when the process is `ready`. Raises `UnavailableError`, and leaves nothing behind,
    where it ends before, or is not ready in `patience` seconds; also where another program is
    running there. One that waits to be started again is started now.
    """
    with where.lock("start") as lock:
        if not lock.take(timeout=patience + program.grace):
            raise UnavailableError(f"another process has been starting {where.name} for too long")
        if supervised(where):
            if _same(where, program).state is State.RUNNING:
                return False
            end(where)  # it waits to be started again: try now
        _end_rest(where)
        _nobody_else(where)
        write_private(where.program, json.dumps(attrs.asdict(program)))
        where.heartbeat.unlink(missing_ok=True)
        _spawn(where)
        try:
            _wait(where, ready, patience, told)
        except BaseException:
            end(where)
            raise
    return True


def _nobody_else(where: Place) -> None:
    if (other := stranger(where)) is not None:
        raise UnavailableError(
            f"{where.name} runs already (pid {other.pid}), but not by cm service: end it where "
            "it was started, by systemctl --user perhaps"
        )


def end(where: Place) -> bool:
    """Stop a supervisor and what it runs; tell whether anything ran. Raises `UnavailableError`."""
    ran = False
    while supervised(where):
        found = known(where)
        if found is None or not kin.lives(found.supervisor):  # a new one, about to say so
            time.sleep(_STEP)
            continue
        ran = True
        _end_one(found.supervisor, _grace(where) + _MARGIN)
    return _end_rest(where) or ran


def _end_one(supervisor: Life, grace: float) -> None:
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, _MARGIN)):
        kin.send(supervisor, number)
        if kin.until(lambda: not kin.lives(supervisor), patience):
            return


def known(where: Place) -> Known | None:
    """Return what the last supervisor said."""
    return Known.of(read_json(where.state))


def supervised(where: Place) -> bool:
    """Tell whether a supervisor lives: it holds a lock, which the kernel releases if it dies."""
    return where.root.exists() and _held(where, "supervisor")


def stranger(where: Place) -> Life | None:
    """Return the process of a service that no supervisor of ours started, if one runs."""
    if not where.root.exists() or not _held(where, "process"):
        return None
    said, before = read_json(where.process), known(where)
    found = Life(**said) if said else None
    left = before.child if before else None
    return found if found != left else None  # what a killed supervisor left is no stranger


def _held(where: Place, name: str) -> bool:
    with where.lock(name) as lock:
        return not lock.take()


def _end_rest(where: Place) -> bool:
    """End what a killed supervisor left; tell whether there was something."""
    if not where.root.exists():
        return False
    with where.lock("supervisor") as lock:
        found = known(where)
        if not lock.take() or found is None or found.state is State.STOPPED:
            return False
        group = found.child.pid if found.child else None
        there = group is not None and bool(kin.members(where.root, group))
        if group is not None and (left := kin.end(where.root, group, _grace(where))):
            raise UnavailableError(f"{where.name}: these processes do not end: {left}")
        if there:  # what is being killed is known by nothing but its lock for a moment
            kin.until(lambda: not _held(where, "process"), _LETTING_GO)
        over = attrs.evolve(found, state=State.STOPPED, child=None, since=time.time())
        write_private(where.state, json.dumps(attrs.asdict(over)))
    return there


def _grace(where: Place) -> float:
    return float(read_json(where.program).get("grace", _MARGIN))


def _same(where: Place, program: Program) -> Known:
    """Return what runs, if it is what was wanted; raises `UnavailableError`."""
    while (found := known(where)) is None:
        time.sleep(_STEP)
    if found.config != program.config:
        raise UnavailableError(
            f"{where.name} runs already, with {found.config or 'no configuration'}; for "
            f"{program.config or 'none'}, stop it first: cm service stop {where.name}"
        )
    return found


def _spawn(where: Place) -> None:
    log = where.root / "supervisor.log"
    with log.open("wb") as output:
        log.chmod(0o600)
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", "cloudmesh_sdk.services.supervisor", str(where.root)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            check=False,
            env=os.environ,
        )
    if done.returncode:
        said = log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
        raise UnavailableError(f"the supervisor of {where.name} does not start: {said or log}")


def _wait(where: Place, ready: Callable[[Life], bool], patience: float, told: Told) -> None:
    """Wait until the first process that the supervisor started is ready."""
    begin = time.monotonic()
    while True:
        found = known(where)
        if found is not None and found.state is State.RUNNING and not found.restarts:
            if found.child is not None and ready(found.child):
                return
        elif found is not None:
            raise UnavailableError(f"{where.name} does not start: {_why(where)}; see {where.log}")
        over = (time.monotonic() - begin) / patience
        if over >= 1:
            raise UnavailableError(
                f"{where.name} is not ready after {patience:g} s; see {where.log}"
            )
        told(over)
        time.sleep(_STEP)


def _why(where: Place) -> str:
    """Return the last line that the program itself wrote."""
    said = [_WHEN.sub("", line).strip() for line in tail(where.log, _LINES) if _OURS not in line]
    return next((line for line in reversed(said) if line), "it ended and said nothing")
