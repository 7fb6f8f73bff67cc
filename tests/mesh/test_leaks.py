"""What clouds and the journal do not agree about, and nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import attrs
import pytest

from cloudmesh_sdk.errors import UnavailableError, UnsupportedError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import Flavor, OperationState, Server, ServerRequest
from cloudmesh_sdk.operations.runner import intent, is_token

Make = Callable[[str], Mesh]


def past(mesh: Mesh, name: str, token: str, cloud: str = "india") -> Server:
    """Start a server past the journal."""
    image, flavor = mesh.images(cloud)[0].id, mesh.flavors(cloud)[0].id
    request = ServerRequest(name=name, image=image, flavor=flavor, token=token)
    return mesh.clouds[cloud].start(request)


def told(mesh: Mesh, **asked: Any) -> list[tuple[str, str, str]]:
    return [(o.what.value, o.cloud, o.name) for o in mesh.orphans(**asked)]


def test_where_cloud_and_journal_agree_there_is_nothing(mesh: Mesh) -> None:
    mesh.start(count=3, cloud="india")
    mesh.delete(mesh.start(cloud="india", name="short").one())
    found = mesh.orphans()
    assert (list(found), found.errors) == ([], {})
    assert set(found.sources) == {"india", "sierra"}, "only clouds that are on are asked"


def test_a_server_with_our_token_that_no_operation_knows_is_leaked(mesh: Mesh) -> None:
    token = str(uuid4())
    server = past(mesh, "lost", token)
    (orphan,) = mesh.orphans()
    assert (orphan.what, orphan.cloud, orphan.name) == ("leaked", "india", "lost")
    assert (orphan.id, orphan.token, orphan.operation) == (server.id, token, None)
    assert (orphan.created, orphan.missing, orphan.price) == (server.created, None, None)
    assert orphan.age is not None
    assert 0 <= orphan.age < 60
    assert orphan.why == "no operation in this store asked for it"
    mesh.delete("lost")
    assert told(mesh) == [], "the view knows it now, so it can be deleted by its name"


@pytest.mark.parametrize(
    "token",
    [
        "seed-9",
        "0b8d4c3e48d44e1c9d8000aa00389b71",
        "0B8D4C3E-48D4-4E1C-9D80-00AA00389B71",
        "0b8d4c3e-48d4-4e1c-9d80-00aa00389b71 ",
        "0b8d4c3e-48d4-1e1c-9d80-00aa00389b71",
    ],
)
def test_a_token_in_another_form_is_somebody_elses(mesh: Mesh, token: str) -> None:
    past(mesh, "theirs", token)
    assert told(mesh) == []


def test_tokens_of_operations_have_the_form_that_is_looked_for(mesh: Mesh) -> None:
    assert is_token(intent(mesh.user, "start", "india", "w").token)
    assert not is_token(None)


def test_what_another_user_of_the_store_asked_for_is_not_leaked(mesh: Mesh) -> None:
    other = intent("berta", "start", "india", "hers")
    server = past(mesh, "hers", other.token)
    mesh.store.journal.add([attrs.evolve(other, state=OperationState.DONE, result=server.id)])
    assert told(mesh) == []
    mesh.clouds["india"].delete(server)
    assert told(mesh) == [], "and it is not ours to miss it"


def test_what_leaked_is_told_to_whose_it_is(mesh: Mesh) -> None:
    other = intent("berta", "start", "india", "hers")
    past(mesh, "hers", other.token)
    mesh.store.journal.add([attrs.evolve(other, state=OperationState.FAILED)])
    assert told(mesh) == []
    mesh.activate("berta")
    assert told(mesh) == [("leaked", "india", "hers")]


def test_what_is_being_started_is_not_leaked_and_what_failed_is(mesh: Mesh) -> None:
    operation = intent(mesh.user, "start", "india", "w")
    mesh.store.journal.add([operation])
    past(mesh, "w", operation.token)
    assert told(mesh) == []
    now = mesh.store.journal.change(operation, state=OperationState.FAILED)
    assert now is not None
    (orphan,) = mesh.orphans()
    assert (orphan.what, orphan.operation) == ("leaked", operation.id)
    assert orphan.why == "its operation is failed"


def test_a_second_server_of_one_operation_is_leaked(mesh: Mesh) -> None:
    operation = intent(mesh.user, "start", "india", "w")
    second = past(mesh, "w", operation.token)
    first = past(mesh, "v", str(uuid4()))
    mesh.store.journal.add([attrs.evolve(operation, state=OperationState.DONE, result=first.id)])
    why = {orphan.id: orphan.why for orphan in mesh.orphans()}
    assert why[second.id] == f"its operation came to {first.id}"


def test_what_was_deleted_behind_our_back_is_gone(mesh: Mesh) -> None:
    kept, lost = mesh.start(cloud="india", name="web-[1-2]")
    ours = mesh.start(cloud="india", name="ours").one()
    mesh.delete(ours)
    mesh.clouds["india"].delete(lost)
    (orphan,) = mesh.orphans()
    assert (orphan.what, orphan.cloud, orphan.name, orphan.id) == (
        "gone", "india", lost.name, lost.id
    )  # fmt: skip
    asked = mesh.operation(orphan.operation or "")
    assert (asked.act, asked.target, asked.result) == ("start", lost.name, lost.id)
    assert orphan.created == asked.created
    assert orphan.missing is not None
    assert orphan.state == "deleted"
    assert orphan.price is None
    assert kept.id in {server.id for server in mesh.servers("india")}


def test_of_a_group_those_that_are_gone_are_named(mesh: Mesh) -> None:
    servers = mesh.start(cloud="india", count=3)
    mesh.clouds["india"].delete(servers[1])
    assert told(mesh) == [("gone", "india", servers[1].name)]


def test_a_delete_that_failed_explains_nothing(mesh: Mesh) -> None:
    server = mesh.start(cloud="india", name="web").one()
    refused = intent(mesh.user, "delete", "india", "web", {"id": server.id})
    mesh.store.journal.add([attrs.evolve(refused, state=OperationState.FAILED)])
    mesh.clouds["india"].delete(server)
    assert told(mesh) == [("gone", "india", "web")]


def test_what_a_list_may_not_show_yet_is_not_gone(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = mesh.start(cloud="india", name="web").one()
    mesh.clouds["india"].delete(server)
    monkeypatch.setattr(mesh.clouds["india"], "settle", 3600.0)
    assert told(mesh) == []
    monkeypatch.setattr(mesh.clouds["india"], "settle", 0.0)
    assert told(mesh) == [("gone", "india", "web")]


def test_what_the_view_has_forgotten_is_told_of_for_a_week(mesh: Mesh) -> None:
    def gone(days: int) -> None:
        then = datetime.now(UTC) - timedelta(days=days)
        old = attrs.evolve(
            intent(mesh.user, "start", "india", f"old-{days}"),
            state=OperationState.DONE, result=f"i-{days}", created=then, finished=then,
        )  # fmt: skip
        mesh.store.journal.add([old])

    gone(6)
    gone(8)
    assert told(mesh) == [("gone", "india", "old-6")]


def test_what_another_account_was_asked_for_is_not_missed_here(mesh: Mesh) -> None:
    other = intent(mesh.user, "start", "india", "there", account="0" * 32)
    mesh.store.journal.add([attrs.evolve(other, state=OperationState.DONE, result="i-9")])
    assert told(mesh) == []


def test_a_price_is_that_of_the_flavor_where_its_cloud_tells_one(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = {cloud: past(mesh, "lost", str(uuid4()), cloud) for cloud in ("india", "sierra")}
    sierra = mesh.clouds["sierra"]
    flavors = [attrs.evolve(row, price=0.25) for row in sierra.flavors()]
    monkeypatch.setattr(sierra, "flavors", lambda: iter(flavors))
    mesh.refresh("sierra", Flavor.kind)
    assert {o.id: (o.cloud, o.price) for o in mesh.orphans("sierra")} == {
        lost["sierra"].id: ("sierra", 0.25)
    }
    assert {(o.cloud, o.price) for o in mesh.orphans()} == {("india", None), ("sierra", 0.25)}


def test_a_silent_cloud_is_named_and_nothing_is_said_of_it(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cloud in ("india", "sierra"):
        past(mesh, f"lost-{cloud}", str(uuid4()), cloud)
    mesh.refresh()

    def silent() -> None:
        raise UnavailableError("sierra: no route")

    monkeypatch.setattr(mesh.clouds["sierra"], "servers", silent)
    found = mesh.orphans()
    assert [orphan.name for orphan in found] == ["lost-india"]
    assert {name: str(error) for name, error in found.errors.items()} == {
        "sierra": "sierra: no route"
    }


def test_a_cloud_whose_servers_carry_no_tokens_says_so_and_what_is_gone(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = mesh.clouds["india"]
    server = mesh.start(cloud="india", name="web").one()
    cloud.delete(server)
    monkeypatch.setattr(type(cloud), "shows_tokens", property(lambda own: own.name != "india"))
    found = mesh.orphans()
    assert [(o.what, o.name) for o in found] == [("gone", "web")]
    assert set(found.errors) == {"india"}
    assert isinstance(found.errors["india"], UnsupportedError)
    assert "india: its servers carry no tokens" in str(found.errors["india"])
