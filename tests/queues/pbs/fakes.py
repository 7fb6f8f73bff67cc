"""Commands that stand in for PBS's, for what the real ones do only in trouble."""

import json
import shlex
import stat
import sys
from pathlib import Path

import attrs

from cloudmesh_sdk.queues.pbs import PbsQueue, PbsSettings

_HEAD = f"""#!{sys.executable} -SE
import json, os, pathlib, sys, time
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write(json.dumps([pathlib.Path(__file__).name, *sys.argv[1:]]) + "\\n")
if sys.argv[1:] == ["--version"]:
    print("pbs_version = 23.06.06")
    sys.exit()
"""

_REPLAY = """
answers = json.loads((here / "answers.json").read_text())
words = " ".join([pathlib.Path(__file__).name, *sys.argv[1:]])
for start, (out, err, code) in answers.items():
    if words.startswith(start):
        sys.stdout.buffer.write(pathlib.Path(out).read_bytes() if out else b"")
        sys.stderr.write(err)
        sys.exit(code)
sys.stderr.write(f"nothing to say to {words}\\n")
sys.exit(99)
"""


@attrs.frozen
class Fakes:
    """A directory of commands, and queues that run them."""

    directory: Path

    def command(self, name: str, body: str, *, head: str = _HEAD) -> None:
        """Write a command in Python."""
        path = self.directory / name
        path.write_text(head + body)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def replay(self, answers: dict[str, tuple[Path | None, str, int]]) -> None:
        """Let commands answer as captured: by how they are called, the longest first."""
        told = {
            start: (None if out is None else str(out), err, code)
            for start, (out, err, code) in sorted(answers.items(), key=lambda one: -len(one[0]))
        }
        (self.directory / "answers.json").write_text(json.dumps(told))
        for name in {shlex.split(start)[0] for start in answers}:
            self.command(name, _REPLAY)

    def calls(self, name: str) -> list[list[str]]:
        """Return the arguments that a command was run with, in turn, but for `--version`."""
        path = self.directory / "calls"
        said = path.read_text().splitlines() if path.exists() else []
        rows = [json.loads(line) for line in said]
        return [words[1:] for words in rows if words[0] == name and words[1:] != ["--version"]]

    def queue(self, **chosen: object) -> PbsQueue:
        """Return a queue on these commands."""
        settings = {"path": str(self.directory), "timeout": 20.0, **chosen}
        return PbsQueue("hpc", PbsSettings(**settings))  # type: ignore[arg-type]
