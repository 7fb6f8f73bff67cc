"""Processes of a lab: each in a group of its own, marked, and found again by whoever comes later.

A pid file tells pid and start time, so a pid that another process got is never taken for ours. The
mark in the environment finds what no pid file tells of.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

import attrs
import psutil
from tests.labs.openstack.lab import LabError

MARK = "CLOUDMESH_TESTS_LAB_AT"
GENTLE = 20.0
"""Seconds that a server may take to end before it is killed."""
BRIEF = 0.2


class Lab(Protocol):
    """Where a lab keeps what its servers leave."""

    @property
    def directory(self) -> Path: ...

    @property
    def log(self) -> Path: ...

    @property
    def run(self) -> Path: ...


@attrs.frozen(kw_only=True)
class Process:
    """A server as it is started; `name` is that of its pid file and of its output in `log/`."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = attrs.field(factory=dict)


def start(lab: Lab, process: Process, env: Mapping[str, str]) -> bool:
    """Start a server unless it runs; tell whether it was started."""
    if leader(lab, process.name) is not None:
        return False
    # SPT_NOENV: a server that renames itself must not write over its environment, our mark
    marked = {**env, **process.env, MARK: str(lab.directory), "SPT_NOENV": "1"}
    with (lab.log / f"{process.name}.out").open("ab") as out:
        child = subprocess.Popen(
            process.argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=marked,
            cwd=lab.directory,
            start_new_session=True,
        )
    created = psutil.Process(child.pid).create_time()
    _file(lab, process.name).write_text(json.dumps({"pid": child.pid, "created": created}))
    child.returncode = 0  # it outlives us: no complaint about that when this object goes
    return True


def leader(lab: Lab, name: str) -> psutil.Process | None:
    """Return the running process of a server, None where it does not run."""
    try:
        kept = json.loads(_file(lab, name).read_text(encoding="utf-8"))
        found = psutil.Process(kept["pid"])
        same = abs(found.create_time() - kept["created"]) < 1
        return found if same and _lives(found) else None
    except (FileNotFoundError, json.JSONDecodeError, psutil.NoSuchProcess):
        return None


def must_run(lab: Lab, name: str) -> None:
    """Raise LabError when a server that was started has ended."""
    if leader(lab, name) is None:
        raise LabError(f"{name} has ended; its last words are in {lab.log}/{name}.out, {name}.log")


def names(lab: Lab) -> list[str]:
    """Return the names of the servers that have a pid file."""
    return sorted(path.stem for path in lab.run.glob("*.json"))


def end(lab: Lab, ended: Iterable[str], patience: float = GENTLE) -> None:
    """End servers with all that they started, at once; kill what is left after `patience`."""
    groups = {found.pid for name in ended if (found := leader(lab, name)) is not None}
    for group in groups if patience else ():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGTERM)
    _gone(lambda: _members(groups), patience)
    for member in _members(groups):
        _kill(member)
    if left := _gone(lambda: _members(groups), GENTLE):
        raise LabError(f"{lab.directory}: these processes do not end: {_told(left)}")
    for name in ended:
        _file(lab, name).unlink(missing_ok=True)


def end_strays(lab: Lab) -> None:
    """Kill what still carries the lab's mark, pid file or not. Raises LabError if it stays."""
    for found in marked(lab.directory):
        _kill(found)
    if left := _gone(lambda: marked(lab.directory), GENTLE):
        raise LabError(f"{lab.directory}: these processes do not end: {_told(left)}")


def marked(directory: Path) -> list[psutil.Process]:
    """Return all processes that were started for the lab in a directory."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == str(directory) and _lives(process):
                found.append(process)
    return found


def wait(what: str, ready: Callable[[], bool], seconds: float) -> None:
    """Wait until something is so; raises LabError when it is not in time."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:.0f} s for {what}, in vain; see the lab's log folder")
        time.sleep(BRIEF)


def _members(groups: set[int]) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter() if groups else ():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) in groups and _lives(process):
                found.append(process)
    return found


def _gone(left: Callable[[], list[psutil.Process]], seconds: float) -> list[psutil.Process]:
    deadline = time.monotonic() + seconds
    while (remain := left()) and time.monotonic() < deadline:
        time.sleep(BRIEF)
    return remain


def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


def _lives(process: psutil.Process) -> bool:
    return bool(process.status() != psutil.STATUS_ZOMBIE)


def _told(processes: list[psutil.Process]) -> str:
    return ", ".join(str(process.pid) for process in processes)


def _file(lab: Lab, name: str) -> Path:
    return lab.run / f"{name}.json"
