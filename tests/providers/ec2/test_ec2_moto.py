"""What a real server of EC2's API (moto's) says, and what we make of it."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import attrs
import pytest

from cloudmesh_sdk.errors import InvalidRequestError, NotFoundError, UnavailableError
from cloudmesh_sdk.models import Rule, Server, ServerRequest, ServerState
from cloudmesh_sdk.providers.ec2 import Ec2Cloud, Ec2Settings

pytestmark = pytest.mark.lab

Opened = Callable[..., Ec2Cloud]


@pytest.fixture
def region(moto: str) -> Iterator[Opened]:
    clouds = []

    def region(name: str = "ap-south-1", **chosen: Any) -> Ec2Cloud:
        settings: dict[str, Any] = {"endpoint": moto, "access_key": "AKIALAB", "secret_key": "lab"}
        clouds.append(
            Ec2Cloud(name, Ec2Settings(region=name, honours_token=False, **settings, **chosen))
        )
        return clouds[-1]

    yield region
    for cloud in clouds:
        cloud.close()


@pytest.fixture
def cloud(region: Opened) -> Ec2Cloud:
    return region()


def order(cloud: Ec2Cloud, **fields: Any) -> ServerRequest:
    image = next(iter(cloud.images())).id
    plain = ServerRequest(name="web", image=image, flavor="t3.micro", token=uuid4().hex)
    return attrs.evolve(plain, **fields)


def states(cloud: Ec2Cloud, server: Server) -> ServerState:
    return cloud.server(server.id).state


def test_a_life(cloud: Ec2Cloud) -> None:
    server = cloud.start(order(cloud, tags={"team": "blue"}, user_data="#!/bin/sh\n"))
    assert server.state is ServerState.PENDING
    assert states(cloud, server) is ServerState.RUNNING
    assert server.id in [listed.id for listed in cloud.servers()]
    assert cloud.server(server.id).tags["team"] == "blue"
    cloud.stop(server)
    assert states(cloud, server) is ServerState.STOPPED
    cloud.resume(server)
    assert states(cloud, server) is ServerState.RUNNING
    cloud.reboot(server)
    assert "Linux version" in cloud.console(server)
    cloud.delete(server)
    cloud.delete(server)
    assert server.id not in [listed.id for listed in cloud.servers()]
    assert states(cloud, server) is ServerState.DELETED


def test_native_is_what_boto3_reads_too(cloud: Ec2Cloud) -> None:
    server = cloud.start(order(cloud))
    native = cloud.server(server.id).native
    theirs = cloud.native.describe_instances(InstanceIds=[server.id])["Reservations"][0]
    instance = theirs["Instances"][0]
    assert native["reservation"]["ownerId"] == theirs["OwnerId"]
    assert native["privateDnsName"] == instance["PrivateDnsName"]
    assert native["placement"]["availabilityZone"] == instance["Placement"]["AvailabilityZone"]
    assert [tag["key"] for tag in native["tagSet"]] == [tag["Key"] for tag in instance["Tags"]]
    groups = native["networkInterfaceSet"][0]["groupSet"]
    assert groups == [
        {"groupId": group["GroupId"], "groupName": group["GroupName"]}
        for group in instance["NetworkInterfaces"][0]["Groups"]
    ]
    cloud.delete(server)


def test_regions_know_nothing_of_each_other(region: Opened) -> None:
    here, there = region("us-west-1"), region("us-west-2")
    server = here.start(order(here))
    assert [listed.id for listed in here.servers()] == [server.id]
    assert list(there.servers()) == []
    with pytest.raises(NotFoundError, match=server.id):
        there.server(server.id)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"image": "ami-00000000deadbeef0"}, NotFoundError, "InvalidAMIID.NotFound"),
        ({"image": "nope"}, InvalidRequestError, "InvalidAMIID.Malformed"),
        ({"flavor": "zz.micro"}, NotFoundError, "InvalidInstanceType.NotFound"),
        ({"key": "absent"}, NotFoundError, "InvalidKeyPair.NotFound"),
        ({"networks": ("subnet-0123",)}, NotFoundError, "InvalidSubnetID.NotFound"),
        ({"security_groups": ("sg-0123",)}, NotFoundError, "InvalidGroup.NotFound"),
    ],
)
def test_wrong_orders_are_refused_by_name(
    cloud: Ec2Cloud, wrong: dict[str, Any], error: type[Exception], says: str
) -> None:
    request = order(cloud, **wrong)
    with pytest.raises(error, match=says):
        cloud.start(request)
    assert cloud.find(request.token) is None


def test_a_page_for_people_is_nonsense_and_not_an_empty_list(cloud: Ec2Cloud) -> None:
    hasty = Ec2Cloud("hasty", attrs.evolve(cloud.settings, retries=0))
    with pytest.raises(UnavailableError, match=r"answered nonsense .*HTTP 500"):
        hasty._client.call("DescribeInstances", {"NextToken": "zz", "MaxResults": "5"})
    hasty.close()


def test_all_flavors_and_images(region: Opened) -> None:
    cloud = region(image_names=())
    flavors = {flavor.id: flavor for flavor in cloud.flavors()}
    assert len(flavors) > 1000
    assert (flavors["t3.micro"].vcpus, flavors["t3.micro"].ram) == (2, 1024)
    assert flavors["g4dn.12xlarge"].gpus == 4
    assert flavors["t4g.micro"].architectures == ("arm64",)
    images = list(cloud.images())
    assert len(images) > 1000
    assert len({image.id for image in images}) == len(images)


def test_a_server_in_a_subnet_takes_groups_by_name(cloud: Ec2Cloud) -> None:
    subnet = cloud.native.describe_subnets()["Subnets"][0]["SubnetId"]
    group = cloud.create_security_group("web", "for the web")
    cloud.allow(group, Rule(from_port=22, to_port=22))
    server = cloud.start(order(cloud, networks=(subnet,), security_groups=("web",)))
    assert cloud.server(server.id).security_groups == ("web",)
    assert cloud.server(server.id).native["subnetId"] == subnet
    cloud.delete(server)
    cloud.delete_security_group(group)


def test_a_server_in_two_subnets_has_two_addresses(cloud: Ec2Cloud) -> None:
    subnets = [subnet["SubnetId"] for subnet in cloud.native.describe_subnets()["Subnets"][:2]]
    server = cloud.start(order(cloud, networks=tuple(subnets)))
    native = cloud.server(server.id).native
    assert sorted(nic["subnetId"] for nic in native["networkInterfaceSet"]) == sorted(subnets)
    cloud.delete(server)
