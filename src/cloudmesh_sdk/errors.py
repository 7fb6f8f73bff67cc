"""Everything this package raises on purpose.

CloudmeshError
├── ConfigError              the configuration is wrong: file, line, key, what was expected
├── PluginError              no such driver, or it does not import
├── PolicyError              not allowed: by which rule
├── StoreError               the store cannot be reached, or refused
├── BackendError             a service said no; its own error is `__cause__`
│   ├── AuthError            credentials were refused
│   ├── NotFoundError        there is no such thing there
│   ├── ConflictError        it is not in a state for that
│   ├── QuotaError           a limit of the account is reached
│   ├── InvalidRequestError  the request makes no sense to the service
│   ├── UnsupportedError     the service or its driver cannot do that
│   ├── UnavailableError     cannot be reached, or answers nonsense      (transient)
│   ├── BackendTimeoutError  no answer before the deadline               (transient)
│   └── ThrottledError       too many requests                           (transient)
└── PartialFailure           some services of a fan-out failed: `errors` says which
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar


class CloudmeshError(Exception):
    """Base of all errors of this package; its text is one line for the user."""


class ConfigError(CloudmeshError):
    """The configuration is wrong; the text names file, line and key."""


class PluginError(CloudmeshError):
    """A driver cannot be found or imported."""


class PolicyError(CloudmeshError):
    """A rule forbids it; the text names the rule."""


class StoreError(CloudmeshError):
    """The store cannot be reached, or it refused.

    `lasting` says that asking again does not help: it is the password, a certificate, the URI.
    """

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


class BackendError(CloudmeshError):
    """A cloud, queue or provisioner said no; its own error is `__cause__`.

    `transient` says whether the same call may succeed later. `retry_after` is the wait in
    seconds that the service asked for, `request_id` what its operators need to find the call.
    """

    transient: ClassVar[bool] = False

    def __init__(
        self, message: str, *, retry_after: float | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.request_id = request_id


class AuthError(BackendError):
    """Credentials were refused, or do not allow this."""


class NotFoundError(BackendError):
    """There is no such thing there."""


class ConflictError(BackendError):
    """The thing is not in a state for that, or its name is taken."""


class QuotaError(BackendError):
    """A limit of the account or the capacity of the service is reached."""


class InvalidRequestError(BackendError):
    """The request makes no sense to the service."""


class UnsupportedError(BackendError):
    """The service or its driver cannot do that."""


class UnavailableError(BackendError):
    """The service cannot be reached or answers nonsense; trying again may help."""

    transient = True


class BackendTimeoutError(BackendError):
    """No answer came before the deadline; what was asked may still happen."""

    transient = True


class ThrottledError(BackendError):
    """Too many requests; `retry_after` says when to come back, if the service did."""

    transient = True


class PartialFailure(CloudmeshError):  # noqa: N818 - the word of the design
    """Some services of a fan-out failed: `errors` maps their names to what they raised."""

    def __init__(self, errors: Mapping[str, CloudmeshError]) -> None:
        self.errors = dict(errors)
        super().__init__("; ".join(f"{name}: {error}" for name, error in errors.items()))


_SHOWN = 10
"""How many known names a message lists."""


def near(name: str, known: Iterable[str], *, what: str = "known") -> str:
    """Return a hint for a message about an unknown name: its near names, else what is known."""
    from difflib import get_close_matches

    candidates = sorted(set(known))
    if close := get_close_matches(name, candidates, n=3):
        return f"did you mean {', '.join(close)}?"
    if not candidates:
        return f"none is {what}"
    shown = ", ".join(candidates[:_SHOWN])
    left = len(candidates) - _SHOWN
    more = f" and {left} more" if left > 0 else ""
    return f"{what}: {shown}{more}"
