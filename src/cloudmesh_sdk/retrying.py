"""Trying again: how often and how long one call may, and how long a service asks to wait."""

import email.utils
import random
import time
from collections.abc import Callable

from cloudmesh_sdk.errors import BackendError

_FIRST = 0.25
_LONGEST = 8.0


class Budget:
    """A number of further tries within a number of seconds, waits between them included.

    `hopeless` tells of an error whether another try is useless. `sleep` waits some seconds.
    """

    def __init__(
        self,
        *,
        seconds: float,
        retries: int,
        hopeless: Callable[[BackendError], bool],
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._sleep = sleep or time.sleep
        self._end = time.monotonic() + seconds
        self._retries = retries
        self._hopeless = hopeless
        self._spent = 0

    def left(self) -> float:
        """Return the seconds left; never quite zero, so that it serves as a timeout."""
        return max(0.001, self._end - time.monotonic())

    def pause(self, error: BackendError, *, least: float = 0.0) -> None:
        """Wait before another try, as long as the service asked or a random while.

        That are `least` seconds or more.

        Full jitter keeps many clients from coming back together
        (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
        Raises `error` where it is not transient or the budget is spent.
        """
        if self._hopeless(error) or self._spent >= self._retries:
            raise error
        longest = min(_LONGEST, _FIRST * 2**self._spent)
        wait = max(least, error.retry_after or 0.0, random.uniform(0, longest))  # noqa: S311
        if wait >= self._end - time.monotonic():
            raise error
        self._spent += 1
        self._sleep(wait)


def retry_after(value: str | None) -> float | None:
    """Return the seconds of a Retry-After header, which may be a number or a date."""
    if value is None:
        return None
    try:
        if value.strip().isdigit():
            return float(value)
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
