"""What is told of requests to EC2 and of their answers, secrets masked."""

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from cloudmesh_sdk.masking import masked_headers
from cloudmesh_sdk.providers.ec2.answers import MASK, SECRETS
from cloudmesh_sdk.wire import Exchange

_PARAMS = frozenset({"UserData", "LaunchTemplateData.UserData"})
"""Parameters whose values are secrets."""

_SECRET = re.compile(rf"<({'|'.join(sorted(SECRETS))})>.*?</\1>".encode(), re.DOTALL)
"""Elements of answers whose content is secret."""


def exchange(
    cloud: str,
    service: str,
    *,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    begun: float,
    hide: Callable[[str], str],
    status: int | None = None,
    answered: Mapping[str, str] | None = None,
    answer: bytes = b"",
    error: Exception | None = None,
) -> Exchange:
    """Return what went over the wire; `begun` is of `time.monotonic`, `hide` masks credentials."""
    took = time.monotonic() - begun
    answered = answered or {}
    shown = _SECRET.sub(rf"<\1>{MASK}</\1>".encode(), answer).decode("utf-8", "replace")
    return Exchange(
        cloud=cloud,
        service=service,
        method="POST",
        url=hide(url),
        headers={name: hide(value) for name, value in masked_headers(headers).items()},
        body=hide(form(body)),
        status=status,
        answered=masked_headers(answered),
        answer=hide(shown),
        error=hide(f"{type(error).__name__}: {error}") if error else "",
        at=datetime.now(UTC) - timedelta(seconds=took),
        elapsed=took,
        request_id=answered.get("x-amzn-requestid"),
    )


def form(body: bytes) -> str:
    """Return the parameters of a request, one that is a secret masked."""
    pairs = parse_qsl(body.decode(), keep_blank_values=True)
    hidden = [(name, MASK if name in _PARAMS else value) for name, value in pairs]
    return urlencode(hidden, safe="*:")
