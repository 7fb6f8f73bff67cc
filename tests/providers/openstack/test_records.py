"""Answers of a real OpenStack (Nova 34, Neutron 29, Glance 33) become records, nothing lost."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloudmesh_sdk.models import Rule, ServerRequest, ServerState
from cloudmesh_sdk.providers.openstack import launch, network_records, records, volume

CAPTURES = Path(__file__).parent / "captures"
PROJECT = "0" * 31 + "1"
GROUP = "46b86fa9-fc4f-4471-a25f-480e291afe46"


def capture(name: str) -> Any:
    return json.loads((CAPTURES / f"{name}.json").read_text())


def server(**changed: Any) -> Any:
    return records.server({**capture("server_stopped"), **changed}, "india")


def test_a_server_has_all_that_nova_told() -> None:
    native = capture("server_stopped")
    row = records.server(native, "india")
    assert (row.cloud, row.id, row.name) == ("india", native["id"], "drv-cap-one")
    assert row.state is ServerState.STOPPED
    assert row.image == native["image"]["id"]
    assert row.flavor == "m1.nano"
    assert (row.public_ips, row.private_ips) == (("172.24.1.183",), ("10.20.1.194",))
    assert (row.zone, row.project, row.key) == ("nova", PROJECT, None)
    assert row.security_groups == ("default",)
    assert row.created == datetime(2026, 11, 22, 22, 53, 16, tzinfo=UTC)
    assert row.fault is None
    assert row.native == capture("server_stopped")


def test_the_token_is_no_tag() -> None:
    row = server(metadata={"owner": "ann", "cloudmesh:token": "t"})
    assert (dict(row.tags), row.token) == ({"owner": "ann"}, "t")
    assert row.native["metadata"]["cloudmesh:token"] == "t"


def test_a_server_in_error_tells_novas_fault() -> None:
    row = records.server(capture("server_error"), "india")
    assert row.state is ServerState.ERROR
    assert row.fault is not None
    assert row.fault.endswith("aborted: lab: asked to fail")


def test_a_server_that_was_deleted_is_deleted() -> None:
    assert records.server(capture("server_deleted"), "india").state is ServerState.DELETED
    assert records.server(capture("server_shelved"), "india").state is ServerState.SHELVED


@pytest.mark.parametrize(
    ("status", "task", "state"),
    [
        ("ACTIVE", None, ServerState.RUNNING),
        ("ACTIVE", "powering-off", ServerState.STOPPING),
        ("ACTIVE", "deleting", ServerState.DELETING),
        ("ACTIVE", "image_snapshot", ServerState.RUNNING),
        ("ERROR", "deleting", ServerState.DELETING),
        ("BUILD", "spawning", ServerState.PENDING),
        ("SHUTOFF", "powering-on", ServerState.PENDING),
        ("REBOOT", "rebooting", ServerState.REBOOTING),
        ("HARD_REBOOT", "rebooting_hard", ServerState.REBOOTING),
        ("VERIFY_RESIZE", None, ServerState.RESIZED),
        ("RESIZE", "resize_migrating", ServerState.RESIZING),
        ("RESCUE", None, ServerState.RESCUED),
        ("PAUSED", None, ServerState.PAUSED),
        ("SUSPENDED", None, ServerState.SUSPENDED),
        ("SHELVED_OFFLOADED", None, ServerState.SHELVED),
        ("SHELVED_OFFLOADED", "unshelving", ServerState.PENDING),
        ("MOONWALK", None, ServerState.UNKNOWN),
    ],
)
def test_states_are_told_by_status_and_task(
    status: str, task: str | None, state: ServerState
) -> None:
    assert server(**{"status": status, "OS-EXT-STS:task_state": task}).state is state


def test_addresses_that_leave_the_site_are_public() -> None:
    fixed = [
        "10.1.2.3", "172.15.0.1", "172.16.0.1", "172.31.9.9", "172.32.0.1", "192.168.1.1",
        "100.64.0.1", "100.128.0.1", "203.0.113.7", "fd00::5", "fe80::1", "2001:db8::7",
    ]  # fmt: skip
    given = {"net": [{"addr": one, "OS-EXT-IPS:type": "fixed"} for one in fixed]}
    public = ("172.15.0.1", "172.32.0.1", "100.128.0.1", "203.0.113.7", "2001:db8::7")
    assert server(addresses=given).public_ips == public


def test_a_server_of_a_dead_cell_is_one_all_the_same() -> None:
    native = {"id": "a", "status": "UNKNOWN", "tenant_id": "p", "created": "2026-11-22T22:11:14Z"}
    row = records.server(native, "india")
    assert (row.name, row.state, row.flavor, row.image) == ("a", ServerState.UNKNOWN, None, None)


def test_a_server_booted_from_a_volume_has_no_image() -> None:
    assert server(image="").image is None


def test_a_record_costs_little() -> None:
    text = json.dumps([capture("server_stopped")] * 1000)
    best = 1.0
    for _ in range(5):
        natives = json.loads(text)
        begun = time.process_time()
        rows = [records.server(native, "india") for native in natives]
        best = min(best, time.process_time() - begun)
    assert len(rows) == 1000
    assert best < 0.060, f"{best * 1000:.0f} µs a server"


def test_flavors_and_images_are_whole() -> None:
    flavors = [records.flavor(native, "india") for native in capture("flavors")]
    assert [(f.id, f.name, f.vcpus, f.ram, f.disk, f.gpus) for f in flavors[:1]] == [
        ("1", "m1.nano", 1, 64, 1, 0)
    ]
    assert [flavor.native for flavor in flavors] == capture("flavors")
    native = capture("image")
    image = records.image({**native, "architecture": "x86_64", "min_ram": 512}, "india")
    assert (image.name, image.architecture, image.min_ram) == ("tiny", "x86_64", 512)
    assert image.public is True
    assert image.created == datetime(2026, 11, 22, 21, 49, 18, tzinfo=UTC)
    assert records.image(native, "india").native == native
    assert not records.bootable({**native, "status": "queued"})
    assert not records.bootable({**native, "disk_format": "aki"})


@pytest.mark.parametrize(
    ("specs", "count"),
    [
        ({}, 0),
        ({"resources:VGPU": "2"}, 2),
        ({"resources1:PGPU": "1", "resources2:VGPU": "1"}, 2),
        ({"pci_passthrough:alias": "a100:4,connectx:1"}, 4),
        ({"pci_passthrough:alias": "nvidia-h100:8"}, 8),
        ({"pci_passthrough:alias": "qat:2"}, 0),
        ({"hw:cpu_policy": "dedicated"}, 0),
    ],
)
def test_gpus_are_counted_by_extra_specs(specs: dict[str, str], count: int) -> None:
    assert records.gpus(specs) == count


def test_limits_are_told_with_what_is_used() -> None:
    compute = {quota.name: quota for quota in records.quotas(capture("quota_compute"), "india")}
    network = {quota.name: quota for quota in records.quotas(capture("quota_network"), "india")}
    assert compute["instances"].limit is None
    assert compute["key pairs"].used is None
    assert (network["floatingip"].used, network["floatingip"].limit) == (1, 50)
    assert not compute.keys() & network.keys()


def test_a_limit_of_one_type_of_volumes_is_told_from_that_of_all() -> None:
    native = {"limit": 5, "in_use": 1, "reserved": 0}
    found = records.quotas({"volumes": native, "gigabytes___DEFAULT__": native}, "india")
    assert [quota.name for quota in found] == ["volumes", "gigabytes of type __DEFAULT__"]


def test_networks_floating_ips_and_ports_are_whole() -> None:
    inner, outer = (network_records.network(native, "india") for native in capture("networks"))
    assert (inner.name, inner.state, inner.external, inner.shared) == (
        "shared", "active", False, True,
    )  # fmt: skip
    assert outer.external is True
    subnets = [network_records.subnet(native, "india") for native in capture("subnets")]
    assert {subnet.network for subnet in subnets} == {inner.id, outer.id}
    assert "10.20.0.0/16" in [subnet.cidr for subnet in subnets]
    address = network_records.floating_ip(capture("floating_ip"), "india")
    port = network_records.port(capture("port"), "india")
    assert (address.name, address.private_ip) == ("172.24.1.183", "10.20.1.194")
    assert (address.port, address.network, address.token) == (port.id, outer.id, "capture")
    assert port.addresses == ("10.20.1.194",)
    assert port.network == inner.id
    assert network_records.router(capture("router"), "india").external == outer.id


def test_a_description_of_a_user_is_no_token() -> None:
    native = {**capture("floating_ip"), "description": "the web server"}
    assert network_records.floating_ip(native, "india").token is None


def test_rules_are_read_as_they_were_given() -> None:
    group = network_records.group(capture("security_group"), "india")
    inside = {rule for rule in group.rules if rule.direction == "ingress"}
    assert inside == {
        Rule(from_port=22, to_port=22, remote="192.0.2.0/24"),
        Rule(protocol="icmp"),
        Rule(from_port=1, to_port=2, remote=GROUP),
        Rule(protocol="any", remote="2001:db8::/32"),
    }


def test_rules_are_sent_as_neutron_wants_them() -> None:
    web = network_records.rule_body("g", Rule(from_port=443))
    assert web == {
        "security_group_id": "g",
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": "tcp",
        "port_range_min": 443,
        "port_range_max": 443,
        "remote_ip_prefix": "0.0.0.0/0",
    }
    six = network_records.rule_body("g", Rule(protocol="any", remote="::/0"))
    assert six["ethertype"] == "IPv6"
    assert "protocol" not in six
    assert network_records.rule_body("g", Rule(remote=GROUP))["remote_group_id"] == GROUP
    assert network_records.same(Rule(from_port=443), Rule(from_port=443, to_port=443))
    assert not network_records.same(Rule(from_port=443), Rule(protocol="udp", from_port=443))


def test_a_start_carries_its_token_twice() -> None:
    request = ServerRequest(
        name="n", image="i", flavor="f", token="t", tags={"a": "b"}, user_data="#!/bin/sh",
        zone="z", config_drive=True, hints={"group": "g"}, key="k", security_groups=("web",),
    )  # fmt: skip
    body = launch.launch(request, (), tagged=True)
    assert body["server"] == {
        "name": "n",
        "imageRef": "i",
        "flavorRef": "f",
        "metadata": {"a": "b", "cloudmesh:token": "t"},
        "tags": ["cloudmesh:t"],
        "networks": "auto",
        "key_name": "k",
        "security_groups": [{"name": "web"}],
        "user_data": "IyEvYmluL3No",
        "availability_zone": "z",
        "config_drive": True,
    }
    assert body["os:scheduler_hints"] == {"group": "g"}
    assert "tags" not in launch.launch(request, (), tagged=False)["server"]


def test_a_boot_volume_is_made_from_the_image_and_goes_with_the_server() -> None:
    request = ServerRequest(name="n", image="i", flavor="f", token="t", boot_volume=8)
    sent = launch.launch(request, ("net",), tagged=True, count=3)["server"]
    (disk,) = sent["block_device_mapping_v2"]
    assert (disk["uuid"], disk["volume_size"], disk["delete_on_termination"]) == ("i", 8, True)
    assert "imageRef" not in sent
    assert (sent["min_count"], sent["max_count"]) == (3, 3)
    assert sent["return_reservation_id"] is True


@pytest.mark.parametrize("token", ["t" * 80, "a,b", "a/b"])
def test_any_token_makes_a_tag_that_nova_takes(token: str) -> None:
    tag = launch.tag(token)
    assert len(tag) <= 60
    assert not set(tag) & set(",/")
    assert tag != launch.tag(token + "x")


def test_one_server_of_many_has_the_name_itself() -> None:
    assert launch.names("n", 1) == ["n"]
    assert launch.names("n", 3) == ["n-1", "n-2", "n-3"]


def test_a_volume_tells_its_server() -> None:
    native = {
        "id": "v", "name": "data", "status": "in-use", "size": 2, "bootable": "false",
        "created_at": "2026-11-22T22:11:14.000000", "volume_type": "fast",
        "metadata": {"cloudmesh:token": "t"},
        "attachments": [{"server_id": "s", "device": "/dev/vdb"}],
    }  # fmt: skip
    row = volume.volume(native, "india")
    assert (row.server, row.device, row.state, row.token) == ("s", "/dev/vdb", "in-use", "t")
    assert row.bootable is False
    assert row.created == datetime(2026, 11, 22, 22, 11, 14, tzinfo=UTC)


def test_what_failed_is_told_with_its_step() -> None:
    (native,) = capture("actions")["instanceActions"]
    assert records.action(native, "india").result == ""
    events = [
        {"event": "conductor_start", "result": "Success"},
        {"event": "compute_resize", "result": "Error", "details": "no host"},
    ]
    failed = records.action({**native, "message": "Error", "events": events}, "india")
    assert (failed.result, failed.message) == ("error", "compute_resize: no host")
