"""Operations over RabbitMQ: against the clouds' ceiling, against Celery alone, between two users.

    python benchmarks/hosted.py BROKER-URI-FILE [--processes 16] [--json FILE]

Two workers run 500 starts over 10 memory clouds (200 ms a call, 8 at a time each), from when the
first is written down to when the last is over; the same with clouds that take as long as real ones
do (`--latency`, 2 s); with clouds that answer at once, beside 500 of Celery's own tasks that do
nothing, on the same broker; and one user's single start that is asked for after another's 300 at
the same cloud. Each process of a worker has clouds of its own, which are asked as often as the
store's slots allow: what is measured is us, the store and the broker.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.mesh.announcing import application
from cloudmesh_sdk.mesh.hosting import worker_main

CLOUDS, STARTS, LATENCY, LIMIT, WORKERS = 10, 500, 0.2, 8, 2


def configured(place: Path, uri: Path, latency: float) -> Path:
    """Write a configuration of clouds that several processes share; return its path."""
    lines = [
        "profile: {username: albert}",
        f"store: {{directory: {place}/mongo, linger: 0}}",
        f'tasks: {{broker: "file:{uri}"}}',
        "clouds:",
        *(f"  c{n}: {{driver: memory, latency: {latency}, limits: {{parallel: {LIMIT}}}}}"
          for n in range(CLOUDS)),
    ]  # fmt: skip
    path = place / "cloudmesh.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@contextmanager
def workers(path: Path, role: str, processes: int) -> Iterator[None]:
    """Let the workers run, and end them."""
    words = [sys.executable, __file__, str(path), "--role", role, "--processes", str(processes)]
    running = [subprocess.Popen(words, stderr=subprocess.DEVNULL) for _ in range(WORKERS)]
    try:
        yield
    finally:
        for worker in running:
            worker.terminate()
        for worker in running:
            worker.wait(60)


def starts(uri: Path, latency: float, processes: int) -> dict[str, Any]:
    """Run all starts; the workers are there already."""
    with tempfile.TemporaryDirectory(prefix="b", ignore_cleanup_errors=True) as place:
        path = configured(Path(place), uri, latency)
        with Mesh.open("mongo", config=Config.load(path)) as mesh:
            mesh.refresh()
            with workers(path, "ours", processes):
                while len(mesh.workers()) < WORKERS:
                    time.sleep(0.1)
                image, flavor = mesh.images("c0")[0], mesh.flavors("c0")[0]  # the same at all

                def asked(cloud: str) -> list[Any]:
                    names = [f"b-{cloud}-{n}" for n in range(STARTS // CLOUDS)]
                    start = mesh.later.start
                    return start(cloud=cloud, name=names, image=image, flavor=flavor)

                begun = time.perf_counter()
                with ThreadPoolExecutor(CLOUDS) as pool:  # each asks its cloud which names are free
                    later = [one for some in pool.map(asked, mesh.clouds) for one in some]
                told = time.perf_counter() - begun
                done = mesh.wait_operations(later, timeout=300).complete()
                waited = time.perf_counter() - begun
            first = min(o.created for o in done)
            last = max(o.finished for o in done if o.finished)
            wall = (last - first).total_seconds()
            ceiling = math.ceil(STARTS / CLOUDS / LIMIT) * latency
            if sum(o.attempts for o in done) != STARTS:
                raise SystemExit(f"{STARTS} starts were sent {sum(o.attempts for o in done)} times")
            return {
                "wall": wall, "asking": told, "waited": waited, "ceiling": ceiling,
                "reached": ceiling / wall, "per_second": STARTS / wall,
            }  # fmt: skip


def nothing(uri: Path, processes: int) -> dict[str, Any]:
    """Let Celery run tasks that do nothing; what it takes from its queue is counted."""
    with tempfile.TemporaryDirectory(prefix="b", ignore_cleanup_errors=True) as place:
        path = configured(Path(place), uri, 0)
        app = application(Config.load(path))
        begun = time.perf_counter()
        for _ in range(STARTS):
            app.send_task("nothing", [], queue="cloudmesh.user.00")
        published = time.perf_counter() - begun
        with workers(path, "nothing", processes), app.connection_for_write() as connection:
            channel, first = connection.default_channel, 0.0
            while (left := channel.queue_declare("cloudmesh.user.00", passive=True)[1]) > 0:
                if not first and left < STARTS:
                    first = time.perf_counter()
                time.sleep(0.005)
            wall = time.perf_counter() - first
        app.close()
    return {"published_per_second": STARTS / published, "per_second": STARTS / wall}


def fairness(uri: Path, processes: int, crowd: int) -> dict[str, Any]:
    """Let one user ask for many, then another for one."""
    with tempfile.TemporaryDirectory(prefix="b", ignore_cleanup_errors=True) as place:
        path = configured(Path(place), uri, LATENCY)
        with Mesh.open("mongo", config=Config.load(path)) as mesh, workers(path, "ours", processes):
            mesh.refresh()
            while len(mesh.workers()) < WORKERS:
                time.sleep(0.1)
            many = mesh.later.start(cloud="c0", name=[f"a-{i}" for i in range(crowd)])
            other = Mesh(mesh.config, mesh.store, user="bertha")
            begun = time.perf_counter()
            (one,) = other.later.start(cloud="c0", name="b")
            (done,) = other.wait_operations(one, timeout=300).complete()
            wait = time.perf_counter() - begun
            sent = [mesh.operation(o.id).sent for o in many]
            assert done.sent is not None
            return {
                "crowd": crowd, "wait": wait,
                "position": sum(moment < done.sent for moment in sent if moment) + 1,
            }  # fmt: skip


def work(path: str, role: str, processes: int) -> None:
    """Be a worker."""
    config = Config.load(path)
    if role == "ours":
        worker_main(config, concurrency=processes)
        return
    app = application(config)
    app.task(name="nothing")(_nothing)
    app.Worker(pool="prefork", concurrency=processes, quiet=True, loglevel="ERROR",
               hostname=f"n{os.getpid()}@localhost").start()  # fmt: skip


def _nothing() -> None:
    """Do nothing."""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--role")
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--latency", type=float, default=2.0, help="seconds a real cloud takes")
    parser.add_argument("--crowd", type=int, default=300, help="starts that are asked for before")
    parser.add_argument("--only", default="", help="runs whose names have this in them")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if asked.role:
        work(asked.file, asked.role, asked.processes)
        return 0
    uri = Path(asked.file).absolute()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {WORKERS} workers of"
          f" {asked.processes} processes", flush=True)  # fmt: skip
    results: dict[str, dict[str, Any]] = {}
    for name, run in (
        ("starts, 200 ms each", lambda: starts(uri, LATENCY, asked.processes)),
        (f"starts, {asked.latency:g} s each", lambda: starts(uri, asked.latency, asked.processes)),
        ("starts, at once", lambda: starts(uri, 0, asked.processes)),
        ("Celery alone", lambda: nothing(uri, asked.processes)),
        ("one after many", lambda: fairness(uri, asked.processes, asked.crowd)),
    ):
        if asked.only not in name:
            continue
        results[name] = run()  # type: ignore[no-untyped-call]
        words = ", ".join(f"{key} {value:.2f}" for key, value in results[name].items())
        print(f"{name}: {words}", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
