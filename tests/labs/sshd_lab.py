"""A real sshd on loopback for the tests: keys of its own, one user (who runs the tests).

It is OpenSSH's, of Debian's package; started from a file of its own and stopped surely, with all
that runs in its sessions.
"""

import contextlib
import getpass
import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import psutil
import pytest
from tests.labs.openstack import processes
from tests.labs.openstack.lab import LabError

from cloudmesh_sdk.queues.batch import BatchSettings

PACKAGES = ("openssh-server", "openssh-client", "tcsh")
NEEDED = ("sshd", "ssh-keygen", "ssh-agent", "tcsh")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PATIENCE = 20.0

_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {directory}/host_key
PidFile none
AuthorizedKeysFile {directory}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PermitUserRC no
MaxStartups 100
SetEnv {marks}
"""


@attrs.define(kw_only=True)
class Sshd:
    """An sshd that serves whoever runs the tests."""

    directory: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def key(self) -> Path:
        """The private key that it lets in."""
        return self.directory / "user_key"

    @property
    def known_hosts(self) -> Path:
        """A file that knows its host key, by the name `127.0.0.1`."""
        return self.directory / "known_hosts"

    def settings(self, **others: Any) -> BatchSettings:
        """Return settings that log in there; nothing of the user's own is looked at."""
        given: dict[str, Any] = {
            "host": "127.0.0.1", "port": self.port, "user": getpass.getuser(),
            "identity": str(self.key), "known_hosts": str(self.known_hosts),
            "ssh_config": str(self.directory / "ssh_config"), "timeout": 30.0,
        }  # fmt: skip
        return BatchSettings(**{**given, **others})

    def trust(self, port: int, name: str = "127.0.0.1") -> None:
        """Let `known_hosts` know the host key at another port: that of a proxy before it."""
        kind, key = (self.directory / "host_key.pub").read_text().split()[:2]
        with self.known_hosts.open("a") as file:
            file.write(f"[{name}]:{port} {kind} {key}\n")

    def start(self, *lines: str, env: Mapping[str, str] | None = None) -> None:
        """Start it with more lines of sshd_config(5), and variables for its sessions."""
        # the user's own start files are not the tests': they may take long, and hold locks that
        # are never given back where a command is killed
        home = {"HOME": str(self.directory)}
        marks = {processes.MARK: str(self.directory), **home, **(env or {})}
        words = " ".join(shlex.quote(f"{name}={value}") for name, value in marks.items())
        text = _CONFIG.format(port=self.port, directory=self.directory, marks=words)
        config = self.directory / "sshd_config"
        config.write_text(text + "\n".join(lines) + "\n")
        sshd = shutil.which("sshd", path=PATH)
        assert sshd is not None
        with (self.directory / "sshd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sshd, "-D", "-e", "-f", str(config)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": PATH}, start_new_session=True,
            )  # fmt: skip
        try:
            processes.wait("sshd", self._greets, PATIENCE)
        except LabError as error:
            raise LabError(f"{error}: {(self.directory / 'sshd.log').read_text()[-500:]}") from None

    def stop(self) -> None:
        """End it, its connections and the commands in them."""
        if self.process is not None:
            self.cut()
            self.process.kill()
            self.process.wait()
            self.process = None
        self.kill_commands()

    def kill_commands(self) -> None:
        """End what runs in its sessions, and what that starts meanwhile."""

        def none_left() -> bool:
            left = self.commands()
            for command in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    command.kill()
            return not left

        processes.wait("the end of all commands", none_left, PATIENCE)

    def restart(self, *lines: str) -> None:
        """End it with all connections and start it again, at the same port."""
        self.stop()
        self.start(*lines)

    def sessions(self) -> list[psutil.Process]:
        """Return its processes that serve connections."""
        if self.process is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            below = psutil.Process(self.process.pid).children(recursive=True)
            return [child for child in below if _name(child) == "sshd"]
        return []

    def cut(self) -> None:
        """Kill what serves connections: the commands in them go on.

        Who is cut off may be there again before this returns.
        """
        served = self.sessions()
        for session in served:
            with contextlib.suppress(psutil.NoSuchProcess):
                session.kill()
        _, left = psutil.wait_procs(served, PATIENCE)
        if left:
            raise LabError(f"these connections do not end: {left}")

    def commands(self, words: Sequence[str] = ()) -> list[psutil.Process]:
        """Return the commands that run in its sessions; those alone whose line is `words`."""
        found = processes.marked(self.directory)
        return [one for one in found if not words or _line(one) == [*words]]

    def _greets(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise LabError(f"sshd ended with status {self.process.returncode}")
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as tried,
        ):
            return tried.recv(4) == b"SSH-"
        return False


def install() -> None:
    """Install Debian's packages where a program is missing; raises LabError where it cannot."""
    missing = [name for name in NEEDED if shutil.which(name, path=PATH) is None]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LabError(f"{', '.join(missing)} not found, and only root on Debian can install them")
    # policy-rc.d is for those who have an init: nothing may start by itself here
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(
            ["apt-get", "-q", *words], env=env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise LabError(f"apt-get {words[0]} failed: {done.stderr.strip()[-500:]}")


def installed() -> None:
    """Install what is missing; where nobody may, the test is left out, which fails in CI."""
    try:
        install()
    except LabError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@contextmanager
def running_sshd(
    directory: Path, *lines: str, env: Mapping[str, str] | None = None
) -> Iterator[Sshd]:
    """Give an sshd that ends with the block."""
    installed()
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd's own, which an init makes
    made = Sshd(directory=directory, port=free_port())
    for name in ("host_key", "user_key"):
        keygen(directory / name)
    shutil.copy(directory / "user_key.pub", directory / "authorized_keys")
    (directory / "ssh_config").touch()
    made.trust(made.port)
    try:
        made.start(*lines, env=env)
        yield made
    finally:
        made.stop()


def keygen(path: Path, passphrase: str = "", kind: str = "ed25519") -> None:
    """Make a pair of keys."""
    words = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "cloudmesh test"]
    subprocess.run([*words, "-f", str(path)], check=True, stdin=subprocess.DEVNULL)


@contextmanager
def agent(directory: Path, *keys: tuple[Path, str]) -> Iterator[Path]:
    """Give the socket of an ssh-agent that has keys (and their passphrases) open."""
    place = directory / "agent.sock"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(place)], stdout=subprocess.DEVNULL) as run:
        try:
            processes.wait("ssh-agent", place.is_socket, PATIENCE)
            for key, passphrase in keys:
                told = directory / "askpass"
                told.write_text(f"#!/bin/sh\necho {shlex.quote(passphrase)}\n")
                told.chmod(0o700)
                env = {
                    **os.environ, "SSH_AUTH_SOCK": str(place), "SSH_ASKPASS": str(told),
                    "SSH_ASKPASS_REQUIRE": "force",
                }  # fmt: skip
                subprocess.run(["ssh-add", "-q", str(key)], check=True, env=env)
            yield place
        finally:
            run.kill()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with contextlib.closing(socket.socket()) as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return str(process.name())
    return ""


def _line(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return [str(word) for word in process.cmdline()]
    return []
