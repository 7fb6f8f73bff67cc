"""A start makes one server, whatever happens to its answer."""

from collections.abc import Callable

import attrs
import pytest
from tests.labs.ec2_endpoint import Endpoint

from cloudmesh_sdk.errors import (
    AuthError,
    BackendTimeoutError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnavailableError,
)
from cloudmesh_sdk.models import ServerRequest, ServerState
from cloudmesh_sdk.providers.ec2 import Ec2Cloud

Opened = Callable[..., Ec2Cloud]


def test_a_start_costs_one_request(
    cloud: Ec2Cloud, endpoint: Endpoint, request_: ServerRequest
) -> None:
    server = cloud.start(request_)
    assert endpoint.calls == {"RunInstances": 1}
    assert cloud.calls == 1
    assert server.state is ServerState.PENDING
    assert (server.name, server.image, server.flavor) == ("web", "ami-0001", "t3.micro")
    assert server.token == request_.token
    assert list(endpoint.account.instances) == [server.id]


def test_the_same_token_gives_the_same_server(
    cloud: Ec2Cloud, endpoint: Endpoint, request_: ServerRequest
) -> None:
    first, second = cloud.start(request_), cloud.start(request_)
    assert first.id == second.id
    assert len(endpoint.account.instances) == 1


def test_the_same_token_for_another_server_is_a_conflict(
    cloud: Ec2Cloud, endpoint: Endpoint, request_: ServerRequest
) -> None:
    cloud.start(request_)
    with pytest.raises(ConflictError, match="IdempotentParameterMismatch"):
        cloud.start(attrs.evolve(request_, flavor="t3.large"))
    assert len(endpoint.account.instances) == 1


@pytest.mark.parametrize("cut", ["cut-before", "cut-after", "cut-within"])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_connection_that_is_cut_leaves_one_server(
    cloud: Ec2Cloud, endpoint: Endpoint, request_: ServerRequest, cut: str, times: int
) -> None:
    endpoint.fail("RunInstances", cut, times=times)
    server = cloud.start(request_)
    assert list(endpoint.account.instances) == [server.id]
    sent = times + 1 if cut == "cut-before" else 1  # what was done is found and not sent again
    assert endpoint.calls["RunInstances"] == sent


@pytest.mark.parametrize("fault", ["html", "half-page", "garbage", "empty", "InternalError/500"])
def test_an_answer_of_nonsense_leaves_one_server(
    cloud: Ec2Cloud, endpoint: Endpoint, request_: ServerRequest, fault: str
) -> None:
    endpoint.fail("RunInstances", fault)
    server = cloud.start(request_)
    assert list(endpoint.account.instances) == [server.id]


def test_a_list_that_lags_behind_does_not_double_a_server(
    cloud: Ec2Cloud, endpoint: Endpoint, request_: ServerRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint.account, "_DescribeInstances", lambda _: {"reservationSet": []})
    endpoint.fail("RunInstances", "cut-after")
    server = cloud.start(request_)
    assert list(endpoint.account.instances) == [server.id]
    assert endpoint.calls["RunInstances"] == 2


def test_a_start_that_hangs_ends_at_its_deadline_and_may_be_repeated(
    opened: Opened, endpoint: Endpoint, request_: ServerRequest
) -> None:
    endpoint.fail("RunInstances", "hang")
    with pytest.raises(BackendTimeoutError, match="aws did not answer in time"):
        opened(timeout=0.5).start(request_)
    server = opened().start(request_)
    assert list(endpoint.account.instances) == [server.id]
    assert opened().find(request_.token) == attrs.evolve(server)


def test_an_endpoint_that_does_not_honour_tokens_is_asked_first(
    opened: Opened, endpoint: Endpoint, request_: ServerRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forgetful(dict[str, list[object]]):
        def __contains__(self, _: object) -> bool:
            return False

    monkeypatch.setattr(endpoint.account, "tokens", Forgetful())
    cloud = opened(honours_token=False)
    server = cloud.start(request_)
    assert cloud.start(request_).id == server.id
    endpoint.fail("RunInstances", "cut-after")
    another = cloud.start(attrs.evolve(request_, token="token-2"))
    assert list(endpoint.account.instances) == [server.id, another.id]


def test_an_endpoint_that_does_not_honour_tokens_is_sent_nothing_again_that_it_may_be_at(
    opened: Opened, endpoint: Endpoint, request_: ServerRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint.account, "_DescribeInstances", lambda _: {"reservationSet": []})
    endpoint.fail("RunInstances", "cut-after")
    with pytest.raises(UnavailableError, match="aws cut the connection"):
        opened(honours_token=False).start(request_)
    assert endpoint.calls["RunInstances"] == 1
    assert len(endpoint.account.instances) == 1


def test_throttling_is_waited_out_without_a_look(
    cloud: Ec2Cloud, endpoint: Endpoint, request_: ServerRequest
) -> None:
    endpoint.fail("RunInstances", "throttle", times=2)
    server = cloud.start(request_)
    assert list(endpoint.account.instances) == [server.id]
    assert endpoint.calls == {"RunInstances": 3}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("InsufficientInstanceCapacity/500", QuotaError),
        ("VcpuLimitExceeded/400", QuotaError),
        ("UnauthorizedOperation/403", AuthError),
        ("InvalidParameterValue/400", InvalidRequestError),
    ],
)
def test_a_lasting_refusal_is_not_repeated(
    cloud: Ec2Cloud,
    endpoint: Endpoint,
    request_: ServerRequest,
    code: str,
    error: type[Exception],
) -> None:
    endpoint.fail("RunInstances", code, times=9)
    with pytest.raises(error, match=code.partition("/")[0]):
        cloud.start(request_)
    assert endpoint.calls == {"RunInstances": 1}


def test_a_wrong_image_is_not_found(
    cloud: Ec2Cloud, endpoint: Endpoint, request_: ServerRequest
) -> None:
    with pytest.raises(NotFoundError, match="ami-absent"):
        cloud.start(attrs.evolve(request_, image="ami-absent"))
    assert endpoint.account.instances == {}


def test_a_start_gives_up_within_its_budget(
    opened: Opened, endpoint: Endpoint, request_: ServerRequest
) -> None:
    endpoint.fail("RunInstances", "cut-before", times=99)
    with pytest.raises(UnavailableError, match="cut the connection"):
        opened(retries=2).start(request_)
    assert endpoint.calls == {"RunInstances": 3, "DescribeInstances": 2}


def test_find_knows_a_server_that_is_deleted_since(
    cloud: Ec2Cloud, endpoint: Endpoint, request_: ServerRequest
) -> None:
    server = cloud.start(request_)
    cloud.delete(server)
    cloud.server(server.id)
    found = cloud.find(request_.token)
    assert found is not None
    assert (found.id, found.state) == (server.id, ServerState.DELETED)
    assert cloud.find("another") is None


def test_keys_groups_networks_tags_and_user_data_go_out(
    cloud: Ec2Cloud, endpoint: Endpoint, request_: ServerRequest
) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS me"
    cloud.upload_key("mine", key)
    group = cloud.create_security_group("web", "for the web")
    cloud.start(
        attrs.evolve(
            request_,
            key="mine",
            networks=("subnet-1",),
            security_groups=("web",),
            user_data="#!/bin/sh\n",
            tags={"team": "blue"},
        )
    )
    sent = endpoint.account.tokens[request_.token][1]
    assert sent["KeyName"] == "mine"
    assert sent["SubnetId"] == "subnet-1"
    assert sent["SecurityGroupId.1"] == group.id
    assert sent["UserData"] == "IyEvYmluL3NoCg=="
    assert next(iter(cloud.servers())).tags == {
        "team": "blue", "Name": "web", "cloudmesh:token": request_.token
    }  # fmt: skip


def test_a_group_of_unknown_name_is_not_found(cloud: Ec2Cloud, request_: ServerRequest) -> None:
    with pytest.raises(NotFoundError, match="no security group named absent"):
        cloud.start(attrs.evolve(request_, networks=("subnet-1",), security_groups=("absent",)))
