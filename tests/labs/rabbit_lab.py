"""A RabbitMQ of the tests' own, which `cloudmesh_sdk.services.broker` makes of Debian's package.

One start (6 to 60 s) serves all tests of a run: the fixture `rabbit_lab`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import psutil
import pytest
from tests.labs.openstack import processes
from tests.labs.openstack.install import nothing_started

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.services import broker

PATIENCE = 120.0


@attrs.define(kw_only=True)
class RabbitLab:
    """A broker; who stops it starts it again."""

    directory: Path
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def config(self) -> Config:
        """A configuration whose own broker this is."""
        return Config.load(self.directory / "cloudmesh.yaml")

    @property
    def uri(self) -> str:
        """Where it listens, with the password; another one after a start at another port."""
        return broker.uri(self.config)

    @property
    def process(self) -> psutil.Process:
        """The broker itself (Erlang), to be killed."""
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def start(self) -> None:
        """Start it and wait until it takes clients."""
        with (self.directory / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cloudmesh_sdk.services.broker",
                 "--config", str(self.directory / "cloudmesh.yaml")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        processes.wait("RabbitMQ", lambda: broker.answers(self.config), PATIENCE)

    def stop(self) -> None:
        """Stop it as at a shutdown."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None


def install() -> None:
    """Install RabbitMQ where it is missing; skips the test where it cannot be."""
    if broker.PROGRAM.exists():
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip(f"needs {broker.PACKAGE}, which only root on Debian can install")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with nothing_started():
        for words in (["update"], ["install", "-y", "--no-install-recommends", broker.PACKAGE]):
            subprocess.run(["apt-get", "-q", *words], env=env, check=True, capture_output=True)


@contextmanager
def running_lab() -> Iterator[RabbitLab]:
    """Give a running broker; it is stopped at the end, and its directory removed."""
    install()
    directory = Path(tempfile.mkdtemp(prefix="cm-rabbit-"))
    (directory / "cloudmesh.yaml").write_text(f'store: {{directory: "{directory}/mongo"}}\n')
    lab = RabbitLab(directory=directory)
    try:
        lab.start()
        yield lab
    finally:
        lab.stop()
    shutil.rmtree(directory)  # one that failed is kept, for its log


@pytest.fixture(scope="session")
def rabbit_lab() -> Iterator[RabbitLab]:
    """Give the broker that all tests of a run share."""
    with running_lab() as lab:
        yield lab
