"""An operation that a mesh gave is waited for and cancelled by itself, and shows nothing new."""

import attrs
import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConflictError, NotFoundError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import OperationState
from cloudmesh_sdk.shell.plain import plain
from cloudmesh_sdk.store.memory import MemoryStore


@pytest.fixture
def mesh() -> Mesh:
    config = Config.parse("clouds: {india: {driver: memory}}")
    return Mesh(config, MemoryStore(), user="albert")


def test_what_is_left_is_waited_for(mesh: Mesh) -> None:
    with mesh:
        (asked,) = mesh.later.start(name="web")
        done = asked.wait(timeout=20)
        assert (done.id, done.state) == (asked.id, OperationState.DONE)
        assert mesh.operation(asked.id).wait() == done
        assert [server.name for server in mesh.servers()] == ["web"]


def test_one_that_failed_raises_what_it_failed_with(mesh: Mesh) -> None:
    with mesh:
        (server,) = mesh.start(name="web")
        mesh.clouds["india"].delete(server)
        (asked,) = mesh.later.stop(server)
        with pytest.raises(NotFoundError):
            asked.wait(timeout=20)


def test_what_waits_is_cancelled_and_what_is_done_is_not(mesh: Mesh) -> None:
    with mesh:
        (asked,) = mesh.later.elsewhere.start(name="web")
        assert asked.cancel(timeout=5).state is OperationState.CANCELLED
        assert asked.state is OperationState.PENDING
        (server,) = mesh.start(name="db")
        (started,) = mesh.operations(target=server.name)
        with pytest.raises(ConflictError, match="is done already"):
            started.cancel()


def test_it_is_its_record_for_all_who_look(mesh: Mesh) -> None:
    with mesh:
        mesh.start(name="web")
        (given,) = mesh.operations()
        record = mesh.store.journal.get(given.id)
        assert record is not None
        assert (given, hash(given), repr(given).partition("(")[2]) == (
            record, hash(record), repr(record).partition("(")[2],
        )  # fmt: skip
        assert record == given
        assert plain(given) == plain(record)
        assert attrs.evolve(given, target="db") != record
