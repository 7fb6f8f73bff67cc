"""A small real Slurm on loopback: where it lives, its ports, what its files say."""

import contextlib
import json
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import attrs

SPAN = 64
"""Ports that a lab has, from `base` on."""
INDIA = tuple(f"i{number:03}" for number in range(1, 5))
SIERRA = tuple(f"s{number:03}" for number in range(1, 5))
NODES = (*INDIA, *SIERRA)
PARTITIONS = ("india", "short", "sierra", "shared", "closed", "maint")
OTHER_USER = "games"
"""A user of every Debian, who owns jobs that are none of ours."""
REST_USER = "daemon"
"""Who slurmrestd runs as: it refuses root."""
FILES = Path(__file__).parent / "etc"


@attrs.frozen(kw_only=True)
class Lab:
    """A lab in a directory; `base` is the lowest of its ports."""

    directory: Path
    base: int
    remembered: int = 300
    """Seconds that the controller knows a job after its end (MinJobAge)."""
    accounting: bool = False
    """Whether it has slurmdbd and a database."""

    @property
    def run(self) -> Path:
        return self.directory / "run"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def conf(self) -> Path:
        return self.directory / "etc" / "slurm.conf"

    @property
    def url(self) -> str:
        """Where slurmrestd listens."""
        return f"http://127.0.0.1:{self.base + 1}"

    @property
    def socket(self) -> Path:
        """The Unix socket of slurmrestd."""
        return self.run / "rest" / "slurmrestd.sock"

    def files(self) -> dict[str, str]:
        """Return the configuration by file name."""
        words = {
            "directory": str(self.directory),
            "host": socket.gethostname().partition(".")[0],
            "controller": str(self.base),
            "india": f"{self.base + 10}-{self.base + 13}",
            "sierra": f"{self.base + 20}-{self.base + 23}",
            "interactive": f"{self.base + 30}-{self.base + SPAN - 1}",
            "remembered": str(self.remembered),
            "accountant": str(self.base + 2),
            "accounting": self._accounting(),
        }
        return {
            path.name: path.read_text(encoding="utf-8").format_map(words)
            for path in FILES.iterdir()
        }

    def _accounting(self) -> str:
        if not self.accounting:
            return "AccountingStorageType=accounting_storage/none"
        return (
            "AccountingStorageType=accounting_storage/slurmdbd\n"
            f"AccountingStorageHost=127.0.0.1\nAccountingStoragePort={self.base + 2}\n"
            # where its munged listens: AuthInfo does not count for slurmdbd (slurm.conf(5))
            f"AccountingStoragePass={self.run}/munge.sock\nAccountingStorageTRES=gres/gpu"
        )

    def keep(self) -> None:
        """Write down which lab this is."""
        kept = {
            "base": self.base, "remembered": self.remembered, "accounting": self.accounting,
        }  # fmt: skip
        (self.directory / "lab.json").write_text(json.dumps(kept))


def read(directory: Path) -> Lab | None:
    """Return the lab in a directory, None where there is none."""
    try:
        kept = json.loads((directory / "lab.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Lab(directory=directory, **kept)


def free_base() -> int:
    """Return the lowest of `SPAN` ports which nobody listens on."""
    starts = list(range(16000, 32000, SPAN))  # below those that the kernel gives to clients
    random.shuffle(starts)
    return next(base for base in starts if all(map(_free, _used(base))))


def _used(base: int) -> Iterator[int]:
    yield from (*range(base, base + 3), *range(base + 10, base + 14), *range(base + 20, base + 24))


def _free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
