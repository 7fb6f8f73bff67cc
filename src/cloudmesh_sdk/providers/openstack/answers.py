"""From the bytes of an answer to plain data, or to what the service refused.

Services word their refusals in several ways: Nova and Cinder `{"badRequest": {"message": …}}`,
Neutron `{"NeutronError": {"type": …, "message": …}}`, Keystone `{"error": {…}}`, Placement
`{"errors": [{"detail": …}]}`, Glance a page of HTML, proxies theirs.
"""

import email.utils
import html
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
import requests

from cloudmesh_sdk.masking import HEADERS, MASK, SECRETS, masked_text, within
from cloudmesh_sdk.retrying import retry_after

REQUEST_IDS = ("x-openstack-request-id", "x-compute-request-id")
"""Headers with the id under which the service logged a request."""

_MARKUP = re.compile(rb"(?is)<(script|style|head|title|h1)\b.*?</\1\s*>|<[^>]*>")
_HEADING = re.compile(rb"(?is)<(?:title|h1)\b[^>]*>(.*?)</")
_INVALID = re.compile(r"(Invalid input for field/attribute ([\w:-]+)\. Value: ).*", re.DOTALL)
"""How Nova shows a value that its schema forbids, user data or a password as well as any other."""

_LONGEST = 400


class Nonsense(Exception):  # noqa: N818 - says what happened
    """The answer is not what the service promises."""

    def __init__(self, message: str, request_id: str | None = None) -> None:
        super().__init__(message)
        self.request_id = request_id


class Refused(Exception):  # noqa: N818 - says what happened
    """A service said no, in its own words."""

    def __init__(
        self,
        message: str,
        *,
        service: str,
        status: int,
        kind: str = "",
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.message = message
        self.service = service
        self.status = status
        self.kind = kind
        """`type` of Neutron's errors, else the name of the fault (`badRequest`)."""
        self.request_id = request_id
        self.retry_after = retry_after


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the id under which the service logged the request."""
    return next((headers[name] for name in REQUEST_IDS if name in headers), None)


def decoded(response: requests.Response) -> Any:
    """Return the plain data of an answer, None of an empty one; raises `Nonsense`."""
    content = response.content
    if not content.strip():
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        where = request_id(response.headers)
        found = glimpse(content)
        raise Nonsense(f"JSON was wanted, found {found!r}", where) from error


def refusal_of(
    response: requests.Response | None, service: str, status: int, message: str = ""
) -> Refused:
    """Return what an answer with a status of an error says."""
    if response is None:
        return Refused(message or "no reason given", service=service, status=status)
    sent = secrets_sent(response.request)
    kind, told = _told(_masked(response.content, sent))
    message = masked_text(message, sent)
    if "Location" in response.headers and status < HTTPStatus.BAD_REQUEST:
        told = f"it redirects to {masked_text(response.headers['Location'])}, give that address"
    return Refused(
        (told or message or response.reason or "no reason given")[:_LONGEST],
        service=service,
        status=status,
        kind=kind,
        request_id=request_id(response.headers),
        retry_after=retry_after(response.headers.get("Retry-After")),
    )


def secrets_sent(request: requests.PreparedRequest | None) -> set[str]:
    """Return the secrets of a request: what refuses it may repeat what it was told."""
    if request is None:
        return set()
    headers = request.headers.items()
    found = {str(value) for name, value in headers if name.lower() in HEADERS}
    try:
        return found | within(orjson.loads(request.body or b"null"))
    except (orjson.JSONDecodeError, TypeError):  # a file, a form
        return found


def _masked(content: bytes, secrets: set[str]) -> bytes:
    if not secrets:
        return content
    return masked_text(content.decode(errors="surrogateescape"), secrets).encode(
        errors="surrogateescape"
    )


def _told(content: bytes) -> tuple[str, str]:
    """Return the kind and the message of a refusal, on one line."""
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError:
        return "", glimpse(content)
    if isinstance(data, dict) and isinstance(data.get("errors"), list) and data["errors"]:
        data = {"errors": data["errors"][0]}
    if not isinstance(data, dict) or not data:
        return "", glimpse(content)
    if isinstance(data.get("message"), str):  # Glance, and Keystone's middleware
        return "", glimpse(data["message"].encode())
    kind, fault = next(iter(data.items()))
    if not isinstance(fault, dict):
        return "", _line(fault if isinstance(fault, str) else glimpse(content))
    words = str(fault.get("message") or fault.get("detail") or fault.get("title") or "")
    return str(fault.get("type") or kind), glimpse(_without_secret(words).encode())


def _without_secret(words: str) -> str:
    found = _INVALID.search(words)
    if found is None or found.group(2) not in SECRETS:
        return words
    return f"{words[: found.end(1)]}{MASK}"


def glimpse(content: bytes) -> str:
    """Return the beginning of a page or of garbage as a person would read it, on one line."""
    heading = _HEADING.search(content)
    parts = [heading.group(1)] if heading else []
    text = b" ".join([*parts, _MARKUP.sub(b" ", content[:20_000])]).decode(errors="replace")
    return _line("".join(c if c.isprintable() or c.isspace() else "?" for c in html.unescape(text)))


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]


def skew(headers: Mapping[str, str], otherwise: float | None = None) -> float | None:
    """Return by how many seconds our clock is ahead of the one that dated an answer."""
    try:
        theirs = email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return otherwise
    return time.time() - theirs - 0.5  # the header has whole seconds, cut off
