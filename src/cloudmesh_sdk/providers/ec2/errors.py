"""What went wrong at EC2, as errors of this package.

Refusals are classified by their code, not by the HTTP status: EC2 sends lasting refusals as 500
and passing ones as 400. Codes: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import urllib3.exceptions as http
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

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
from cloudmesh_sdk.providers.ec2.answers import Nonsense


class Refused(Exception):  # noqa: N818 - says what happened
    """The service said no: `code` and `message` in its words, `status` of HTTP."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        # the old form of codes says whose fault it was: Client.AuthFailure
        self.code = code.removeprefix("Client.").removeprefix("Server.")
        self.message = message
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after


class Late(Exception):  # noqa: N818 - says what happened
    """The answer kept coming when the call's time was over."""


SKEW = 60.0
"""Seconds of clock difference worth telling; EC2 refuses requests from 300 on."""

_CODES: dict[type[BackendError], str] = {
    AuthError: "AccessDenied AccessDeniedException AuthFailure Blocked ExpiredToken "
    "ExpiredTokenException IncompleteSignature InvalidAccessKeyId InvalidClientTokenId "
    "InvalidSecurity MissingAuthenticationToken NotAuthorized OptInRequired PendingVerification "
    "RequestExpired SignatureDoesNotMatch UnauthorizedOperation UnrecognizedClientException",
    NotFoundError: "InvalidInstanceID.Malformed InvalidKeyPair.NotFound InvalidGroup.NotFound",
    ConflictError: "ConcurrentTagAccess CannotDelete DependencyViolation "
    "IdempotentParameterMismatch IncorrectInstanceState IncorrectState "
    "InvalidAMIID.Unavailable InvalidState OperationNotPermitted",
    QuotaError: "InsufficientAddressCapacity InsufficientCapacity InsufficientCapacityOnHost "
    "InsufficientFreeAddressesInSubnet InsufficientHostCapacity InsufficientInstanceCapacity "
    "InsufficientReservedInstanceCapacity InsufficientVolumeCapacity "
    "MaxSpotInstanceCountExceeded ResourceCountExceeded",
    ThrottledError: "BandwidthLimitExceeded EC2ThrottledException PriorRequestNotComplete "
    "RequestLimitExceeded RequestThrottled RequestThrottledException SlowDown Throttling "
    "ThrottlingException ThrottledException TooManyRequestsException",
    UnavailableError: "InternalError InternalFailure ServiceUnavailable Unavailable",
    UnsupportedError: "InvalidAction NotImplemented Unsupported "
    "UnsupportedInstanceAttribute UnsupportedOperation UnsupportedProtocol",
}
_BY_CODE = {code: kind for kind, codes in _CODES.items() for code in codes.split()}

_BY_END: tuple[tuple[str, type[BackendError]], ...] = (
    (".NotFound", NotFoundError),
    ("NotFoundException", NotFoundError),
    (".Duplicate", ConflictError),
    (".InUse", ConflictError),
    ("LimitExceeded", QuotaError),
    ("LimitExceededException", QuotaError),
)
"""Endings that say what a code means, for the hundreds of codes that name a kind of thing."""

_BY_STATUS: dict[int, type[BackendError]] = {
    HTTPStatus.UNAUTHORIZED: AuthError,
    HTTPStatus.FORBIDDEN: AuthError,
    HTTPStatus.TOO_MANY_REQUESTS: ThrottledError,
}

_HINTS = {
    "RequestExpired": "; check the clock of this machine",
    "ExpiredToken": "; log in again",
    "ExpiredTokenException": "; log in again",
    "AuthFailure": "; check the access key, the secret key and the clock of this machine",
    "SignatureDoesNotMatch": "; check the secret key",
    "InvalidClientTokenId": "; check the access key",
    "UnauthorizedOperation": "; the account needs a policy that allows it",
    "AccessDenied": "; the account needs a policy that allows it",
}

_NATIVE: tuple[tuple[type[Exception], type[BackendError], str], ...] = (
    (Nonsense, UnavailableError, "answered nonsense"),
    (Late, BackendTimeoutError, "did not finish its answer in time"),
    (http.NewConnectionError, UnavailableError, "cannot be reached"),
    (http.TimeoutError, BackendTimeoutError, "did not answer in time"),
    (http.SSLError, UnavailableError, "has no trusted certificate (ca_bundle names others)"),
    (http.ProxyError, UnavailableError, "cannot be reached through the proxy"),
    (http.HTTPError, UnavailableError, "cut the connection"),
    (HTTPClientError, UnavailableError, "cannot be asked: the source of credentials failed"),
    (BotoCoreError, AuthError, "cannot be asked without credentials"),
    (ClientError, AuthError, "cannot be asked: credentials were refused"),
)


def classify(code: str, status: int) -> type[BackendError]:
    """Return the class of error that a refusal with this code is."""
    if code in _BY_CODE:
        return _BY_CODE[code]
    for end, kind in _BY_END:
        if code.endswith(end):
            return kind
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnavailableError
    return _BY_STATUS.get(status, InvalidRequestError)


@contextmanager
def translated(cloud: str, action: str, *, skew: float | None = None) -> Iterator[None]:
    """Raise what the client libraries and the service raise within as errors of this package."""
    try:
        yield
    except Refused as error:
        raise _refusal(cloud, action, error, skew) from error
    except (Nonsense, Late, http.HTTPError, BotoCoreError, ClientError) as error:
        kind, text = next((k, t) for native, k, t in _NATIVE if isinstance(error, native))
        raise kind(f"{cloud} {text} ({action}): {_reason(error)}") from error


def _refusal(cloud: str, action: str, error: Refused, skew: float | None) -> BackendError:
    hint = _HINTS.get(error.code, "")
    if hint.endswith("clock of this machine") and skew is not None and abs(skew) > SKEW:
        hint += f": it is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    message = f"{cloud} refused {action}: {error.code}: {error.message.rstrip('.')}{hint}"
    return classify(error.code, error.status)(
        message, retry_after=error.retry_after, request_id=error.request_id
    )


def _reason(error: Exception) -> str:
    """Return the innermost cause on one line: outer texts show objects and addresses."""
    inner: BaseException = error
    while isinstance(error, http.HTTPError) and inner.__cause__ is not None:
        inner = inner.__cause__
    return " ".join(str(inner).split())[:200]


def code_of(error: BackendError) -> str:
    """Return the code with which the service refused; empty where it did not refuse."""
    cause = error.__cause__
    return cause.code if isinstance(cause, Refused) else ""


def never_sent(error: BackendError) -> bool:
    """Return whether the service surely has not acted: refused for its load, or not reached."""
    if isinstance(error, ThrottledError):
        return True
    return isinstance(error.__cause__, (http.NewConnectionError, http.ConnectTimeoutError))


def hopeless(error: BackendError) -> bool:
    """Return whether trying again is useless: refused for good, or not to be trusted."""
    return not error.transient or isinstance(error.__cause__, http.SSLError)
