"""libcloud's errors as ours: one table, one context manager.

libcloud drivers raise what they like: `BaseHTTPError` with a code, `LibcloudError`s, errors of
requests and sockets, and now and then a bare `Exception` or what a parser stumbled over.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote, quote_plus

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
    ((AttributeError, LookupError, SyntaxError, TypeError, ValueError), UnavailableError),
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


class MaskedError(Exception):
    """Stands for an error of libcloud whose text holds a secret: its kind and masked text."""


@contextmanager
def translated(what: str, *, secrets: Collection[str] = ()) -> Iterator[None]:
    """Raise what libcloud raises as our errors; `what` begins the text, secrets are masked."""
    try:
        yield
    except BackendError:
        raise
    except Exception as error:  # noqa: BLE001 - it goes on as ours, and as its cause
        mask = _masking(secrets)
        wait = getattr(error, "retry_after", None) or None
        ours = _kind(error)(f"{mask(what)}: {_text(error, mask)}", retry_after=wait)
        raise ours from _cause(error, mask)


def _masking(secrets: Collection[str]) -> Callable[[str], str]:
    """Return what masks secrets in a text, also as they stand in URLs and reprs."""
    ways: tuple[Callable[[str], str], ...] = (
        str, quote, quote_plus, lambda secret: quote(secret, safe=""),
        lambda secret: repr(secret)[1:-1],
    )  # fmt: skip
    forms = {way(secret) for secret in secrets if secret for way in ways}
    ordered = sorted(forms, key=len, reverse=True)

    def mask(text: str) -> str:
        for form in ordered:
            text = text.replace(form, _MASK)
        return text

    return mask


def _cause(error: Exception, mask: Callable[[str], str]) -> Exception:
    """Return an error, or where it or what led to it shows a secret a masked one in its place."""
    told = "\n".join(f"{one}{one!r}{getattr(one, '__notes__', '')}" for one in _chain(error))
    if mask(told) == told:
        return error
    masked = MaskedError(f"{type(error).__name__}: {_text(error, mask)}")
    return masked.with_traceback(error.__traceback__)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all that led to it, as a traceback shows them."""
    todo, seen = [error], set()
    while todo:
        one = todo.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            todo += [one.__cause__, one.__context__]


def _kind(error: Exception) -> type[BackendError]:
    for kinds, ours in _TYPES:
        if isinstance(error, kinds):
            return ours
    code = getattr(error, "code", None) or getattr(error, "http_code", None)
    if isinstance(error, BaseHTTPError | ProviderError) and isinstance(code, int):
        return _CODES.get(code, UnavailableError if code >= _BROKEN else BackendError)
    return BackendError


def _text(error: Exception, mask: Callable[[str], str]) -> str:
    """Return one masked line about an error, without the whole page that some carry."""
    text = getattr(error, "value", None) or str(error) or "no reason given"
    line = " ".join(mask(str(text)).split())
    short = line if len(line) <= _LONG else f"{line[:_LONG]}…"
    return short if isinstance(error, BaseHTTPError) else f"{short} ({type(error).__name__})"
