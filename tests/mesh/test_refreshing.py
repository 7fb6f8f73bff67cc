"""Refreshing: one odd record, one dead cloud, one that hangs costs no more than itself."""

import threading
from typing import Any

import attrs
import pytest

from cloudmesh_sdk.errors import BackendTimeoutError, ConfigError, StoreError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import Image
from cloudmesh_sdk.providers.memory import MemoryCloud


def test_an_odd_record_fails_its_own_list_alone(mesh: Mesh) -> None:
    cloud = mesh.clouds["india"]
    odd = attrs.evolve(next(iter(cloud.servers())), native={"lock": threading.Lock()})
    cloud.servers = lambda: [odd]  # type: ignore[method-assign]
    refreshed = mesh.refresh(kinds=["servers", "images"])
    error = refreshed.errors["india"]
    assert str(error).startswith("india: its servers cannot be kept: TypeError: ")
    assert isinstance(error.__cause__, TypeError)
    assert [(r.cloud, r.kind) for r in refreshed] == [
        ("india", "images"),
        ("sierra", "servers"),
        ("sierra", "images"),
    ]
    assert mesh.images("india").errors == {}
    assert set(mesh.servers().errors) == {"india"}


def test_a_store_that_is_gone_is_told(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise StoreError("the store is gone")

    monkeypatch.setattr(mesh.store.view, "replace", gone)
    assert "the store is gone" in str(mesh.refresh().errors["india"])
    monkeypatch.setattr(mesh.store.view, "failed", gone)
    with pytest.raises(StoreError, match="the store is gone"):
        mesh.refresh()


def test_what_a_cloud_said_before_it_hung_is_kept(mesh: Mesh) -> None:
    release = threading.Event()
    heard = threading.Event()
    cloud = mesh.clouds["india"]

    def hang() -> list[Image]:
        heard.set()
        release.wait(30)
        return []

    cloud.images = hang  # type: ignore[method-assign]
    refreshed = mesh.refresh("india", ["servers", "images", "flavors"], deadline=0.5)
    release.set()
    assert heard.is_set()
    assert [(row.kind, row.new) for row in refreshed] == [("servers", 3)]
    assert isinstance(refreshed.errors["india"], BackendTimeoutError)
    syncs = {sync.kind: sync for sync in mesh.store.view.syncs(mesh.user)}
    assert syncs["servers"].error is None
    assert syncs["images"].error is not None
    assert syncs["flavors"].error is not None
    assert "keypairs" not in syncs


def test_an_entry_that_trips_its_driver_hides_no_other(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = MemoryCloud.__init__

    def trip(self: MemoryCloud, name: str, settings: Any) -> None:
        if name == "india":
            raise ValueError("Invalid IPv6 URL")
        real(self, name, settings)

    monkeypatch.setattr(MemoryCloud, "__init__", trip)
    servers = mesh.servers()
    assert {row.cloud for row in servers} == {"sierra"}
    error = servers.errors["india"]
    assert isinstance(error, ConfigError)
    assert str(error) == "clouds.india: it cannot be opened: ValueError: Invalid IPv6 URL"


def test_a_cloud_named_twice_is_asked_once(mesh: Mesh) -> None:
    refreshed = mesh.refresh(["india", "india"], "servers", deadline=20)
    assert [(row.cloud, row.new) for row in refreshed] == [("india", 3)]
    assert len(mesh.servers(["india", "india"])) == 3
