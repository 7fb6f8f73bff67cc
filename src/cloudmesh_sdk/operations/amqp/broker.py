"""The broker of a URI: how it is talked to, and whether it lets us in. Knows nothing of Celery."""

import ssl
from typing import Any, cast
from urllib.parse import SplitResult, unquote, urlsplit

from kombu.connection import Connection

from cloudmesh_sdk.errors import ConfigError, UnavailableError
from cloudmesh_sdk.models import Health
from cloudmesh_sdk.operations.amqp.refusals import ERRORS, meaning

PATIENCE = 4.0
"""Seconds that a broker has to answer."""

_PORTS = {"amqp": 5672, "amqps": 5671}
_HERE = ("localhost", "127.0.0.1", "::1")


def transport(
    broker: str,
    *,
    cafile: str | None = None,
    certfile: str | None = None,
    keyfile: str | None = None,
) -> dict[str, Any]:
    """Return the options with which the broker of a URI is talked to.

    `amqps://` is always verified: by `cafile`, else by the authorities that the system trusts;
    `certfile` and `keyfile` show who we are. Raises `ConfigError`, which never holds the URI.
    """
    options: dict[str, Any] = {"confirm_publish": True, "confirm_timeout": PATIENCE}
    where = _split(broker)
    if where.scheme == "amqp" and (cafile or certfile):
        raise ConfigError(
            "tasks names certificates, but the broker's URI begins with amqp://, which encrypts "
            "nothing; write amqps:// or leave them out"
        )
    if where.scheme == "amqps":
        _check(cafile, certfile, keyfile)
        # here and not in broker_use_ssl: a pooled connection is reused for equal options only
        options["ssl"] = {
            "cert_reqs": ssl.CERT_REQUIRED, "ca_certs": cafile, "server_hostname": where.hostname,
            "certfile": certfile, "keyfile": keyfile,
        }  # fmt: skip
    return options


def look(
    broker: str,
    *,
    cafile: str | None = None,
    certfile: str | None = None,
    keyfile: str | None = None,
) -> Health:
    """Ask the broker of a URI who it is and who we are there; nothing is sent to any queue.

    Raises `ConfigError` where it will not let us in however often it is asked, else
    `UnavailableError`; each says what to do, and never holds the URI.
    """
    options = transport(broker, cafile=cafile, certfile=certfile, keyfile=keyfile)
    where, connect = _split(broker), cast("Any", Connection)
    try:
        with connect(broker, transport_options=options) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=PATIENCE)
            said = connection.connection.server_properties
    except ERRORS as error:
        found = meaning(error)
        text = f"the broker at {_name(where)} {found.text}; {found.advice}"
        raise (ConfigError if found.lasting else UnavailableError)(text) from error
    tls = ", TLS verified" if where.scheme == "amqps" else ""
    return Health(
        service=_name(where),
        version=f"{said.get('product', 'AMQP')} {said.get('version', '')}{tls}",
        identity=f"{unquote(where.username or 'guest')} in {unquote(where.path[1:]) or '/'}",
        warnings=_open(where),
    )


def _split(broker: str) -> SplitResult:
    """Return the parts of a URI; raises `ConfigError`, which never holds any of them."""
    where = _parts(broker)
    if where is None:
        raise ConfigError(
            "the broker's URI has a host or a port that is none; in a user name or password, "
            "characters like / @ [ are percent-encoded"
        )
    if where.scheme not in _PORTS or not where.hostname:
        raise ConfigError("the broker's URI must begin with amqp:// or amqps://, and name a host")
    return where


def _parts(broker: str) -> SplitResult | None:
    """Return the parts of a URI; None where it cannot be read, for why would tell a part of it."""
    try:
        where = urlsplit(broker)
        _ = where.port
    except ValueError:
        return None
    return where


def _name(where: SplitResult) -> str:
    return f"{where.hostname}:{where.port or _PORTS[where.scheme]}"


def _open(where: SplitResult) -> tuple[str, ...]:
    """Return a warning where the password crosses a network for all to read."""
    if where.scheme == "amqps" or where.hostname in _HERE:
        return ()
    return ("the password and all else goes there unencrypted; amqps:// encrypts",)


def _check(cafile: str | None, certfile: str | None, keyfile: str | None) -> None:
    """Raise `ConfigError` where a file of certificates is none that can be used.

    Else the first connection would fail, in words of OpenSSL that name no file.
    """
    named = "tasks.cafile", cafile
    try:
        context = ssl.create_default_context(cafile=cafile)
        if certfile is not None:
            named = "tasks.certfile", certfile
            context.load_cert_chain(certfile, keyfile, password="")  # never asks a terminal
    except OSError as error:  # those of OpenSSL are, too
        key, path = named
        beside = f" (its key: {keyfile})" if keyfile and key == "tasks.certfile" else ""
        why = "it is no PEM file of that" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigError(f"{key} {path}{beside} cannot be used: {why}") from error
