"""Keys and security groups; asking twice is asking once."""

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given, strategies as st
from tests.labs.ec2_endpoint import Endpoint, xml
from tests.labs.ec2_query import permission

from cloudmesh_sdk.errors import ConflictError
from cloudmesh_sdk.models import Rule, ServerRequest
from cloudmesh_sdk.providers.ec2 import Ec2Cloud, keys, network
from cloudmesh_sdk.providers.ec2.answers import parse


def openssh(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.OpenSSH
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, form).decode()


ED25519 = openssh(ed25519.Ed25519PrivateKey.generate())


@pytest.mark.parametrize("bits", [1024, 2048])
def test_the_print_of_an_rsa_key_is_md5_of_its_der(bits: int) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = hashes.Hash(hashes.MD5())
    digest.update(der)
    assert keys.fingerprint(f"{openssh(key)} me@home") == digest.finalize().hex(":")


def test_the_print_of_an_ed25519_key_is_sha256_as_openssh_shows_it() -> None:
    # what `ssh-keygen -lf` says of this key
    line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    shown = "+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"  # GitHub publishes both
    assert (keys.fingerprint(line) or "").rstrip("=") == shown


@pytest.mark.parametrize("line", ["", "ssh-rsa", "ssh-rsa ???", "ssh-dss AAAAB3NzaC1kc3M="])
def test_other_keys_have_no_print(line: str) -> None:
    assert keys.fingerprint(line) is None


def test_without_the_key_itself_prints_are_compared() -> None:
    shown = keys.fingerprint(ED25519) or ""
    assert keys.same({"keyFingerprint": shown}, f"{ED25519} me@home")
    assert keys.same({"keyFingerprint": f"SHA256:{shown.rstrip('=')}"}, ED25519)
    assert not keys.same({"keyFingerprint": "1f:51"}, ED25519)
    assert not keys.same({}, "ssh-dss AAAA")


def test_the_same_key_again_is_no_error_and_another_is(cloud: Ec2Cloud) -> None:
    uploaded = cloud.upload_key("mine", f"{ED25519} me@home")
    assert cloud.upload_key("mine", f"{ED25519} me@work").fingerprint == uploaded.fingerprint
    another = openssh(ed25519.Ed25519PrivateKey.generate())
    with pytest.raises(ConflictError, match="another key named mine"):
        cloud.upload_key("mine", another)
    assert [key.name for key in cloud.keypairs()] == ["mine"]


def test_an_upload_whose_answer_is_lost_is_no_conflict(cloud: Ec2Cloud, endpoint: Endpoint) -> None:
    endpoint.fail("ImportKeyPair", "cut-after")
    assert cloud.upload_key("mine", ED25519).name == "mine"


def test_deleting_a_key_twice_is_no_error(cloud: Ec2Cloud) -> None:
    cloud.upload_key("mine", ED25519)
    cloud.delete_key("mine")
    cloud.delete_key("mine")
    assert list(cloud.keypairs()) == []


def test_a_group_lives_and_each_step_may_be_repeated(cloud: Ec2Cloud) -> None:
    group = cloud.create_security_group("web", "for the web")
    assert cloud.create_security_group("web", "for the web").id == group.id
    ssh, ping = Rule(from_port=22, to_port=22), Rule(protocol="icmp", remote="10.0.0.0/8")
    for rule in (ssh, ping, ssh, ping):
        cloud.allow(group, rule)
    assert [found.rules for found in cloud.security_groups()] == [(ssh, ping)]
    cloud.revoke(group, ssh)
    cloud.revoke(group, ssh)
    assert [found.rules for found in cloud.security_groups()] == [(ping,)]
    cloud.delete_security_group(group)
    cloud.delete_security_group(group)
    assert list(cloud.security_groups()) == []


def test_a_group_of_that_name_that_differs_is_a_conflict(cloud: Ec2Cloud) -> None:
    group = cloud.create_security_group("web", "for the web")
    with pytest.raises(ConflictError):
        cloud.create_security_group("web", "for something else")
    cloud.allow(group, Rule(from_port=22, to_port=22))
    with pytest.raises(ConflictError):  # asked was one that lets nothing in
        cloud.create_security_group("web", "for the web")


PORTS = st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(sorted)
REMOTES = st.sampled_from(["0.0.0.0/0", "10.1.0.0/16", "sg-0123"])


@given(st.sampled_from(["tcp", "udp"]), PORTS, REMOTES)
def test_a_rule_comes_back_as_it_went(protocol: str, ports: list[int], remote: str) -> None:
    first, last = ports
    if (first, last) == (0, 65535):  # which is the same as naming none
        return
    rule = Rule(protocol=protocol, from_port=first, to_port=last, remote=remote)
    assert _there_and_back(rule) == [rule]


@pytest.mark.parametrize(
    "rule", [Rule(), Rule(protocol="any"), Rule(protocol="icmp"), Rule(protocol="udp")]
)
def test_a_rule_for_all_ports_comes_back_as_it_went(rule: Rule) -> None:
    assert _there_and_back(rule) == [rule]


def _there_and_back(rule: Rule) -> list[Rule]:
    native = xml({"ipPermissions": [permission(network.permission(rule))]})
    permissions = parse(f"<R>{native}</R>".encode())[1]["ipPermissions"]
    return list(network.rules("ingress", permissions))


def test_console_and_quotas(cloud: Ec2Cloud, endpoint: Endpoint, request_: ServerRequest) -> None:
    server = cloud.start(request_)
    assert cloud.console(server) == f"{server.id} boots\n"
    limits = {quota.name: (quota.used, quota.limit) for quota in cloud.quotas()}
    assert limits == {"instances": (1, 20), "elastic ips": (1, 5)}


def test_images_of_our_own_are_listed_whole_and_those_of_others_by_name(
    cloud: Ec2Cloud, endpoint: Endpoint
) -> None:
    assert [image.id for image in cloud.images()] == ["ami-0002", "ami-0001"]
    assert endpoint.calls == {"DescribeImages": 2}


def test_flavors_are_listed(cloud: Ec2Cloud, endpoint: Endpoint) -> None:
    assert [flavor.name for flavor in cloud.flavors()] == ["t3.micro", "t3.small", "t3.large"]
    assert endpoint.calls == {"DescribeInstanceTypes": 1}
