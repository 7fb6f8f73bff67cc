"""TLS: checked by default, against the usual authorities or those of the configuration."""

import ssl
import warnings
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.labs.openstack_endpoint import Endpoint
from tests.providers.openstack.clients import Opened, endpoint, opened

from cloudmesh_sdk.errors import ConfigError, UnavailableError
from cloudmesh_sdk.providers.openstack.errors import hopeless

__all__ = ["endpoint", "opened"]


def _certificate(folder: Path) -> Path:
    """Write a certificate for loopback that signs itself, with its key; return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, SHA256())
    )
    file = folder / "cert.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return file


@pytest.fixture
def certificate(tmp_path: Path, endpoint: Endpoint) -> Path:
    """Let the endpoint speak TLS only; give its certificate."""
    file = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    inner = endpoint.server._server
    inner.socket = context.wrap_socket(
        inner.socket, server_side=True, do_handshake_on_connect=False
    )
    inner.handle_error = lambda *_: None  # type: ignore[method-assign]  # refused handshakes
    return file


def _https(opened: Opened) -> str:
    return opened.endpoint.url.replace("http:", "https:")


def test_a_certificate_that_nobody_signed_is_refused_at_once(
    opened: Opened, certificate: Path
) -> None:
    with pytest.raises(UnavailableError, match=r"no trusted certificate \(cacert names") as caught:
        opened(auth_url=_https(opened), retries=5).project_id()
    assert hopeless(caught.value)
    assert opened.told == 1
    assert opened.endpoint.requests == []


def test_an_authority_of_the_configuration_is_trusted(opened: Opened, certificate: Path) -> None:
    assert opened(auth_url=_https(opened), cacert=str(certificate)).project_id()


def test_verify_false_takes_any_certificate_without_a_word(
    opened: Opened, certificate: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert opened(auth_url=_https(opened), verify=False).project_id()


@pytest.mark.parametrize("word", ["cacert", "cert", "key"])
def test_a_file_of_certificates_that_is_not_there_is_named(opened: Opened, word: str) -> None:
    with pytest.raises(ConfigError, match=f"india: {word}: /nonexistent is not there"):
        opened(**{word: "/nonexistent"})
