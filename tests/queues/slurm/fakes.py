"""Commands that stand in for Slurm's, for what the real ones do only in trouble."""

import json
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import attrs

from cloudmesh_sdk.queues.slurm import SlurmQueue, SlurmSettings, lines

HEAD = f"""#!{sys.executable}
import json, os, pathlib, re, sys, time
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write(json.dumps([pathlib.Path(__file__).name, *sys.argv[1:]]) + "\\n")
"""

SQUEUE = r"""
fields = sys.argv[-1].split(",")
names = [field.partition(":")[0] for field in fields]
mark = fields[-1].partition(":")[2]
known = json.loads((here / "jobs.json").read_text()) if (here / "jobs.json").exists() else []
for job in known:
    told = [job.get(name, "N/A") for name in names]
    sys.stdout.write("\x1f".join(told) + mark + "\n")
"""

KEEP = r"""
comment = next(word for word in sys.argv if word.startswith("--comment=")).partition("=")[2]
script = sys.stdin.read()
place = here / "jobs.json"
known = json.loads(place.read_text()) if place.exists() else []
known.append({"JobID": str(len(known) + 1), "State": "PENDING", "Comment": comment, "Name": "one",
              "Partition": "india", "UserName": "albert"})
place.write_text(json.dumps(known))
"""
"""What sbatch does before it answers."""

UP = "print('Slurmctld(primary) at host is UP')"
DOWN = "print('Slurmctld(primary) at host is DOWN'); sys.exit(1)"


@attrs.frozen(kw_only=True)
class Fakes:
    """A directory of commands, and a queue that runs them."""

    directory: Path

    def command(self, name: str, body: str) -> None:
        """Write a command in Python."""
        path = self.directory / name
        path.write_text(HEAD + body)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def calls(self, name: str) -> list[list[str]]:
        """Return the arguments that a command was run with, in turn."""
        path = self.directory / "calls"
        said = path.read_text().splitlines() if path.exists() else []
        return [words[1:] for line in said if (words := json.loads(line))[0] == name]

    def queue(self, timeout: float = 20) -> SlurmQueue:
        """Return a queue on these commands."""
        path = str(self.directory)
        return SlurmQueue("hpc", SlurmSettings(transport="command", path=path, timeout=timeout))


def answer(records: Sequence[dict[str, bytes]], form: lines.Format) -> bytes:
    """Return what squeue prints for jobs; what is not given is as that of a plain job."""
    plain = dict.fromkeys(form.fields, b"N/A") | {
        "JobID": b"1", "ArrayJobID": b"1", "State": b"PENDING", "Name": b"plain",
        "Partition": b"india", "UserName": b"albert", "Comment": b"(null)", "exit_code": b"0",
    }  # fmt: skip
    rows = [plain | record for record in records]
    end = form.mark.encode() + b"\n"
    return b"".join(b"\x1f".join(row[field] for field in form.fields) + end for row in rows)
