"""One way of listing a Slurm's jobs, in one fresh process: prints what it cost as JSON.

    python queue_clients.py CLIENT

Reads SLURM_CONF, and BENCH_URL and BENCH_TOKEN for slurmrestd; BENCH_HOST, BENCH_PORT,
BENCH_IDENTITY and BENCH_KNOWN_HOSTS for SSH. Each process lists once; what it takes to be ready
(imports) is apart.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

ENV = os.environ
SIZES: list[int] = []
"""Bytes of each answer of the manager."""


def counted(text: bytes) -> bytes:
    SIZES.append(len(text))
    return text


def ours(**options: Any) -> Callable[[], int]:
    from cloudmesh_sdk.queues.slurm import SlurmQueue

    queue: Any = SlurmQueue("lab", SlurmQueue.Settings(**options))
    return lambda: len(list(queue.jobs()))


def command() -> Callable[[], int]:
    from cloudmesh_sdk.queues.batch import commands

    run = commands.Here.run

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        done = run(self, *args, **kwargs)
        counted(done.out)
        return done

    commands.Here.run = counting  # type: ignore[method-assign]
    return ours(transport="command")


def ssh() -> Callable[[], int]:
    return ours(
        transport="command", host=ENV["BENCH_HOST"], port=int(ENV["BENCH_PORT"]),
        identity=ENV["BENCH_IDENTITY"], known_hosts=ENV["BENCH_KNOWN_HOSTS"],
    )  # fmt: skip


def rest() -> Callable[[], int]:
    return ours(transport="rest", url=ENV["BENCH_URL"], token=ENV["BENCH_TOKEN"], slurm_user="root")


def squeue_json() -> Callable[[], int]:
    """What its documentation offers: one command, one parse, everything in dicts."""

    def once() -> int:
        done = subprocess.run(["squeue", "--json"], capture_output=True, check=True)
        return len(json.loads(counted(done.stdout))["jobs"])

    return once


def rest_parsed() -> Callable[[], int]:
    """The least that a JSON transport can do: fetch, and parse with the fastest parser."""
    import orjson
    import urllib3

    pool = urllib3.PoolManager()
    headers = {"X-SLURM-USER-NAME": "root", "X-SLURM-USER-TOKEN": ENV["BENCH_TOKEN"]}

    def once() -> int:
        answer = pool.request("GET", f"{ENV['BENCH_URL']}/slurm/v0.0.38/jobs", headers=headers)
        return len(orjson.loads(counted(answer.data))["jobs"])

    return once


def psij() -> Callable[[], int]:
    """The question and the parser of psij-python's executor: id, state and reason, own jobs."""
    from psij.executors.batch.slurm import SlurmJobExecutor

    executor = SlurmJobExecutor.__new__(SlurmJobExecutor)  # it would start polling by itself

    def once() -> int:
        asked = executor.get_status_command([])
        done = subprocess.run(asked, capture_output=True, check=True)
        return len(executor.parse_status_output(0, counted(done.stdout).decode()))

    return once


CLIENTS = {
    "cloudmesh, command": command, "cloudmesh, SSH": ssh, "cloudmesh, slurmrestd": rest,
    "squeue --json, json.loads": squeue_json, "slurmrestd, orjson.loads": rest_parsed,
    "psij, id and state only": psij,
}  # fmt: skip


def cpu() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, kinds))


def main(name: str) -> None:
    once = CLIENTS[name]()
    ready, begun = cpu(), time.perf_counter()
    count = once()
    took = {"cpu": cpu() - ready, "wall": time.perf_counter() - begun, "ready_cpu": ready}
    self_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    child_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(
        json.dumps({
            **took, "jobs": count, "bytes": sum(SIZES), "rss_mib": self_kib / 1024,
            "command_rss_mib": child_kib / 1024,
        })
    )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
