"""What only a real OpenStack proves: whose things are whose, faults of its own, nothing lost."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

import attrs
import pytest
from tests.labs.openstack_lab import OpenstackLab
from tests.providers.openstack.lab_project import Front, Project, every, first, project

from cloudmesh_sdk.errors import (
    AuthError,
    ConflictError,
    NotFoundError,
    QuotaError,
    UnavailableError,
)
from cloudmesh_sdk.models import Server, ServerRequest, ServerState
from cloudmesh_sdk.providers.openstack import OpenstackCloud
from cloudmesh_sdk.testing.server import LOST, Reply

pytestmark = pytest.mark.openstack

T = TypeVar("T")
Start = Callable[..., Server]
PATIENCE = 90.0
GONE = (ServerState.DELETED, ServerState.DELETING)


@pytest.fixture(scope="module")
def place(openstack_lab: OpenstackLab) -> Iterator[Project]:
    with project(openstack_lab) as place:
        yield place


@pytest.fixture
def cloud(place: Project) -> Iterator[OpenstackCloud]:
    with place.opened() as cloud:
        yield cloud


@pytest.fixture
def start(cloud: OpenstackCloud) -> Iterator[Start]:
    made: list[Server] = []

    def start(**fields: Any) -> Server:
        server = cloud.start(order(cloud, **fields))
        made.append(server)
        return server

    yield start
    for server in made:
        cloud.unlock(server) if server.id in _ids(cloud) else None
        cloud.delete(server)
    eventually(lambda: {*_ids(cloud)} & {server.id for server in made}, lambda left: not left)


def order(cloud: OpenstackCloud, **fields: Any) -> ServerRequest:
    given: dict[str, Any] = {
        "name": f"kit-{uuid4().hex[:10]}",
        "token": uuid4().hex,
        "image": "",
        "flavor": "1",
        "networks": ("none",),
        **fields,
    }
    given["image"] = given["image"] or next(iter(cloud.images())).id
    return ServerRequest(**given)


def eventually(look: Callable[[], T], holds: Callable[[T], bool]) -> T:
    end = time.monotonic() + PATIENCE
    while not holds(found := look()):
        assert time.monotonic() < end, f"still {found!r}"
        time.sleep(0.4)
    return found


def until(cloud: OpenstackCloud, server: Server, state: ServerState) -> Server:
    return eventually(lambda: cloud.server(server.id), lambda row: row.state is state)


def _ids(cloud: OpenstackCloud) -> list[str]:
    return [server.id for server in cloud.servers() if server.state not in GONE]


def test_two_projects_never_see_each_others_servers(
    place: Project, cloud: OpenstackCloud, start: Start
) -> None:
    mine = start(networks=(place.lab.network,))
    with project(place.lab) as apart, apart.opened() as other:
        assert mine.id in _ids(cloud)
        assert list(other.servers()) == []
        assert other.find(mine.token or "") is None
        assert [row for row in other.changes(datetime.now(UTC)) if row.id == mine.id] == []
        for act in (other.stop, other.lock, other.console):
            with pytest.raises(NotFoundError):
                act(mine)
        other.delete(mine)
    assert until(cloud, mine, ServerState.RUNNING).id == mine.id


def test_native_is_what_a_plain_request_gets(
    place: Project, cloud: OpenstackCloud, start: Start
) -> None:
    server = start(networks=(place.lab.network,), tags={"a": "b"})
    until(cloud, server, ServerState.RUNNING)
    with place.opened(username="admin", password=place.lab.password, all_projects=True,
                      project_name="admin") as admin:  # fmt: skip
        plain = _plain(place, "compute", "/servers/detail?all_tenants=1", "servers")
        settled = {key for key, one in plain.items() if one["OS-EXT-STS:task_state"] is None}
        ours = {row.id: dict(row.native) for row in admin.servers()}
        again = _plain(place, "compute", "/servers/detail?all_tenants=1", "servers")
        same = {key for key in settled & again.keys() if plain[key] == again[key]}
        assert server.id in same
        assert {key: ours[key] for key in same} == {key: plain[key] for key in same}
        flavors = {row.id: dict(row.native) for row in admin.flavors()}
        assert flavors == _plain(place, "compute", "/flavors/detail", "flavors")
        images = {row.id: dict(row.native) for row in admin.images()}
        found = _plain(place, "image", "/v2/images?limit=1000", "images")
        assert images == {key: one for key, one in found.items() if one["status"] == "active"}


def _plain(place: Project, service: str, path: str, key: str) -> dict[str, Any]:
    version = "2.96" if service == "compute" else None
    answer = place.lab.ask(service, path, user="admin", microversion=version)
    return {one["id"]: one for one in answer[key]}


def test_a_wrong_password_is_told_with_the_account(place: Project) -> None:
    with place.opened(password="not-the-one") as cloud:
        with pytest.raises(AuthError, match=place.user) as caught:
            cloud.check()
        assert "not-the-one" not in str(caught.value)


def test_an_application_credential_is_enough(place: Project, cloud: OpenstackCloud) -> None:
    list(cloud.zones())  # signs in
    where = f"/users/{cloud.native.session.get_user_id()}/application_credentials"
    wanted = {"application_credential": {"name": f"kit-{uuid4().hex[:8]}"}}
    made = cloud.native.identity.post(where, json=wanted).json()["application_credential"]
    nobody: dict[str, Any] = dict.fromkeys(
        ("username", "password", "project_name", "user_domain_name", "project_domain_name")
    )
    with place.opened(
        **nobody,
        auth_type="v3applicationcredential",
        application_credential_id=made["id"],
        application_credential_secret=made["secret"],
    ) as entered:
        request = order(entered)
        server = entered.start(request)
        assert _ids(cloud) == [server.id]
        assert entered.check().identity.endswith(place.name)
        entered.delete(server)
        eventually(lambda: _ids(cloud), lambda left: not left)


def test_a_reader_is_told_so(openstack_lab: OpenstackLab, place: Project) -> None:
    with place.opened(
        username="viewer", password=openstack_lab.password,
        project_name=openstack_lab.project("viewer"),
    ) as viewer:  # fmt: skip
        assert any("only look" in warning for warning in viewer.check().warnings)
        request = order(viewer)
        with pytest.raises(AuthError, match="roles"):
            viewer.start(request)
        assert viewer.find(request.token) is None


def test_a_failed_build_tells_why(cloud: OpenstackCloud, place: Project, start: Start) -> None:
    server = start(name=f"kit-{place.lab.failing}-{uuid4().hex[:6]}")
    failed = until(cloud, server, ServerState.ERROR)
    assert failed.fault is not None
    assert "asked to fail" in failed.fault
    last = list(cloud.actions(failed))[-1]
    assert (last.name, last.result, last.message) == ("create", "error", failed.fault)


def test_no_valid_host_is_a_fault(cloud: OpenstackCloud, place: Project, start: Start) -> None:
    huge = {"name": f"kit-{uuid4().hex[:8]}", "vcpus": 100_000, "ram": 64, "disk": 1}
    flavor = place.ask("compute", "/flavors", "POST", {"flavor": huge})["flavor"]
    try:
        failed = until(cloud, start(flavor=flavor["id"]), ServerState.ERROR)
        assert "No valid host" in (failed.fault or "")
    finally:
        place.ask("compute", f"/flavors/{flavor['id']}", "DELETE")


def test_a_full_quota_is_told_and_makes_nothing(place: Project) -> None:
    with project(place.lab) as small, small.opened() as cloud:
        small.limit(instances=1, cores=1)
        request = order(cloud)
        first_one = cloud.start(request)
        until(cloud, first_one, ServerState.RUNNING)
        assert any("1 of 1 servers" in warning for warning in cloud.check().warnings)
        with pytest.raises(QuotaError, match="instances"):
            cloud.start(order(cloud))
        assert _ids(cloud) == [first_one.id]
        (used,) = [quota for quota in cloud.quotas() if quota.name == "instances"]
        assert (used.used, used.limit) == (1, 1)
        cloud.delete(first_one)
        eventually(lambda: _ids(cloud), lambda left: not left)


def test_twenty_start_by_one_request_and_are_listed_by_one(cloud: OpenstackCloud) -> None:
    list(cloud.zones())  # signs in
    request = order(cloud)
    names = cloud.names_of_many(request.name, 20)
    before = cloud.calls
    servers = cloud.start_many(request, names)
    try:
        assert cloud.calls - before == 2
        assert [server.name for server in servers] == list(names)
        assert {server.id for server in cloud.find_many(request.token)} == {s.id for s in servers}
    finally:
        for server in servers:
            cloud.delete(server)


def test_a_life_costs_nine_requests_at_most(place: Project) -> None:
    with place.opened() as cloud:
        request = order(cloud, image=_image(place), networks=(_network(place),))
        server = cloud.start(request)
        wait = 2.0
        while cloud.server(server.id).state is ServerState.PENDING:
            time.sleep(wait)
            wait *= 1.6
        assert cloud.server(server.id).state is ServerState.RUNNING
        cloud.delete(server)
        assert cloud.calls <= 9


def _image(place: Project) -> str:
    path = f"/v2/images?name={place.lab.image}"
    return str(place.ask("image", path)["images"][0]["id"])


def _network(place: Project) -> str:
    path = f"/v2.0/networks?name={place.lab.network}"
    return str(place.ask("network", path)["networks"][0]["id"])


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_start_whose_answer_became_an_error_is_not_done_twice(
    place: Project, status: int
) -> None:
    fault = Reply(status=status, body="<html><h1>Bad Gateway</h1></html>")
    alter = first(fault, "POST", "/servers")
    with (
        Front(place.lab.url("nova-api"), alter) as front,
        place.opened(compute_endpoint_override=front.url()) as cloud,
    ):
        server = cloud.start(order(cloud))
        try:
            assert front.requests.count("POST /v2.1/servers") == 1
            assert _ids(cloud) == [server.id]
        finally:
            cloud.delete(server)
            eventually(lambda: _ids(cloud), lambda left: not left)


def test_a_start_that_stays_in_doubt_can_be_asked_for_again(place: Project) -> None:
    lost = every(lambda _: LOST, "POST", "/servers")
    with (
        place.opened() as plain,
        Front(place.lab.url("nova-api"), lost) as front,
        place.opened(compute_endpoint_override=front.url(), retries=0) as cloud,
    ):
        request = order(cloud)
        with pytest.raises(UnavailableError):
            cloud.start(request)
        again = cloud.start(request)
        assert front.requests.count("POST /v2.1/servers") == 1
        assert [again.id] == _ids(plain)
        plain.delete(again)
        eventually(lambda: _ids(plain), lambda left: not left)


def test_a_reboot_right_after_a_start_waits_for_it(cloud: OpenstackCloud, start: Start) -> None:
    server = start()
    cloud.reboot(server)
    until(cloud, server, ServerState.RUNNING)
    cloud.stop(server)
    cloud.resume(server)
    until(cloud, server, ServerState.RUNNING)


def test_a_lock_is_told_at_once(cloud: OpenstackCloud, start: Start) -> None:
    server = until(cloud, start(), ServerState.RUNNING)
    cloud.lock(server)
    begun = time.monotonic()
    with pytest.raises(ConflictError, match="locked"):
        cloud.stop(server)
    assert time.monotonic() - begun < 10
    cloud.unlock(server)


def test_a_server_comes_back_from_wherever_it_is(cloud: OpenstackCloud, start: Start) -> None:
    server = until(cloud, start(), ServerState.RUNNING)
    acts = (
        (cloud.stop, ServerState.STOPPED),
        (cloud.suspend, ServerState.SUSPENDED),
        (cloud.pause, ServerState.PAUSED),
        (cloud.shelve, ServerState.SHELVED),
    )
    for act, state in acts:
        act(server)
        now = until(cloud, server, state)
        act(server)  # so already
        before = cloud.calls
        cloud.resume(now)
        assert cloud.calls - before <= 3
        until(cloud, server, ServerState.RUNNING)
        cloud.resume(attrs.evolve(now, state=ServerState.STOPPED))  # so already


def test_a_choice_of_networks_is_named(place: Project, cloud: OpenstackCloud) -> None:
    made = place.ask("network", "/v2.0/networks", "POST", {
        "network": {"name": "kit-second", "project_id": place.id},
    })["network"]  # fmt: skip
    subnet = {"network_id": made["id"], "cidr": "10.99.0.0/24", "ip_version": 4}
    place.ask("network", "/v2.0/subnets", "POST", {"subnet": {**subnet, "project_id": place.id}})
    try:
        with pytest.raises(Exception, match="kit-second"):
            cloud.start(order(cloud, networks=()))
        with pytest.raises(NotFoundError, match="no-such-net"):
            cloud.start(order(cloud, networks=("no-such-net",)))
        assert _ids(cloud) == []
    finally:
        place.ask("network", f"/v2.0/networks/{made['id']}", "DELETE")


def test_a_token_that_is_not_taken_any_more_is_renewed_once(cloud: OpenstackCloud) -> None:
    list(cloud.servers())
    session = cloud.native.session
    signed_in: Any = session.auth
    signed_in.get_access(session)._auth_token = "gAAAAA-no-token-of-this-keystone"
    before = cloud.calls
    list(cloud.servers())
    assert cloud.calls - before == 3  # refused, signed in, answered


@pytest.mark.parametrize("name", ["glance", "neutron", "nova-api"])
def test_a_service_that_is_down_is_named_and_comes_back(
    place: Project, openstack_lab: OpenstackLab, name: str
) -> None:
    lists = {"glance": "images", "neutron": "networks", "nova-api": "servers"}
    with place.opened(retries=1, timeout=15) as cloud:
        ask = getattr(cloud, lists[name])
        list(ask())
        with openstack_lab.service(name), pytest.raises(UnavailableError, match="cannot be"):
            list(ask())
        list(ask())
