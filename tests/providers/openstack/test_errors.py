"""What services refuse, as errors of ours that a user understands."""

import ssl
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
import urllib3.exceptions as http
from keystoneauth1 import exceptions as keystone
from tests.labs.openstack_endpoint import Endpoint
from tests.providers.openstack.clients import Opened, client, endpoint, opened

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    BackendTimeoutError,
    ConfigError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    ThrottledError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.providers.openstack.client import Client
from cloudmesh_sdk.providers.openstack.errors import hopeless, never_sent, refused_as, translated
from cloudmesh_sdk.testing.server import LOST, Reply, closed_port

__all__ = ["client", "endpoint", "opened"]

SERVERS = "/compute/v2.1/servers"
QUOTA = "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances"
GLANCE = """<html>
 <head>
  <title>413 Request Entity Too Large</title>
 </head>
 <body>
  <h1>413 Request Entity Too Large</h1>
  Denying attempt to upload image because it exceeds the quota: 12<br /><br />
 </body>
</html>"""
NGINX = """<html><head><title>502 Bad Gateway</title></head>
<body><center><h1>502 Bad Gateway</h1></center><hr>nginx</body></html>"""
HAPROXY = """<html><body><h1>503 Service Unavailable</h1>
No server is available to handle this request.
</body></html>"""
POLICY = "Policy doesn't allow os_compute_api:servers:create to be performed."

REFUSALS: list[tuple[int, object, type[BackendError], str]] = [
    (400, {"badRequest": {"code": 400, "message": "Invalid imageRef provided."}},
     InvalidRequestError, "Invalid imageRef provided"),
    (401, {"error": {"code": 401, "message": "Sign in"}}, AuthError, "does not know the token"),
    (403, {"forbidden": {"code": 403, "message": QUOTA}}, QuotaError, QUOTA),
    (403, {"forbidden": {"message": "Maximum number of ports exceeded"}}, QuotaError, "ports"),
    (403, {"forbidden": {"code": 403, "message": POLICY}}, AuthError,
     "performed; the account's roles do not allow it"),
    (403, {"forbidden": {"message": "Policy doesn't allow os_compute_api:os-quota-sets:detail "
                         "to be performed."}}, AuthError, "sets:detail to be performed; the acc"),
    (403, {"NeutronError": {"type": "PolicyNotAuthorized", "message": "(rule:get_quota) is "
                            "disallowed by policy"}}, AuthError, "disallowed by policy"),
    (404, {"itemNotFound": {"message": "Instance x could not be found."}}, NotFoundError, "x"),
    (404, {"message": "No image found with ID x<br /><br />\n", "code": "404 Not Found"},
     NotFoundError, "No image found with ID x (HTTP"),
    (405, "<h1>Method Not Allowed</h1>", UnsupportedError, "Method Not Allowed"),
    (406, {"errors": [{"detail": "Unacceptable version header: 1.99"}]}, UnsupportedError, "1.99"),
    (409, {"conflictingRequest": {"message": "Cannot 'stop' instance x while it is in vm_state "
                                  "stopped"}}, ConflictError, "Cannot 'stop'"),
    (409, {"NeutronError": {"type": "OverQuota", "message": "Over the limit: ['port']",
                            "detail": ""}}, QuotaError, "Over the limit"),
    (409, {"NeutronError": {"type": "IpAddressGenerationFailure", "message": "none left"}},
     QuotaError, "none left"),
    (409, {"NeutronError": {"type": "SecurityGroupInUse", "message": "in use"}}, ConflictError,
     "in use"),
    (410, "", NotFoundError, "Gone"),
    (413, {"overLimit": {"message": "VolumeLimitExceeded: Maximum number of volumes allowed (10) "
                         "exceeded for quota 'volumes'."}}, QuotaError, "allowed (10)"),
    (413, {"overLimit": {"message": "This request was rate-limited."}}, ThrottledError, "rate-lim"),
    (413, GLANCE, QuotaError, "413 Request Entity Too Large Denying attempt"),
    (422, {"unprocessableEntity": {"message": "no"}}, InvalidRequestError, "no"),
    (429, "slow down", ThrottledError, "slow down"),
    (500, {"computeFault": {"code": 500, "message": "Unexpected API Error. Please report this at "
                            "http://bugs.launchpad.net/nova/.\n<class 'oslo_db.DBError'>"}},
     UnavailableError, "compute failed at GET /servers: Unexpected API Error"),
    (501, {"notImplemented": {"message": "not by this driver"}}, UnsupportedError, "not by this"),
    (502, NGINX, UnavailableError, "502 Bad Gateway nginx (HTTP 502"),
    (503, HAPROXY, UnavailableError, "503 Service Unavailable No server is avail"),
    (504, "", BackendTimeoutError, "compute failed at GET /servers: Gateway Time"),
    (400, [1, 2], InvalidRequestError, "[1, 2]"),
    (400, {"badRequest": None}, InvalidRequestError, "badRequest"),
    (400, {}, InvalidRequestError, "HTTP 400"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "text"), REFUSALS)
def test_a_refusal_is_of_its_kind_on_one_line_with_its_request(
    opened: Opened, status: int, body: object, kind: type[BackendError], text: str
) -> None:
    headers = {"x-openstack-request-id": "req-7f3c"}
    opened.endpoint.faults[SERVERS] += [Reply(status=status, body=body, headers=headers)] * 2
    with pytest.raises(kind) as caught:
        opened(retries=0).call("GET", "/servers", microversion="2.60")
    told = str(caught.value)
    assert type(caught.value) is kind
    assert text in told
    assert told.startswith("india: compute ")
    assert told.endswith(f"(HTTP {status}, req-7f3c)")
    assert "\n" not in told
    assert "<" not in told.replace("<class", "")
    assert caught.value.request_id == "req-7f3c"
    assert caught.value.__cause__ is not None


def test_the_words_of_a_refusal_can_be_asked_for(client: Client, endpoint: Endpoint) -> None:
    body = {"NeutronError": {"type": "SecurityGroupInUse", "message": "in use", "detail": ""}}
    endpoint.faults["/network/v2.0/networks"].append(Reply(status=409, body=body))
    with pytest.raises(ConflictError) as caught:
        client.call("GET", "/networks", service="network")
    refused = refused_as(caught.value)
    assert refused is not None
    assert (refused.kind, refused.status, refused.service) == ("SecurityGroupInUse", 409, "network")


def test_a_wait_may_be_given_as_a_date(opened: Opened) -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    opened.endpoint.faults[SERVERS].append(Reply(status=429, headers={"Retry-After": when}))
    with pytest.raises(ThrottledError) as caught:
        opened(retries=0).call("GET", "/servers")
    assert caught.value.retry_after == pytest.approx(90, abs=3)


@pytest.mark.parametrize("told", ["soon", "-3", ""])
def test_a_wait_that_makes_no_sense_is_none(opened: Opened, told: str) -> None:
    opened.endpoint.faults[SERVERS].append(Reply(status=429, headers={"Retry-After": told}))
    with pytest.raises(ThrottledError) as caught:
        opened(retries=0).call("GET", "/servers")
    assert caught.value.retry_after is None


def test_a_page_for_people_in_place_of_json_is_shown_as_text(opened: Opened) -> None:
    page = "<html><head><style>p {}</style><title>Welcome!</title></head><p>It &amp; works</p>"
    opened.endpoint.faults[SERVERS].append(Reply(body=page))
    with pytest.raises(UnavailableError, match="JSON was wanted, found 'Welcome! It & works'"):
        opened(retries=0).call("GET", "/servers")


def test_an_auth_url_that_is_no_keystone_is_told(opened: Opened) -> None:
    body = {"error": {"code": 404, "message": "no such path"}}
    opened.endpoint.faults["/v3/auth/tokens"].append(Reply(status=404, body=body))
    with pytest.raises(AuthError, match="identity refused signing in: no such path; check auth_u"):
        opened().call("GET", "/servers")


def test_what_a_proxy_does_not_find_is_not_taken_to_be_gone(opened: Opened) -> None:
    opened.endpoint.faults[SERVERS].append(Reply(status=404, body="<h1>404 Not Found</h1>"))
    with pytest.raises(UnavailableError, match="404 Not Found"):
        opened(retries=0).call("GET", "/servers")


@pytest.mark.parametrize("address", ["", "/v3", "/v3/", "/v2.0"])
def test_an_auth_url_may_lack_the_version(opened: Opened, address: str) -> None:
    url = opened.usual.auth_url
    assert url is not None
    opened(auth_url=url.removesuffix("/v3") + address).call("GET", "/flavors/detail")
    assert opened.endpoint.logins == 1


def test_a_keystone_that_is_not_there_is_told(opened: Opened) -> None:
    url = f"http://127.0.0.1:{closed_port()}/v3"
    with pytest.raises(UnavailableError, match=r"india cannot be reached \(signing in\)"):
        opened(auth_url=url, retries=0).call("GET", "/servers")


def test_a_keystone_that_answers_nonsense_is_told(opened: Opened) -> None:
    for body in ("<p>hello</p>", {"message": "hello"}):
        opened.endpoint.faults["/v3/auth/tokens"].append(Reply(status=201, body=body))
        with pytest.raises(UnavailableError, match=r"identity failed at signing in: hello"):
            opened(retries=0).call("GET", "/servers")


@pytest.mark.parametrize("url", ["keystone.example.org", "ftp://keystone.example.org/v3"])
def test_an_address_that_is_none_is_told(opened: Opened, url: str) -> None:
    with pytest.raises(ConfigError, match=f"india: auth_url is to be https://…, found '{url}'"):
        opened(auth_url=url)


NATIVE: list[tuple[Exception, type[BackendError], bool, bool]] = [
    (http.NewConnectionError(None, "refused"), UnavailableError, True, False),  # type: ignore[arg-type]
    (http.ConnectTimeoutError("slow"), BackendTimeoutError, True, False),
    (http.ReadTimeoutError(None, "/", "slow"), BackendTimeoutError, False, False),  # type: ignore[arg-type]
    (requests.exceptions.SSLError("self-signed"), UnavailableError, False, True),
    (requests.ConnectionError(http.SSLError(ssl.SSLError("x"))), UnavailableError, False, True),
    (requests.ConnectionError(http.ProtocolError("aborted")), UnavailableError, False, False),
    (http.ProxyError("no", OSError("x")), UnavailableError, False, False),
    (keystone.DiscoveryFailure("what is this"), UnavailableError, False, False),
    (keystone.AuthorizationFailure("more is wanted"), AuthError, False, True),
]


@pytest.mark.parametrize(("error", "kind", "unsent", "useless"), NATIVE)
def test_what_the_libraries_raise_is_translated(
    error: Exception, kind: type[BackendError], unsent: bool, useless: bool
) -> None:
    with pytest.raises(kind) as caught, translated("india", "GET /servers"):
        raise error
    assert caught.value.__cause__ in (error, *error.args)
    assert never_sent(caught.value) is unsent
    assert hopeless(caught.value) is useless
    assert "\n" not in str(caught.value)


def test_no_secret_is_in_an_error_of_signing_in(opened: Opened) -> None:
    secret = "hush-hush-1234"
    opened.endpoint.faults["/v3/auth/tokens"] += [
        Reply(status=400, body={"error": {"message": "bad body"}}),
        Reply(status=500),
    ]
    for _ in range(2):
        with pytest.raises(BackendError) as caught:
            opened(password=secret, retries=0).call("GET", "/servers")
        assert secret not in "".join(traceback.format_exception(caught.value))


def test_an_earlier_try_that_was_not_sent_says_nothing_about_a_later_one(opened: Opened) -> None:
    client = opened(retries=0)
    opened.endpoint.faults[SERVERS].append(LOST)
    try:
        with translated("india", "POST /servers"):
            raise requests.ConnectionError(http.NewConnectionError(None, "refused"))  # type: ignore[arg-type]
    except UnavailableError as first:
        unsent = never_sent(first)
        with pytest.raises(UnavailableError) as second:
            client.once("POST", "/servers", body={})
    assert unsent
    assert not never_sent(second.value)


def test_a_keystone_that_sends_us_elsewhere_is_not_asked_again(opened: Opened) -> None:
    elsewhere = Reply(status=301, headers={"Location": "https://sso.example.org/"})
    opened.endpoint.faults["/v3/auth/tokens"].append(elsewhere)
    with pytest.raises(UnavailableError, match=r"signing in: it redirects to https://sso\.example"):
        opened().project_id()
    assert opened.endpoint.logins == 1
