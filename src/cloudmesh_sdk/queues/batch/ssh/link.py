"""One connection by SSH, kept and shared by all commands, opened again where it broke."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Any

import asyncssh

from cloudmesh_sdk.errors import AuthError, BackendError, BackendTimeoutError, UnavailableError
from cloudmesh_sdk.queues.batch.ssh.words import Ended

SESSIONS = 8
"""How many commands run over one connection at a time; sshd allows 10 (MaxSessions)."""

REST = 2.0
"""Seconds after a login that failed in which nobody tries again."""

Login = Callable[[], Coroutine[Any, Any, asyncssh.SSHClientConnection]]


class _Session(asyncssh.SSHClientSession[bytes]):
    """One command: what it said, and whether it may have begun."""

    def __init__(self) -> None:
        self.channel: asyncssh.SSHClientChannel[bytes] | None = None
        """There from just before the command is sent."""
        self.out: list[bytes] = []
        self.err: list[bytes] = []

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self.channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        (self.err if datatype == asyncssh.EXTENDED_DATA_STDERR else self.out).append(data)


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """The connection takes no further session."""


class Link:
    """A way to one machine; all of it happens in one event loop."""

    def __init__(self, where: str, login: Login) -> None:
        self._where = where
        self._login = login
        self._connection: asyncssh.SSHClientConnection | None = None
        self._opening: asyncio.Task[asyncssh.SSHClientConnection | BackendError] | None = None
        self._failed: tuple[float, BackendError] | None = None
        self._room = asyncio.Semaphore(SESSIONS)
        self._sessions: set[_Session] = set()

    async def run(self, what: str, command: str, send: bytes, timeout: float) -> Ended:
        """Run a command line; raises as `Commands.run`. `what` is its name for people."""
        session = _Session()
        self._sessions.add(session)
        try:
            async with asyncio.timeout(timeout), self._room:
                channel = await self._begun(what, session, command)
                with contextlib.suppress(OSError):  # it ended without reading
                    channel.write(send)
                    channel.write_eof()
                await channel.wait_closed()
        except TimeoutError as error:
            late = f"{what} at {self._where} did not end within {timeout:g} s"
            if session.channel is None:
                late = f"{self._where}: {what} was not run: no way there within {timeout:g} s"
                raise UnavailableError(late) from error
            raise BackendTimeoutError(late) from error
        finally:
            self._sessions.discard(session)
            _kill(session)
        return self._ended(what, session, channel)

    def _ended(
        self, what: str, session: _Session, channel: "asyncssh.SSHClientChannel[bytes]"
    ) -> Ended:
        status = channel.get_returncode()
        if status is None:
            raise self._lost(what)
        return Ended(status=status, out=b"".join(session.out), err=b"".join(session.err))

    def _lost(self, what: str) -> BackendTimeoutError:
        return BackendTimeoutError(
            f"the connection to {self._where} broke while {what} ran there: whether it did its "
            "work is not known"
        )

    async def _begun(
        self, what: str, session: _Session, command: str
    ) -> "asyncssh.SSHClientChannel[bytes]":
        """Begin a command, over a new connection or with fewer beside it where that is needed."""
        tried = 0
        while True:
            connection = await self._open()
            try:
                return await self._exec(what, connection, session, command)
            except _Refused as error:
                tried += 1
                if not connection.is_closed() and any(s.channel for s in self._sessions):
                    # it takes fewer sessions than we thought: this place is given up for good
                    await self._room.acquire()
                elif tried > 1:
                    why = f"{self._where}: {what} was not run: {error}"
                    raise UnavailableError(why) from error

    async def _exec(
        self,
        what: str,
        connection: asyncssh.SSHClientConnection,
        session: _Session,
        command: str,
    ) -> "asyncssh.SSHClientChannel[bytes]":
        try:
            channel, _ = await connection.create_session(lambda: session, command, encoding=None)
        except (asyncssh.Error, OSError) as error:
            if session.channel is None:
                raise _Refused(str(error)) from error
            if isinstance(error, asyncssh.ChannelOpenError) and not connection.is_closed():
                raise AuthError(f"{self._where} lets us in, but runs no commands for us") from error
            raise self._lost(what) from error
        return channel

    async def _open(self) -> asyncssh.SSHClientConnection:
        """Return the connection; many who want it at once share one login, and its failure."""
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        if self._failed is not None and time.monotonic() - self._failed[0] < REST:
            raise _again(self._failed[1])
        if self._opening is None:
            self._opening = asyncio.create_task(self._log_in())
        opened = await asyncio.shield(self._opening)
        if isinstance(opened, BackendError):
            raise _again(opened)
        return opened

    async def _log_in(self) -> asyncssh.SSHClientConnection | BackendError:
        try:
            self._connection = await self._login()
        except BackendError as error:
            self._failed = (time.monotonic(), error)
            return error
        finally:
            self._opening = None
        return self._connection

    async def close(self) -> None:
        """Close the connection; commands that run over it are lost."""
        if self._connection is None:
            return
        self._connection.close()
        try:
            await asyncio.wait_for(self._connection.wait_closed(), 1.0)
        except TimeoutError:
            self._connection.abort()


def _again(error: BackendError) -> BackendError:
    """Return an error for one more thread: one object cannot be raised in two."""
    made = type(error)(str(error))
    made.__cause__ = error.__cause__
    return made


def _kill(session: _Session) -> None:
    """End a command that still runs, with all that it started (sshd signals its group)."""
    channel = session.channel
    if channel is not None and channel.get_returncode() is None:
        with contextlib.suppress(OSError):  # it is closed already
            channel.kill()
            channel.abort()
