"""Security groups and floating IPs: made, changed, deleted; journalled, and true in the view."""

import pytest

from cloudmesh_sdk.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import FloatingIP, OperationState, Rule, Server
from cloudmesh_sdk.providers.memory import MemoryCloud

SSH = Rule(protocol="tcp", from_port=22, to_port=22)


def _memory(mesh: Mesh, name: str = "india") -> MemoryCloud:
    cloud = mesh.clouds[name]
    assert isinstance(cloud, MemoryCloud)
    return cloud


def test_a_group_lets_in_what_is_allowed_and_no_more(mesh: Mesh) -> None:
    made = mesh.create_security_group("web", "for the shop", cloud="india")
    assert (made.name, made.description) == ("web", "for the shop")
    assert mesh.allow("web", SSH).rules == (*made.rules, SSH)
    assert mesh.allow("web", SSH).rules == (*made.rules, SSH), "twice is once"
    assert mesh.security_group("india", "web").rules == (*made.rules, SSH)
    assert mesh.revoke(made.id, SSH).rules == made.rules
    gone = mesh.delete_security_group("web")
    assert gone.missing is not None
    assert gone.description == "for the shop"
    assert "web" not in {group.name for group in mesh.security_groups("india")}
    acts = [operation.act for operation in reversed(mesh.operations())]
    assert acts == [
        "create_security_group", "allow", "allow", "revoke", "delete_security_group",
    ]  # fmt: skip
    assert {operation.state for operation in mesh.operations()} == {OperationState.DONE}


def test_a_group_that_is_there_is_not_made_again(mesh: Mesh) -> None:
    _memory(mesh).create_security_group("web", "somebody else's, not seen yet")
    with pytest.raises(ConflictError, match="india has a security group called 'web' already"):
        mesh.create_security_group("web", cloud="india")
    assert mesh.operations() == []


def test_two_groups_of_one_name_are_told_by_their_clouds(mesh: Mesh) -> None:
    for cloud in ("india", "sierra"):
        mesh.create_security_group("web", cloud=cloud)
    with pytest.raises(InvalidRequestError, match="2 security groups are called 'web'"):
        mesh.allow("web", SSH)
    assert SSH in mesh.allow("web", SSH, cloud="sierra").rules
    assert SSH not in mesh.security_group("india", "web").rules


def test_an_unknown_group_is_told_with_near_names(mesh: Mesh) -> None:
    mesh.create_security_group("shop", cloud="india")
    with pytest.raises(NotFoundError, match="no security group 'shpo'; did you mean shop"):
        mesh.allow("shpo", SSH)


def test_an_address_moves_from_server_to_server(mesh: Mesh) -> None:
    one, two = mesh.start(name="one,two", cloud="india").complete()
    address = mesh.create_floating_ip(cloud="india")
    assert address.private_ip is None
    attached = mesh.attach_floating_ip(address.name, "one")
    assert attached.private_ip in one.private_ips
    assert address.name in mesh.server("india", "one").public_ips
    mesh.attach_floating_ip(address.id, two)
    assert address.name not in mesh.server("india", "one").public_ips, "read again as well"
    assert address.name in mesh.server("india", "two").public_ips
    assert mesh.detach_floating_ip(address.name).private_ip is None
    assert address.name not in mesh.server("india", "two").public_ips
    mesh.attach_floating_ip(address, "one", cloud="india")
    assert mesh.release_floating_ip(address.name).missing is not None
    assert address.name not in mesh.server("india", "one").public_ips
    assert mesh.floating_ips("india") == []
    whats = [event.what for event in mesh.history(one) if event.what != "state"]
    assert whats == [
        "start", "attach_floating_ip", "attach_floating_ip",
        "attach_floating_ip", "release_floating_ip",
    ]  # fmt: skip


def test_the_view_shows_an_address_before_the_server_does(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nova takes seconds until a server shows a floating IP, and its changes never tell."""
    server = mesh.start(name="one", cloud="india").one()
    address = mesh.create_floating_ip(cloud="india")

    def late(id: str) -> Server:  # noqa: A002
        assert id == server.id
        return server

    monkeypatch.setattr(_memory(mesh), "server", late)
    mesh.attach_floating_ip(address, server)
    assert mesh.server("india", "one").public_ips == (*server.public_ips, address.name)
    mesh.detach_floating_ip(address)
    assert mesh.server("india", "one").public_ips == server.public_ips


def test_the_server_of_an_address_that_somebody_else_attached_is_found(mesh: Mesh) -> None:
    server = mesh.start(name="one", cloud="india").one()
    mesh.refresh("india", "servers").complete()
    address = mesh.create_floating_ip(cloud="india")
    _memory(mesh).attach_floating_ip(address, server)
    mesh.refresh("india", "floating_ips").complete()
    mesh.release_floating_ip(address.name)
    assert mesh.operations()[0].request["servers"] == [server.id]


def test_an_act_on_an_address_costs_itself_and_one_look_at_the_server(mesh: Mesh) -> None:
    mesh.start(name="one", cloud="india")
    address = mesh.create_floating_ip(cloud="india")
    mesh.servers("india")
    calls = _memory(mesh).calls
    mesh.attach_floating_ip(address, "one")
    assert _memory(mesh).calls == calls + 2


def test_an_address_comes_from_the_network_that_is_named(mesh: Mesh) -> None:
    outer = next(network for network in mesh.networks("india") if network.external)
    address = mesh.create_floating_ip(cloud="india", network=outer.name)
    (operation,) = mesh.operations()
    assert operation.request == {"network": outer.id}
    assert operation.result == address.id
    assert operation.token == address.token
    with pytest.raises(NotFoundError, match="india has no network 'publci'; did you mean public"):
        mesh.create_floating_ip(cloud="india", network="publci")


def test_an_address_stands_only_for_servers_of_its_cloud(mesh: Mesh) -> None:
    address = mesh.create_floating_ip(cloud="india")
    server = mesh.start(name="far", cloud="sierra").one()
    with pytest.raises(InvalidRequestError, match="is at india, far at sierra"):
        mesh.attach_floating_ip(address, server)
    with pytest.raises(NotFoundError, match="india has no server 'far'"):
        mesh.attach_floating_ip(address, "far")


def test_a_server_that_is_gone_meanwhile_does_not_undo_the_act(mesh: Mesh) -> None:
    server = mesh.start(name="one", cloud="india").one()
    address = mesh.create_floating_ip(cloud="india")
    mesh.attach_floating_ip(address, server)
    _memory(mesh).delete(server)
    assert mesh.release_floating_ip(address).missing is not None
    assert mesh.operations()[0].state is OperationState.DONE


def test_an_attachment_whose_answer_was_lost_is_seen_at_the_address(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = mesh.start(name="one", cloud="india").one()
    address = mesh.create_floating_ip(cloud="india")
    real = _memory(mesh).attach_floating_ip

    def lossy(address: FloatingIP, server: Server) -> FloatingIP:
        real(address, server)
        raise UnavailableError("the connection broke before the answer")

    monkeypatch.setattr(_memory(mesh), "attach_floating_ip", lossy)
    assert mesh.attach_floating_ip(address, server).private_ip in server.private_ips
    assert address.name in mesh.server("india", "one").public_ips


def test_a_cloud_without_them_is_named_with_its_driver(plain: Mesh) -> None:
    wanted = r"plain has no floating IPs \(driver memory\)"
    with pytest.raises(UnsupportedError, match=wanted):
        plain.create_floating_ip(cloud="plain")
    with pytest.raises(UnsupportedError, match=wanted):
        plain.detach_floating_ip("198.18.0.1", cloud="plain")
    with pytest.raises(UnsupportedError, match="plain has no security groups"):
        plain.create_security_group("web", cloud="plain")
    assert plain.operations() == []
