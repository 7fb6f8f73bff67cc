"""EC2's words become ours."""

from datetime import UTC, datetime
from typing import Any

import pytest

from cloudmesh_sdk.models import Server, ServerState
from cloudmesh_sdk.providers.ec2 import records
from cloudmesh_sdk.providers.ec2.answers import parse

INSTANCE = b"""<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
<requestId>8f7724cf</requestId><reservationSet><item><reservationId>r-1</reservationId>
<ownerId>123456789012</ownerId><groupSet/><instancesSet><item>
<instanceId>i-1234567890abcdef0</instanceId><imageId>ami-bff32ccc</imageId>
<instanceState><code>16</code><name>running</name></instanceState>
<privateDnsName>ip-192-168-1-88.eu-west-1.compute.internal</privateDnsName>
<dnsName>ec2-54-194-252-215.eu-west-1.compute.amazonaws.com</dnsName><reason/>
<keyName>my_keypair</keyName><amiLaunchIndex>0</amiLaunchIndex><productCodes/>
<instanceType>t2.micro</instanceType><launchTime>2018-05-08T16:46:19.000Z</launchTime>
<placement><availabilityZone>eu-west-1c</availabilityZone><groupName/></placement>
<privateIpAddress>192.168.1.88</privateIpAddress><ipAddress>54.194.252.215</ipAddress>
<groupSet><item><groupId>sg-e4076980</groupId><groupName>SecurityGroup1</groupName></item></groupSet>
<clientToken>xMcwG14507example</clientToken>
<tagSet><item><key>Name</key><value>Server_1</value></item></tagSet>
<networkInterfaceSet><item><networkInterfaceId>eni-551ba033</networkInterfaceId>
<groupSet><item><groupId>sg-e4076980</groupId><groupName>SecurityGroup1</groupName></item></groupSet>
<privateIpAddressesSet><item><privateIpAddress>192.168.1.88</privateIpAddress>
<association><publicIp>54.194.252.215</publicIp></association></item>
<item><privateIpAddress>192.168.1.89</privateIpAddress></item></privateIpAddressesSet>
<ipv6AddressesSet><item><ipv6Address>2001:db8:1234:1a2b::123</ipv6Address></item></ipv6AddressesSet>
</item></networkInterfaceSet></item></instancesSet></item></reservationSet>
</DescribeInstancesResponse>"""
"""After the example in the reference of DescribeInstances."""


def server(**changed: Any) -> Server:
    native: dict[str, Any] = {"instanceId": "i-1", "instanceState": {"name": "running"}}
    return records.server(native | changed, "aws")


def test_an_instance_is_a_server() -> None:
    native = next(iter(records.instances(parse(INSTANCE)[1]["reservationSet"])))
    assert records.server(native, "aws") == Server(
        cloud="aws",
        id="i-1234567890abcdef0",
        name="Server_1",
        state=ServerState.RUNNING,
        image="ami-bff32ccc",
        flavor="t2.micro",
        key="my_keypair",
        public_ips=("54.194.252.215", "2001:db8:1234:1a2b::123"),
        private_ips=("192.168.1.88", "192.168.1.89"),
        zone="eu-west-1c",
        security_groups=("SecurityGroup1",),
        tags={"Name": "Server_1"},
        created=datetime(2018, 5, 8, 16, 46, 19, tzinfo=UTC),
    )
    assert native["dnsName"] == "ec2-54-194-252-215.eu-west-1.compute.amazonaws.com"
    assert native["reservation"] == {
        "reservationId": "r-1", "ownerId": "123456789012", "groupSet": []
    }  # fmt: skip


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("pending", ServerState.PENDING),
        ("running", ServerState.RUNNING),
        ("shutting-down", ServerState.DELETING),
        ("terminated", ServerState.DELETED),
        ("stopping", ServerState.STOPPING),
        ("stopped", ServerState.STOPPED),
        ("levitating", ServerState.UNKNOWN),
        ("", ServerState.UNKNOWN),
    ],
)
def test_states(word: str, state: ServerState) -> None:
    found = server(instanceState={"name": word})
    assert found.state is state
    assert found.native["instanceState"]["name"] == word


def test_a_server_needs_nothing_but_an_id() -> None:
    found = records.server({"instanceId": "i-1"}, "aws")
    assert (found.name, found.state) == ("i-1", ServerState.UNKNOWN)
    assert (found.key, found.zone, found.created, found.token) == (None, None, None, None)


def test_the_token_is_our_tag_or_the_client_token() -> None:
    tags = [{"key": "cloudmesh:token", "value": "ours"}]
    assert server(clientToken="theirs", tagSet=tags).token == "ours"
    assert server(clientToken="theirs").token == "theirs"


def test_groups_that_only_interfaces_tell_count() -> None:
    interface = {"groupSet": [{"groupId": "sg-1", "groupName": "default"}]}
    assert server(groupSet=[], networkInterfaceSet=[interface]).security_groups == ("default",)


@pytest.mark.parametrize(
    ("state", "code", "fault"),
    [
        ("terminated", "Server.InternalError", "broken"),
        ("terminated", "Client.VolumeLimitExceeded", "broken"),
        ("terminated", "Client.UserInitiatedShutdown", None),
        ("stopped", "Client.UserInitiatedShutdown", None),
        ("running", "Server.InternalError", None),
        ("terminated", "", None),
    ],
)
def test_what_ec2_ended_itself_has_a_fault(state: str, code: str, fault: str | None) -> None:
    reason = {"code": code, "message": "broken"}
    assert server(instanceState={"name": state}, stateReason=reason).fault == fault


def test_images() -> None:
    native = {
        "imageId": "ami-1",
        "name": "debian-12",
        "architecture": "arm64",
        "isPublic": "true",
        "creationDate": "2026-01-02T03:04:05.000Z",
        "rootDeviceName": "/dev/xvda",
        "blockDeviceMapping": [
            {"deviceName": "/dev/xvdb", "virtualName": "ephemeral0"},
            {"deviceName": "/dev/xvda", "ebs": {"volumeSize": "8"}},
        ],
    }
    image = records.image(native, "aws")
    assert (image.id, image.name, image.architecture) == ("ami-1", "debian-12", "arm64")
    assert (image.public, image.min_disk) == (True, 8)
    assert image.created == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert records.image({"imageId": "ami-2"}, "aws").name == "ami-2"


def test_flavors() -> None:
    native = {
        "instanceType": "g4dn.12xlarge",
        "vCpuInfo": {"defaultVCpus": "48"},
        "memoryInfo": {"sizeInMiB": "196608"},
        "instanceStorageInfo": {"totalSizeInGB": "900"},
        "gpuInfo": {"gpus": [{"count": "4", "name": "T4"}]},
        "processorInfo": {"supportedArchitectures": ["x86_64"]},
    }
    flavor = records.flavor(native, "aws")
    assert (flavor.vcpus, flavor.ram, flavor.gpus) == (48, 196608, 4)
    assert flavor.disk == 838  # EC2 counts 10**9 bytes, we 2**30
    assert flavor.architectures == ("x86_64",)
    bare = records.flavor({"instanceType": "t9.new"}, "aws")
    assert (bare.vcpus, bare.ram, bare.disk, bare.gpus) == (None, None, None, 0)


def test_only_limits_are_quotas() -> None:
    attributes: list[dict[str, Any]] = [
        {"attributeName": "default-vpc", "attributeValueSet": [{"attributeValue": "vpc-1"}]},
        {"attributeName": "vpc-max-elastic-ips", "attributeValueSet": [{"attributeValue": "5"}]},
        {"attributeName": "max-instances", "attributeValueSet": []},
    ]
    used = {"elastic ips": 2, "instances": 7}
    (quota,) = records.quotas(attributes, used, "aws")
    assert (quota.name, quota.used, quota.limit) == ("elastic ips", 2, 5)


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-13-01"])
def test_a_time_that_is_none_is_none(text: str | None) -> None:
    assert records.moment(text) is None
