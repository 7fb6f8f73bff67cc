"""Leaks at EC2: our tag tells our servers from those of others, whose ClientToken looks alike."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import ServerRequest, ServerState
from cloudmesh_sdk.operations.runner import is_token
from cloudmesh_sdk.providers.ec2 import Ec2Cloud

pytestmark = pytest.mark.lab

CONFIG = """
clouds:
  aws:
    {{driver: ec2, region: eu-west-3, endpoint: "{moto}", access_key: AKIALEAK, secret_key: lab,
      honours_token: false}}
"""


@pytest.fixture
def mesh(moto: str) -> Iterator[Mesh]:
    with Mesh.open("memory", config=Config.parse(CONFIG.format(moto=moto))) as mesh:
        yield mesh
        for server in list(mesh.clouds["aws"].servers()):
            mesh.clouds["aws"].delete(server)


@pytest.fixture
def image(mesh: Mesh) -> str:
    return next(iter(mesh.clouds["aws"].images())).id


def test_leaked_gone_and_those_of_others_are_told_apart(
    mesh: Mesh, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = mesh.clouds["aws"]
    assert isinstance(cloud, Ec2Cloud)
    kept, lost = mesh.start(name="web-[1-2]", image=image, flavor="t3.micro", cloud="aws")
    assert mesh.orphans().complete() == []

    request = ServerRequest(name="leak", image=image, flavor="t3.micro", token=str(uuid4()))
    leaked = cloud.start(request)
    asked = {"ImageId": image, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    answer = cloud.native.run_instances(**asked, ClientToken=str(uuid4()))
    theirs = cloud.server(answer["Instances"][0]["InstanceId"])
    assert is_token(theirs.token), "what boto3 makes up for anybody has the form of ours"
    cloud.native.terminate_instances(InstanceIds=[lost.id])
    assert cloud.server(lost.id).state is ServerState.DELETED

    assert [orphan.name for orphan in mesh.orphans("aws")] == ["leak"], "a list may be behind"
    monkeypatch.setattr(cloud, "settle", 0.0)
    found = mesh.orphans("aws").complete()
    assert {(o.what.value, o.name, o.id) for o in found} == {
        ("leaked", "leak", leaked.id), ("gone", lost.name, lost.id)
    }  # fmt: skip
    (shown,) = [orphan for orphan in found if orphan.what == "leaked"]
    assert (shown.token, shown.created) == (request.token, leaked.created)
    assert shown.price is None, "EC2 tells no prices"
    assert {kept.id, theirs.id} <= {server.id for server in mesh.servers("aws")}


def test_what_was_deleted_from_here_is_not_gone(mesh: Mesh, image: str) -> None:
    server = mesh.start(name="short", image=image, flavor="t3.micro", cloud="aws").one()
    mesh.delete(server)
    assert mesh.orphans("aws").complete() == []
