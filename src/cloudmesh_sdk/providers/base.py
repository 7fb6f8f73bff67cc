"""The interface every cloud driver fills in, and the abilities it may have beside it.

Rules for every driver:

- Lists follow paging to the end, ask the least number of requests, and count each in `calls`.
- `native` on records is plain data (dict, list, str, int, float, bool, None), complete, with
  secrets masked; an unknown state word becomes `UNKNOWN` and stays readable in `native`.
- Errors of the library are translated in one place into `cloudmesh_sdk.errors`, cause kept.
- Every call has a deadline in its socket (`timeout` of the settings, seconds).
- An object is used by `parallel` threads at a time at most; opening it (`__init__`) sends nothing.
"""

import abc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self

from cloudmesh_sdk.errors import CloudmeshError, NotFoundError, UnavailableError
from cloudmesh_sdk.models import (
    Flavor,
    Health,
    Image,
    Keypair,
    Quota,
    Rule,
    SecurityGroup,
    Server,
    ServerRequest,
)


class Cloud(abc.ABC):
    """One account at one IaaS endpoint."""

    Settings: ClassVar[type]
    """Frozen attrs class with what the driver reads from the configuration."""

    settle: float = 0.0
    """Seconds after which a list surely shows a server whose start was accepted."""

    parallel: ClassVar[int] = 1
    """How many threads may use one object at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0
        """Requests sent so far."""

    @property
    @abc.abstractmethod
    def native(self) -> Any:
        """The service's own client, for what the mesh does not wrap."""

    def check(self) -> Health:
        """Return what the service says of us; raises `AuthError` or `UnavailableError`."""
        for _ in self.servers():
            break
        return Health(service=self.name)

    @abc.abstractmethod
    def servers(self) -> Iterable[Server]:
        """Yield all servers of this account."""

    @abc.abstractmethod
    def images(self) -> Iterable[Image]:
        """Yield the images that a server can be started from."""

    @abc.abstractmethod
    def flavors(self) -> Iterable[Flavor]:
        """Yield the flavors that a server can have."""

    def server(self, id: str) -> Server:  # noqa: A002
        """Return one server as it is now; raises `NotFoundError`."""
        for server in self.servers():
            if server.id == id:
                return server
        raise NotFoundError(f"{self.name} has no server with id {id}")

    def find(self, token: str) -> Server | None:
        """Return the server that a start with this token made, None where there is none."""
        return next((server for server in self.servers() if server.token == token), None)

    @abc.abstractmethod
    def start(self, request: ServerRequest) -> Server:
        """Start a server without waiting until it runs.

        Idempotent by `request.token`: the same token never makes a second server.
        """

    @abc.abstractmethod
    def delete(self, server: Server) -> None:
        """Delete a server; one that is gone already is no error."""

    @abc.abstractmethod
    def stop(self, server: Server) -> None:
        """Shut a server down, keeping its disk."""

    @abc.abstractmethod
    def resume(self, server: Server) -> None:
        """Start a stopped (or suspended) server again."""

    @abc.abstractmethod
    def reboot(self, server: Server) -> None:
        """Restart a running server."""

    def close(self) -> None:  # noqa: B027 - most have nothing to give back
        """Give back connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def guarded(name: str) -> Iterator[None]:
    """Turn an exception of a driver that is none of ours into an `UnavailableError`, cause kept.

    A driver that trips over an answer must not end what the other clouds are doing, and leaves
    open whether what it asked for was done.
    """
    try:
        yield
    except CloudmeshError:
        raise
    except Exception as error:
        text = f"{name}: the driver failed: {type(error).__name__}: {error}"
        raise UnavailableError(text) from error


class HasKeypairs(abc.ABC):
    """A cloud that keeps public SSH keys and puts them on servers."""

    @abc.abstractmethod
    def keypairs(self) -> Iterable[Keypair]:
        """Yield the keypairs of this account."""

    @abc.abstractmethod
    def upload_key(self, name: str, public_key: str) -> Keypair:
        """Store a public key (OpenSSH form) under a name; the same key again is no error.

        Raises `ConflictError` where another key has the name.
        """

    @abc.abstractmethod
    def delete_key(self, name: str) -> None:
        """Forget a keypair; one that is gone already is no error."""


class HasSecurityGroups(abc.ABC):
    """A cloud with named sets of firewall rules."""

    @abc.abstractmethod
    def security_groups(self) -> Iterable[SecurityGroup]:
        """Yield the security groups of this account."""

    @abc.abstractmethod
    def create_security_group(self, name: str, description: str) -> SecurityGroup:
        """Create a group that lets nothing in."""

    @abc.abstractmethod
    def delete_security_group(self, group: SecurityGroup) -> None:
        """Delete a group; one that is gone already is no error."""

    @abc.abstractmethod
    def allow(self, group: SecurityGroup, rule: Rule) -> None:
        """Add a rule; one that is there already is no error."""

    @abc.abstractmethod
    def revoke(self, group: SecurityGroup, rule: Rule) -> None:
        """Take a rule away; one that is gone already is no error."""


class HasConsole(abc.ABC):
    """A cloud that keeps what a server printed while booting."""

    @abc.abstractmethod
    def console(self, server: Server) -> str:
        """Return the console output so far; empty where there is none yet."""


class HasQuotas(abc.ABC):
    """A cloud that tells the limits of the account."""

    @abc.abstractmethod
    def quotas(self) -> Iterable[Quota]:
        """Yield limits and what of them is used."""


class HasSuspend(abc.ABC):
    """A cloud that can put a server's memory to disk; `resume` brings it back."""

    @abc.abstractmethod
    def suspend(self, server: Server) -> None:
        """Suspend a running server."""
