"""EC2's Query API: signed, pooled, within a deadline; answers as plain data.

Signing is botocore's, the rest is done here: on lists botocore itself would cost about ten times
the processor time.
"""

import email.utils
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from cloudmesh_sdk.errors import BackendError
from cloudmesh_sdk.providers.ec2.answers import MASK, Nonsense, glimpse, parse
from cloudmesh_sdk.providers.ec2.credentials import Identity, endpoint
from cloudmesh_sdk.providers.ec2.errors import Refused, hopeless, never_sent, translated
from cloudmesh_sdk.providers.ec2.settings import Ec2Settings
from cloudmesh_sdk.providers.ec2.telling import exchange
from cloudmesh_sdk.providers.ec2.transport import pool, whole
from cloudmesh_sdk.retrying import Budget, retry_after
from cloudmesh_sdk.wire import Watch

VERSIONS = {"ec2": "2016-11-15", "sts": "2011-06-15"}
"""Versions of the services' APIs that we speak."""

T = TypeVar("T")

_log = logging.getLogger(__name__)
# at debug level it writes the headers that it signs, session tokens among them
logging.getLogger("botocore.auth").setLevel(logging.INFO)

_CONNECT = 10.0
_SHORT = 4
"""Secrets below this length are not looked for in texts: they would be found in words."""

_GARBLED = (AttributeError, KeyError, TypeError, ValueError)
"""What reading a thing raises that lacks what the API promises."""


class Client:
    """Asks one endpoint.

    `told` hears of each request just before it goes out; who `watch` gives hears of each exchange.
    """

    def __init__(
        self,
        name: str,
        settings: Ec2Settings,
        told: Callable[[], None],
        watch: Callable[[], Watch | None] = lambda: None,
    ) -> None:
        self.name = name
        self.identity = Identity(settings)
        self.url = endpoint(name, settings)
        self.skew: float | None = None
        """Seconds our clock is ahead of the service's, as of its last answer."""
        self._settings = settings
        self._told = told
        self._watch = watch
        self._pool = pool(self.url, settings)

    def budget(self) -> Budget:
        """Return what one call may spend."""
        return Budget(
            seconds=self._settings.timeout, retries=self._settings.retries, hopeless=hopeless
        )

    def call(
        self,
        action: str,
        params: Mapping[str, str] | None = None,
        *,
        again: bool = True,
        service: str = "ec2",
        budget: Budget | None = None,
    ) -> dict[str, Any]:
        """Return the answer to an action; raises `BackendError`.

        `again` says that it may be repeated after a failure that leaves open whether it was done;
        `budget` is what a larger call has left for it.
        """
        budget = budget or self.budget()
        while True:
            try:
                return self.once(action, params, seconds=budget.left(), service=service)
            except BackendError as error:
                if not again and not never_sent(error):
                    raise
                budget.pause(error)

    def pages(
        self, action: str, collection: str, params: Mapping[str, str] | None = None, *, size: int
    ) -> Iterator[list[Any]]:
        """Yield the pages of a list to its end; raises rather than end early."""
        asked = {**(params or {}), "MaxResults": str(size)}
        seen: set[str] = set()
        while True:
            answer = self.call(action, asked)
            yield self.part(answer, action, collection)
            token = answer.get("nextToken")
            if not token:
                return
            with translated(self.name, action):
                if token in seen:
                    raise Nonsense("its pages go round in a circle")
            seen.add(token)
            asked["NextToken"] = token

    def part(self, answer: Mapping[str, Any], action: str, collection: str) -> list[Any]:
        """Return a list that an answer must hold, since one without it is not an empty one."""
        with translated(self.name, action):
            found = answer.get(collection)
            if not isinstance(found, list):
                raise Nonsense(f"the answer has no {collection}")
            return found

    def records(
        self, action: str, convert: Callable[[Any, str], T], natives: Iterable[Any]
    ) -> list[T]:
        """Return the records of the things in an answer."""
        with translated(self.name, action):
            try:
                return [convert(native, self.name) for native in natives]
            except _GARBLED as error:
                raise Nonsense(f"a thing is not as EC2 describes it: {error!r}") from error

    def once(
        self,
        action: str,
        params: Mapping[str, str] | None = None,
        *,
        seconds: float,
        service: str = "ec2",
    ) -> dict[str, Any]:
        """Return the answer to one request, sent once."""
        asked = {"Action": action, "Version": VERSIONS[service], **(params or {})}
        body = urlencode(asked).encode()
        with translated(self.name, action):
            headers = self._signed(service, body)
            status, answered, content = self._send(action, service, headers, body, seconds)
        self._set_clock(answered)
        with translated(self.name, action, skew=self.skew):
            return self._read(action, status, answered, content)

    def close(self) -> None:
        """Give back the connections."""
        self._pool.clear()

    def _signed(self, service: str, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "User-Agent": "cloudmesh",
        }
        request = AWSRequest("POST", self._url(service), data=body, headers=headers)
        SigV4Auth(self.identity.frozen(), service, self._settings.region).add_auth(request)
        return dict(request.headers.items())

    def _url(self, service: str) -> str:
        return endpoint(self.name, self._settings, service)

    def _send(
        self, action: str, service: str, headers: dict[str, str], body: bytes, seconds: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        begun = time.monotonic()
        self._told()
        try:
            status, answered, content = self._exchange(service, headers, body, begun + seconds)
        except Exception as error:
            self._tell(service, headers=headers, body=body, begun=begun, error=error)
            raise
        _log.debug(
            "%s: %s: HTTP %d, %d bytes in %.3f s, request %s",
            *(self.name, action, status, len(content), time.monotonic() - begun),
            answered.get("x-amzn-requestid", "-"),
        )
        told = {"status": status, "answered": answered, "answer": content}
        self._tell(service, headers=headers, body=body, begun=begun, **told)
        return status, answered, content

    def _exchange(
        self, service: str, headers: dict[str, str], body: bytes, end: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        seconds = end - time.monotonic()
        response = self._pool.request(
            "POST",
            self._url(service),
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            preload_content=False,
            timeout=urllib3.Timeout(connect=min(_CONNECT, seconds), read=seconds),
        )
        try:
            content = whole(response, end)
        except BaseException:
            response.close()  # half-read connections must not be used again
            raise
        response.release_conn()
        return response.status, response.headers, content

    def _tell(self, service: str, **told: Any) -> None:
        watch = self._watch()
        if watch is not None:
            url, hide = self._url(service), self._without_secrets
            watch(exchange(self.name, service, url=url, hide=hide, **told))

    def _set_clock(self, headers: Mapping[str, str]) -> None:
        try:
            theirs = email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
        except (KeyError, ValueError):
            return
        self.skew = time.time() - theirs

    def _read(
        self, action: str, status: int, headers: Mapping[str, str], content: bytes
    ) -> dict[str, Any]:
        try:
            name, answer = parse(content)
        except Nonsense:
            if status < HTTPStatus.BAD_REQUEST:
                raise
            name, answer = "", {}  # a page for people, of a proxy or of a server in trouble
        if status >= HTTPStatus.BAD_REQUEST:
            raise self._refused(status, headers, answer, content)
        if name != f"{action}Response":
            raise Nonsense(f"expected {action}Response, found {name} (HTTP {status})")
        return answer

    def _refused(
        self, status: int, headers: Mapping[str, str], answer: dict[str, Any], content: bytes
    ) -> Exception:
        error = _first(answer, "Error")
        code = error.get("Code") if isinstance(error, dict) else None
        if not isinstance(code, str) or not code:
            if status != HTTPStatus.TOO_MANY_REQUESTS:
                return Nonsense(f"HTTP {status}: {glimpse(content)}")
            code, error = "Throttled", {"Message": "too many requests"}
        # what follows the first line shows the signed request with its token
        message = str(error.get("Message", "")).strip().partition("\n")[0][:400]
        request_id = _first(answer, "RequestID") or _first(answer, "RequestId")
        return Refused(
            code,
            self._without_secrets(message),
            status=status,
            request_id=request_id or headers.get("x-amzn-requestid"),
            retry_after=retry_after(headers.get("Retry-After")),
        )

    def _without_secrets(self, text: str) -> str:
        held = self.identity.frozen()
        for secret in (held.secret_key, held.token):
            if secret and len(secret) >= _SHORT:
                text = text.replace(secret, MASK)
        return text


def _first(data: Any, name: str) -> Any:
    """Return what stands under a name anywhere in an answer; error documents differ in depth."""
    if isinstance(data, dict):
        if name in data:
            found = data[name]
            return found[0] if isinstance(found, list) and found else found
        data = list(data.values())
    if isinstance(data, list):
        return next((found for item in data if (found := _first(item, name)) is not None), None)
    return None
