"""The one way out: pooled connections, a deadline for the whole answer, each exchange told.

It is mounted under the session of keystoneauth1, so that signing in, native clients and our own
requests all pass here.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests
import urllib3
import urllib3.exceptions as http
from keystoneauth1.session import Session
from requests.adapters import HTTPAdapter

from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.providers.openstack.errors import Cut, Late
from cloudmesh_sdk.providers.openstack.settings import OpenstackSettings

_CONNECT = 10.0
_THREADS = 8
_CHUNK = 1 << 18

Sent = Callable[
    [requests.PreparedRequest, requests.Response | None, BaseException | None, float], None
]
"""Hears of each request: its answer or what went wrong, and the seconds it took."""


class Transport(HTTPAdapter):
    """Sends each request once; `told` hears of it just before, `sent` when it is over."""

    def __init__(self, told: Callable[[], None], sent: Sent, seconds: float) -> None:
        super().__init__(pool_connections=_THREADS, pool_maxsize=_THREADS, max_retries=0)
        self._told = told
        self._sent = sent
        self._seconds = seconds
        self._deadline = threading.local()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let what this thread sends within, signing in too, be over after so many seconds."""
        self._deadline.end = time.monotonic() + seconds
        try:
            yield
        finally:
            self._deadline.end = None

    def send(  # noqa: PLR0917 - as the base has it
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,  # noqa: ARG002 - the deadline decides
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Return the answer, read to its end unless it is to be streamed."""
        begun = time.monotonic()
        end = getattr(self._deadline, "end", None) or begun + self._seconds
        left = max(0.001, end - begun)
        self._told()
        answer = None
        try:
            answer = self._pass(request, (min(_CONNECT, left), left), verify, cert, proxies)
            if not stream:
                _read(answer, end)
        except BaseException as error:
            if answer is not None:
                answer.close()  # half-read connections must not be used again
            self._sent(request, answer, error, begun)
            raise
        self._sent(request, answer, None, begun)
        return answer

    def _pass(
        self, request: requests.PreparedRequest, timeout: Any, verify: Any, cert: Any, proxies: Any
    ) -> requests.Response:
        return super().send(
            request, stream=True, timeout=timeout, verify=verify, cert=cert, proxies=proxies
        )


def _read(answer: requests.Response, end: float) -> None:
    """Read the body as it comes, so that neither silence nor a trickle outlasts `end`."""
    raw: urllib3.HTTPResponse = answer.raw
    chunks = []
    try:
        while chunk := raw.read1(_CHUNK, decode_content=True):
            chunks.append(chunk)
            left = end - time.monotonic()
            if left <= 0:
                raise Late("its time was over in the middle of the answer")
            if (socket := getattr(raw.connection, "sock", None)) is not None:
                socket.settimeout(left)
    except http.TimeoutError as error:
        raise Late("it fell silent in the middle of the answer") from error
    except http.HTTPError as error:
        raise Cut("the answer ended too early") from error
    raw.release_conn()
    answer._content = b"".join(chunks)
    answer._content_consumed = True  # type: ignore[attr-defined]


def session(name: str, settings: OpenstackSettings, auth: Any, transport: Transport) -> Session:
    """Return the session of one account; it follows no redirects, which would take the token.

    Raises `ConfigError` for a file of certificates that is not there.
    """
    below = requests.Session()
    for scheme in ("http://", "https://"):
        below.mount(scheme, transport)
    cacert, cert, key = (_file(name, settings, word) for word in ("cacert", "cert", "key"))
    if not settings.verify:  # the configuration says so: no need to be told at each request
        urllib3.disable_warnings(http.InsecureRequestWarning)
    return Session(
        auth=auth,
        session=below,
        verify=(cacert or True) if settings.verify else False,
        cert=(cert, key) if cert and key else cert,
        timeout=settings.timeout,
        user_agent="cloudmesh",
        redirect=False,
    )


def _file(name: str, settings: OpenstackSettings, word: str) -> str | None:
    given = getattr(settings, word)
    path = Path(given).expanduser() if given else None
    if path is not None and not path.exists():
        raise ConfigError(f"{name}: {word}: {path} is not there")
    return str(path) if path else None
