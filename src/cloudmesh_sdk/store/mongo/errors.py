"""What MongoDB and its driver raise, in our words: the one place where they are translated."""

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bson.errors import BSONError
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    DocumentTooLarge,
    DuplicateKeyError,
    InvalidOperation,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from cloudmesh_sdk.errors import StoreError

_CODES = {
    11: "refused the user name or password",
    13: "does not allow that to this user",
    18: "refused the user name or password",
    8000: "refused the user name or password",
    14031: "has no space left on its disk",
    112: "was asked for the same by too many at once; try again",
}
"""Error code of the server → what it means."""

_STRANGER = (11, 18, 8000)
"""Codes for a user that the server does not know, or not by that password."""

_CLASSES: tuple[tuple[type[Exception], str], ...] = (
    (ServerSelectionTimeoutError, "does not answer; is it running?"),
    (AutoReconnect, "closed the connection; it stopped or was killed. Try again"),
    (DuplicateKeyError, "has that already"),
    (InvalidOperation, "cannot be asked: this connection was closed; try again"),
)
"""Error of the driver → what it means; the first that fits."""

_UNTRUSTED = "certificate verify failed"
"""What OpenSSL says of a certificate that is not trusted."""

_UNMET = (
    (
        re.compile(_UNTRUSTED + r": ([^(\n]*[^(\n .])"),
        r"shows a certificate that is not trusted: \1",
    ),
    (re.compile(r"\[SSL: (\w+)\]"), r"does not agree with us on TLS: \1"),
    (
        re.compile(r": connection closed \("),
        "closes every connection; does it want tls=true, or another tlsCertificateKeyFile?",
    ),
)
"""What the driver says of a server that it could not talk to → what it means.

It has no other way to tell: its error is the same for a server that is down.
"""


@contextmanager
def translated(where: str, hint: Callable[[], str] = str) -> Iterator[None]:
    """Raise `StoreError` of one line for all that MongoDB or its driver raise; nothing else.

    `where` names the server without secrets; `hint` may know more of a lost connection.
    """
    try:
        yield
    except (InvalidURI, ConfigurationError) as error:
        # its text may quote a piece of the password: not even as a cause
        raise StoreError(f"{where}: {_malformed(error)}", lasting=True) from None
    except PyMongoError as error:
        more = hint() if isinstance(error, AutoReconnect) else ""
        text = f"{where} {meaning(error)}{f': {more}' if more else ''}"
        raise StoreError(text, lasting=lasts(error)) from error
    except DocumentTooLarge as error:
        raise StoreError(f"{where} takes no record of more than 16 MB") from error
    except BSONError as error:
        line = str(error).split("\n", 1)[0][:200]
        raise StoreError(f"{where}: cannot store or read that: {line}") from error


@contextmanager
def opening(where: str) -> Iterator[None]:
    """Raise `StoreError` for a file that a URI names (`tlsCAFile`) and that cannot be used."""
    try:
        yield
    except OSError as error:  # those of OpenSSL are, too
        why = "it is no PEM file" if isinstance(error, ssl.SSLError) else error.strerror
        text = f"{where}: a file that the URI names cannot be used: {why}"
        raise StoreError(text, lasting=True) from error


def lasts(error: PyMongoError) -> bool:
    """Tell whether a server refuses who we are, or we do not trust who it is."""
    if isinstance(error, OperationFailure):
        return error.code in _STRANGER
    return isinstance(error, ServerSelectionTimeoutError) and _UNTRUSTED in str(error)


def refused(error: Exception) -> bool:
    """Tell whether some of what was written together was refused, and the rest may be written."""
    return isinstance(error, StoreError) and isinstance(error.__cause__, BulkWriteError)


def _malformed(error: Exception) -> str:
    if str(error).startswith("Private key doesn't match certificate"):
        return "a certificate that the URI names cannot be used, or its key is another one's"
    return "the URI is malformed (percent-encode the password)"


def meaning(error: PyMongoError) -> str:
    """Return what an error of the driver means, as the end of a sentence."""
    if isinstance(error, OperationFailure) and error.code in _CODES:
        return _CODES[error.code]
    if isinstance(error, ServerSelectionTimeoutError):
        for pattern, template in _UNMET:
            if found := pattern.search(str(error)):
                return found.expand(template)
    for kind, words in _CLASSES:
        if isinstance(error, kind):
            return words
    return "refused: " + str(error).split("\n", 1)[0].partition(", full error")[0][:200]
