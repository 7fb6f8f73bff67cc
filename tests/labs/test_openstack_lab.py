"""The tests' own OpenStack: what is promised to those who use it."""

from pathlib import Path

import pytest
import yaml
from tests.labs.openstack import lab as labs, processes, servers, services
from tests.labs.openstack.__main__ import main
from tests.labs.openstack.lab import LabError
from tests.labs.openstack.processes import wait
from tests.labs.openstack_lab import OpenstackLab

pytestmark = pytest.mark.openstack
APIS = ("keystone", "glance", "placement", "neutron", "nova-api", "cinder-api")


@pytest.mark.parametrize("name", APIS)
def test_every_service_answers(openstack_lab: OpenstackLab, name: str) -> None:
    assert servers.ready(openstack_lab.lab, name)


@pytest.mark.parametrize("user", ["admin", "demo", "other", "viewer"])
def test_every_user_can_log_in(openstack_lab: OpenstackLab, user: str) -> None:
    me = openstack_lab.ask("identity", "/auth/projects", user=user)
    assert openstack_lab.project(user) in [project["name"] for project in me["projects"]]


def test_what_was_seeded_is_there(openstack_lab: OpenstackLab) -> None:
    lab = openstack_lab
    flavors = [flavor["name"] for flavor in lab.ask("compute", "/flavors")["flavors"]]
    assert {lab.flavor, lab.bigger_flavor} <= set(flavors)
    images = lab.ask("image", f"/v2/images?name={lab.image}")["images"]
    assert [image["status"] for image in images] == ["active"]
    networks = [network["name"] for network in lab.ask("network", "/v2.0/networks")["networks"]]
    assert {lab.network, lab.external_network} <= set(networks)


def test_two_hosts_take_servers(openstack_lab: OpenstackLab) -> None:
    services = openstack_lab.ask("compute", "/os-services?binary=nova-compute", user="admin")
    up = [found["host"] for found in services["services"] if found["state"] == "up"]
    assert len(up) == openstack_lab.lab.options.computes


def test_a_reader_may_list_and_nothing_else(openstack_lab: OpenstackLab) -> None:
    openstack_lab.ask("compute", "/servers", user="viewer")
    group = {"security_group": {"name": "lab-of-a-reader"}}
    with pytest.raises(LabError, match=" 403 "):
        openstack_lab.ask(
            "network", "/v2.0/security-groups", user="viewer", method="POST", body=group
        )


def test_its_clouds_file_has_an_entry_for_each_user(
    openstack_lab: OpenstackLab, tmp_path: Path
) -> None:
    path = openstack_lab.clouds_yaml(tmp_path / "clouds.yaml")
    clouds = yaml.safe_load(path.read_text())["clouds"]
    assert set(clouds) == set(openstack_lab.users)
    assert clouds["viewer"]["auth"]["project_name"] == "demo"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_service_that_was_taken_down_is_back_after_the_block(openstack_lab: OpenstackLab) -> None:
    lab = openstack_lab
    with lab.service("glance"):
        with pytest.raises(LabError, match="refused"):
            lab.ask("image", "/v2/images")
        assert lab.ask("compute", "/flavors")["flavors"]
    assert lab.ask("image", "/v2/images")["images"]


def test_a_service_that_it_does_not_have_cannot_be_taken_down(openstack_lab: OpenstackLab) -> None:
    with pytest.raises(LabError, match=r"no swift .* runs"), openstack_lab.service("swift"):
        pytest.fail("there is no swift")


def test_starting_it_again_changes_nothing(openstack_lab: OpenstackLab) -> None:
    before = services.running(openstack_lab.lab)
    services.start_apart(openstack_lab.lab.directory)
    assert services.running(openstack_lab.lab) == before
    assert set(before) == set(services.wanted(openstack_lab.lab))


def test_it_does_not_change_its_ways_while_it_runs(openstack_lab: OpenstackLab) -> None:
    directory = str(openstack_lab.lab.directory)
    assert main(["start", directory, "--page-limit", "7"]) == 1
    assert labs.read(openstack_lab.lab.directory) == openstack_lab.lab


def test_nothing_of_it_listens_beyond_this_machine(openstack_lab: OpenstackLab) -> None:
    for process in processes.marked(openstack_lab.lab.directory):
        for socket in process.net_connections():
            if socket.status == "LISTEN":
                assert socket.laddr.ip in ("127.0.0.1", "::1"), process.cmdline()


def test_a_volume_can_be_attached_to_a_server(openstack_lab: OpenstackLab) -> None:
    lab = openstack_lab
    image = lab.ask("image", f"/v2/images?name={lab.image}")["images"][0]["id"]
    wanted = {"name": "lab-volume", "flavorRef": "1", "imageRef": image, "networks": "none"}
    made = lab.ask(
        "compute", "/servers", method="POST", body={"server": wanted}, microversion="2.96"
    )
    volume = {"volume": {"name": "lab-volume", "size": 1}}
    place = f"/volumes/{lab.ask('volume', '/volumes', method='POST', body=volume)['volume']['id']}"
    server = f"/servers/{made['server']['id']}"
    try:
        wait("the volume", lambda: volume_status(lab, place) == "available", 60)
        wait("the server", lambda: server_status(lab, server) == "ACTIVE", 60)
        attachment = {"volumeAttachment": {"volumeId": place.rpartition("/")[2]}}
        lab.ask("compute", f"{server}/os-volume_attachments", method="POST", body=attachment)
        wait("the attachment", lambda: volume_status(lab, place) == "in-use", 60)
    finally:
        lab.ask("compute", server, method="DELETE")
        wait("its end", lambda: volume_status(lab, place) == "available", 60)
        lab.ask("volume", place, method="DELETE")


def server_status(lab: OpenstackLab, place: str) -> str:
    return str(lab.ask("compute", place)["server"]["status"])


def volume_status(lab: OpenstackLab, place: str) -> str:
    return str(lab.ask("volume", place)["volume"]["status"])
