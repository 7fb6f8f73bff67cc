"""What went wrong at an OpenStack, as errors of this package.

What a service refused is told by its HTTP status, and where one status means several things by
its words: https://docs.openstack.org/api-guide/compute/faults.html and the services' own texts.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import requests.exceptions as asked
import urllib3.exceptions as http
from keystoneauth1 import exceptions as keystone

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    BackendTimeoutError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    ThrottledError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.masking import masked_text
from cloudmesh_sdk.providers.openstack.answers import Nonsense, Refused, refusal_of, secrets_sent


class Late(asked.ReadTimeout):
    """The answer kept coming when the call's time was over."""


class Cut(asked.ConnectionError):
    """The connection ended in the middle of the answer."""


class Unsent(Exception):  # noqa: N818 - says what happened
    """Signing in failed, so that the request itself was never sent; the cause says why."""


class Missing(asked.RequestException):
    """A tape that is replayed has no answer to a request."""


_BY_STATUS: dict[int, type[BackendError]] = {
    HTTPStatus.UNAUTHORIZED: AuthError,
    HTTPStatus.FORBIDDEN: AuthError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.GONE: NotFoundError,
    HTTPStatus.METHOD_NOT_ALLOWED: UnsupportedError,
    HTTPStatus.NOT_ACCEPTABLE: UnsupportedError,
    HTTPStatus.REQUEST_TIMEOUT: BackendTimeoutError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ThrottledError,
    HTTPStatus.TOO_MANY_REQUESTS: ThrottledError,
    HTTPStatus.NOT_IMPLEMENTED: UnsupportedError,
    HTTPStatus.GATEWAY_TIMEOUT: BackendTimeoutError,
}

_LIMITED = (HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
"""Statuses that may mean a limit: Nova's 403, Neutron's 409, Cinder's and Glance's 413."""

_LIMITS = ("quota", "maximum number", "limitexceeded", "limit exceeded", "no more ip addresses")
"""Words of a refusal, in lower case, by which a limit is told from a rule."""

_LIMIT_KINDS = ("OverQuota", "IpAddressGenerationFailure", "ExternalIpAddressExhausted")
"""The same in the words of Neutron's `type`."""

_HINTS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "; its Keystone does not know the token any more",
    HTTPStatus.FORBIDDEN: "; the account's roles do not allow it",
}

_NATIVE: tuple[tuple[type[BaseException], type[BackendError], str], ...] = (
    (Nonsense, UnavailableError, "answered nonsense"),
    (Missing, UnavailableError, "is replayed from a tape that lacks this"),
    (Late, BackendTimeoutError, "did not finish its answer in time"),
    (Cut, UnavailableError, "cut the connection"),
    (http.NewConnectionError, UnavailableError, "cannot be reached"),
    (http.ConnectTimeoutError, BackendTimeoutError, "cannot be reached in time"),
    (http.TimeoutError, BackendTimeoutError, "did not answer in time"),
    (http.SSLError, UnavailableError, "has no trusted certificate (cacert names others)"),
    (asked.SSLError, UnavailableError, "has no trusted certificate (cacert names others)"),
    (http.ProxyError, UnavailableError, "cannot be reached through the proxy"),
    (asked.InvalidURL, InvalidRequestError, "has an address that is none"),
    (asked.MissingSchema, InvalidRequestError, "has an address that is none"),
    (asked.InvalidSchema, InvalidRequestError, "has an address that is none"),
    (asked.RequestException, UnavailableError, "cut the connection"),
    (http.HTTPError, UnavailableError, "cut the connection"),
    (OSError, UnavailableError, "cannot be asked"),
    (keystone.DiscoveryFailure, UnavailableError, "does not say which versions it speaks"),
    (keystone.ClientException, AuthError, "does not let us sign in"),
)

_USELESS = (http.SSLError, asked.SSLError, Missing)
_UNREACHED = (http.NewConnectionError, http.ConnectTimeoutError, Unsent)


def classify(refused: Refused) -> type[BackendError]:
    """Return the class of error that a refusal is."""
    words = refused.message.lower()
    ruled = refused.status == HTTPStatus.FORBIDDEN and "policy" in words
    limited = any(word in words for word in _LIMITS) and not ruled  # rules name quotas, too
    if refused.status in _LIMITED and (refused.kind in _LIMIT_KINDS or limited):
        return QuotaError
    if refused.status == HTTPStatus.NOT_FOUND and not (refused.kind or refused.request_id):
        return UnavailableError  # said by something before the service: nothing is known to be gone
    if refused.status in _BY_STATUS:
        return _BY_STATUS[refused.status]
    ours = HTTPStatus.BAD_REQUEST <= refused.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return InvalidRequestError if ours else UnavailableError


@contextmanager
def translated(cloud: str, action: str, *, who: str = "") -> Iterator[None]:
    """Raise what the libraries and the services raise within as errors of this package.

    `who` names the account, for a refusal to let it in; `action` what was asked for.
    """
    outer = sys.exception()  # what is being handled already led to nothing in here
    try:
        yield
    except Refused as error:
        raise _refusal(cloud, action, error) from _cause(error, who)
    except keystone.HttpError as error:
        refused = refusal_of(error.response, "identity", error.http_status, str(error.message))
        _silence(error)
        refused.__cause__ = error
        raise _refusal(cloud, action, refused, who=who) from _cause(refused, who)
    except keystone.InvalidResponse as error:
        refused = refusal_of(error.response, "identity", error.response.status_code)
        refused.__cause__ = error
        raise _refusal(cloud, action, refused, who=who) from _cause(refused, who)
    except (Nonsense, keystone.ClientException, http.HTTPError, OSError) as error:
        chain = list(_chain(error, outer))
        kind, text, inner = next(
            (k, t, e) for native, k, t in _NATIVE for e in chain if isinstance(e, native)
        )
        request_id = getattr(inner, "request_id", None)
        tail = f" [{request_id}]" if request_id else ""
        message = f"{cloud} {text} ({action}): {_reason(inner)}{tail}"
        raise kind(message, request_id=request_id) from _cause(inner, who)


def _silence(error: keystone.HttpError) -> None:
    """Take out of an error what its service repeated of our secrets: tracebacks show it."""
    sent = secrets_sent(getattr(error.response, "request", None))
    error.message = masked_text(str(error.message), sent)
    error.details = masked_text(str(error.details), sent) if error.details else None
    error.args = tuple(masked_text(str(word), sent) for word in error.args)


def _cause(error: BaseException, who: str) -> BaseException:
    """Return the cause to give: where it was about signing in, one that says so."""
    if not who:
        return error
    unsent = Unsent(f"signing in as {who}")
    unsent.__cause__ = error
    return unsent


def _refusal(cloud: str, action: str, error: Refused, *, who: str = "") -> BackendError:
    kind = classify(error)
    hint = _HINTS.get(error.status, "") if kind is AuthError else ""
    if who and error.status == HTTPStatus.UNAUTHORIZED:
        hint = f"; it does not accept {who}: check name, password or secret, and project"
    elif who and not kind.transient:  # nothing of what was asked for was even looked at
        kind, hint = AuthError, "; check auth_url and what it is to sign in"
    verb = "failed at" if kind in {UnavailableError, BackendTimeoutError} else "refused"
    text = f"{cloud}: {error.service} {verb} {action}: {error.message.rstrip('.')}{hint}"
    tail = f"HTTP {error.status}" + (f", {error.request_id}" if error.request_id else "")
    return kind(f"{text} ({tail})", retry_after=error.retry_after, request_id=error.request_id)


def _chain(error: BaseException, outer: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what led to it; keystoneauth1 and requests wrap without `from`.

    It ends at what was handled before: an earlier try says nothing about this one.
    """
    seen = {id(outer)}
    todo: list[Any] = [error]
    while todo:
        one = todo.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            todo += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]


def _reason(error: BaseException) -> str:
    """Return what an error says, on one line without the objects that urllib3 shows."""
    text = " ".join(str(error).split())
    return text.rpartition(">: ")[2].rpartition("object at 0x")[2][:300]


def refused_as(error: BackendError) -> Refused | None:
    """Return the refusal behind an error; None where there was none."""
    cause = error.__cause__
    return cause if isinstance(cause, Refused) else None


def never_sent(error: BackendError) -> bool:
    """Return whether the service surely has not acted: refused for its load, or not reached."""
    return isinstance(error, ThrottledError) or isinstance(error.__cause__, _UNREACHED)


def hopeless(error: BackendError) -> bool:
    """Return whether trying again is useless: refused for good, sent elsewhere, not trusted."""
    cause = error.__cause__
    if isinstance(cause, Unsent):
        cause = cause.__cause__
    if isinstance(cause, Refused) and cause.status < HTTPStatus.BAD_REQUEST:
        return True  # it sends us elsewhere, and will again
    return not error.transient or isinstance(cause, _USELESS)
