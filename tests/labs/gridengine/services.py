"""Starting and stopping a Grid Engine lab, as root, without systemd.

qmaster and execd bind every address, so they live in a network of their own, which has nothing but
a loopback. A namespace of processes is around them and all jobs: whose first process ends, all end.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.labs.gridengine.lab import (
    COMMANDS,
    HOST,
    PORTS,
    PROGRAMS,
    QUEUES,
    SHARED,
    SLOTS,
    Lab,
    changed,
)
from tests.labs.openstack import processes
from tests.labs.openstack.install import nothing_started
from tests.labs.openstack.lab import LabError
from tests.labs.openstack.processes import Process

PACKAGES = (
    "gridengine-master", "gridengine-exec", "gridengine-client",
    "msmtp-mta",  # they want to send mail: this sends none unless told where to, and is no server
)  # fmt: skip
DAEMONS = ("sge_qmaster", "sge_execd")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PATIENCE = 60.0
_SPACES = {"net": "net", "uts": "uts", "mnt": "mount", "pid": "pid"}
"""Namespaces, and how nsenter calls them."""


def install() -> None:
    """Install Debian's packages where a program is missing; raises LabError where it cannot."""
    missing = [name for name in (*DAEMONS, "qstat") if not (PROGRAMS / name).exists()]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LabError(f"{', '.join(missing)} not found, and only root on Debian can install them")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with nothing_started():
        for words in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
            done = subprocess.run(
                ["apt-get", "-q", *words], env=env, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise LabError(f"apt-get {words[0]} failed: {done.stderr.strip()[-500:]}")


def environment(lab: Lab) -> dict[str, str]:
    """Return the environment in which Grid Engine's programs know this lab, and nothing else."""
    qmaster, execd = map(str, PORTS)
    return {
        "PATH": PATH, "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/root",
        "SGE_ROOT": str(lab.root), "SGE_CELL": "default",
        "SGE_QMASTER_PORT": qmaster, "SGE_EXECD_PORT": execd,
    }  # fmt: skip


def run(lab: Lab, *argv: str, user: str | None = None, send: str = "", timeout: float = 60) -> str:
    """Run one of Grid Engine's commands, as `user`, and return what it says; raises LabError."""
    name, *rest = argv
    done = subprocess.run(
        [*_within(lab, at=str(lab.jobs)), *_as_user(user), str(PROGRAMS / name), *rest],
        input=send,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        env=environment(lab),
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        raise LabError(f"{argv}: {(done.stderr + done.stdout).strip()}")
    return done.stdout


def start(lab: Lab, told: Callable[[str], None] = lambda step: None) -> None:
    """Start what does not run yet, and wait until both queues take jobs."""
    install()
    _prepare(lab)
    lab.keep()
    told("starting qmaster and execd in a network of their own")
    _room(lab)
    commands(lab, lab.commands)
    if not (lab.directory / "spool" / "db" / "sge").exists():
        _spool(lab)
    _launch(lab, "sge_qmaster")
    processes.wait("qmaster", lambda: _said(lab, "sge_qmaster", "qconf", "-sm") != "", PATIENCE)
    _configure(lab)
    _launch(lab, "sge_execd")
    processes.wait("execd", lambda: HOST in _said(lab, "sge_execd", "qconf", "-sel"), PATIENCE)
    _queues(lab)
    processes.wait("the queues", lambda: ready(lab), PATIENCE)


def ready(lab: Lab) -> bool:
    """Tell whether both queues have their host."""
    lines = run(lab, "qstat", "-f").splitlines()
    found = [line.split() for line in lines if f"@{HOST}" in line]
    usual = 5  # words, where there is no letter of a state
    return len(found) == len(QUEUES) and all(len(words) == usual for words in found)


def stop(lab: Lab) -> None:
    """End everything, whatever state it is in: no process is left, and with them no namespace."""
    processes.end(lab, reversed(DAEMONS), patience=2)
    processes.end(lab, ["room"], patience=0)
    processes.end_strays(lab)


@contextlib.contextmanager
def without(lab: Lab, name: str) -> Iterator[None]:
    """Take a daemon down; it is back after the block."""
    processes.end(lab, [name])
    try:
        yield
    finally:
        start(lab)


def _prepare(lab: Lab) -> None:
    for name in ("etc", "run", "log", "bin", "jobs", "spool/db", "spool/execd", "root"):
        (lab.directory / name).mkdir(parents=True, exist_ok=True)
    for place in (lab.common, lab.directory / "spool" / "qmaster" / "job_scripts"):
        place.mkdir(parents=True, exist_ok=True)
    lab.directory.chmod(0o755)
    lab.jobs.chmod(0o1777)
    for name in ("util", "bin", "lib", "utilbin"):
        link = lab.root / name
        if not link.is_symlink():
            link.symlink_to(f"/var/lib/gridengine/{name}")
    for name in ("hosts", "room.sh", "configuration"):
        (lab.directory / "etc" / name).write_text(lab.text(name))
    (lab.common / "bootstrap").write_text(lab.text("bootstrap"))
    (lab.common / "act_qmaster").write_text(f"{HOST}\n")


def _room(lab: Lab) -> None:
    """Make the namespaces; raises LabError where that is not allowed."""
    if processes.leader(lab, "room") is None:
        (lab.run / "room").unlink(missing_ok=True)
    spaces = ("--net", "--uts", "--mount", "--pid", "--fork", "--kill-child")
    argv = ("unshare", *spaces, "sh", str(lab.directory / "etc" / "room.sh"))
    processes.start(lab, Process(name="room", argv=argv), environment(lab))

    def made() -> bool:
        processes.must_run(lab, "room")
        return (lab.run / "room").exists()

    processes.wait("namespaces", made, PATIENCE)


def _first(lab: Lab) -> int:
    """Return the pid of the first process within, as it is seen from outside."""
    leader = processes.leader(lab, "room")
    if leader is None:
        raise LabError(f"the lab in {lab.directory} does not run")
    return leader.children()[0].pid


def _within(lab: Lab, *more: str, at: str = "/") -> tuple[str, ...]:
    """Return the words before a command that is to run within, in the directory `at`."""
    place = f"/proc/{_first(lab)}/ns"
    spaces = [f"--{_SPACES[name]}={place}/{name}" for name in ("net", "uts", "mnt", *more)]
    return ("nsenter", *spaces, f"--wd={at}", "--")


def commands(lab: Lab, directory: Path, user: str | None = None) -> None:
    """Write Grid Engine's commands into a directory: they work from outside, as `user`."""
    known = {name: value for name, value in environment(lab).items() if name.startswith("SGE_")}
    settings = [f'{name}="${{{name}:-{value}}}"' for name, value in known.items()]
    words = " ".join([*settings, "exec", *_within(lab, at='"$PWD"'), *_as_user(user)])
    for name in COMMANDS:
        path = directory / name
        path.write_text(f'#!/bin/sh\n{words} {PROGRAMS / name} "$@"\n')
        path.chmod(0o755)


def _as_user(user: str | None) -> tuple[str, ...]:
    if user is None:
        return ()
    known = pwd.getpwnam(user)
    return ("setpriv", f"--reuid={known.pw_uid}", f"--regid={known.pw_gid}", "--clear-groups")


def _launch(lab: Lab, name: str) -> None:
    argv = (*_within(lab, "pid"), str(PROGRAMS / name))
    processes.start(lab, Process(name=name, argv=argv, env={"SGE_ND": "1"}), environment(lab))


def _said(lab: Lab, daemon: str, *argv: str) -> str:
    """Return what a command says, "" where it fails: a daemon that lives is not there yet."""
    processes.must_run(lab, daemon)
    with contextlib.suppress(LabError):
        return run(lab, *argv)
    return ""


def _spool(lab: Lab) -> None:
    """Make the databases of a new qmaster."""
    steps: Mapping[str, tuple[str | Path, ...]] = {
        "spoolinit": ("berkeleydb", "libspoolb", lab.directory / "spool" / "db", "init"),
        "spooldefaults configuration": (lab.directory / "etc" / "configuration",),
        "spooldefaults complexes": (SHARED / "centry",),
        "spooldefaults usersets": (SHARED / "usersets",),
        "spooldefaults pes": (SHARED / "pe",),
        "spooldefaults managers": ("root",),
    }
    for step, rest in steps.items():
        name, *verb = step.split()
        words = [*_within(lab), str(PROGRAMS / name), *verb, *map(str, rest)]
        env = {**environment(lab), "LD_LIBRARY_PATH": str(PROGRAMS)}
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"{step}: {(done.stderr + done.stdout).strip()}")


def _configure(lab: Lab) -> None:
    run(lab, "qconf", "-as", HOST)
    soon = {
        "schedule_interval": "0:0:1", "flush_submit_sec": "1", "flush_finish_sec": "1",
        "job_load_adjustments": "NONE",
    }  # fmt: skip
    _tell(lab, "-Msconf", changed(run(lab, "qconf", "-ssconf"), **soon))


def _queues(lab: Lab) -> None:
    template = run(lab, "qconf", "-sq")
    there = _said(lab, "sge_qmaster", "qconf", "-sql").split()
    for name in [name for name in QUEUES if name not in there]:
        same = {"hostlist": HOST, "load_thresholds": "NONE", "slots": str(SLOTS)}
        _tell(lab, "-Aq", changed(template, qname=name, **same, **QUEUES[name]))


def _tell(lab: Lab, option: str, text: str) -> None:
    path = lab.directory / "etc" / "told"
    path.write_text(text)
    run(lab, "qconf", option, str(path))
