"""What slurmrestd says when it fails, as our errors. Sources: slurm_errno.h, captured answers.

Its error entries have a text in `error` or `description` and a number in `error_number`,
`error_code` or `errno`; 22.05 uses all of these. Numbers are Slurm's own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    InvalidRequestError,
    NotFoundError,
    ThrottledError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.queues.slurm import refusals

_NUMBERS = ("error_number", "error_code", "errno", "code")
_TEXTS = ("error", "description", "string", "message")

BY_NUMBER: Mapping[int, type[BackendError]] = {
    1: AuthError,  # EPERM: 25.11, another user's job
    1007: AuthError,  # SLURM_PROTOCOL_AUTHENTICATION_ERROR
    2002: AuthError,  # ESLURM_USER_ID_MISSING .. ESLURM_ACCESS_DENIED
    2017: NotFoundError,  # ESLURM_INVALID_JOB_ID
    9002: NotFoundError,  # 22.05: no entry of that id
}
_BY_STATUS: Mapping[int, type[BackendError]] = {
    400: InvalidRequestError,
    401: AuthError,
    403: AuthError,
    404: UnsupportedError,  # a path that it does not have
    405: UnsupportedError,
    422: InvalidRequestError,
    429: ThrottledError,
    511: AuthError,
}
_SILENT = -1
"""SLURM_ERROR: 22.05 says no more than that of a token that it does not like."""
GONE = frozenset({2017, 2021})
"""No such job; already completing or completed."""
_SHOWN = 200


def fault(name: str, what: str, status: int, data: Any, text: str) -> BackendError | None:
    """Return the error in an answer, None where it has none; `what` was asked.

    An answer of 200 with entries in `errors` is one.
    """
    entries = entries_of(data)
    if status < 400 and not entries:  # noqa: PLR2004 - client and server errors begin there
        return None
    said = "; ".join(dict.fromkeys(filter(None, map(_said, entries)))) or _line(text)
    kind = _kind(status, entries, said)
    return kind(f"{name}: {what}: {said or f'HTTP {status} and nothing more'}")


def entries_of(data: Any, field: str = "errors") -> Sequence[Mapping[str, Any]]:
    """Return the errors in an answer."""
    found = data.get(field) if isinstance(data, dict) else None
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def is_gone(data: Any) -> bool:
    """Tell whether all that went wrong is that a job is over or unknown.

    Newer versions answer a DELETE with 200 and say so in `status`.
    """
    statuses = [entry.get("error") or {} for entry in entries_of(data, "status")]
    entries = [*entries_of(data), *(each for each in statuses if isinstance(each, dict))]
    return bool(entries) and all(_number(entry) in GONE for entry in entries)


def _kind(status: int, entries: Sequence[Mapping[str, Any]], said: str) -> type[BackendError]:
    numbers = [_number(entry) for entry in entries]
    if status == 500 and numbers and set(numbers) == {_SILENT}:  # noqa: PLR2004
        return AuthError
    if known := [BY_NUMBER[n] for n in numbers if n in BY_NUMBER]:
        return known[0]
    return refusals.kind(said) or _BY_STATUS.get(status, UnavailableError)


def _number(entry: Mapping[str, Any]) -> int:
    value = next((entry[name] for name in _NUMBERS if name in entry), None)
    return value if isinstance(value, int) else 0


def _said(entry: Mapping[str, Any]) -> str:
    """Return what an entry says: its error, and what it was about where that says more."""
    texts = [_line(str(entry[name])) for name in _TEXTS if entry.get(name)]
    return ": ".join(dict.fromkeys(reversed(texts)))


def _line(text: str) -> str:
    return " ".join(text.split())[:_SHOWN]
