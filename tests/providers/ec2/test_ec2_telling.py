"""Who watches sees each exchange with EC2 without secrets; zones and tags go out as EC2 wants."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from tests.labs.ec2_endpoint import SECRET_KEY, Endpoint

from cloudmesh_sdk.errors import InvalidRequestError, NotFoundError, UnavailableError
from cloudmesh_sdk.models import ServerRequest
from cloudmesh_sdk.providers.ec2 import Ec2Cloud
from cloudmesh_sdk.providers.ec2.launch import launch
from cloudmesh_sdk.providers.ec2.telling import exchange
from cloudmesh_sdk.wire import Exchange

Opened = Callable[..., Ec2Cloud]
TOKEN = "a-session-token-for-nobody"


def watched(cloud: Ec2Cloud) -> list[Exchange]:
    heard: list[Exchange] = []
    cloud.watch = heard.append
    return heard


def test_each_request_is_told_once_with_its_answer(opened: Opened, endpoint: Endpoint) -> None:
    cloud = opened()
    endpoint.account.seed(25)
    heard = watched(cloud)
    before = datetime.now(UTC)
    list(cloud.servers())
    assert len(heard) == cloud.calls == 1
    (told,) = heard
    assert (told.cloud, told.service, told.method, told.status) == ("aws", "ec2", "POST", 200)
    assert "Action=DescribeInstances" in told.body
    assert told.answer.startswith("<DescribeInstancesResponse")
    assert before - timedelta(seconds=1) < told.at <= datetime.now(UTC)
    assert told.elapsed > 0


def test_user_data_and_credentials_are_masked(opened: Opened, request_: ServerRequest) -> None:
    cloud = opened(session_token=TOKEN)
    heard = watched(cloud)
    cloud.start(attrs.evolve(request_, user_data="#!/bin/sh\necho hush"))
    (told,) = heard
    assert "UserData=***" in told.body
    assert f"ClientToken={request_.token}" in told.body
    assert (told.headers["Authorization"], told.headers["X-Amz-Security-Token"]) == ("***", "***")
    text = repr(attrs.asdict(told))
    hushed = base64.b64encode(b"#!/bin/sh\necho hush").decode()
    assert [secret for secret in (TOKEN, SECRET_KEY, hushed) if secret in text] == []


def test_secret_elements_of_answers_are_masked() -> None:
    answer = b"<A><userData><value>c2VjcmV0</value></userData><passwordData>x\ny</passwordData></A>"
    told = exchange(
        "aws", "ec2", url="http://e", headers={}, body=b"", begun=0.0, hide=str, answer=answer
    )
    assert told.answer == "<A><userData>***</userData><passwordData>***</passwordData></A>"


def test_what_got_no_answer_is_told_too(opened: Opened, endpoint: Endpoint) -> None:
    cloud = opened(retries=0)
    endpoint.fail("DescribeInstances", "cut-before")
    heard = watched(cloud)
    with pytest.raises(UnavailableError):
        list(cloud.servers())
    (told,) = heard
    assert (told.status, told.answer) == (None, "")
    assert told.error


def test_who_does_not_watch_hears_nothing(cloud: Ec2Cloud) -> None:
    heard = watched(cloud)
    cloud.watch = None
    list(cloud.servers())
    assert heard == []


def test_a_zone_goes_out_as_the_placement(cloud: Ec2Cloud, request_: ServerRequest) -> None:
    assert "Placement.AvailabilityZone" not in launch(request_, ())
    there = attrs.evolve(request_, zone="us-east-1b")
    assert launch(there, ())["Placement.AvailabilityZone"] == "us-east-1b"
    assert cloud.start(there).zone == "us-east-1b"
    with pytest.raises(InvalidRequestError, match="moon"):
        cloud.start(attrs.evolve(request_, token="other", zone="moon"))


def test_tagging_leaves_the_token_alone(cloud: Ec2Cloud, request_: ServerRequest) -> None:
    server = cloud.start(request_)
    before = cloud.calls
    tagged = cloud.tag(server, {"cloudmesh:token": None, "owner": "ann"})
    assert cloud.calls - before == 2
    assert (tagged.tags["cloudmesh:token"], tagged.tags["owner"]) == (request_.token, "ann")
    assert cloud.rename(server, "db").name == "db"
    with pytest.raises(NotFoundError):
        cloud.tag(attrs.evolve(server, id="i-0123456789abcdef0"), {"owner": "ann"})
