"""What MongoDB and its driver raise, in our words: the one place where they are translated."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bson.errors import BSONError
from pymongo.errors import (
    AutoReconnect,
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

_CLASSES: tuple[tuple[type[Exception], str], ...] = (
    (ServerSelectionTimeoutError, "does not answer; is it running?"),
    (AutoReconnect, "closed the connection; it stopped or was killed. Try again"),
    (DuplicateKeyError, "has that already"),
    (InvalidOperation, "cannot be asked: this connection was closed; try again"),
)
"""Error of the driver → what it means; the first that fits."""


@contextmanager
def translated(where: str, hint: Callable[[], str] = str) -> Iterator[None]:
    """Raise `StoreError` of one line for all that MongoDB or its driver raise; nothing else.

    `where` names the server without secrets; `hint` may know more of a lost connection.
    """
    try:
        yield
    except (InvalidURI, ConfigurationError):
        # its text may quote a piece of the password: not even as a cause
        raise StoreError(f"{where}: the URI is malformed (percent-encode the password)") from None
    except PyMongoError as error:
        more = hint() if isinstance(error, AutoReconnect) else ""
        raise StoreError(f"{where} {meaning(error)}{f': {more}' if more else ''}") from error
    except DocumentTooLarge as error:
        raise StoreError(f"{where} takes no record of more than 16 MB") from error
    except BSONError as error:
        line = str(error).split("\n", 1)[0][:200]
        raise StoreError(f"{where}: cannot store or read that: {line}") from error


def meaning(error: PyMongoError) -> str:
    """Return what an error of the driver means, as the end of a sentence."""
    if isinstance(error, OperationFailure) and error.code in _CODES:
        return _CODES[error.code]
    for kind, words in _CLASSES:
        if isinstance(error, kind):
            return words
    return "refused: " + str(error).split("\n", 1)[0].partition(", full error")[0][:200]
