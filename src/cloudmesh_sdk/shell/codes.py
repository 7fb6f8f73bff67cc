"""Exit codes of `cm`: the one table, which docs/shell.md repeats for people."""

from collections.abc import Mapping
from typing import Any

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    CloudmeshError,
    ConfigError,
    NotFoundError,
    PartialFailure,
    PluginError,
    PolicyError,
    StoreError,
)
from cloudmesh_sdk.fanout import Gathered

OK, ERROR, USAGE, CONFIG, NOT_FOUND, AUTH, PARTIAL, TRANSIENT, STORE = range(9)
BUG, INTERRUPTED, PIPE = 70, 130, 141

MEANING: Mapping[int, str] = {
    OK: "done",
    ERROR: "an error that has no code of its own",
    USAGE: "the command line makes no sense",
    CONFIG: "the configuration is wrong, or a plug-in is missing",
    NOT_FOUND: "there is no such server, image, key …",
    AUTH: "credentials were refused, or a rule forbids it",
    PARTIAL: "some clouds or servers failed; the output has the others",
    TRANSIENT: "a cloud is not available now; the same command may succeed later",
    STORE: "the store cannot be reached, or refused",
    BUG: "an error of cm itself",
    INTERRUPTED: "Ctrl-C",
    PIPE: "the reader of the output went away",
}
"""What each code means."""

_CODES: tuple[tuple[type[CloudmeshError], int], ...] = (
    (ConfigError, CONFIG),
    (PluginError, CONFIG),
    (PolicyError, AUTH),
    (StoreError, STORE),
    (PartialFailure, PARTIAL),
    (AuthError, AUTH),
    (NotFoundError, NOT_FOUND),
)


def code_of(error: CloudmeshError) -> int:
    """Return the exit code of an error."""
    if isinstance(error, BackendError) and error.transient:
        return TRANSIENT
    return next((code for kind, code in _CODES if isinstance(error, kind)), ERROR)


def outcome(gathered: Gathered[Any]) -> int:
    """Return the exit code of what was asked for just now: that of the only one asked, if failed.

    Of several, one that failed makes it `PARTIAL`.
    """
    errors = list(gathered.errors.values())
    if not errors:
        return OK
    return code_of(errors[0]) if len(gathered.sources) == 1 else PARTIAL


def of_view(gathered: Gathered[Any], *, strict: bool) -> int:
    """Return the exit code of a list from the store.

    A cloud that fails now but answered before is not an error (its rows are there, and marked),
    unless `strict`; one that never answered is.
    """
    failed = [s for s in gathered.sources.values() if s.error is not None]
    if strict or any(source.seen is None for source in failed):
        return outcome(gathered)
    return OK
