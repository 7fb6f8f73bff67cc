"""What the libcloud driver promises beyond the kit: whole lists or an error, native, tokens."""

import enum
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, quote_plus
from xml.etree.ElementTree import XML

import pytest
from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
from libcloud.common.types import InvalidCredsError, MalformedResponseError
from tests.labs.moto_server import moto_server
from tests.providers.libcloud.ocean import TOKEN, Ocean

from cloudmesh_sdk import errors
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
from cloudmesh_sdk.models import ServerRequest, ServerState
from cloudmesh_sdk.providers import libcloud as libcloud_driver
from cloudmesh_sdk.providers.libcloud import LibcloudCloud, records
from cloudmesh_sdk.providers.libcloud.errors import translated
from cloudmesh_sdk.providers.libcloud.records import plain
from cloudmesh_sdk.providers.libcloud.wire import changes, more
from cloudmesh_sdk.settings import build
from cloudmesh_sdk.testing import Loopback, Reply, Request

http_error: Any = BaseHTTPError
rate_limit: Any = RateLimitReachedError
NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"


def ec2(url: str, **options: Any) -> LibcloudCloud:
    settings = LibcloudCloud.Settings(
        provider="ec2",
        key="AKIAEXAMPLE",
        secret="wJalrEXAMPLE",
        region="us-east-1",
        url=url,
        options=options,
    )
    return LibcloudCloud("aws", settings)


def dummy(key: str = "x") -> LibcloudCloud:
    return LibcloudCloud("d", LibcloudCloud.Settings(provider="dummy", key=key))


def order(token: str = "t", **fields: Any) -> ServerRequest:
    return ServerRequest(**{"name": "n", "image": "1", "flavor": "1", "token": token, **fields})


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with moto_server() as url:
        yield url


def instances(*ids: str, namespace: str = NAMESPACE, token: str = "") -> str:
    items = "".join(
        f"<item><instanceId>{i}</instanceId><instanceState><code>16</code><name>running</name>"
        "</instanceState><privateIpAddress>10.0.0.1</privateIpAddress><placement>"
        "<availabilityZone>us-east-1a</availabilityZone></placement><launchTime>"
        "2026-01-01T00:00:00.000Z</launchTime><imageId>ami-1</imageId></item>"
        for i in ids
    )
    more = f"<nextToken>{token}</nextToken>" if token else ""
    return (
        f'<DescribeInstancesResponse xmlns="{namespace}"><reservationSet><item>'
        f"<instancesSet>{items}</instancesSet></item></reservationSet>{more}"
        "</DescribeInstancesResponse>"
    )


@pytest.fixture
def amazon() -> Iterator[Loopback]:
    """An EC2 endpoint that lists what the test puts into `page`."""

    def answer(request: Request) -> Reply:
        form = request.body.decode() + "&".join(f"{k}={v}" for k, v in request.query.items())
        if "DescribeInstances" in form:
            return Reply(body=server.page)  # type: ignore[attr-defined]
        return Reply(body=f'<DescribeAddressesResponse xmlns="{NAMESPACE}"/>')

    with Loopback(answer) as server:
        yield server


def test_a_whole_list_of_ec2_comes_with_its_xml_as_plain_data(amazon: Loopback) -> None:
    amazon.page = instances("i-1", "i-2")  # type: ignore[attr-defined]
    with ec2(amazon.url, signature_version="4") as cloud:
        first, second = cloud.servers()
        assert (first.id, second.id, first.state) == ("i-1", "i-2", ServerState.RUNNING)
        assert first.native["answer"]["instanceState"] == {"code": "16", "name": "running"}
        assert first.image == "ami-1"
        assert cloud.calls == 2


def test_a_list_of_ec2_cut_at_a_page_is_refused(amazon: Loopback) -> None:
    amazon.page = instances("i-1", token="abc")  # type: ignore[attr-defined]
    with (
        ec2(amazon.url, signature_version="4") as cloud,
        pytest.raises(UnsupportedError, match=r"only the first page.*driver: ec2"),
    ):
        list(cloud.servers())


def test_instances_that_libcloud_passes_over_are_missed(amazon: Loopback) -> None:
    amazon.page = instances("i-1", "i-2", namespace="urn:other")  # type: ignore[attr-defined]
    with (
        ec2(amazon.url, signature_version="4") as cloud,
        pytest.raises(UnsupportedError, match="read 0 of the 2 instances"),
    ):
        list(cloud.servers())


def test_moto_s_instances_are_never_an_empty_list(moto: str) -> None:
    import boto3

    keys = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "wJalrEXAMPLE"}
    client = boto3.client("ec2", region_name="us-east-1", endpoint_url=moto, **keys)
    image = client.describe_images()["Images"][0]["ImageId"]
    client.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=3, MaxCount=3)
    with (
        ec2(moto, signature_version="4") as cloud,
        pytest.raises(UnsupportedError, match="read 0 of the 3 instances"),
    ):
        list(cloud.servers())
    with ec2(moto) as cloud, pytest.raises(BackendError):
        list(cloud.servers())


def test_a_list_of_another_cloud_cut_at_a_page_is_refused() -> None:
    account = Ocean(droplets=3)
    account_answer = account.answer

    def first_page_only(request: Request) -> Reply:
        reply = account_answer(request)
        if "droplets" in reply.body:
            reply.body["links"] = {"next": "https://api.example.org/v2/droplets?after=3"}
        return reply

    with Loopback(first_page_only) as server:
        settings = LibcloudCloud.Settings(provider="digitalocean", key=TOKEN, url=server.url)
        with (
            LibcloudCloud("o", settings) as cloud,
            pytest.raises(UnsupportedError, match="first page of /v2/droplets"),
        ):
            list(cloud.servers())


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"servers": [], "servers_links": [{"rel": "next", "href": "x"}]}, True),
        ({"servers": [], "servers_links": [{"rel": "self", "href": "x"}]}, False),
        ({"value": [], "nextLink": "x"}, True),
        ({"value": [], "nextLink": ""}, False),
        ({"meta": {"links": {"next": "abc", "prev": ""}}}, True),
        ({"meta": {"links": {"next": "", "prev": "abc"}}}, False),
        ({"page": 1, "pages": 2}, True),
        ({"page": 2, "pages": 2}, False),
        ([{"next": 1}], False),
        ("", False),
        (None, False),
        (XML("<r><nextToken>a</nextToken></r>"), True),
        (XML("<r><nextToken/></r>"), False),
    ],
)
def test_more_pages_are_seen(answer: Any, expected: bool) -> None:
    assert more(answer) is expected


@pytest.mark.parametrize(
    ("method", "act", "expected"),
    [
        ("GET", "", False),
        ("POST", "", True),
        ("delete", "", True),
        ("GET", " RunInstances", True),
        ("POST", " DescribeInstances", False),
        ("GET", " deployVirtualMachine", True),
        ("GET", " listVirtualMachines", False),
        ("GET", " queryAsyncJobResult", False),
    ],
)
def test_what_changes_something_is_known(method: str, act: str, expected: bool) -> None:
    assert changes(method, act) is expected


def test_a_paged_list_keeps_every_answer_whole() -> None:
    account = Ocean(droplets=5)
    with Loopback(account.answer) as server:
        settings = LibcloudCloud.Settings(provider="digitalocean", key=TOKEN, url=server.url)
        with LibcloudCloud("o", settings) as cloud:
            cloud.native.ex_per_page = 2
            rows = {row.id: row for row in cloud.servers()}
    assert {key: dict(row.native)["answer"] for key, row in rows.items()} == {
        str(number): droplet for number, droplet in account.droplets.items()
    }


def test_a_started_server_has_its_answer_too() -> None:
    account = Ocean()
    with Loopback(account.answer) as server:
        settings = LibcloudCloud.Settings(
            provider="digitalocean", key=TOKEN, url=server.url, location="Amsterdam 3"
        )
        with LibcloudCloud("o", settings) as cloud:
            made = cloud.start(order(image="7555620", flavor="s-1vcpu-1gb"))
            assert made.native["answer"]["vpc_uuid"] == account.droplets[int(made.id)]["vpc_uuid"]
            assert made.token == "t"
            assert cloud.shows_tokens


def test_the_dummy_starts_once_and_says_what_it_cannot_tell() -> None:
    cloud = dummy()
    first = cloud.start(order())
    assert cloud.start(order()).id == first.id
    assert cloud.start(order("other")).id != first.id
    assert len(list(cloud.servers())) == 4
    with pytest.raises(UnsupportedError, match="carry no token"):
        cloud.find("never seen")
    assert any("no token" in warning for warning in cloud.check().warnings)
    assert not cloud.shows_tokens


def test_a_start_without_token_is_not_repeated_after_a_lost_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = dummy()
    create = cloud.native.create_node

    def lost(name: str, size: object, image: object) -> None:
        create(name=name, size=size, image=image)
        raise TimeoutError("timed out")

    monkeypatch.setattr(cloud.native, "create_node", lost)
    with pytest.raises(BackendTimeoutError):
        cloud.start(order())
    with pytest.raises(UnsupportedError, match="look at its list"):
        cloud.start(order())
    assert len(list(cloud.servers())) == 3


def test_a_start_without_token_is_not_repeated_after_ctrl_c(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = dummy()
    create = cloud.native.create_node

    def ended(name: str, size: object, image: object) -> None:
        create(name=name, size=size, image=image)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cloud.native, "create_node", ended)
        with pytest.raises(KeyboardInterrupt):
            cloud.start(order())
    with pytest.raises(UnsupportedError, match="look at its list"):
        cloud.start(order())
    assert len(list(cloud.servers())) == 3


@pytest.mark.parametrize("read", [[], None])
def test_an_answer_without_a_server_leaves_the_start_in_doubt(
    monkeypatch: pytest.MonkeyPatch, read: object
) -> None:
    cloud = dummy()
    monkeypatch.setattr(cloud.native, "create_node", lambda name, size, image: read)
    with pytest.raises(UnavailableError, match="asked for one server"):
        cloud.start(order())
    with pytest.raises(UnsupportedError, match="look at its list"):
        cloud.start(order())


def test_a_start_that_was_refused_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = dummy()

    def refused(name: str, size: object, image: object) -> None:
        raise http_error(400, "no")

    with monkeypatch.context() as patch:
        patch.setattr(cloud.native, "create_node", refused)
        with pytest.raises(InvalidRequestError):
            cloud.start(order())
    assert cloud.start(order()).id == "3"


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"key": "me"}, "keypair"),
        ({"user_data": "#!"}, "user data"),
        ({"tags": {"a": "b"}}, "tags"),
        ({"security_groups": ("web",)}, "security groups"),
        ({"networks": ("n",)}, "networks"),
    ],
)
def test_what_cannot_be_passed_on_is_refused(fields: dict[str, Any], what: str) -> None:
    cloud = dummy()
    with pytest.raises(UnsupportedError, match=what):
        cloud.start(order(**fields))
    assert len(list(cloud.servers())) == 2


def test_numbers_of_servers_of_the_dummy_are_its_key() -> None:
    assert len({server.id for server in dummy("17").servers()}) == 17


def test_what_the_driver_cannot_do_is_unsupported() -> None:
    cloud = dummy()
    (server, _) = cloud.servers()
    with pytest.raises(UnsupportedError, match="cannot stop"):
        cloud.stop(server)


def test_an_unknown_provider_is_told_with_near_names() -> None:
    with pytest.raises(ConfigError, match=r"did you mean .*openstack"):
        LibcloudCloud("o", LibcloudCloud.Settings(provider="opnstack"))


def test_wrong_arguments_are_told_when_it_is_opened() -> None:
    cloud = LibcloudCloud("d", LibcloudCloud.Settings(provider="dummy", key="a", secret="b"))
    with pytest.raises(BackendError, match="cannot be opened"):
        list(cloud.servers())


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (http_error(400, "bad"), "InvalidRequestError"),
        (http_error(401, "who"), "AuthError"),
        (http_error(403, "no"), "AuthError"),
        (http_error(404, "gone"), "NotFoundError"),
        (http_error(409, "busy"), "ConflictError"),
        (http_error(418, "tea"), "BackendError"),
        (http_error(500, "oh"), "UnavailableError"),
        (http_error(503, "later"), "UnavailableError"),
        (InvalidCredsError(), "AuthError"),
        (MalformedResponseError("no JSON", body="<html>" * 999), "UnavailableError"),
        (NotImplementedError("x"), "UnsupportedError"),
        (TimeoutError("x"), "BackendTimeoutError"),
        (ConnectionResetError("x"), "UnavailableError"),
        (KeyError("server"), "UnavailableError"),
        (SyntaxError("no XML"), "UnavailableError"),
        (Exception("Provider says no"), "BackendError"),
    ],
)
def test_errors_are_translated(error: Exception, ours: str) -> None:
    with pytest.raises(BackendError) as caught, translated("lab cannot list"):
        raise error
    assert type(caught.value) is getattr(errors, ours)
    assert caught.value.__cause__ is error
    assert str(caught.value).startswith("lab cannot list: ")
    assert len(str(caught.value)) < 400


def test_throttling_tells_when_to_come_back() -> None:
    error = rate_limit(429, "slow", headers={"retry-after": "7"})
    with pytest.raises(ThrottledError) as caught, translated("x"):
        raise error
    assert caught.value.retry_after == 7


def test_secrets_in_foreign_texts_are_masked() -> None:
    with (
        pytest.raises(NotFoundError, match=r"no user \*\*\*") as caught,
        translated("x", secrets=["hunter22"]),
    ):
        raise http_error(404, "no user hunter22")
    assert "hunter22" not in str(caught.value)


def test_secrets_within_options_are_masked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def talkative() -> None:
        raise http_error(403, "no account for hunter22")

    with ec2("http://127.0.0.1:1", extra={"passwords": ["hunter22"]}) as cloud:
        monkeypatch.setattr(cloud.native, "list_nodes", talkative)
        with pytest.raises(AuthError, match=r"no account for \*\*\*"):
            list(cloud.servers())
        assert "hunter22" not in repr(cloud)


def test_secrets_among_the_arguments_are_fetched_and_never_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AZURE_SECRET", "hunter22")
    options = {"provider": "azure_arm", "args": ["tenant-1", "sub-1", "app-1", "env:AZURE_SECRET"]}
    settings = build(LibcloudCloud.Settings, options, where="clouds.a")
    assert settings.args == ("tenant-1", "sub-1", "app-1", "hunter22")
    cloud = LibcloudCloud("a", settings)
    assert "hunter22" not in repr(cloud)
    asked: list[tuple[Any, ...]] = []

    def talkative(*given: Any, **_: Any) -> None:
        asked.append(given)
        raise http_error(401, f"no secret {given[-1]}")

    monkeypatch.setattr(libcloud_driver, "get_driver", lambda _: talkative)
    with pytest.raises(AuthError, match=r"no secret \*\*\*") as caught:
        list(cloud.servers())
    assert asked == [("tenant-1", "sub-1", "app-1", "hunter22")]
    assert "hunter22" not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(ConfigError) as wrong:
        build(LibcloudCloud.Settings, {**options, "args": "hunter22"}, where="clouds.a")
    assert "hunter22" not in str(wrong.value)


def nested(text: str) -> None:
    known: dict[str, str] = {}
    try:
        known[text]
    except KeyError as error:
        raise http_error(404, "gone") from error


@pytest.mark.parametrize("secret", ["hunter22", "a+b/c d", "it's\\x"])
@pytest.mark.parametrize("form", [str, quote, quote_plus])
def test_a_traceback_shows_no_secret(secret: str, form: Callable[[str], str]) -> None:
    with pytest.raises(NotFoundError) as caught, translated("x", secrets=[secret]):
        raise http_error(404, f"{'a' * 290}?key={form(secret)}")
    shown = "".join(traceback.format_exception(caught.value))
    assert not any(f"?key={form(secret)[:length]}" in shown for length in (4, 6, 20))
    assert "MaskedError: " in shown
    with pytest.raises(NotFoundError) as caught, translated("x", secrets=[secret]):
        nested(form(secret))
    assert repr(form(secret)) not in "".join(traceback.format_exception(caught.value))


def test_a_cause_without_secrets_stays_what_libcloud_raised() -> None:
    error = http_error(404, "gone")
    with pytest.raises(NotFoundError) as caught, translated("x", secrets=["hunter22"]):
        raise error
    assert caught.value.__cause__ is error


class Colour(enum.Enum):
    RED = "red"


def test_plain_data_has_no_objects_and_no_secrets() -> None:
    thing = SimpleNamespace(id=1, driver=object(), extra={"x": {2}}, _hidden=1)
    value = {
        "when": datetime(2026, 1, 1, tzinfo=UTC),
        "state": Colour.RED,
        "thing": thing,
        "adminPass": "hunter22",
        "metadata": {"root_pass": "hunter22", "password": None, 3: (1, 2.5)},
        None: b"raw",
    }
    assert plain(value) == {
        "when": "2026-01-01T00:00:00+00:00",
        "state": "red",
        "thing": {"id": 1, "extra": {"x": [2]}},
        "adminPass": records.MASK,
        "metadata": {"root_pass": records.MASK, "password": None, 3: [1, 2.5]},
        "None": "b'raw'",
    }


def test_plain_data_of_what_points_to_itself_ends() -> None:
    loop: dict[str, Any] = {}
    loop["self"] = loop
    depth, inner = 0, plain(loop)
    while isinstance(inner, dict):
        depth, inner = depth + 1, inner["self"]
    assert 0 < depth < 100


@pytest.mark.parametrize("state", sorted(records._STATES))
def test_every_state_of_libcloud_is_known(state: str) -> None:
    from libcloud.compute.types import NodeState

    assert {member.value for member in NodeState} == set(records._STATES)
    assert (records._STATES[state] is ServerState.UNKNOWN) == (state == "unknown")


def test_a_service_that_is_away_is_unavailable_for_acts_too() -> None:
    cloud = dummy()
    (server, _) = cloud.servers()

    def away(_: object) -> None:
        raise ConnectionRefusedError("refused")

    cloud.native.reboot_node = away
    with pytest.raises(UnavailableError, match="cannot reboot"):
        cloud.reboot(server)
