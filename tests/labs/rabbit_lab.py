"""A RabbitMQ of the tests' own, which `cloudmesh_sdk.services.broker` makes of Debian's package.

One start (6 to 60 s) serves all tests of a run: the fixture `rabbit_lab`.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import psutil
import pytest
from tests.labs.openstack.install import nothing_started

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.services import broker, control, kin, places
from cloudmesh_sdk.services.records import MARK

PATIENCE = 20.0


@attrs.frozen(kw_only=True)
class RabbitLab:
    """A broker under its supervisor; who stops it starts it again."""

    directory: Path

    @property
    def config(self) -> Config:
        """A configuration whose own broker this is."""
        return Config.load(self.directory / "cloudmesh.yaml")

    @property
    def uri(self) -> str:
        """Where it listens, with the password; it may change with a start."""
        return broker.uri(self.config)

    @property
    def process(self) -> psutil.Process:
        """The broker itself (Erlang); one that is killed comes back, as another process."""
        return psutil.Process(control.status(self.config, broker.NAME).pid)

    def start(self) -> None:
        """Start it and wait until it takes clients."""
        control.start(self.config, broker.NAME)

    def stop(self) -> None:
        """Stop it as at a shutdown."""
        control.stop(self.config, broker.NAME)

    def left(self) -> list[psutil.Process]:
        """Return the processes that were started for it and run, whatever started them."""
        root = str(places.place(self.config, broker.NAME).root)
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == root and process.status() != "zombie":
                    found.append(process)
        return found


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
        assert kin.until(lambda: not lab.left(), PATIENCE)
    shutil.rmtree(directory)  # one that failed is kept, for its log


@pytest.fixture(scope="session")
def rabbit_lab() -> Iterator[RabbitLab]:
    """Give the broker that all tests of a run share."""
    with running_lab() as lab:
        yield lab
