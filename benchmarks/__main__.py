"""All benchmarks in one run: `nox -s bench`.

Prints each table and writes the figures, with a description of the machine, into `results/`.
"""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PARTS = ("faces", "ec2_list", "openstack", "operations", "queues", "store")


def machine() -> dict[str, object]:
    """Return what the figures depend on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d"),
        "processor": model,
        "cores": os.cpu_count(),
        "memory GiB": round(psutil.virtual_memory().total / 2**30),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load at start": round(os.getloadavg()[0], 1),
    }


def main() -> int:
    """Run every part; returns the number of parts that failed."""
    RESULTS.mkdir(exist_ok=True)
    about = machine()
    (RESULTS / "machine.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    print(*(f"{key}: {value}" for key, value in about.items()), sep="\n")
    failed = 0
    for part in PARTS:
        print(f"\n== {part}", flush=True)
        command = [
            sys.executable,
            str(HERE / f"{part}.py"),
            "--json",
            str(RESULTS / f"{part}.json"),
        ]
        failed += subprocess.run(command, check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
