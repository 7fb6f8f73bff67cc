"""Talking to Moon: one connection, a deadline, and Moon's errors as cloudmesh's."""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

from cloudmesh_sdk import errors

_CODES: Mapping[int, type[errors.BackendError]] = {
    400: errors.InvalidRequestError,
    401: errors.AuthError,
    403: errors.AuthError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    429: errors.ThrottledError,
}
"""HTTP status → cloudmesh's error; what is not here is `UnavailableError`."""


class MoonError(Exception):
    """Moon said no: the cause of the error that cloudmesh sees."""

    def __init__(self, status: int, text: str, retry_after: float | None) -> None:
        super().__init__(f"{status} {text}")
        self.status = status
        self.text = text
        self.retry_after = retry_after


class MoonClient:
    """A connection to one Moon service; it is opened when first used."""

    def __init__(
        self, name: str, url: str, key: str, timeout: float, count: Callable[[], None]
    ) -> None:
        self._name = name
        self._key = key
        self._timeout = timeout
        self._count = count
        parts = urlsplit(url)
        kind = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        if parts.scheme not in kind or not parts.hostname:
            raise errors.ConfigError(f"{name}: url: {url!r} is no http(s) address")
        self._connection = kind[parts.scheme](parts.hostname, parts.port, timeout=timeout)

    def ask(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: object = None
    ) -> Any:
        """Send one request and return the answer as plain data; raises `BackendError`s."""
        with self._translated():
            return self._ask(method, path, query or {}, body)

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        self._connection.close()

    def _ask(self, method: str, path: str, query: Mapping[str, str], body: object) -> Any:
        self._count()
        headers = {"X-Moon-Key": self._key, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body)
        self._connection.request(method, f"{path}?{urlencode(query)}", data, headers)
        answer = self._connection.getresponse()
        found = json.loads(answer.read() or b"{}")
        if not isinstance(found, dict):
            raise ValueError(f"an object was expected, not {type(found).__name__}")  # noqa: TRY004
        if answer.status >= 400:
            wait = answer.headers.get("Retry-After")
            text = str(found.get("error", "no reason given"))
            raise MoonError(answer.status, text, float(wait) if wait else None)
        return found

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except MoonError as error:
            kind = _CODES.get(error.status, errors.UnavailableError)
            text = f"{self._name}: {error.text}"
            raise kind(text, retry_after=error.retry_after) from error
        except TimeoutError as error:
            self.close()
            text = f"{self._name} did not answer within {self._timeout:g} s"
            raise errors.BackendTimeoutError(text) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            kind_of = type(error).__name__
            text = f"{self._name} cannot be reached: {error} ({kind_of})"
            raise errors.UnavailableError(text) from error
        except (ValueError, LookupError) as error:
            self.close()
            raise errors.UnavailableError(f"{self._name} answers nonsense: {error}") from error
