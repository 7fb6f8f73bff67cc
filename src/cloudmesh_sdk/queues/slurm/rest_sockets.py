"""Connections to slurmrestd, over TCP or a Unix socket, and answers read within their time."""

import socket
import time
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    InsecureRequestWarning,
    LocationParseError,
    NewConnectionError,
    ReadTimeoutError,
)

from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.queues.slurm.settings import SlurmSettings

_THREADS = 4
_CHUNK = 1 << 20
_STEP = 0.1
"""Seconds after which a socket is told how long it may wait."""
_LOOPBACK = ("localhost", "127.", "[::1]", "::1")


class _UnixConnection(HTTPConnection):
    """A connection of urllib3's to a socket in the file system."""

    def __init__(self, *words: Any, path: str, **more: Any) -> None:
        super().__init__(*words, **{**more, "socket_options": None})  # TCP's mean nothing to it
        self._path = path

    def __str__(self) -> str:
        return self._path  # urllib3's errors begin with it

    def _new_conn(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        try:
            made.settimeout(self.timeout)
            made.connect(self._path)
        except TimeoutError as error:
            made.close()
            raise ConnectTimeoutError(self, f"no connection in {self.timeout} s") from error
        except OSError as error:
            made.close()
            raise NewConnectionError(self, str(error.strerror or error)) from error
        return made


class _UnixPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _UnixConnection


def opened(settings: SlurmSettings) -> tuple[urllib3.HTTPConnectionPool, str]:
    """Return the connections to slurmrestd, and the path that stands before those of its own.

    Nothing is sent. Raises `ConfigError` where the settings name no place.
    """
    if settings.socket is not None:
        return _UnixPool("localhost", maxsize=_THREADS, path=settings.socket), ""
    if settings.url is None:
        raise ConfigError("slurmrestd: set its address (url, such as http://login:6820) or socket")
    parts = urlsplit(settings.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"url: {settings.url!r} is no address of slurmrestd: http(s)://host:port")
    options: dict[str, Any] = {"maxsize": _THREADS}
    if parts.scheme == "https":
        options |= {"cert_reqs": "CERT_REQUIRED", "ca_certs": settings.cacert}
        if not settings.verify:
            options["cert_reqs"] = "CERT_NONE"
            urllib3.disable_warnings(InsecureRequestWarning)  # it was asked for
    try:
        pool = urllib3.connection_from_url(settings.url, **options)
    except (LocationParseError, ValueError) as error:
        raise ConfigError(f"url: {settings.url!r} cannot be read: {error}") from error
    return pool, parts.path.rstrip("/")


def is_here(settings: SlurmSettings) -> bool:
    """Tell whether slurmrestd runs on this machine: its files are then ours to read."""
    if settings.socket is not None:
        return True
    host = urlsplit(settings.url or "").hostname or ""
    return host.startswith(_LOOPBACK)


def whole(
    pool: urllib3.HTTPConnectionPool, response: urllib3.BaseHTTPResponse, end: float
) -> bytes:
    """Return the body, read as it comes: neither silence nor a trickle outlasts `end`.

    `end` is of `time.monotonic`; raises `ReadTimeoutError`.
    """
    chunks = []
    told = 0.0
    while chunk := response.read1(_CHUNK):
        chunks.append(chunk)
        now = time.monotonic()
        if now >= end:
            raise ReadTimeoutError(pool, "", "its time was over in the middle of the answer")
        sock = getattr(response.connection, "sock", None)
        if sock is not None and now - told > _STEP:
            sock.settimeout(end - now)
            told = now
    return b"".join(chunks)
