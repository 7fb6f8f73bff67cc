"""Running a scheduler's commands: where they run is the transport's business alone."""

import abc
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from cloudmesh_sdk.errors import (
    BackendTimeoutError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)


@attrs.frozen(kw_only=True)
class Done:
    """A command that ended: what it said is bytes, for names of jobs need not be text."""

    argv: tuple[str, ...]
    status: int
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


class Commands(abc.ABC):
    """A place where commands run."""

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

        Raises `UnavailableError` where it was surely not run, or the way there broke while it ran
        `UnsupportedError` where there is no such command,
        `BackendTimeoutError` after `timeout` seconds.
        """

    @abc.abstractmethod
    def read(self, path: str, *, tail: int | None = None, timeout: float) -> bytes:
        """Return a file, the last `tail` bytes of it; raises `NotFoundError`."""

    def close(self) -> None:  # noqa: B027 - most have nothing to give back
        """Give back connections."""


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
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell; what runs is the driver's choice
                [*argv],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=changed(os.environ, env or {}),
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise UnsupportedError(f"there is no command {argv[0]} on this machine") from error
        except OSError as error:
            raise UnavailableError(f"{argv[0]} cannot be run: {error.strerror}") from error
        with process:
            try:
                out, err = process.communicate(send, timeout=timeout)
            except BaseException as error:
                os.killpg(process.pid, signal.SIGKILL)
                if isinstance(error, subprocess.TimeoutExpired):
                    why = f"{argv[0]} did not end within {timeout:g} s"
                    raise BackendTimeoutError(why) from error
                raise
        return Done(argv=tuple(argv), status=process.returncode, out=out, err=err)

    def read(self, path: str, *, tail: int | None = None, timeout: float) -> bytes:  # noqa: ARG002
        try:
            with Path(path).open("rb") as file:
                if tail is not None:
                    size = file.seek(0, os.SEEK_END)
                    file.seek(max(0, size - tail))
                return file.read()
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no file {path} here") from error
        except OSError as error:
            raise UnavailableError(f"{path} cannot be read: {error.strerror}") from error
