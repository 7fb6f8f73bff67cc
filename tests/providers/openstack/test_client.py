"""Asking: pages, deadlines, tries, tokens that run out, microversions, raw requests."""

import re
import socket
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.labs.openstack_endpoint import (
    PROJECT_ID,
    USER_ID,
    Endpoint,
    served,
    server_document,
)
from tests.providers.openstack.clients import Opened, client, endpoint, opened

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    BackendTimeoutError,
    ConfigError,
    InvalidRequestError,
    NotFoundError,
    ThrottledError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.providers.openstack.client import Client
from cloudmesh_sdk.providers.openstack.errors import never_sent
from cloudmesh_sdk.testing.server import LOST, Reply, closed_port, silence

__all__ = ["client", "endpoint", "opened"]

SERVERS = "/compute/v2.1/servers"
DETAIL = f"{SERVERS}/detail"


def _names(client: Client, **params: object) -> list[str]:
    pages = client.pages("/servers/detail", "servers", params=params or None)
    return [server["name"] for page in pages for server in page]


def test_a_first_list_is_one_login_and_one_request_a_page(opened: Opened) -> None:
    opened.endpoint.servers, opened.endpoint.page = 5, 2
    client = opened()
    assert _names(client) == [f"node-{n:05d}" for n in range(5)]
    assert opened.endpoint.requests == [
        "POST /v3/auth/tokens",
        *[f"GET {DETAIL}"] * 3,
    ]
    assert opened.told == 4
    assert _names(client, limit=1) == [f"node-{n:05d}" for n in range(5)]
    assert opened.told == 9


def test_opening_sends_nothing(opened: Opened) -> None:
    opened()
    assert opened.endpoint.requests == []


def test_a_page_is_asked_for_when_it_is_wanted(opened: Opened) -> None:
    opened.endpoint.servers, opened.endpoint.page = 5, 2
    pages = opened().pages("/servers/detail", "servers")
    next(pages)
    assert opened.told == 2


def test_native_data_is_what_the_service_said(client: Client) -> None:
    found = client.call("GET", "/servers/00000002-8ef9-4e0f-9d0b-5b8f8f0b0001")["server"]
    url = found["links"][0]["href"].partition("/servers")[0]
    assert found == server_document(2, url)


def test_the_services_have_their_versions(client: Client, endpoint: Endpoint) -> None:
    assert client.call("GET", "/images", service="image")["images"][0]["name"] == "tiny"
    assert client.call("GET", "/v2/images", service="image")["images"]
    assert client.call("GET", "/networks", service="network")["networks"][0]["name"] == "shared"
    assert endpoint.requests[1:] == [
        "GET /image/v2/images",
        "GET /image/v2/images",
        "GET /network/v2.0/networks",
    ]


def test_who_we_are_comes_from_the_token(client: Client) -> None:
    assert (client.project_id(), client.user_id()) == (PROJECT_ID, USER_ID)


def test_the_skew_of_our_clock_comes_from_the_answers(client: Client) -> None:
    assert client.skew is None
    client.project_id()
    assert client.skew is not None
    assert abs(client.skew) < 5


def test_a_request_says_who_asks_and_never_follows_elsewhere(
    client: Client, endpoint: Endpoint
) -> None:
    endpoint.faults[SERVERS].append(
        Reply(status=302, headers={"Location": "http://127.0.0.1:1/servers"})
    )
    with pytest.raises(UnavailableError, match=r"redirects to http://127\.0\.0\.1:1/servers"):
        client.once("GET", "/servers")
    assert endpoint.server.requests[-1].headers["user-agent"].startswith("cloudmesh")


def test_a_missing_service_is_told_with_what_there_is(client: Client) -> None:
    assert client.has("compute")
    assert not client.has("volume")
    with pytest.raises(UnsupportedError, match="no service 'volume'; its catalog names compute, "):
        client.call("GET", "/volumes", service="volume")


def test_an_unknown_region_names_near_ones(opened: Opened) -> None:
    with pytest.raises(ConfigError, match=r"no region 'RegionTwo'; did you mean RegionOne"):
        opened(region_name="RegionTwo").call("GET", "/servers")


def test_without_a_region_all_services_are_of_the_first_of_nova(opened: Opened) -> None:
    opened.endpoint.regions = ["north", "south"]
    assert len(_names(opened())) == 3


def test_an_override_stands_in_for_the_catalog(opened: Opened) -> None:
    opened.endpoint.services = {"identity": "/identity/v3"}
    url = f"{opened.endpoint.server.url}/compute/v2.1/"
    assert len(_names(opened(compute_endpoint_override=url))) == 3
    assert opened(clouds_yaml={"compute_endpoint_override": url}).has("compute")


# --- what passes, and what does not


@pytest.mark.parametrize(
    "fault",
    [
        Reply(status=503, body="<html><h1>503 Service Unavailable</h1></html>"),
        Reply(status=429, headers={"Retry-After": "0"}),
        Reply(status=200, body={"servers": []}, cut=5),
        Reply(status=200, body=b"\x00\xff garbage"),
        LOST,
    ],
)
def test_a_read_survives_what_passes(client: Client, endpoint: Endpoint, fault: Reply) -> None:
    endpoint.faults[DETAIL].append(fault)
    assert len(_names(client)) == 3


@pytest.mark.parametrize("fault", [Reply(status=503), Reply(status=200, body=b"{", cut=0), LOST])
def test_what_may_have_been_done_is_not_sent_again(
    client: Client, endpoint: Endpoint, fault: Reply
) -> None:
    endpoint.faults[SERVERS].append(fault)
    with pytest.raises(UnavailableError) as caught:
        client.call("POST", "/servers", body={"server": {}}, again=False)
    assert not never_sent(caught.value)
    assert endpoint.requests.count(f"POST {SERVERS}") == 1


def test_what_was_refused_for_load_is_sent_again(client: Client, endpoint: Endpoint) -> None:
    endpoint.faults[SERVERS].append(Reply(status=429, headers={"Retry-After": "0"}))
    assert client.call("POST", "/servers", body={"server": {}}, again=False)["server"]["id"]


def test_a_wait_that_the_service_asks_for_is_kept_or_told(
    opened: Opened, endpoint: Endpoint
) -> None:
    endpoint.faults[SERVERS].append(
        Reply(status=413, body={"overLimit": {"message": "slow"}}, headers={"Retry-After": "30"})
    )
    with pytest.raises(ThrottledError) as caught:
        opened(timeout=2.0).call("GET", "/servers")
    assert caught.value.retry_after == 30
    assert endpoint.requests.count(f"GET {SERVERS}") == 1


def test_a_keystone_that_fails_leaves_the_request_unsent(
    client: Client, endpoint: Endpoint
) -> None:
    endpoint.faults["/v3/auth/tokens"].append(Reply(status=503))
    with pytest.raises(UnavailableError) as caught:
        client.once("POST", "/servers", body={"server": {}})
    assert never_sent(caught.value)


def test_a_service_that_is_not_reached_was_sent_nothing(opened: Opened) -> None:
    url = f"http://127.0.0.1:{closed_port()}/v2.1"
    with pytest.raises(UnavailableError, match="cannot be reached") as caught:
        opened(compute_endpoint_override=url, retries=0).call("GET", "/servers")
    assert never_sent(caught.value)
    assert "object at 0x" not in str(caught.value)


def test_a_page_without_its_collection_is_no_empty_page(client: Client, endpoint: Endpoint) -> None:
    endpoint.faults[DETAIL] += [Reply(body={"flavors": []})] * 3
    with pytest.raises(UnavailableError, match="servers was wanted, found flavors"):
        _names(client)


def test_pages_in_a_circle_are_told(client: Client, endpoint: Endpoint) -> None:
    link = f"{endpoint.server.url}{DETAIL}?marker=00000000"
    page = {"servers": [], "servers_links": [{"rel": "next", "href": link}]}
    endpoint.faults[DETAIL] += [Reply(body=page)] * 4
    with pytest.raises(UnavailableError, match="circle"):
        _names(client)


def test_a_page_that_fails_for_good_ends_the_list_with_an_error(
    opened: Opened, endpoint: Endpoint
) -> None:
    endpoint.servers, endpoint.page = 4, 2
    pages = opened(retries=1).pages("/servers/detail", "servers")
    assert len(next(pages)) == 2
    endpoint.faults[DETAIL] += [Reply(status=500), Reply(status=500)]
    with pytest.raises(UnavailableError, match="HTTP 500"):
        next(pages)


def test_glance_links_its_pages_in_its_own_way(client: Client, endpoint: Endpoint) -> None:
    first = Reply(body={"images": [{"id": "a"}], "next": "/v2/images?marker=a"})
    endpoint.faults["/image/v2/images"].append(first)
    pages = list(client.pages("/images", "images", service="image"))
    assert [len(page) for page in pages] == [1, 1]
    assert endpoint.server.requests[-1].query == {"marker": "a"}


def test_links_are_followed_on_the_host_that_we_know(client: Client, endpoint: Endpoint) -> None:
    link = "http://internal.example.org:8774/v2.1/servers/detail?marker=00000001-x"
    page = {"servers": [{"name": "a"}], "servers_links": [{"rel": "next", "href": link}]}
    endpoint.faults[DETAIL].append(Reply(body=page))
    assert _names(client) == ["a", "node-00002"]


# --- deadlines


def test_a_silent_service_costs_no_more_than_the_timeout(opened: Opened) -> None:
    with silence() as port:
        client = opened(
            compute_endpoint_override=f"http://127.0.0.1:{port}/v2.1", timeout=0.5, retries=9
        )
        begun = time.monotonic()
        with pytest.raises(BackendTimeoutError, match="did not answer in time"):
            client.call("GET", "/servers")
    assert time.monotonic() - begun < 5


@contextmanager
def _trickle() -> Iterator[int]:
    """Give a port where the answer comes byte by byte and never ends."""
    over = threading.Event()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            taken, _ = listener.accept()
            with taken:
                taken.recv(65536)
                taken.sendall(head)
                while not over.wait(0.02):
                    try:
                        taken.sendall(b" ")
                    except OSError:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1])
        over.set()
        thread.join()


def test_a_trickling_answer_is_given_up_at_the_deadline(opened: Opened) -> None:
    with _trickle() as port:
        client = opened(
            compute_endpoint_override=f"http://127.0.0.1:{port}/v2.1", timeout=0.5, retries=0
        )
        begun = time.monotonic()
        with pytest.raises(BackendTimeoutError, match="did not finish its answer in time"):
            client.call("GET", "/servers")
        assert time.monotonic() - begun < 5


# --- tokens


def test_a_token_that_ran_out_is_renewed_once(client: Client, endpoint: Endpoint) -> None:
    client.call("GET", "/flavors/detail")
    endpoint.expire()
    client.call("POST", "/servers", body={"server": {}}, again=False)
    assert endpoint.logins == 2
    assert endpoint.requests.count(f"POST {SERVERS}") == 2


def test_threads_that_meet_the_same_end_of_a_token_renew_it_once(
    client: Client, endpoint: Endpoint
) -> None:
    client.project_id()
    endpoint.expire()
    threads = [threading.Thread(target=_names, args=(client,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert endpoint.logins == 2


def test_a_token_that_another_thread_forgot_is_got_anew(client: Client, endpoint: Endpoint) -> None:
    signed = client._access.headers()
    endpoint.expire()
    assert client._access.renew(signed)
    assert client._access.renew(signed)  # before the other one signed in again
    client.call("GET", "/servers/detail")
    assert endpoint.logins == 2


def test_a_token_that_is_refused_again_is_an_error(client: Client, endpoint: Endpoint) -> None:
    body = {"error": {"code": 401, "message": "no"}}
    endpoint.faults[SERVERS] += [Reply(status=401, body=body)] * 2
    with pytest.raises(AuthError, match="does not know the token"):
        client.call("GET", "/servers")
    assert endpoint.logins == 2


def test_a_wrong_password_names_who_asked_and_tries_once(opened: Opened) -> None:
    with pytest.raises(AuthError) as caught:
        opened(password="wr0ngwr0ng").call("GET", "/servers")
    text = str(caught.value)
    assert "user 'albert' of domain 'Default' for project 'physics'" in text
    assert "check name, password" in text
    assert "wr0ngwr0ng" not in text + repr(caught.value.__cause__)
    assert opened.endpoint.logins == 1


def test_a_token_of_short_life_serves_most_of_it(client: Client, endpoint: Endpoint) -> None:
    endpoint.life = 60
    client.call("GET", "/servers/00000001-x")
    client.call("GET", "/servers/00000001-x")
    assert endpoint.logins == 1


# --- microversions


def test_the_highest_tested_microversion_is_asked(client: Client, endpoint: Endpoint) -> None:
    client.call("GET", "/servers/00000001-x")
    assert endpoint.server.requests[-1].headers["openstack-api-version"] == "compute 2.96"
    assert client.microversion() == "2.96"
    assert client.microversion("image") == ""


def test_an_older_nova_is_asked_for_its_own_highest(client: Client, endpoint: Endpoint) -> None:
    endpoint.microversions = ("2.1", "2.79")
    assert len(_names(client)) == 3
    assert client.microversion() == "2.79"
    before = len(endpoint.requests)
    _names(client)
    assert len(endpoint.requests) == before + 1


def test_a_nova_that_is_too_old_is_told(client: Client, endpoint: Endpoint) -> None:
    endpoint.microversions = ("2.1", "2.38")
    with pytest.raises(UnsupportedError, match=r"2\.38 at most, 2\.47 is the least"):
        _names(client)


@pytest.mark.parametrize(
    ("chosen", "used"),
    [
        ("2.60", "2.60"),
        ("2", "2.96"),
        ("2.1", "2.96"),
        ("2.100", "2.100"),
        ("2.latest", "2.96"),
        ("2.37", "2.96"),
    ],
)
def test_the_configuration_may_choose_a_microversion(
    opened: Opened, chosen: str, used: str
) -> None:
    assert opened(compute_api_version=chosen).microversion() == used


# --- raw requests, native clients


def test_a_microversion_that_is_none_is_told(opened: Opened) -> None:
    with pytest.raises(ConfigError, match=r"compute_api_version is to be .* found 'x\.y'"):
        opened(compute_api_version="x.y")


def test_a_raw_request_gives_the_answer_whatever_it_is(client: Client) -> None:
    good = client.raw("GET", "/flavors/detail", service="compute")
    assert (good.status, good.body["flavors"][0]["name"]) == (200, "m1.nano")
    bad = client.raw("get", "servers/00000009-x")
    assert (bad.status, bad.body["itemNotFound"]["code"]) == (404, 404)
    assert bad.request_id == "req-refused-404"


def test_a_raw_answer_that_is_no_json_is_its_text(client: Client, endpoint: Endpoint) -> None:
    endpoint.faults["/image/v2/x"] += [Reply(status=204), Reply(body="<p>hi</p>")]
    assert client.raw("DELETE", "/x", service="image").body is None
    assert client.raw("GET", "/x", service="image").body == "<p>hi</p>"


def test_a_raw_request_takes_the_cloud_s_own_urls_only(client: Client, endpoint: Endpoint) -> None:
    assert client.raw("GET", f"{endpoint.server.url}{DETAIL}").status == 200
    before = len(endpoint.requests)
    port = endpoint.server.port
    for url in (
        "http://evil.example.org/compute/v2.1/servers",
        f"http://127.0.0.1:{port}@evil.example.org/compute/v2.1",
        f"https://127.0.0.1:{port}{DETAIL}",
    ):
        with pytest.raises(InvalidRequestError, match="not in the catalog; nothing was sent"):
            client.raw("GET", url)
    assert len(endpoint.requests) == before


def test_own_headers_of_a_raw_request_win(client: Client, endpoint: Endpoint) -> None:
    headers = {"OpenStack-API-Version": "compute 2.200"}
    assert client.raw("GET", "/servers/detail", headers=headers).status == 406
    assert client.microversion() == "2.96"


def test_native_adapters_share_login_and_count(opened: Opened) -> None:
    client = opened()
    client.call("GET", "/flavors/detail")
    before = opened.told
    answer = client.native.session.get(f"{opened.endpoint.server.url}{DETAIL}")
    assert len(answer.json()["servers"]) == 3
    assert opened.told == before + 1
    assert opened.endpoint.logins == 1


# --- many servers


def test_pages_of_ten_thousand_servers_need_the_memory_of_two(opened: Opened) -> None:
    with served(10_000) as url:
        client = opened(auth_url=url)
        pages = client.pages("/servers/detail", "servers")
        count = len(next(pages))
        tracemalloc.start()
        try:
            count += len(next(pages))
            _, early = tracemalloc.get_traced_memory()
            for page in pages:
                count += len(page)
                del page
            _, late = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        client.close()
    assert count == 10_000
    assert late < 2.5 * early


def test_garbage_that_looks_like_servers_is_told(client: Client) -> None:
    def convert(native: dict[str, str], cloud: str) -> str:
        return native["id"]

    with pytest.raises(UnavailableError, match="not as OpenStack describes it"):
        client.records("GET /servers/detail", convert, [{"id": "a"}, {}])
    for garbled in (None, 3, "x"):
        with pytest.raises(BackendError):
            client.part(garbled, "GET /servers", "servers")


def test_things_that_are_gone_are_not_found(client: Client) -> None:
    with pytest.raises(NotFoundError, match=re.escape("GET /servers/0000000f-x: Instance could")):
        client.call("GET", "/servers/0000000f-x")


def test_novaclient_works_on_the_same_session(opened: Opened) -> None:
    client = opened()
    client.project_id()
    before = opened.told
    assert [server.name for server in client.native.nova.servers.list(limit=2)] == [
        "node-00000",
        "node-00001",
    ]
    assert opened.told > before
    assert opened.endpoint.logins == 1


def test_without_novaclient_its_place_says_what_to_install(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "novaclient", None)
    with pytest.raises(UnsupportedError, match="pip install python-novaclient"):
        _ = client.native.nova


@pytest.mark.parametrize(
    ("service", "path", "key"),
    [
        ("compute", "/servers", "servers"),
        ("image", "/v2/images", "images"),
        ("network", "/v2.0/networks", "networks"),
    ],
)
def test_each_service_has_a_native_adapter(
    client: Client, service: str, path: str, key: str
) -> None:
    answer = getattr(client.native, service).get(path, raise_exc=False)
    assert answer.status_code in (200, 405)  # this endpoint makes servers, and lists details only
    assert answer.status_code == 405 or key in answer.json()


@pytest.mark.parametrize("token", ["tök→", "tok1secret\n", " tok1secret"])
def test_a_token_that_no_header_carries_is_told_without_it(opened: Opened, token: str) -> None:
    url = f"{opened.endpoint.server.url}/compute/v2.1"
    client = opened(auth_type="admin_token", token=token, auth={"endpoint": url})
    with pytest.raises(InvalidRequestError, match="the header X-Auth-Token has") as caught:
        client.call("GET", "/servers/detail")
    assert "tok" not in str(caught.value).replace("X-Auth-Token", "")
    assert opened.endpoint.requests == []


@pytest.mark.parametrize(("method", "value"), [("GE T", "a"), ("GET", "a\nb"), ("GET", "→")])
def test_a_raw_request_that_is_none_is_refused(client: Client, method: str, value: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"is no method|the header X-More has"):
        client.raw(method, "/servers", headers={"X-More": value})
