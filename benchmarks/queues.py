"""Lists of jobs: us by each transport, `squeue --json`, slurmrestd's JSON, psij, one controller.

On the Slurm of the tests with 10,000 waiting jobs: one list to records, each in a fresh process;
processor time of the client with the commands that it runs, of the controller and of slurmrestd,
bytes answered, peak memory. The best of several rounds counts.

    python benchmarks/queues.py --json benchmarks/results/queues.json

psij goes into an environment of its own (`.nox/queue-peers`), made when missing.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import urllib3

HERE = Path(__file__).parent
ROOT = HERE.parent
CLIENTS = HERE / "peers" / "queue_clients.py"
OURS = "cloudmesh, command"
THEIRS = "squeue --json, json.loads"
REST, PARSED = "cloudmesh, slurmrestd", "slurmrestd, orjson.loads"
PSIJ = "psij, id and state only"
DAEMONS = ("slurmctld", "slurmrestd")


def peers() -> str:
    """Return the Python of an environment that has psij, made when missing."""
    place = ROOT / ".nox" / "queue-peers"
    python = place / "bin" / "python"
    if not (place / "ready").exists():
        print("installing psij-python", file=sys.stderr)
        venv.create(place, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "psij-python"], check=True)
        (place / "ready").touch()
    return str(python)


def fill(lab: Any, count: int) -> int:
    """Have so many held jobs in the lab, of different names and queues; return how many."""
    have = len(lab.run("squeue", "-h", "-o", "%i").splitlines())
    pool = urllib3.PoolManager()
    headers = {"X-SLURM-USER-NAME": "root", "X-SLURM-USER-TOKEN": lab.token()}
    for number in range(have, count):
        job = {
            "name": f"bench-{number:05}", "partition": ("india", "sierra")[number % 2],
            "hold": True, "nodes": 1, "time_limit": 60, "environment": {"PATH": "/bin"},
            "current_working_directory": "/tmp", "comment": f"cloudmesh:{number:032x}",
        }  # fmt: skip
        body = {"job": job, "script": "#!/bin/sh\ntrue\n"}
        answer = pool.request(
            "POST", f"{lab.url}/slurm/v0.0.38/job/submit", headers=headers, json=body
        )
        if answer.status != 200 or not answer.json().get("job_id"):  # held is an error to it
            raise SystemExit(f"the lab takes no job: {answer.data[:500]!r}")
    return len(lab.run("squeue", "-h", "-o", "%i").splitlines())


def daemons(lab: Any) -> dict[str, float]:
    """Return the processor time that the lab's daemons used so far."""
    found = dict.fromkeys(DAEMONS, 0.0)
    for process in psutil.process_iter(["name"]):
        name = process.info["name"]
        if name in found:
            with suppress(psutil.NoSuchProcess):  # one of another lab, that ended
                if str(lab.lab.directory) in " ".join(process.environ().values()):
                    times = process.cpu_times()
                    found[name] += times.user + times.system
    return found


def once(lab: Any, python: str, name: str, env: Mapping[str, str]) -> dict[str, Any]:
    """List once in a fresh process; return what that cost."""
    before = daemons(lab)
    said = subprocess.run(
        [python, str(CLIENTS), name], capture_output=True, text=True, env=dict(env), check=False
    )
    after = daemons(lab)
    if said.returncode:
        raise SystemExit(f"{name} failed:\n{said.stderr}")
    found: dict[str, Any] = json.loads(said.stdout)
    return {**found, **{f"{d}_cpu": after[d] - before[d] for d in DAEMONS}}


def tell(title: str, results: Mapping[str, dict[str, Any]]) -> None:
    print(f"\n{title}")
    print(f"{'client':27} {'jobs':>6} {'cpu':>8} {'wall':>8} {'slurmctld':>9} {'slurmrestd':>10}"
          f" {'bytes':>11} {'memory':>8} {'command':>8} {'ours/its':>9}")  # fmt: skip
    mine = results[OURS]["cpu"]
    for name, run in results.items():
        run["ours_to_its"] = mine / run["cpu"]
        print(f"{name:27} {run['jobs']:6} {run['cpu']:7.3f}s {run['wall']:7.3f}s"
              f" {run['slurmctld_cpu']:8.2f}s {run['slurmrestd_cpu']:9.2f}s {run['bytes']:11,}"
              f" {run['rss_mib']:4.0f} MiB {run['command_rss_mib']:4.0f} MiB"
              f" {run['ours_to_its']:8.3f}x")  # fmt: skip
    part = results[THEIRS]["cpu"] / mine
    print(f"\nby command: {mine:.3f} s to records, 1/{part:.1f} of {THEIRS}")
    ratio = results[REST]["cpu"] / results[PARSED]["cpu"]
    print(f"by slurmrestd: {ratio:.2f} times the fetch and parse alone")


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}"


@contextmanager
def reached(lab: Any) -> Iterator[dict[str, str]]:
    """Give the environment of the clients, an SSH server running."""
    from tests.labs.sshd_lab import running_sshd

    given = {"BENCH_URL": lab.url, "BENCH_TOKEN": lab.token(), **lab.environment}
    with (
        tempfile.TemporaryDirectory(prefix="cm-") as folder,
        running_sshd(Path(folder), env=lab.environment) as sshd,
    ):
        login = sshd.settings()
        given |= {
            "BENCH_HOST": str(login.host), "BENCH_PORT": str(login.port),
            "BENCH_IDENTITY": str(login.identity), "BENCH_KNOWN_HOSTS": str(login.known_hosts),
        }  # fmt: skip
        yield {**os.environ, **given}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="jobs in the lab")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from tests.labs.slurm_lab import running_lab  # the lab is the tests'

    pythons = {
        OURS: sys.executable, "cloudmesh, SSH": sys.executable, REST: sys.executable,
        THEIRS: sys.executable, PARSED: sys.executable, PSIJ: peers(),
    }  # fmt: skip
    print(f"{machine()}; best of {options.rounds} fresh processes")
    with running_lab() as lab:
        have = fill(lab, options.count)
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in pythons}
        with reached(lab) as env:
            for _ in range(options.rounds):
                for name, python in pythons.items():
                    runs[name].append(once(lab, python, name, env))
        version = lab.run("squeue", "--version").strip()
        lab.run("scancel", "--state=PENDING", "--user=root")
    results = {name: min(done, key=lambda run: run["cpu"]) for name, done in runs.items()}
    tell(f"{have} jobs, {version}", results)
    if options.json:
        told = {"machine": machine(), "slurm": version, "jobs": have, "list": results}
        options.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
