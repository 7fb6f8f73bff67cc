"""Lists are whole or an error, within their deadline and their number of requests."""

import ipaddress
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.labs.ec2_endpoint import ACCESS_KEY, SECRET_KEY, Endpoint
from urllib3.exceptions import InsecureRequestWarning

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    BackendTimeoutError,
    ConfigError,
    ThrottledError,
    UnavailableError,
)
from cloudmesh_sdk.models import ServerRequest, ServerState
from cloudmesh_sdk.providers.ec2 import Ec2Cloud, Ec2Settings

Opened = Callable[..., Ec2Cloud]


def test_two_and_a_half_pages_are_three_requests(opened: Opened, endpoint: Endpoint) -> None:
    endpoint.account.seed(250)
    cloud = opened(page_size=100)
    servers = list(cloud.servers())
    assert [server.id for server in servers] == list(endpoint.account.instances)
    assert endpoint.calls == {"DescribeInstances": 3}
    assert cloud.calls == 3


def test_a_full_last_page_needs_no_further_request(opened: Opened, endpoint: Endpoint) -> None:
    endpoint.account.seed(200)
    assert len(list(opened(page_size=100).servers())) == 200
    assert endpoint.calls == {"DescribeInstances": 2}


def test_pages_come_over_one_connection(opened: Opened, endpoint: Endpoint) -> None:
    endpoint.account.seed(50)
    list(opened(page_size=5).servers())
    assert endpoint.connections == 1


def test_opening_a_cloud_sends_nothing(cloud: Ec2Cloud, endpoint: Endpoint) -> None:
    assert endpoint.connections == 0
    assert cloud.calls == 0


@pytest.mark.parametrize(
    "fault", ["cut-before", "cut-after", "cut-within", "half-page", "html", "garbage", "throttle"]
)
def test_a_passing_fault_on_the_second_page_is_overcome(
    opened: Opened, endpoint: Endpoint, fault: str
) -> None:
    endpoint.account.seed(15)
    cloud = opened(page_size=10)
    listing = iter(cloud.servers())
    first = next(listing)
    endpoint.fail("DescribeInstances", fault, times=2)
    assert [server.id for server in (first, *listing)] == list(endpoint.account.instances)
    assert endpoint.calls == {"DescribeInstances": 4}


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("cut-before", "cut the connection"),
        ("cut-within", "cut the connection"),
        ("half-page", "answered nonsense"),
        ("html", "answered nonsense .* HTTP 500"),
        ("garbage", "expected DescribeInstancesResponse, found ListAllMyBucketsResult"),
        ("empty", "answer has no reservationSet"),
    ],
)
def test_a_list_that_cannot_be_had_whole_is_an_error(
    opened: Opened, endpoint: Endpoint, fault: str, says: str
) -> None:
    endpoint.account.seed(15)
    cloud = opened(page_size=10, retries=1)
    listing = iter(cloud.servers())
    next(listing)
    endpoint.fail("DescribeInstances", fault, times=9)
    with pytest.raises(UnavailableError, match=says) as caught:
        list(listing)
    assert caught.value.transient
    assert "\n" not in str(caught.value)


def test_pages_in_a_circle_are_an_error(
    cloud: Ec2Cloud, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"reservationSet": [], "nextToken": "again"}
    monkeypatch.setattr(endpoint.account, "_DescribeInstances", lambda _: answer)
    with pytest.raises(UnavailableError, match="circle"):
        list(cloud.servers())
    assert endpoint.calls == {"DescribeInstances": 2}


def test_an_instance_without_an_id_is_nonsense(
    cloud: Ec2Cloud, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"reservationSet": [{"instancesSet": [{"imageId": "ami-1"}]}]}
    monkeypatch.setattr(endpoint.account, "_DescribeInstances", lambda _: answer)
    with pytest.raises(UnavailableError, match="instanceId"):
        list(cloud.servers())


@pytest.mark.parametrize(("fault", "seconds"), [("hang", 60.0), ("drip", 0.05), ("drip", 60.0)])
def test_a_cloud_that_hangs_is_left_at_the_deadline(
    opened: Opened, endpoint: Endpoint, fault: str, seconds: float
) -> None:
    endpoint.account.seed(20)
    endpoint.fail("DescribeInstances", fault, times=9, seconds=seconds)
    begun = time.monotonic()
    with pytest.raises(BackendTimeoutError, match="time"):
        list(opened(timeout=0.5).servers())
    assert 0.4 < time.monotonic() - begun < 5.0


def test_throttling_waits_as_long_as_it_is_told(
    cloud: Ec2Cloud, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("cloudmesh_sdk.retrying.time.sleep", waits.append)
    endpoint.retry_after = "7"
    endpoint.fail("DescribeInstances", "throttle", times=1)
    assert list(cloud.servers()) == []
    assert waits == [7.0]


def test_a_wait_beyond_the_deadline_is_told_and_not_waited(
    opened: Opened, endpoint: Endpoint
) -> None:
    endpoint.retry_after = "3600"
    endpoint.fail("DescribeInstances", "throttle")
    with pytest.raises(ThrottledError) as caught:
        list(opened(timeout=5).servers())
    assert caught.value.retry_after == 3600.0
    assert caught.value.request_id == "req-2"
    assert endpoint.calls == {"DescribeInstances": 1}


def test_a_reboot_is_not_repeated_unless_it_was_surely_not_done(
    cloud: Ec2Cloud, endpoint: Endpoint, request_: ServerRequest
) -> None:
    server = cloud.start(request_)
    endpoint.fail("RebootInstances", "throttle")
    cloud.reboot(server)
    assert endpoint.calls["RebootInstances"] == 2
    endpoint.fail("RebootInstances", "cut-after")
    with pytest.raises(UnavailableError):
        cloud.reboot(server)
    assert endpoint.calls["RebootInstances"] == 3


def test_a_delete_whose_answer_is_lost_is_repeated(
    cloud: Ec2Cloud, endpoint: Endpoint, request_: ServerRequest
) -> None:
    server = cloud.start(request_)
    endpoint.fail("TerminateInstances", "cut-after")
    cloud.delete(server)
    assert cloud.server(server.id).state is ServerState.DELETING
    assert list(cloud.servers()) == []


def test_deleting_what_is_gone_is_no_error(
    cloud: Ec2Cloud, endpoint: Endpoint, request_: ServerRequest
) -> None:
    server = cloud.start(request_)
    endpoint.account.instances.clear()
    cloud.delete(server)


@pytest.mark.parametrize(
    ("fault", "says"), [("expired", "log in again"), ("skewed", "clock of this machine")]
)
def test_expired_credentials_are_not_tried_again(
    cloud: Ec2Cloud, endpoint: Endpoint, fault: str, says: str
) -> None:
    endpoint.fail("DescribeInstances", fault, times=9)
    with pytest.raises(AuthError, match=says):
        list(cloud.servers())
    assert endpoint.calls == {"DescribeInstances": 1}


def test_a_wrong_clock_is_told_in_seconds(cloud: Ec2Cloud, endpoint: Endpoint) -> None:
    endpoint.clock = -900.0
    endpoint.fail("DescribeInstances", "skewed")
    with pytest.raises(AuthError, match=r"clock of this machine: it is (899|900|901) s ahead"):
        list(cloud.servers())


def test_wrong_keys_are_an_auth_error_with_a_hint(opened: Opened) -> None:
    with pytest.raises(AuthError, match=r"AuthFailure.*check the access key"):
        opened(access_key="AKIAWRONGWRONGWRONG1").check()


def test_half_a_pair_of_keys_is_an_auth_error(opened: Opened, endpoint: Endpoint) -> None:
    with pytest.raises(AuthError, match="missing: secret_key"):
        opened(secret_key=None).check()
    assert endpoint.connections == 0


def test_no_credentials_at_all_are_an_auth_error(opened: Opened) -> None:
    with pytest.raises(AuthError, match="without credentials"):
        opened(access_key=None, secret_key=None).check()


def test_a_profile_gives_the_keys(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    file.write_text(
        f"[lab]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    assert opened(access_key=None, secret_key=None, profile="lab").check().identity
    with pytest.raises(AuthError, match="nope"):
        opened(access_key=None, secret_key=None, profile="nope").check()


def test_check_tells_identity_version_and_skew(cloud: Ec2Cloud, endpoint: Endpoint) -> None:
    health = cloud.check()
    assert health.identity == "arn:aws:iam::123456789012:user/tester"
    assert health.version == "2016-11-15"
    assert health.skew is not None
    assert abs(health.skew) < 5
    assert health.warnings == ()
    endpoint.clock = 300.0
    assert any("clock" in warning for warning in cloud.check().warnings)


def test_check_of_an_endpoint_without_sts_says_so(cloud: Ec2Cloud, endpoint: Endpoint) -> None:
    endpoint.fail("GetCallerIdentity", "InvalidAction/400")
    health = cloud.check()
    assert health.identity == ""
    assert "does not say who we are" in health.warnings[0]


def test_an_unreachable_endpoint_is_unavailable(opened: Opened) -> None:
    with Endpoint() as gone:
        url = gone.url
    with pytest.raises(UnavailableError, match=r"cannot be reached.*refused"):
        list(opened(endpoint=url, retries=1).servers())


@pytest.mark.parametrize("url", ["ec2.example.org", "ftp://ec2.example.org", "http://", "https:"])
def test_an_endpoint_that_is_no_url_is_a_config_error(opened: Opened, url: str) -> None:
    with pytest.raises(ConfigError, match="expected https://"):
        opened(endpoint=url)


def test_secrets_show_nowhere(opened: Opened, endpoint: Endpoint) -> None:
    cloud = opened(session_token="token-of-a-session", retries=1)
    shown = [repr(cloud), repr(cloud.settings), repr(vars(cloud))]
    for fault in ("html", "expired", "cut-before", "InvalidParameterValue/400"):
        endpoint.fail("DescribeInstances", fault, times=5)
        with pytest.raises(BackendError) as caught:
            list(cloud.servers())
        shown += [str(caught.value), repr(caught.value.__cause__)]
        endpoint.forgive()
    assert not [text for text in shown if SECRET_KEY in text or "token-of-a-session" in text]


def test_the_native_client_is_boto3s_with_our_credentials(
    cloud: Ec2Cloud, request_: ServerRequest
) -> None:
    server = cloud.start(request_)
    found = cloud.native.describe_instances(InstanceIds=[server.id])
    assert found["Reservations"][0]["Instances"][0]["InstanceId"] == server.id
    assert cloud.native is cloud.native
    assert cloud.native.meta.config.retries["total_max_attempts"] == 1


def test_importing_and_listing_load_no_boto3(endpoint: Endpoint) -> None:
    code = (
        "import sys\n"
        "from cloudmesh_sdk.providers.ec2 import Ec2Cloud, Ec2Settings\n"
        f"cloud = Ec2Cloud('aws', Ec2Settings(endpoint={endpoint.url!r},"
        " access_key='AKIATESTTESTTESTTEST', secret_key='abcd'))\n"
        "list(cloud.servers())\n"
        "sys.exit('boto3' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-3", "ec2.eu-west-3.amazonaws.com"),
        ("cn-north-1", "ec2.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_region_has_its_endpoint(region: str, host: str) -> None:
    cloud = Ec2Cloud("aws", Ec2Settings(region=region))
    assert cloud._client.url == f"https://{host}/"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Return a certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files = tmp_path / "lab.pem", tmp_path / "lab.key"
    files[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return files


def test_certificates_are_checked_unless_the_settings_say_no(
    opened: Opened, certificate: tuple[Path, Path]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with Endpoint(tls=context) as safe:
        distrusting = opened(endpoint=safe.url)
        with pytest.raises(UnavailableError, match=r"no trusted certificate .*ca_bundle"):
            list(distrusting.servers())
        assert distrusting.calls == 1  # trying again would not make it trusted
        assert safe.calls == {}
        assert list(opened(endpoint=safe.url, ca_bundle=str(certificate[0])).servers()) == []
        with pytest.warns(InsecureRequestWarning):
            assert list(opened(endpoint=safe.url, verify=False).servers()) == []


def test_the_log_tells_each_request_and_no_secret(
    opened: Opened, request_: ServerRequest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    opened(session_token="token-of-a-session").start(request_)
    assert "aws: RunInstances: HTTP 200" in caplog.text
    assert "token-of-a-session" not in caplog.text
    assert SECRET_KEY not in caplog.text
