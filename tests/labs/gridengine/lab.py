"""A small real Grid Engine in namespaces of its own: where it lives, what its files say."""

import json
from pathlib import Path

import attrs

HOST = "gehead"
"""What its only machine is called, for itself alone."""
ADDRESS = "192.0.2.1"
"""Of its loopback: Grid Engine refuses hosts whose name means 127.0.0.1 (RFC 5737 keeps this)."""
PORTS = (6444, 6445)
"""Of qmaster and execd. Nobody else is in their network."""
QUEUES = {"india.q": {}, "sierra.q": {"h_rt": "01:00:00", "h_vmem": "4G"}}
"""Its queues, and what is special about them."""
SLOTS = 8
"""Of each queue."""
OTHER_USER = "games"
"""A user of every Debian, who owns jobs that are none of ours."""
PROGRAMS = Path("/usr/lib/gridengine")
SHARED = Path("/usr/share/gridengine/util/resources")
COMMANDS = ("qacct", "qalter", "qconf", "qdel", "qhold", "qhost", "qmod", "qrls", "qstat", "qsub")
FILES = Path(__file__).parent / "etc"


@attrs.frozen(kw_only=True)
class Lab:
    """A lab in a directory."""

    directory: Path

    @property
    def run(self) -> Path:
        return self.directory / "run"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def root(self) -> Path:
        """What Grid Engine calls SGE_ROOT."""
        return self.directory / "root"

    @property
    def common(self) -> Path:
        """Where its cell says what holds for all, and keeps its accounting."""
        return self.root / "default" / "common"

    @property
    def commands(self) -> Path:
        """A directory of its commands, which work from outside its network."""
        return self.directory / "bin"

    @property
    def jobs(self) -> Path:
        """A directory where every user's jobs may write."""
        return self.directory / "jobs"

    def text(self, name: str) -> str:
        """Return one of its files."""
        words = {"directory": str(self.directory), "host": HOST, "address": ADDRESS}
        return (FILES / name).read_text(encoding="utf-8").format_map(words)

    def keep(self) -> None:
        """Write down that there is a lab."""
        (self.directory / "lab.json").write_text(json.dumps({"kind": "gridengine"}))


def read(directory: Path) -> Lab | None:
    """Return the lab in a directory, None where there is none."""
    try:
        kept = json.loads((directory / "lab.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Lab(directory=directory) if kept == {"kind": "gridengine"} else None


def changed(text: str, **values: str) -> str:
    """Return a configuration (lines of name and value) with other values."""
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    return "".join(f"{name} {values.get(name, value)}\n" for name, value in lines)
