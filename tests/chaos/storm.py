"""The storm of a chaos run: programs are killed, connections are cut, until it is over."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs
import psutil
from tests.chaos.plan import Plan
from tests.labs.rabbit_lab import RabbitLab
from tests.labs.sshd_proxy import Proxy

from cloudmesh_sdk.services import control

_PAUSE = (0.2, 1.2)
"""Seconds between two blows, at least and at most."""


class Cast:
    """The programs that run: begun again whenever they are killed, until they have ended well."""

    def __init__(self, plan: Plan, home: Path) -> None:
        self._plan = plan
        self._home = home
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def begin(self, name: str) -> None:
        """Begin a program, such as `worker` or `worker-2`; what it says is added to its log."""
        program = name.partition("-")[0]
        command = [sys.executable, "-m", "tests.chaos.part", program, *self._plan.arguments()]
        with (self._home / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self, name: str) -> bool:
        """Kill a program that runs, begin it anew, and tell whether it did run."""
        process = self._running[name]
        if process.poll() is not None:
            return False
        for child in psutil.Process(process.pid).children(recursive=True):
            if "keeper" not in " ".join(child.cmdline()) and child.name() != "mongod":
                child.kill()
        process.kill()
        process.wait()
        self.begin(name)
        return True

    def over(self, name: str) -> bool:
        """Tell whether a program has ended well; one that ended otherwise is begun anew."""
        code = self._running[name].poll()
        if code:
            self.begin(name)
        return code == 0

    def end(self) -> None:
        """Tell all to end, and kill those that do not."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def kill_mongod(directory: Path) -> bool:
    """Kill the embedded server; tell whether there was one."""
    try:
        said = json.loads((directory / "server.json").read_text(encoding="utf-8"))
        process = psutil.Process(int(said.get("pid", -1)))
        if process.name() != "mongod":
            return False
        process.send_signal(signal.SIGKILL)
    except (FileNotFoundError, psutil.NoSuchProcess, ValueError):  # it ended, or begins just now
        return False
    return True


def kill_rabbit(broker: RabbitLab) -> bool:
    """Kill the broker, which its supervisor starts again; tell whether it ran."""
    pid = control.status(broker.config, "broker").pid
    if pid is None:  # it is just being started
        return False
    try:
        psutil.Process(pid).kill()
    except psutil.NoSuchProcess:
        return False
    return True


@attrs.frozen
class Blow:
    """Something that a storm does, and how often it does that beside the others."""

    what: str
    weight: float
    strike: Callable[[], bool]
    """Does it; tells whether there was something to hit."""


def storm(
    blows: Sequence[Blow], seconds: float, over: Callable[[], bool], seed: int
) -> Counter[str]:
    """Strike at random until so many seconds are over, or all is done; count what was hit.

    Each blow is struck once before any is struck twice.
    """
    dice = random.Random(seed)
    hits: Counter[str] = Counter()
    first = dice.sample(blows, len(blows))
    end = time.monotonic() + seconds
    while time.monotonic() < end and not over():
        time.sleep(dice.uniform(*_PAUSE))
        weights = [blow.weight for blow in blows]
        blow = first.pop() if first else dice.choices(blows, weights)[0]
        hits[blow.what] += blow.strike()
    return hits


def cutter(proxies: Sequence[Proxy]) -> Callable[[], bool]:
    """Return what cuts all connections that go through proxies."""

    def cut() -> bool:
        for proxy in proxies:
            proxy.cut()
        return True

    return cut
