"""Opening and closing a mesh: nothing stays behind, whatever fails."""

import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import StoreError, UnavailableError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.store.memory import MemoryJournal, MemoryStore


def test_closing_closes_all_and_tells_what_failed(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.servers()
    closed: list[str] = []

    def fail() -> None:
        closed.append("india")
        raise ValueError("a socket is closed already")

    monkeypatch.setattr(mesh.clouds["india"], "close", fail)
    monkeypatch.setattr(mesh.clouds["sierra"], "close", lambda: closed.append("sierra"))
    monkeypatch.setattr(mesh.store, "close", lambda: closed.append("store"))
    with pytest.raises(UnavailableError, match="india: the driver failed: ValueError: a socket"):
        mesh.close()
    assert sorted(closed) == ["india", "sierra", "store"]


def test_a_mesh_that_cannot_be_opened_gives_its_store_back(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    def gone(*_: object, **__: object) -> None:
        raise StoreError("the journal is gone")

    monkeypatch.setattr(MemoryJournal, "find", gone)
    monkeypatch.setattr(MemoryStore, "close", lambda self: closed.append(self.where))
    with pytest.raises(StoreError, match="the journal is gone"):
        Mesh.open("memory", config=Config.parse("clouds: {}"))
    assert closed == ["memory of this process"]
