"""The tests' own OpenStack: what is promised to those who use it."""

from pathlib import Path

import pytest
import yaml
from tests.labs.openstack.lab import LabError
from tests.labs.openstack_lab import OpenstackLab

pytestmark = pytest.mark.openstack


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
