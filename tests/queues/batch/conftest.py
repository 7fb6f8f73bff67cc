"""A real sshd for the tests of commands over SSH."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.labs.sshd_lab import Sshd, running_sshd
from tests.labs.sshd_proxy import Proxy, proxy

from cloudmesh_sdk.queues.batch.ssh import Ssh


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own agent out."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture(scope="session")
def shared_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An sshd for all tests that leave it as it is."""
    with running_sshd(tmp_path_factory.mktemp("sshd")) as made:
        yield made


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """An sshd of the test's own."""
    place = tmp_path / "sshd"
    place.mkdir()
    with running_sshd(place) as made:
        yield made


@pytest.fixture
def ssh(shared_sshd: Sshd) -> Iterator[Ssh]:
    """A way to the shared sshd."""
    made = Ssh(shared_sshd.settings())
    yield made
    made.close()


@pytest.fixture
def between(shared_sshd: Sshd) -> Iterator[Proxy]:
    """A proxy before the shared sshd, which is known by its port, too."""
    with proxy(shared_sshd.port) as made:
        shared_sshd.trust(made.port)
        yield made


@pytest.fixture
def through(shared_sshd: Sshd, between: Proxy) -> Iterator[Ssh]:
    """A way through that proxy."""
    made = Ssh(shared_sshd.settings(port=between.port))
    yield made
    made.close()
