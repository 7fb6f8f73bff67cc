"""Starting and stopping the daemons of a Slurm lab, as root, without systemd."""

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
from tests.labs.openstack import processes
from tests.labs.openstack.install import nothing_started
from tests.labs.openstack.lab import LabError
from tests.labs.openstack.processes import Process
from tests.labs.slurm.lab import NODES, REST_USER, Lab

PACKAGES = (
    "munge", "slurmctld", "slurmd", "slurmrestd", "slurm-client", "slurm-wlm-basic-plugins",
    "slurm-wlm-jwt-plugin",
)  # fmt: skip
NEEDED = ("munged", "slurmctld", "slurmd", "slurmrestd", "squeue", "sbatch")
JWT = "auth_jwt.so"
ACCOUNTING = ("slurmdbd", "slurm-wlm-mysql-plugin", "mariadb-server", "mariadb-client")
NEEDED_TO_ACCOUNT = ("slurmdbd", "mariadbd", "mariadb-install-db")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PATIENCE = 60.0


def install(lab: Lab) -> None:
    """Install Debian's packages where something is missing; raises LabError where it cannot."""
    needed = (*NEEDED, *(NEEDED_TO_ACCOUNT if lab.accounting else ()))
    missing = [name for name in needed if shutil.which(name, path=PATH) is None]
    if not any(Path("/usr/lib").glob(f"*/slurm-wlm/{JWT}")):  # a package of its own
        missing.append(JWT)
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LabError(f"{', '.join(missing)} not found, and only root on Debian can install them")
    packages = (*PACKAGES, *(ACCOUNTING if lab.accounting else ()))
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with nothing_started():
        for words in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            done = subprocess.run(
                ["apt-get", "-q", *words], env=env, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise LabError(f"apt-get {words[0]} failed: {done.stderr.strip()[-500:]}")


def environment(lab: Lab) -> dict[str, str]:
    """Return the environment in which Slurm's commands talk to this lab, and nothing else."""
    return {"PATH": PATH, "SLURM_CONF": str(lab.conf), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def run(
    lab: Lab, *argv: str | bytes, user: str | None = None, send: str = "", timeout: float = 60
) -> str:
    """Run a command against the lab, as `user`, and return what it says; raises LabError."""
    as_user = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups") if user else ()
    done = subprocess.run(
        [*as_user, *argv],
        input=send,
        capture_output=True,
        text=True,
        env=environment(lab),
        cwd=lab.directory / "jobs",
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        raise LabError(f"{argv}: {done.stderr.strip()}")
    return done.stdout


def start(lab: Lab, told: Callable[[str], None] = lambda step: None) -> None:
    """Start what does not run yet, and wait until all nodes are ready for jobs."""
    install(lab)
    _prepare(lab)
    told("starting munged, slurmctld, slurmrestd and a slurmd for each node")
    _launch(lab, "munged")
    processes.wait("munged", (lab.run / "munge.sock").is_socket, PATIENCE)
    if lab.accounting:
        _account(lab)
    for name in _NAMES:
        _launch(lab, name)
    processes.wait("slurmrestd", lab.socket.is_socket, PATIENCE)
    processes.wait("all nodes", lambda: ready(lab), PATIENCE)


def ready(lab: Lab) -> bool:
    """Tell whether all nodes take jobs."""
    with contextlib.suppress(LabError, subprocess.TimeoutExpired):
        states = run(lab, "sinfo", "-h", "-N", "-O", "NodeList:.20,StateComplete:.20").split("\n")
        usable = {line.split()[0] for line in states if line and line.split()[1][-1].isalpha()}
        return usable == set(NODES)
    return False


def running(lab: Lab) -> bool:
    """Tell whether the controller lives."""
    return processes.leader(lab, "slurmctld") is not None


def stop(lab: Lab) -> None:
    """End all jobs and daemons, whatever state they are in."""
    if running(lab):
        with contextlib.suppress(LabError, subprocess.TimeoutExpired):
            run(lab, "scancel", "--full", "-u", "root", timeout=20)
    for names in (_NAMES, ("slurmdbd",), ("mysql", "munged")):  # the first still need the last
        processes.end(lab, names)
    processes.end_strays(lab)
    for job in _jobs(lab):
        with contextlib.suppress(psutil.NoSuchProcess):
            job.kill()


@contextlib.contextmanager
def without(lab: Lab, name: str) -> Iterator[None]:
    """Take a daemon (`slurmctld`, `slurmrestd`, a node) down; it is back after the block."""
    processes.end(lab, [name])
    try:
        yield
    finally:
        start(lab)


@contextlib.contextmanager
def rest_of(lab: Lab, user: str) -> Iterator[Path]:
    """Give the Unix socket of a slurmrestd of a user's own, at which no token is needed."""
    place = lab.run / f"rest-{user}"
    place.mkdir(exist_ok=True)
    shutil.chown(place, user)
    socket = place / "slurmrestd.sock"
    socket.unlink(missing_ok=True)
    argv = (
        "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
        "slurmrestd", "-a", "rest_auth/local", "-s", "openapi/v0.0.38", f"unix:{socket}",
    )  # fmt: skip
    name = f"slurmrestd-{user}"
    # all indices of arrays, not the first 64 letters of them
    env = {"SLURM_BITSTR_LEN": "0"}
    processes.start(lab, Process(name=name, argv=argv, env=env), environment(lab))
    try:
        processes.wait(name, socket.is_socket, PATIENCE)
        yield socket
    finally:
        processes.end(lab, [name])


_NAMES = ("slurmctld", *NODES, "slurmrestd")
"""Daemons of every lab, besides munged, in the order in which they start."""


def _account(lab: Lab) -> None:
    """Start the database and slurmdbd, and tell it of the cluster."""
    place = lab.directory / "state" / "mysql"
    if not place.exists():
        words = ("mariadb-install-db", "--no-defaults", "--user=root", "--skip-test-db")
        done = subprocess.run([*words, f"--datadir={place}"], capture_output=True, check=False)
        if done.returncode:
            raise LabError(f"{words[0]}: {done.stderr.decode()[-500:]}")
    _launch(lab, "mysql")
    processes.wait("the database", _database(lab).is_socket, PATIENCE)
    _launch(lab, "slurmdbd")
    processes.wait("slurmdbd", lambda: _registered(lab), PATIENCE)


def _registered(lab: Lab) -> bool:
    with contextlib.suppress(LabError):
        if "lab" not in run(lab, "sacctmgr", "-n", "-P", "show", "cluster").split("|"):
            run(lab, "sacctmgr", "-i", "add", "cluster", "lab")
        return True
    return False


def _database(lab: Lab) -> Path:
    return lab.run / "mysql.sock"


def _launch(lab: Lab, name: str) -> None:
    if name == "slurmrestd" and processes.leader(lab, name) is None:
        lab.socket.unlink(missing_ok=True)
    # only the program's own environment is here: variables of ours change what Slurm does
    env = {"MYSQL_UNIX_PORT": str(_database(lab))} if name == "slurmdbd" else {}
    processes.start(lab, Process(name=name, argv=_argv(lab, name), env=env), environment(lab))


def _argv(lab: Lab, name: str) -> tuple[str, ...]:
    if name in NODES:
        return ("slurmd", "-D", "-N", name)
    place = lab.directory
    interfaces = "openapi/v0.0.37,openapi/v0.0.38" + ",openapi/dbv0.0.38" * lab.accounting
    table: Mapping[str, tuple[str, ...]] = {
        "munged": (
            "munged", "-F", "--force", f"--key-file={place}/etc/munge.key",
            f"--socket={place}/run/munge.sock", f"--pid-file={place}/run/munged.pid",
            f"--log-file={place}/log/munged.log", f"--seed-file={place}/state/munge.seed",
        ),
        "slurmctld": ("slurmctld", "-D"),
        "slurmdbd": ("slurmdbd", "-D"),
        "mysql": (
            "mariadbd", "--no-defaults", "--user=root", f"--datadir={place}/state/mysql",
            f"--socket={_database(lab)}", "--skip-networking", "--skip-grant-tables",
            "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0",
        ),
        # jwt alone: rest_auth/local lets anybody at the socket act as the daemon's own user;
        # -s: the plugins for accounting end it where there is no slurmdbd
        "slurmrestd": (
            "setpriv", f"--reuid={REST_USER}", f"--regid={REST_USER}", "--clear-groups",
            "env", "SLURM_JWT=daemon", "slurmrestd", "-a", "rest_auth/jwt",
            "-s", interfaces,
            lab.url.removeprefix("http://"), f"unix:{lab.socket}",
        ),
    }  # fmt: skip
    return table[name]


def _prepare(lab: Lab) -> None:
    for name in ("etc", "run", "log", "state", "spool", "jobs", "dev", "run/rest"):
        (lab.directory / name).mkdir(parents=True, exist_ok=True)
    lab.directory.chmod(0o755)
    (lab.directory / "jobs").chmod(0o1777)
    shutil.chown(lab.run / "rest", REST_USER)
    for node in NODES:
        (lab.directory / "spool" / node).mkdir(exist_ok=True)
    for gpu in ("gpu0", "gpu1"):  # slurmd only counts them
        (lab.directory / "dev" / gpu).touch()
    for key, size, mode in (("munge.key", 128, 0o400), ("jwt.key", 32, 0o600)):
        path = lab.directory / "etc" / key
        if not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(secrets.token_bytes(size))
            path.chmod(mode)
    for name, text in lab.files().items():
        (lab.directory / "etc" / name).write_text(text)
    (lab.directory / "etc" / "slurmdbd.conf").chmod(0o600)  # else it does not start
    lab.keep()


def _jobs(lab: Lab) -> list[psutil.Process]:
    """Return what jobs of this lab still run."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            env = process.environ()
            if "SLURM_JOB_ID" in env and env.get("SLURM_CONF") == str(lab.conf):
                found.append(process)
    return found
