"""Many starts over many clouds: the wall time against what the clouds themselves allow.

500 starts over 10 memory clouds whose calls take 200 ms, at most 8 at a time at each. No runner can
be faster than the clouds' own ceiling: 50 starts at a cloud are 7 rounds of 8, 1.4 s (1.25 s if
the last round were full). As a second run, one cloud of the ten hangs: the others are not to
notice. The best of several rounds counts.

    python benchmarks/operations.py --json benchmarks/results/operations.json

`--store mongo` journals in the embedded MongoDB, which is started for it, in place of memory.
"""

import argparse
import json
import math
import os
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.fanout import Answer
from cloudmesh_sdk.limits import Limits
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import Operation, ServerRequest
from cloudmesh_sdk.operations import Runner, Task
from cloudmesh_sdk.operations.act import Records
from cloudmesh_sdk.operations.runner import intent

CLOUDS, STARTS, LATENCY, LIMIT = 10, 500, 0.2, 8
HANG = 5.0
"""Seconds that a start takes at the cloud that hangs."""


class Gauge:
    """Counts the starts that are under way at each cloud, and the most that ever were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    def watch(self, cloud: Any) -> None:
        """Count the starts of a cloud from now on."""
        real, name = cloud.start, cloud.name

        def start(request: ServerRequest) -> Any:
            with self._lock:
                self._now[name] += 1
                self.most[name] = max(self.most[name], self._now[name])
            try:
                return real(request)
            finally:
                with self._lock:
                    self._now[name] -= 1

        cloud.start = start


def configured(hanging: int, directory: str) -> Config:
    """Return a configuration of the clouds, some of which hang."""
    lines = [f"store: {{directory: {directory}, linger: 0}}", "clouds:"]
    for number in range(CLOUDS):
        latency = HANG if number < hanging else LATENCY
        lines.append(f"  c{number}: {{driver: memory, latency: {latency}}}")
    return Config.parse("\n".join(lines))


def tasks(mesh: Mesh) -> list[Task]:
    """Return the starts, cloud by cloud: what hangs comes first."""
    cloud = mesh.clouds["c1"]
    given = {"image": next(iter(cloud.images())).id, "flavor": next(iter(cloud.flavors())).id}
    return [
        Task(operation=intent(mesh.user, "start", f"c{number}", name, {**given, "name": name}))
        for number in range(CLOUDS)
        for name in (f"b-{number}-{n}" for n in range(STARTS // CLOUDS))
    ]


def once(store: str, hanging: int) -> dict[str, Any]:
    """Run all starts once; return how long that took and the most at a time at each cloud."""
    with (
        tempfile.TemporaryDirectory(prefix="b", ignore_cleanup_errors=True) as place,
        Mesh.open(store, config=configured(hanging, place)) as mesh,
    ):
        gauge, ends = Gauge(), dict[str, float]()
        for name in mesh.clouds:
            gauge.watch(mesh.clouds[name])
        todo = tasks(mesh)
        where = {task.operation.id: task.operation.cloud for task in todo}
        runner = Runner(mesh.store, mesh.clouds.use, limits=lambda _: Limits(parallel=LIMIT))

        def told(_: Operation, answer: Answer[Records]) -> None:
            ends[where[answer.name]] = time.perf_counter() - begun

        used, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        answers = runner.run(todo, told=told)
        spent = resource.getrusage(resource.RUSAGE_SELF)
        healthy = [f"c{number}" for number in range(hanging, CLOUDS)]
        there = sum(len(list(mesh.clouds[name].native.read()["servers"])) for name in mesh.clouds)
        if there != STARTS or any(answer.error for answer in answers):
            raise SystemExit(f"{STARTS} starts made {there} servers")
        return {
            "wall": max(ends[name] for name in healthy),
            "cpu": spent.ru_utime + spent.ru_stime - used.ru_utime - used.ru_stime,
            "most_at_a_time": max(gauge.most.values()),
            "least_of_most": min(gauge.most.values()),
        }


def measured(store: str, hanging: int, rounds: int) -> dict[str, Any]:
    """Return the best of several rounds, beside the ceiling of the clouds that do not hang."""
    each = STARTS // CLOUDS
    best = min((once(store, hanging) for _ in range(rounds)), key=lambda run: float(run["wall"]))
    ceiling = math.ceil(each / LIMIT) * LATENCY
    return {"starts": STARTS, "ceiling": ceiling, "reached": ceiling / best["wall"], **best}


def tell(results: dict[str, dict[str, Any]]) -> None:
    """Print the table."""
    print(f"{'run':32} {'ceiling':>8} {'wall':>8} {'reached':>8} {'cpu':>8} {'at a time':>10}")
    for name, run in results.items():
        print(f"{name:32} {run['ceiling']:7.2f}s {run['wall']:7.2f}s {run['reached']:8.2f}"
              f" {run['cpu']:7.2f}s {run['least_of_most']:4} to {run['most_at_a_time']}"
        )  # fmt: skip


def main() -> int:
    """Measure, print, write; 1 where the aim of 0.9 is missed or a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--store", choices=("memory", "mongo"), default="memory")
    asked = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, store: {asked.store}")
    results = {
        "all answer": measured(asked.store, 0, asked.rounds),
        "one hangs, the other nine": measured(asked.store, 1, 1),
    }
    tell(results)
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    kept = all(run["most_at_a_time"] <= LIMIT for run in results.values())
    return 0 if kept and all(run["reached"] >= 0.9 for run in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
