"""Exchanges with slurmrestd: counted, told of, tried again where that harms nothing."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import attrs
import orjson
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
    TimeoutError as Urllib3TimeoutError,
)

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    BackendTimeoutError,
    ConfigError,
    InvalidRequestError,
    UnavailableError,
)
from cloudmesh_sdk.queues.slurm import rest_errors, rest_sockets, rest_tokens
from cloudmesh_sdk.queues.slurm.rest_collecting import no_collecting
from cloudmesh_sdk.queues.slurm.rest_telling import exchange
from cloudmesh_sdk.queues.slurm.settings import SlurmSettings
from cloudmesh_sdk.retrying import Budget, retry_after
from cloudmesh_sdk.wire import Watch

_log = logging.getLogger(__name__)

_RETRIES = 2
_MUCH = 1_000_000
"""Bytes of a large answer."""
_LONG = 4.0
"""Seconds after which a failure without a reason is none of the token: that is seen at once."""
NOT_MODIFIED = HTTPStatus.NOT_MODIFIED.value


@attrs.frozen(kw_only=True)
class Answer:
    """What slurmrestd answered: plain data, None where its body is none."""

    status: int
    data: Any = attrs.field(repr=False)
    text: str = attrs.field(default="", repr=False)
    """The beginning of a body that is no JSON."""
    asked: float
    """When the question went out, of `time.monotonic`."""
    answered: float
    """When the whole answer was read."""


class Client:
    """One account at one slurmrestd. `told` hears of each request just before it goes out.

    `watch` gives whoever is to be told of the exchanges.
    """

    def __init__(
        self,
        name: str,
        settings: SlurmSettings,
        user: str,
        told: Callable[[], None],
        watch: Callable[[], Watch | None],
    ) -> None:
        self.name = name
        self.user = user
        self._settings = settings
        self._told = told
        self._watch = watch
        self.pool, self._before = rest_sockets.opened(settings)

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        again: bool = True,
        fine: Callable[[Answer], bool] = lambda answer: False,  # noqa: ARG005
    ) -> Answer:
        """Return an answer without errors; raises what they mean, and for none at all.

        `again` says that the request may be repeated where it is open whether it was done. `fine`
        tells of an answer with errors that it is one nevertheless.
        """
        budget = Budget(seconds=self._settings.timeout, retries=_RETRIES, hopeless=_hopeless)
        target = f"{self._before}{path}{'?' + urlencode(query) if query else ''}"
        while True:
            try:
                return self._once(method, target, body, budget.left(), fine)
            except BackendError as error:
                if not again:
                    raise
                budget.pause(error)

    def _once(
        self, method: str, target: str, body: Any, seconds: float, fine: Callable[[Answer], bool]
    ) -> Answer:
        self._check_token()
        what = f"{method} {target.partition('?')[0]}"
        response, answer = self._exchanged(method, target, body, seconds)
        error = rest_errors.fault(self.name, what, answer.status, answer.data, answer.text)
        for warning in rest_errors.entries_of(answer.data, "warnings"):
            said = rest_errors.said(warning)
            _log.log(_level(said), "%s: %s: slurmrestd warns: %s", self.name, what, said)
        if fine(answer):
            return answer
        if error is None and not isinstance(answer.data, dict):
            raise UnavailableError(f"{self.name}: {what}: slurmrestd answered no JSON of its own")
        if error is not None:
            error.retry_after = retry_after(response.headers.get("Retry-After"))
            raise self._explained(error, answer)
        return answer

    def _exchanged(
        self, method: str, target: str, body: Any, seconds: float
    ) -> tuple[urllib3.BaseHTTPResponse, Answer]:
        sent = None if body is None else _encoded(self.name, body)
        headers = self._headers() | ({"Content-Type": "application/json"} if sent else {})
        begun, at = time.monotonic(), datetime.now(UTC)
        self._told()
        response, read, failed = None, b"", ""
        try:
            with _translated(self.name, f"{method} {target.partition('?')[0]}", seconds):
                response = self.pool.urlopen(
                    method, target, body=sent, headers=headers, retries=False, redirect=False,
                    timeout=urllib3.Timeout(total=seconds), preload_content=False,
                )  # fmt: skip
                read = rest_sockets.whole(self.pool, response, begun + seconds)
        except BackendError as error:
            failed = str(error)
            raise
        finally:
            if response is not None:
                response.release_conn() if not failed else response.close()
            if (watch := self._watch()) is not None:
                watch(
                    exchange(
                        self.name,
                        url=self._where(target),
                        method=method,
                        headers=headers,
                        body=body,
                        response=response,
                        read=read,
                        error=failed,
                        at=at,
                        elapsed=time.monotonic() - begun,
                        token=self._settings.token,
                    )
                )
        with no_collecting(much=len(read) > _MUCH):
            data, text = _decoded(read)
        return response, Answer(
            status=response.status, data=data, text=text, asked=begun, answered=time.monotonic()
        )

    def _headers(self) -> dict[str, str]:
        token = self._settings.token
        # 22.05 wants the name, too
        return {} if token is None else {
            "X-SLURM-USER-NAME": self.user, "X-SLURM-USER-TOKEN": token
        }  # fmt: skip

    def _where(self, target: str) -> str:
        place = self._settings.url or f"unix://{self._settings.socket}:"
        return place.rstrip("/").removesuffix(self._before) + target

    def _check_token(self) -> None:
        """Raise `AuthError` where the token ran out, without asking anybody."""
        now = datetime.now(UTC)
        if (until := rest_tokens.over(self._settings.token, now)) is not None:
            raise AuthError(
                f"{self.name}: the token ran out at {until:%Y-%m-%d %H:%M:%S} UTC by this "
                "machine's clock; `scontrol token` at the site makes another"
            )

    def _explained(self, error: BackendError, answer: Answer) -> BackendError:
        """Return an error with what the user can do about it: slurmrestd says next to nothing."""
        if rest_errors.has_lost(answer.data):
            return type(error)(f"{error} (22.05 says so of a token that it does not like, too)")
        if not rest_errors.refuses_token(answer.status, answer.data):
            return error
        waited = answer.answered - answer.asked
        silent = rest_errors.is_silent(answer.status, rest_errors.entries_of(answer.data))
        if silent and waited > _LONG:
            return UnavailableError(
                f"{error}: most likely Slurm's controller is down, for slurmrestd tried for "
                f"{waited:.0f} s"
            )
        token = self._settings.token
        whose = rest_tokens.user(token)
        if token is None:
            hint = "no token is set: `scontrol token` makes one"
        elif whose is not None and whose != self.user:
            hint = f"the token is {whose}'s, and slurm_user is {self.user}"
        else:
            hint = (
                f"slurmrestd does not take the token of {self.user}; `scontrol token` at the site "
                "makes another"
            )
        return AuthError(f"{error}: {hint}")

    def close(self) -> None:
        self.pool.close()


def _hopeless(error: BackendError) -> bool:
    """Tell whether another try is useless: a controller that is away is not to be hammered."""
    lost = isinstance(error.__cause__, HTTPError) and not isinstance(error, BackendTimeoutError)
    return not error.transient or not (lost or error.retry_after is not None)


@contextmanager
def _translated(name: str, what: str, seconds: float) -> Iterator[None]:
    """Turn urllib3's errors into ours, cause kept."""
    try:
        yield
    except (ConnectTimeoutError, NewConnectionError) as error:
        raise UnavailableError(f"{name}: slurmrestd cannot be reached: {_line(error)}") from error
    except (ReadTimeoutError, Urllib3TimeoutError) as error:
        raise BackendTimeoutError(f"{name}: {what}: no answer in {seconds:.3g} s") from error
    except SSLError as error:
        raise UnavailableError(f"{name}: slurmrestd's certificate: {_line(error)}") from error
    except HTTPError as error:
        raise UnavailableError(f"{name}: {what}: the answer was cut: {_line(error)}") from error
    except (UnicodeError, ValueError) as error:
        raise ConfigError(f"{name}: slurmrestd cannot be asked so: {_line(error)}") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _encoded(name: str, body: Any) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:  # such as bytes of a command line that are no UTF-8
        text = f"{name}: slurmrestd takes texts in UTF-8 alone: {_line(error)}"
        raise InvalidRequestError(text) from error


def _decoded(read: bytes) -> tuple[Any, str]:
    """Return the data of a body, else how it begins.

    Names of jobs go into it as they are, also where their bytes are no UTF-8.
    """
    if not read:
        return None, ""
    try:
        return orjson.loads(read), ""
    except orjson.JSONDecodeError:
        text = read.decode(errors="replace")
    try:
        return orjson.loads(text), ""
    except orjson.JSONDecodeError:
        return None, text[:500]


def _level(said: str) -> int:
    """Return how loud a warning is told: that nothing changed is none."""
    return logging.DEBUG if rest_errors.UNCHANGED in said else logging.WARNING
