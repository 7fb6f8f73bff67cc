"""libcloud's errors as ours: one table, one context manager.

libcloud drivers raise what they like: `BaseHTTPError` with a code, `LibcloudError`s, errors of
requests and sockets, and now and then a bare `Exception` or what a parser stumbled over.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from libcloud import http
from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
from libcloud.common.types import (
    InvalidCredsError,
    MalformedResponseError,
    ProviderError,
    ServiceUnavailableError,
)

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    BackendTimeoutError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    ThrottledError,
    UnavailableError,
    UnsupportedError,
)

_MASK = "***"
_LONG = 300
"""Most characters of a foreign text that go into ours."""
_BROKEN = 500
"""From this HTTP status on the service is to blame."""
_TIMEOUT: type[Exception] = vars(http)["requests"].exceptions.Timeout
"""Of requests, which libcloud talks through."""

_TYPES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], type[BackendError]], ...] = (
    (InvalidCredsError, AuthError),
    (ServiceUnavailableError, UnavailableError),
    (MalformedResponseError, UnavailableError),
    (RateLimitReachedError, ThrottledError),
    (NotImplementedError, UnsupportedError),
    ((_TIMEOUT, TimeoutError), BackendTimeoutError),
    (OSError, UnavailableError),  # also what requests raises for lost and refused connections
    ((AttributeError, LookupError, TypeError, ValueError), UnavailableError),
)
"""Kind of error → ours, the first that fits; the last line is a parser that met nonsense."""

_CODES: Mapping[int, type[BackendError]] = {
    400: InvalidRequestError,
    401: AuthError,
    403: AuthError,
    404: NotFoundError,
    408: BackendTimeoutError,
    409: ConflictError,
    410: NotFoundError,
    422: InvalidRequestError,
    429: ThrottledError,
    501: UnsupportedError,
}
"""HTTP status → ours; other 5xx are `UnavailableError`."""


@contextmanager
def translated(what: str, *, secrets: Collection[str] = ()) -> Iterator[None]:
    """Raise what libcloud raises as our errors; `what` begins the text, secrets are masked."""
    try:
        yield
    except BackendError:
        raise
    except Exception as error:
        text = f"{what}: {_text(error)}"
        for secret in secrets:
            text = text.replace(secret, _MASK)
        wait = getattr(error, "retry_after", None) or None
        raise _kind(error)(text, retry_after=wait) from error


def _kind(error: Exception) -> type[BackendError]:
    for kinds, ours in _TYPES:
        if isinstance(error, kinds):
            return ours
    code = getattr(error, "code", None) or getattr(error, "http_code", None)
    if isinstance(error, BaseHTTPError | ProviderError) and isinstance(code, int):
        return _CODES.get(code, UnavailableError if code >= _BROKEN else BackendError)
    return BackendError


def _text(error: Exception) -> str:
    """Return one line about an error, without the whole page that some carry."""
    text = getattr(error, "value", None) or str(error) or "no reason given"
    line = " ".join(str(text).split())
    short = line if len(line) <= _LONG else f"{line[:_LONG]}…"
    return short if isinstance(error, BaseHTTPError) else f"{short} ({type(error).__name__})"
