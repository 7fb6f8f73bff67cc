"""What a lab is made of: Debian's database, bus and cache, and OpenStack from PyPI in a venv."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.labs.openstack.lab import Lab, LabError

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
POLICY = Path("/usr/sbin/policy-rc.d")

RABBIT = "/usr/lib/rabbitmq/bin/rabbitmq-server"
PROGRAMS: Mapping[str, str] = {
    RABBIT: "rabbitmq-server",
    "/usr/bin/epmd": "rabbitmq-server",
    "/usr/sbin/mariadbd": "mariadb-server",
    "/usr/bin/mariadb-install-db": "mariadb-server",
    "/usr/bin/memcached": "memcached",
}
"""The programs that the lab runs besides OpenStack, and the Debian package of each."""

ENTRY_POINTS = "[neutron.ml2.mechanism_drivers]\nlabnoop = lab_ml2_noop:NoopMechanismDriver\n"


def missing() -> list[str]:
    """Return the Debian packages that are not there."""
    return sorted({package for path, package in PROGRAMS.items() if not Path(path).exists()})


def install(lab: Lab, told: Callable[[str], None]) -> None:
    """Install what is missing; the lab's own drivers are brought up to date in any case."""
    lab.log.mkdir(parents=True, exist_ok=True)
    if packages := missing():
        told(f"Debian packages: {' '.join(packages)}")
        _debian(lab, packages)
    stamp = lab.directory / "installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        told("OpenStack from PyPI, which takes minutes")
        _python(lab)
        stamp.write_text(wanted)
    _drivers(lab)


def logged(lab: Lab, name: str, *argv: str, env: Mapping[str, str] | None = None) -> None:
    """Run a command to its end, its output in the lab's log; raises LabError if it fails."""
    path = lab.log / f"{name}.log"
    with path.open("ab") as log:
        done = subprocess.run(argv, stdout=log, stderr=log, env=env, check=False)
    if done.returncode:
        tail = path.read_text(errors="replace").strip()[-400:]
        raise LabError(f"{argv[0]} failed; {path} ends with: {tail}")


def _debian(lab: Lab, packages: list[str]) -> None:
    command = f"apt-get install -y {' '.join(packages)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LabError(f"the lab needs packages that are missing; as root: {command}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with nothing_started():
        logged(lab, "apt", "apt-get", "update", "-q", env=env)
        words = ("apt-get", "install", "-y", "-q", "--no-install-recommends")
        logged(lab, "apt", *words, *packages, env=env)


@contextmanager
def nothing_started() -> Iterator[None]:
    """Keep Debian from starting what it installs, which would listen on every address."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def _python(lab: Lab) -> None:
    python = lab.program("python")
    if not Path(python).exists():
        logged(lab, "pip", sys.executable, "-m", "venv", str(lab.directory / "venv"))
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input")
    logged(lab, "pip", *pip, "-r", str(REQUIREMENTS))


def _drivers(lab: Lab) -> None:
    """Put the lab's drivers where the services look: Nova takes its own from `nova.virt` only."""
    (packages,) = (lab.directory / "venv" / "lib").glob("python3*/site-packages")
    for path in (HERE / "drivers").glob("*.py"):
        place = packages / "nova" / "virt" if path.stem == "lab_fake_driver" else packages
        shutil.copyfile(path, place / path.name)
    info = packages / "lab_ml2_noop-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-ml2-noop\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
