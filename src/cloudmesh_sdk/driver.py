"""What every driver is, of a cloud, a queue manager or a provisioner.

Rules for every driver:

- Lists follow paging to the end, ask the least number of requests, and count each in `calls`.
- `native` on records is plain data (dict, list, str, int, float, bool, None), complete, with
  secrets masked; an unknown state word becomes `UNKNOWN` and stays readable in `native`.
- Errors of the library are translated in one place into `cloudmesh_sdk.errors`, cause kept.
- Every call has a deadline in its socket (`timeout` of the settings, seconds).
- An object is used by `parallel` threads at a time at most; opening it (`__init__`) sends nothing.
"""

import abc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self

from cloudmesh_sdk.errors import CloudmeshError, UnavailableError
from cloudmesh_sdk.models import Health
from cloudmesh_sdk.wire import Watch


class Driver(abc.ABC):
    """One account at one service."""

    Settings: ClassVar[type]
    """Frozen attrs class with what the driver reads from the configuration."""

    settle: float = 0.0
    """Seconds after which a list surely shows what was accepted before.

    By then a request is done whose connection broke, or never will be: so it is more than nothing
    for a service that is reached over a network.
    """

    late: float = 0.0
    """Seconds in which what was asked for may still be done though the client is gone that asked.

    Commands have some: they go on by themselves. Of requests it is what `settle` leaves time for.
    """

    parallel: ClassVar[int] = 1
    """How many threads may use one object at once: what the driver stands, not its service.

    How much a service is to be asked for at once are its `limits` in the configuration.
    """

    watch: Watch | None = None
    """Hears each exchange with the service, secrets masked, where the driver can tell of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0
        """Requests sent so far."""

    @property
    @abc.abstractmethod
    def native(self) -> Any:
        """The service's own client, for what the mesh does not wrap."""

    @abc.abstractmethod
    def check(self) -> Health:
        """Return what the service says of us; raises `AuthError` or `UnavailableError`."""

    def close(self) -> None:  # noqa: B027 - most have nothing to give back
        """Give back connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def guarded(name: str) -> Iterator[None]:
    """Turn an exception of a driver that is none of ours into an `UnavailableError`, cause kept.

    A driver that trips over an answer must not end what the other services are doing, and leaves
    open whether what it asked for was done.
    """
    try:
        yield
    except CloudmeshError:
        raise
    except Exception as error:
        text = f"{name}: the driver failed: {type(error).__name__}: {error}"
        raise UnavailableError(text) from error
