"""A cloud's traffic on a file, and a cloud that answers from it: a bug report that runs offline."""

import io
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import requests
import urllib3
from keystoneauth1.access import AccessInfo, AccessInfoV3
from keystoneauth1.identity.base import BaseIdentityPlugin

from cloudmesh_sdk import wire
from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.masking import MASK, masked_text
from cloudmesh_sdk.providers.openstack.errors import Missing
from cloudmesh_sdk.providers.openstack.transport import Sent, Transport
from cloudmesh_sdk.wire import Exchange

_PASSING = ("changes-since",)
"""Parameters whose values are moments, other ones whenever the same is asked."""

_OF_BYTES = ("content-encoding", "content-length", "transfer-encoding", "connection")
"""Headers that tell how the bytes came, which are now others."""

_SIGNED_IN = "x-subject-token"

_Key = tuple[str, str, tuple[tuple[str, str], ...]]


class Tape:
    """What a file recorded of one cloud.

    Each answer is given once, the last one of a GET again and again.
    """

    def __init__(self, path: str, cloud: str) -> None:
        self.path = path
        try:
            found = list(wire.read(Path(path).expanduser()))
        except OSError as error:
            raise ConfigError(f"replay: {path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise ConfigError(f"replay: {error}") from error
        ours = [exchange for exchange in found if exchange.cloud == cloud]
        self._exchanges = ours or found  # recorded under another name, if there are none
        self._left: dict[_Key, deque[Exchange]] = defaultdict(deque)
        for exchange in self._exchanges:
            self._left[_key(exchange.method, exchange.url)].append(exchange)
        self._lock = threading.Lock()

    def answer(self, method: str, url: str) -> Exchange:
        """Return the next answer to a request; raises `Missing`."""
        with self._lock:
            left = self._left.get(_key(method, url))
            if not left:
                raise Missing(f"{method} {masked_text(url)} is not on {self.path}, or not so often")
            return left[0] if len(left) == 1 and method == "GET" else left.popleft()

    def access(self) -> AccessInfo | None:
        """Return the last token with its catalog, good for a day; None where there is none."""
        for exchange in reversed(self._exchanges):
            told = {name.lower() for name in exchange.answered}
            if _SIGNED_IN in told and '"catalog"' in exchange.answer:
                body: dict[str, Any] = orjson.loads(exchange.answer)
                later = datetime.now(UTC) + timedelta(days=1)
                body["token"]["expires_at"] = later.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
                return AccessInfoV3(body, auth_token=MASK)
        return None


class Replayed(BaseIdentityPlugin):
    """Signs in as who recorded a tape did."""

    def __init__(self, access: AccessInfo) -> None:
        super().__init__(reauthenticate=False)
        self.auth_ref = access

    def get_auth_ref(self, session: Any) -> AccessInfo:  # noqa: ARG002 - as the base has it
        """Return the token on the tape; there is no other one."""
        raise Missing("a second signing in is not on the tape")

    def invalidate(self) -> bool:
        """Keep the token: there is no other one."""
        return False


class Replay(Transport):
    """Answers from a tape; nothing is sent."""

    def __init__(self, tape: Tape, told: Callable[[], None], sent: Sent, seconds: float) -> None:
        super().__init__(told, sent, seconds)
        self._tape = tape

    def _pass(
        self,
        request: requests.PreparedRequest,
        *_: Any,
    ) -> requests.Response:
        found = self._tape.answer(str(request.method), str(request.url))
        if found.status is None:
            raise requests.exceptions.ConnectionError(f"as recorded: {found.error}")
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(found.answer.encode()),
            headers=_without_bytes(found.answered),
            status=found.status,
            preload_content=False,
        )
        return self.build_response(request, raw)


def _without_bytes(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OF_BYTES}


def _key(method: str, url: str) -> _Key:
    parts = urlsplit(masked_text(url))
    query = parse_qsl(parts.query, keep_blank_values=True)
    return (
        method,
        f"{parts.scheme}://{parts.netloc}{parts.path}",
        tuple(sorted((name, "" if name in _PASSING else value) for name, value in query)),
    )
