"""From a request and its answer to an `Exchange` without secrets."""

import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from cloudmesh_sdk.masking import masked_body, masked_headers, masked_text
from cloudmesh_sdk.providers.openstack.answers import request_id
from cloudmesh_sdk.wire import Exchange

_TOKENS = ("X-Auth-Token", "X-Subject-Token")


def exchange(
    cloud: str,
    service: str,
    request: requests.PreparedRequest,
    response: requests.Response | None,
    error: BaseException | None,
    *,
    begun: float,
    secrets: Collection[str],
) -> Exchange:
    """Return what went over the wire; `begun` is of `time.monotonic`.

    `secrets` are looked for everywhere, and so are the tokens in the headers.
    """
    took = time.monotonic() - begun
    answered: Mapping[str, str] = response.headers if response is not None else {}
    known = {*secrets, *_tokens(request.headers), *_tokens(answered)}
    return Exchange(
        cloud=cloud,
        service=service,
        method=str(request.method),
        url=masked_text(str(request.url), known),
        headers=masked_headers(_texts(request.headers), known),
        body=masked_body(_text(request.body), known),
        status=None if response is None or error else response.status_code,
        answered=masked_headers(answered, known),
        answer=masked_body(_answer(response), known) if not error else "",
        error=masked_text(f"{type(error).__name__}: {error}", known) if error else "",
        at=datetime.now(UTC) - timedelta(seconds=took),
        elapsed=took,
        request_id=request_id(answered),
    )


def _tokens(headers: Mapping[str, Any]) -> set[str]:
    return {str(headers[name]) for name in _TOKENS if headers.get(name)}


def _texts(headers: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): _text(value) for name, value in headers.items()}


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if isinstance(value, str) else ("" if value is None else "<stream>")


def _answer(response: requests.Response | None) -> str:
    """Return the body of an answer; of one that is streamed nothing was read."""
    if response is None or not getattr(response, "_content_consumed", False):
        return ""
    kind = response.headers.get("Content-Type", "")
    if kind.startswith(("application/octet-stream", "application/gzip")):
        return f"<{len(response.content)} bytes>"
    return response.content.decode(errors="replace")
