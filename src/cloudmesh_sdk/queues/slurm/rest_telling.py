"""Telling a watcher of exchanges with slurmrestd, without secrets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import urllib3

from cloudmesh_sdk.masking import MASK, masked_body, masked_headers, masked_text
from cloudmesh_sdk.wire import Exchange

_SHOWN = 100_000
"""How many bytes of an answer are told."""
_HIDDEN = ("script", "environment")
"""What of a job that is handed in nobody else is to see, as with commands."""


def exchange(
    cloud: str,
    *,
    url: str,
    method: str,
    headers: Mapping[str, str],
    body: Any,
    response: urllib3.BaseHTTPResponse | None,
    read: bytes,
    error: str,
    at: datetime,
    elapsed: float,
    token: str | None,
) -> Exchange:
    """Return what went over the wire; of a large answer its beginning."""
    known = (token,) if token else ()
    answered = {} if response is None else dict(response.headers)
    return Exchange(
        cloud=cloud,
        service="slurmrestd",
        method=method,
        url=masked_text(url, known),
        headers=masked_headers(headers, known),
        body="" if body is None else orjson.dumps(hidden(body)).decode(),
        status=None if response is None or error else response.status,
        answered={**masked_headers(answered, known), "content-length": str(len(read))},
        answer=masked_body(read[:_SHOWN].decode(errors="replace"), known),
        error=masked_text(error, known),
        at=at,
        elapsed=elapsed,
    )


def hidden(body: Any) -> Any:
    """Return what is sent with a job's script and variables masked."""
    if not isinstance(body, dict):
        return body
    return {key: MASK if key in _HIDDEN else hidden(value) for key, value in body.items()}
