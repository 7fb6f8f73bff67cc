"""The desk of a worker's process: a mesh for each user, closed once nobody uses it."""

from types import SimpleNamespace
from typing import Any

import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import hosting
from cloudmesh_sdk.mesh.hosting import Office
from cloudmesh_sdk.store.memory import MemoryStore


def test_a_mesh_that_is_in_use_is_not_closed_however_many_users_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hosting, "_MESHES", 2)
    config = Config.parse("clouds: {india: {driver: memory}}")
    no_broker: Any = SimpleNamespace()
    office = Office(config, MemoryStore(), no_broker)
    with office._mesh("ann") as mesh:
        cloud, closed = mesh.clouds["india"], list[str]()
        monkeypatch.setattr(cloud, "close", lambda: closed.append("ann"))
        for user in ("bob", "cid", "dora"):
            with office._mesh(user):
                pass
        assert [*office._meshes] == ["ann", "dora"]
        assert not closed
        with office._mesh("ann") as again:
            assert again is mesh
    for user in ("bob", "cid"):
        with office._mesh(user):
            pass
    assert [*office._meshes] == ["bob", "cid"]
    assert closed == ["ann"]
    assert not office._busy
