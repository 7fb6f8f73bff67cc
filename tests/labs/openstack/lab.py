"""What one lab is: its directory, its ports, its choices, and what is seeded in it.

All of it but the directory stands in `DIR/lab.json`, so whoever has the directory knows the lab.
"""

import json
import os
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

import attrs

PASSWORD = "labpass"
REGION = "RegionOne"
DOMAIN = "Default"
FIRST_BASE, LAST_BASE, BASE_STEP = 25000, 31000, 1000

SOCKET = 100
"""Bytes that the path of a Unix socket may surely have."""

OFFSETS: Mapping[str, int] = {
    "keystone": 0,
    "memcached": 211,
    "glance": 292,
    "mysql": 306,
    "epmd": 369,
    "rabbit": 672,
    "rabbit-nodes": 673,
    "neutron": 696,
    "nova-api": 774,
    "cinder-api": 776,
    "placement": 778,
}
"""How far above the lab's base each server listens; the last digits are those of the usual ports.

All stay below 32768, where Linux begins to give ports to outgoing connections.
"""


@attrs.frozen(kw_only=True)
class Account:
    """A user, the project it works in, and the roles it has there."""

    user: str
    project: str
    roles: tuple[str, ...]


ACCOUNTS: Mapping[str, Account] = {
    account.user: account
    for account in (
        Account(user="admin", project="admin", roles=("admin",)),
        Account(user="demo", project="demo", roles=("member", "reader")),
        Account(user="other", project="other", roles=("member", "reader")),
        Account(user="viewer", project="demo", roles=("reader",)),
    )
}

IMAGE = "tiny"
FLAVORS: tuple[tuple[str, int, int, int], ...] = (
    ("m1.nano", 1, 64, 1),
    ("m1.tiny", 1, 512, 1),
    ("m1.small", 1, 2048, 20),
    ("m1.medium", 2, 4096, 40),
    ("m1.large", 4, 8192, 80),
)
"""Name, CPUs, MiB of memory, GiB of disk; their ids are 1, 2, 3 ..."""
NETWORK, EXTERNAL_NETWORK, ROUTER = "shared", "public", "r1"


class LabError(Exception):
    """The lab cannot do what was asked; the message says why and what to do."""


@attrs.frozen(kw_only=True)
class Options:
    """What a lab is started with; it keeps them, a later start may give others."""

    computes: int = 2
    """Hosts for servers; resizing and migrating need two."""
    page_limit: int = 1000
    """The most servers that Nova lists in one answer."""
    token_seconds: int = 3600
    """How long a token lasts."""
    spawn_seconds: float = 0.0
    """How long a server builds, beyond what Nova itself needs."""


@attrs.frozen(kw_only=True)
class Lab:
    """One lab by its directory; whether it runs is another question."""

    directory: Path
    base: int
    options: Options = attrs.field(factory=Options)
    volumes: bool = True
    """Whether it has Cinder."""

    @property
    def auth_url(self) -> str:
        return f"{self.url('keystone')}/v3"

    @property
    def etc(self) -> Path:
        return self.directory / "etc"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def run(self) -> Path:
        return self.directory / "run"

    @property
    def state(self) -> Path:
        return self.directory / "state"

    @property
    def socket(self) -> Path:
        """The database's socket; elsewhere where its path would be too long for one."""
        place = self.state / "mysql" / "s.sock"
        if len(os.fsencode(place)) < SOCKET:
            return place
        return Path(tempfile.gettempdir()) / f"cloudmesh-lab-{self.base}.sock"

    def port(self, server: str) -> int:
        return self.base + OFFSETS[server]

    def url(self, server: str) -> str:
        return f"http://127.0.0.1:{self.port(server)}"

    def program(self, name: str) -> str:
        """Return the path of a program of the lab's own Python environment."""
        return str(self.directory / "venv" / "bin" / name)

    def write(self) -> None:
        """Write down, in the directory, what the lab is."""
        kept = {"base": self.base, "volumes": self.volumes, "options": attrs.asdict(self.options)}
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "lab.json").write_text(json.dumps(kept, indent=1), encoding="utf-8")


def read(directory: Path) -> Lab | None:
    """Return the lab of a directory, None where there is none yet."""
    try:
        kept = json.loads((directory / "lab.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Lab(
        directory=directory.resolve(),
        base=kept["base"],
        volumes=kept["volumes"],
        options=Options(**kept["options"]),
    )


def free_base() -> int:
    """Return the first base whose ports are all free now."""
    for base in range(FIRST_BASE, LAST_BASE + 1, BASE_STEP):
        if not taken(base):
            return base
    raise LabError(f"no ports are free for a lab between {FIRST_BASE} and {LAST_BASE + BASE_STEP}")


def taken(base: int) -> list[int]:
    """Return those ports of a base on which somebody listens."""
    return [base + offset for offset in OFFSETS.values() if answers(base + offset)]


def answers(port: int) -> bool:
    """Tell whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
