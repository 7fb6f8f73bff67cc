"""Watching a mesh: what acts do is heard, of those clouds and kinds that are asked for."""

import threading

import pytest

from cloudmesh_sdk.errors import NotFoundError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import Happening, OperationState
from cloudmesh_sdk.store.changes import gap
from cloudmesh_sdk.store.memory import changes


def test_an_act_is_heard_from_its_journal_to_its_server(mesh: Mesh) -> None:
    with mesh.watch(timeout=30) as happenings:
        server = mesh.start(name="web", cloud="india").one()
        found: list[Happening] = []
        for happening in happenings:
            found.append(happening)
            if (happening.kind, happening.state) == ("operations", "done"):
                break
    operations = [h for h in found if h.kind == "operations"]
    assert operations[0].what == "new"
    assert {(h.cloud, h.name) for h in operations} == {("india", "web")}
    assert ("new", server.id, "web") in [
        (h.what, h.id, h.name) for h in found if h.kind == "servers"
    ]
    assert list(happenings) == [], "it is closed"


def test_only_what_is_asked_for_is_heard(mesh: Mesh) -> None:
    with (
        mesh.watch("servers", cloud="sierra", timeout=30) as sierra,
        mesh.watch(["operations"], timeout=30) as operations,
    ):
        mesh.start(name="one", cloud="india")
        mesh.start(name="two", cloud="sierra")
        first = next(sierra)
        assert (first.kind, first.cloud, first.name) == ("servers", "sierra", "two")
        assert next(operations).kind == "operations"


def test_time_is_up_without_a_happening(mesh: Mesh) -> None:
    assert list(mesh.watch(timeout=0)) == []


def test_closing_ends_whoever_waits(mesh: Mesh) -> None:
    watching = mesh.watch()
    heard: list[list[Happening]] = []
    waiting = threading.Thread(target=lambda: heard.append([*watching]))
    waiting.start()
    watching.close()
    waiting.join(30)
    assert heard == [[]]


def test_who_is_too_slow_hears_of_a_gap_and_then_goes_on(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "KEPT", 3)
    with mesh.watch("servers", cloud="sierra", timeout=30) as watching:
        for number in range(5):
            mesh.start(name=f"web-{number}", cloud="sierra")
        heard = watching.together()
        assert heard[0].what == "gap"
        assert len(heard) <= 3
        mesh.start(name="last", cloud="sierra")
        assert "last" in [next(watching).name]
    assert gap().kind == ""


def test_what_there_is_not_is_refused(mesh: Mesh) -> None:
    with pytest.raises(NotFoundError, match=r"'severs'.*servers"):
        mesh.watch("severs")
    with pytest.raises(NotFoundError, match=r"'indja'.*india"):
        mesh.watch(cloud="indja")


def test_what_another_process_asks_for_wakes_a_worker(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cloudmesh_sdk.operations import feed

    monkeypatch.setattr(feed, "_LOOK", 3600.0)
    monkeypatch.setattr(feed, "_TEND", 3600.0)
    other = Mesh(mesh.config, mesh.store, user=mesh.user)
    stop = threading.Event()
    worker = threading.Thread(target=mesh.serve, args=(stop,))
    worker.start()
    try:
        with mesh.watch("operations", timeout=60) as happenings:
            # the first may be found by the worker's first look; those after it only by listening
            for name in ("one", "two", "three"):
                (asked,) = other.later.elsewhere.start(name=name, cloud="india")
                ends = (h for h in happenings if h.id == asked.id and h.state == "done")
                assert next(ends).state == OperationState.DONE
    finally:
        stop.set()
        worker.join(30)
    assert not worker.is_alive()
