"""A start through libcloud: one server per token, whatever the lists show and the answers say."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import pytest
from libcloud.compute.drivers.cloudscale import CloudscaleNodeDriver
from libcloud.compute.drivers.cloudsigma import CloudSigma_2_0_NodeDriver
from libcloud.compute.drivers.cloudstack import CloudStackNodeDriver
from libcloud.compute.drivers.digitalocean import DigitalOcean_v2_NodeDriver
from libcloud.compute.drivers.dummy import DummyNodeDriver
from libcloud.compute.drivers.ec2 import BaseEC2NodeDriver
from libcloud.compute.drivers.gce import GCENodeDriver
from libcloud.compute.drivers.gig_g8 import G8NodeDriver
from libcloud.compute.drivers.openstack import OpenStack_1_1_NodeDriver
from libcloud.compute.drivers.vultr import VultrNodeDriverV1
from tests.providers.libcloud.nova import Nova, nova
from tests.providers.libcloud.ocean import TOKEN, Ocean

from cloudmesh_sdk.errors import (
    BackendError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from cloudmesh_sdk.models import ServerRequest
from cloudmesh_sdk.providers.libcloud import LibcloudCloud, records, starting
from cloudmesh_sdk.testing import LOST, Loopback, Reply, Request

DROPLET = ServerRequest(name="web", image="7555620", flavor="s-1vcpu-1gb", token="t1")


class Late(Ocean):
    """Lists show nothing of what was started, until `shown`."""

    shown = False

    def answer(self, request: Request) -> Reply:
        reply = super().answer(request)
        if request.method == "GET" and request.path == "/v2/droplets" and not self.shown:
            return Reply(body={"droplets": [], "links": {}, "meta": {"total": 0}})
        return reply


@pytest.fixture
def account() -> Late:
    return Late()


@pytest.fixture
def server(account: Late) -> Iterator[Loopback]:
    with Loopback(account.answer) as server:
        yield server


def ocean(server: Loopback, **chosen: Any) -> LibcloudCloud:
    settings = LibcloudCloud.Settings(
        provider="digitalocean", key=TOKEN, url=server.url, location="ams3", **chosen
    )
    return LibcloudCloud("ocean", settings)


def test_a_server_that_no_list_shows_yet_is_not_started_twice(
    server: Loopback, account: Late
) -> None:
    with ocean(server) as cloud:
        first = cloud.start(DROPLET)
        assert cloud.find(DROPLET.token) is None
        assert cloud.start(DROPLET).id == first.id
    assert len(account.droplets) == 1


def test_while_a_list_may_not_show_a_lost_start_nothing_is_sent(
    server: Loopback, account: Late
) -> None:
    def lose(request: Request) -> Reply:
        reply = account.answer(request)
        return LOST if request.method == "POST" else reply

    server.answer = lose
    with ocean(server, settle=3600.0) as cloud:
        with pytest.raises(UnavailableError, match="cannot start"):
            cloud.start(DROPLET)
        with pytest.raises(UnavailableError, match="may not show web yet") as caught:
            cloud.start(DROPLET)
        assert caught.value.retry_after == pytest.approx(3600, abs=60)
        assert len(account.droplets) == 1
        account.shown = True
        assert cloud.start(DROPLET).id == str(next(iter(account.droplets)))
    assert len(account.droplets) == 1


def test_a_start_that_never_came_is_sent_again_once_a_list_would_show_it(
    server: Loopback, account: Late
) -> None:
    lost: list[Request] = []

    def lose(request: Request) -> Reply:
        if request.method == "POST" and not lost:
            lost.append(request)
            return LOST
        return account.answer(request)

    server.answer = lose
    with ocean(server, settle=0.0) as cloud:
        with pytest.raises(UnavailableError):
            cloud.start(DROPLET)
        assert cloud.start(DROPLET).token == DROPLET.token
    assert len(account.droplets) == 1


def test_what_is_refused_leaves_no_doubt(server: Loopback, account: Late) -> None:
    with ocean(server, settle=3600.0) as cloud:
        with pytest.raises(InvalidRequestError):
            cloud.start(attrs.evolve(DROPLET, tags={"a.b": "c d"}))
        cloud.start(DROPLET)
    assert len(account.droplets) == 1


@pytest.mark.parametrize(
    ("answer", "status"), [({"itemNotFound": {"message": "not yet"}}, 404), ({}, 429), ({}, 401)]
)
def test_what_is_refused_after_a_start_was_taken_is_not_the_start(
    answer: Mapping[str, Any], status: int
) -> None:
    project = Nova()

    def forgetful(request: Request) -> Reply:
        if request.method == "GET" and request.path.startswith("/servers/0"):
            return Reply(status=status, body=answer)
        return project.answer(request)

    with Loopback(forgetful) as server, nova(server.url) as cloud:
        (image,), (flavor,) = cloud.images(), cloud.flavors()
        request = ServerRequest(name="web", image=image.id, flavor=flavor.id, token="t1")
        with pytest.raises(UnavailableError, match="took the start of web, but then") as caught:
            cloud.start(request)
        assert isinstance(caught.value.__cause__, BackendError)
        found = cloud.find("t1")
        assert found is not None
        assert cloud.start(request).id == found.id
    assert len(project.servers) == 1


def test_a_start_that_was_refused_at_once_is_what_it_was() -> None:
    project = Nova()

    def refusing(request: Request) -> Reply:
        if request.method == "POST":
            return Reply(status=404, body={"itemNotFound": {"message": "no network"}})
        return project.answer(request)

    with Loopback(refusing) as server, nova(server.url) as cloud:
        (image,), (flavor,) = cloud.images(), cloud.flavors()
        request = ServerRequest(name="web", image=image.id, flavor=flavor.id, token="t1")
        with pytest.raises(NotFoundError, match="no network"):
            cloud.start(request)


@pytest.mark.parametrize(
    ("driver", "able"),
    [
        (DigitalOcean_v2_NodeDriver, True),
        (BaseEC2NodeDriver, True),
        (GCENodeDriver, True),
        (CloudSigma_2_0_NodeDriver, True),
        (OpenStack_1_1_NodeDriver, True),
        (CloudscaleNodeDriver, False),  # wants tags in another form, and refuses ours
        (G8NodeDriver, False),  # passes over what it does not know
        (VultrNodeDriverV1, False),  # has one `tag`
        (CloudStackNodeDriver, False),
        (DummyNodeDriver, False),
    ],
)
def test_only_what_carries_a_token_is_said_to(driver: Any, able: bool) -> None:
    assert starting.keeps_tokens(driver) is able
    sent = starting.extras(driver, ServerRequest(name="w", image="i", flavor="f", token="t1"))
    assert ("t1" in repr(sent)) is able


@pytest.mark.parametrize(
    "extra",
    [
        {"metadata": {"cloudmesh-token": "t1", "owner": "albert"}},
        {"meta": {"cloudmesh-token": "t1", "owner": "albert"}},
        {"tags": {"cloudmesh-token": "t1", "owner": "albert"}},
        {"tags": ["cloudmesh-token:t1", "owner:albert"]},
        {
            "metadata": {
                "kind": "compute#metadata", "fingerprint": "x=",
                "items": [
                    {"key": "cloudmesh-token", "value": "t1"}, {"key": "owner", "value": "albert"},
                ],
            }
        },
    ],
)  # fmt: skip
def test_a_token_is_read_where_libcloud_s_drivers_keep_it(extra: Mapping[str, Any]) -> None:
    assert records.tagged(extra) == ({"owner": "albert"}, "t1")
