"""Leaks in a store that lasts: what a lost journal started, what vanished between two commands."""

from pathlib import Path

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh


def test_what_another_store_started_is_leaked_here_and_what_it_deleted_is_gone(
    config: Path, keeper: Mesh
) -> None:
    kept, lost, ours = keeper.start(name="w-[1-3]")
    keeper.delete(ours)
    with Mesh.open("memory", config=Config.load(config)) as other:
        theirs = other.start(name="theirs").one()
        other.delete(lost.name)
        assert {o.id for o in other.orphans()} == {kept.id}, "it has its own journal only"
    with Mesh.open("mongo", config=Config.load(config)) as later:
        found = {orphan.id: orphan for orphan in later.orphans().complete()}
    assert {id_: (o.what.value, o.name) for id_, o in found.items()} == {
        theirs.id: ("leaked", "theirs"), lost.id: ("gone", "w-2")
    }  # fmt: skip
    assert found[theirs.id].token == theirs.token
    assert found[lost.id].missing is not None
