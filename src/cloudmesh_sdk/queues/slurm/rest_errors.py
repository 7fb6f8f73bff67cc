"""What slurmrestd says when it fails, as our errors. Sources: slurm_errno.h, captured answers.

Its error entries have a text in `error` or `description` and a number in `error_number`,
`error_code` or `errno`; 22.05 uses all of these. Numbers are Slurm's own.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    ThrottledError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.queues.slurm import refusals

_NUMBERS = ("error_number", "error_code", "errno", "code")
_TEXTS = ("error", "description", "string", "message")

BY_NUMBER: Mapping[int, type[BackendError]] = {
    1: AuthError,  # EPERM: 25.11, another user's job
    11: QuotaError,  # EAGAIN: as many jobs as it takes (MaxJobCount)
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
_OF_TOKEN = frozenset({401, 511})
_SILENT = -1
"""SLURM_ERROR: 22.05 says no more than that where it cannot ask the controller."""
_HUNG_UP = 5005
"""SLURM_PROTOCOL_SOCKET_ZERO_BYTES_SENT."""
GONE = frozenset({2017, 2021, 2084})
"""No such job; already completing or completed; already finished."""
_REFUSALS = ((2000, 2999), (9000, 9999))
"""Numbers of what the controller (ESLURM_...) and slurmrestd refuse; below are troubles on the way
to the controller."""
_WELL = re.compile(r"job array update from \S+ failed")
"""What 22.05 says, with neither a number nor an error, of an update of an array that went well."""
UNCHANGED = "No job changes since"
"""What newer versions warn of where nothing changed."""
_SHOWN = 200


def fault(name: str, what: str, status: int, data: Any, text: str) -> BackendError | None:
    """Return the error in an answer, None where it has none; `what` was asked.

    An answer of 200 with entries in `errors` is one.
    """
    entries = entries_of(data)
    if status < 400 and not entries:  # noqa: PLR2004 - client and server errors begin there
        return None
    words = "; ".join(dict.fromkeys(filter(None, map(said, entries)))) or _line(text)
    kind = _kind(status, entries, words)
    return kind(f"{name}: {what}: {words or f'HTTP {status} and nothing more'}")


def entries_of(data: Any, field: str = "errors") -> Sequence[Mapping[str, Any]]:
    """Return the errors in an answer."""
    found = data.get(field) if isinstance(data, dict) else None
    listed = found if isinstance(found, list) else []
    return [entry for entry in listed if isinstance(entry, dict) and not _is_well(entry)]


def is_gone(data: Any) -> bool:
    """Tell whether all that went wrong is that a job is over or unknown.

    Newer versions answer a DELETE with 200 and say so in `status`.
    """
    statuses = [entry.get("error") or {} for entry in entries_of(data, "status")]
    entries = [*entries_of(data), *(each for each in statuses if isinstance(each, dict))]
    return bool(entries) and all(number(entry) in GONE for entry in entries)


def says_unchanged(data: Any) -> bool:
    """Tell whether an answer without jobs says that nothing changed."""
    warned = any(UNCHANGED in said(entry) for entry in entries_of(data, "warnings"))
    return warned and not data.get("jobs")


def refuses_token(status: int, data: Any) -> bool:
    """Tell whether an answer says that who we are is not believed."""
    return status in _OF_TOKEN or is_silent(status, entries_of(data))


def is_silent(status: int, entries: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether 22.05 failed and gave no reason.

    At once: the controller did not like the token. After nine seconds: there is no controller.
    """
    numbers = {number(entry) for entry in entries}
    return status == 500 and numbers == {_SILENT}  # noqa: PLR2004


def has_lost(data: Any) -> bool:
    """Tell whether the controller hung up on slurmrestd: 22.05 says so of a bad token, too."""
    return any(number(entry) == _HUNG_UP for entry in entries_of(data))


def _is_well(entry: Mapping[str, Any]) -> bool:
    well = _WELL.fullmatch(str(entry.get("description", "")))
    return well is not None and not number(entry) and "error" not in entry


def _kind(status: int, entries: Sequence[Mapping[str, Any]], words: str) -> type[BackendError]:
    numbers = [number(entry) for entry in entries]
    if is_silent(status, entries):
        return AuthError
    if known := [BY_NUMBER[n] for n in numbers if n in BY_NUMBER]:
        return known[0]
    if (found := refusals.kind(words) or _BY_STATUS.get(status)) is not None:
        return found
    refused = any(low <= n <= high for n in numbers for low, high in _REFUSALS)
    return InvalidRequestError if refused else UnavailableError


def number(entry: Mapping[str, Any]) -> int:
    """Return the number of an entry, 0 where it has none."""
    value = next((entry[name] for name in _NUMBERS if name in entry), None)
    return value if isinstance(value, int) else 0


def said(entry: Mapping[str, Any]) -> str:
    """Return what an entry says, as one line: what it was about, and its error."""
    texts = [_line(str(entry[name])) for name in _TEXTS if entry.get(name)]
    return ": ".join(dict.fromkeys(reversed(texts)))


def _line(text: str) -> str:
    return " ".join(text.split())[:_SHOWN]
