"""Running a scheduler's commands: where they run is the transport's business alone."""

import abc
import contextlib
import errno
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, Protocol

import attrs

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    BackendTimeoutError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)


@attrs.frozen(kw_only=True)
class Done:
    """A command that ended: what it said is bytes, for names of jobs need not be text."""

    argv: tuple[str, ...]
    status: int
    """Exit status; -N where signal N ended it."""
    out: bytes = attrs.field(repr=False)
    err: bytes = attrs.field(repr=False)

    @property
    def text(self) -> str:
        """Standard output as text; what is none is replaced."""
        return self.out.decode(errors="replace")

    @property
    def why(self) -> str:
        """Standard error as one line."""
        return " ".join(self.err.decode(errors="replace").split())


_READ = """
if [ -e "$1" ] && ! [ -f "$1" ]; then echo 'no regular file' >&2; exit 1; fi
case $2 in all) exec cat -- "$1";; *) exec tail -c "$2" -- "$1";; esac
"""
"""Neither a pipe nor a device is read: it may have no end."""

_UNREADABLE: Mapping[str, type[BackendError]] = {
    "No such file or directory": NotFoundError,
    "Not a directory": NotFoundError,
    "Permission denied": AuthError,
    "no regular file": UnsupportedError,
}
"""How `cat` and `tail` say why, in POSIX's own language."""


class Commands(abc.ABC):
    """A place where commands run. Any number of threads may use it."""

    where: str = ""
    """Which place that is, for people: `here`, `albert@login.india`."""

    @abc.abstractmethod
    def run(
        self,
        argv: Sequence[str],
        *,
        send: bytes = b"",
        env: Mapping[str, str | None] | None = None,
        timeout: float,
    ) -> Done:
        """Run a command to its end; `env` changes what it has there, None takes a variable away.

        Whoever may look at that machine's processes sees `argv` and `env`; `send`, which it reads,
        nobody sees. Where it was surely not run, this raises

        - `UnavailableError`: there is no way there, now
        - `AuthError`: we are not let in
        - `UnsupportedError`: there is no such command
        - `InvalidRequestError`: it cannot be said, such as with NUL or too long.

        `BackendTimeoutError` leaves open whether it did its work, or will: it did not end within
        `timeout` seconds (and was ended then), or the way there broke meanwhile.
        """

    def read(self, path: str, *, tail: int | None = None, timeout: float) -> bytes:
        """Return a file there, or the last `tail` bytes of it.

        Raises `NotFoundError`; `AuthError` where it may not be read.
        """
        much = "all" if tail is None else str(tail)
        argv = ["/bin/sh", "-c", _READ, "read", path, much]
        done = self.run(argv, env={"LC_ALL": "C"}, timeout=timeout)
        if done.status != 0:
            kinds = (kind for said, kind in _UNREADABLE.items() if said in done.why)
            kind = next(kinds, UnavailableError)
            raise kind(f"{path} cannot be read at {self.where}: {done.why or 'no reason given'}")
        return done.out

    def close(self) -> None:  # noqa: B027 - most have nothing to give back
        """Give back connections."""


class Run(Protocol):
    """Runs a command and counts it; raises what its failure means."""

    def __call__(
        self,
        *argv: str,
        send: bytes = b"",
        fine: Callable[[Done], bool] = ...,
        env: Mapping[str, str | None] | None = None,
        timeout: float | None = None,
    ) -> Done: ...


def changed(has: Mapping[str, str], env: Mapping[str, str | None]) -> dict[str, str]:
    """Return an environment with changes; one to None takes a variable away."""
    return {name: value for name, value in {**has, **env}.items() if value is not None}


class Here(Commands):
    """The machine that we are on."""

    where = "here"

    def run(
        self,
        argv: Sequence[str],
        *,
        send: bytes = b"",
        env: Mapping[str, str | None] | None = None,
        timeout: float,
    ) -> Done:
        with _begun(argv, env or {}) as process:
            try:
                out, err = process.communicate(send, timeout=timeout)
            except subprocess.TimeoutExpired as error:
                _kill(process)
                raise BackendTimeoutError(f"{argv[0]} did not end within {timeout:g} s") from error
            except BaseException:
                _kill(process)
                raise
        return Done(argv=tuple(argv), status=process.returncode, out=out, err=err)


def _begun(argv: Sequence[str], env: Mapping[str, str | None]) -> "subprocess.Popen[bytes]":
    """Return a command that runs, in a group of its own with all that it will start."""
    try:
        return subprocess.Popen(  # noqa: S603 - no shell; what runs is the driver's choice
            [*argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=changed(os.environ, env),
            start_new_session=True,
        )
    except ValueError as error:
        raise InvalidRequestError(f"{argv[0]} cannot be run: {error}") from error
    except OSError as error:
        _not_run(argv[0], error)


_NOT_RUN: Mapping[int, type[BackendError]] = {
    errno.ENOENT: UnsupportedError,
    errno.ENOTDIR: UnsupportedError,
    errno.ENOEXEC: UnsupportedError,
    errno.EACCES: AuthError,
    errno.EPERM: AuthError,
    errno.E2BIG: InvalidRequestError,
}


def _not_run(program: str, error: OSError) -> NoReturn:
    kind = _NOT_RUN.get(error.errno or 0, UnavailableError)
    if kind is UnsupportedError:
        raise kind(f"there is no command {program} on this machine") from error
    raise kind(f"{program} cannot be run: {error.strerror}") from error


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End a command with all that it started; `with` takes what is left of it away."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
