"""What a user waits for: start-up, a list from the store, a refresh of many slow clouds.

    python benchmarks/faces.py [--json FILE]

Each command runs in a process of its own, the best of some runs counts; CPU is user + system.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh

CLOUDS = 20
LATENCY = 1.0
ROWS = (20, 10_000)
RUNS = 5


def cpu(command: list[str], env: dict[str, str] | None = None) -> float:
    """Return the CPU seconds of the best of some runs of a command."""
    best = float("inf")
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=env)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = min(best, spent)
    return best


def modules() -> int:
    """Return how many modules a process has after `import cloudmesh`."""
    code = "import sys, cloudmesh; print(len(sys.modules))"
    return int(subprocess.check_output([sys.executable, "-c", code]))


def fan_out() -> float:
    """Return the seconds of refreshing the servers of many clouds that answer slowly."""
    entries = "\n".join(
        f"  c{n}: {{driver: memory, servers: 10, latency: {LATENCY}}}" for n in range(CLOUDS)
    )
    with Mesh.open("memory", config=Config.parse(f"clouds:\n{entries}\n")) as mesh:
        mesh.check(["c0"])  # the driver's import is not what is measured
        begun = time.perf_counter()
        mesh.refresh(kinds=["servers"]).complete()
        return time.perf_counter() - begun


def lists(place: Path) -> dict[int, float]:
    """Return the CPU seconds of `cm vm list` by the number of servers in the store."""
    spent: dict[int, float] = {}
    for rows in ROWS:
        path = place / f"{rows}.yaml"
        path.write_text(
            f"store: {{directory: {place}/mongo, database: rows{rows}, linger: 5}}\n"
            f"clouds: {{lab: {{driver: memory, servers: {rows}}}}}\n"
        )
        cm = [str(Path(sys.executable).with_name("cm")), "vm", "list"]
        with Mesh.open("mongo", config=Config.load(path)) as mesh:
            mesh.refresh(kinds=["servers"]).complete()
            spent[rows] = cpu(cm, {**os.environ, "CLOUDMESH_CONFIG": str(path)})
    return spent


def measure() -> list[dict[str, Any]]:
    """Return the rows of the table: what, figure, aim."""
    cm = str(Path(sys.executable).with_name("cm"))
    nothing = cpu([sys.executable, "-c", "pass"])
    version = cpu([cm, "--version"])
    door = cpu([sys.executable, "-c", "import cloudmesh"])
    wall = fan_out()
    with tempfile.TemporaryDirectory(prefix="cm-bench-") as place:
        listed = lists(Path(place))
    count = modules()
    return [
        _row("import cloudmesh: modules", count, 60, count <= 60),
        _row("python -c pass: CPU ms", nothing * 1000),
        _row("import cloudmesh: CPU ms", door * 1000),
        _row("cm --version: CPU ms", version * 1000),
        _row("cm --version / python -c pass", version / nothing, 3, version <= 3 * nothing),
        _row(f"refresh of {CLOUDS} clouds of {LATENCY:g} s: wall s", wall, 1.15, wall <= 1.15),
        *(
            _row(f"cm vm list, {rows} servers: CPU s", spent, 0.4, spent <= 0.4)
            if rows == ROWS[0]
            else _row(f"cm vm list, {rows} servers: CPU s", spent)
            for rows, spent in listed.items()
        ),
    ]


def _row(what: str, value: float, aim: float | None = None, met: bool | None = None) -> Any:
    return {"what": what, "value": round(value, 3), "aim": aim, "met": met}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    asked = parser.parse_args()
    rows = measure()
    for row in rows:
        aim = (
            "" if row["aim"] is None else f"  aim <= {row['aim']}: {'yes' if row['met'] else 'NO'}"
        )
        print(f"{row['what']:45} {row['value']:>10}{aim}")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
