"""Telling of requests: to the log, and as an `Exchange` without secrets to whoever listens."""

import logging
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from cloudmesh_sdk import wire
from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.masking import masked_body, masked_headers, masked_text
from cloudmesh_sdk.providers.openstack.answers import request_id
from cloudmesh_sdk.wire import Exchange, Watch

_log = logging.getLogger(__name__)
_TOKENS = ("X-Auth-Token", "X-Subject-Token")


def log(
    cloud: str,
    request: requests.PreparedRequest,
    response: requests.Response | None,
    begun: float,
) -> None:
    """Tell the log of a request at debug level, with the id that its service gave it."""
    if _log.isEnabledFor(logging.DEBUG):
        _log.debug(
            "%s: %s %s: %s in %.3f s, request %s",
            *(cloud, request.method, str(request.url).partition("?")[0]),
            f"HTTP {response.status_code}" if response is not None else "no answer",
            time.monotonic() - begun,
            (request_id(response.headers) if response is not None else None) or "-",
        )


def recorder(cloud: str, path: str) -> Watch:
    """Return what appends exchanges to a file; raises `ConfigError` where that cannot be."""
    file = Path(path).expanduser()
    try:
        with file.open("a"):
            file.chmod(0o600)
    except OSError as error:
        text = f"{cloud}: record: {file} cannot be written: {error.strerror}"
        raise ConfigError(text) from error

    def record(told: Exchange) -> None:
        try:
            wire.write(file, told)
        except OSError as error:  # what was asked was done: it is not to fail for this
            _log.warning("%s: the tape %s lacks an exchange: %s", cloud, file, error)

    return record


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
