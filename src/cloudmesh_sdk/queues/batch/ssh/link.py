"""One connection by SSH, kept and shared by all commands, opened again where it broke."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Any

import asyncssh

from cloudmesh_sdk.errors import AuthError, BackendError, BackendTimeoutError, UnavailableError
from cloudmesh_sdk.queues.batch.ssh.words import Ended, Order, ending

SESSIONS = 8
"""How many commands run over one connection at a time; sshd allows 10 (MaxSessions)."""

REST = 2.0
"""Seconds after a login that failed in which nobody tries again."""

_GRACE = 2.0
"""Seconds that a last word to the other side may take."""

_TRIES = 3
_PAUSE = 0.2
"""How often a command that was not begun is tried again, and after how many seconds, growing."""

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
        self._endings: set[asyncio.Task[None]] = set()

    async def run(self, asked: Order, send: bytes, timeout: float) -> Ended:
        """Run a command; raises as `Commands.run`."""
        session = _Session()
        self._sessions.add(session)
        try:
            async with asyncio.timeout(timeout), self._room:
                channel = await self._begun(asked, session)
                with contextlib.suppress(OSError):  # it ended without reading
                    channel.write(send)
                    channel.write_eof()
                await channel.wait_closed()
        except TimeoutError as error:
            late = f"{asked.name} at {self._where} did not end within {timeout:g} s"
            if session.channel is None:
                late = f"{self._where}: {asked.name} was not run: no way there in {timeout:g} s"
                raise UnavailableError(late) from error
            raise BackendTimeoutError(late) from error
        finally:
            self._sessions.discard(session)
            self._end(asked, session)
        status = channel.get_returncode()
        if status is None:
            raise self._lost(asked)
        return Ended(status=status, out=b"".join(session.out), err=b"".join(session.err))

    async def _begun(self, asked: Order, session: _Session) -> "asyncssh.SSHClientChannel[bytes]":
        """Begin a command, over a new connection or with fewer beside it where that is needed."""
        alone = 0
        while True:
            connection = await self._open()
            try:
                return await self._exec(connection, asked, session)
            except _Refused as error:
                if not connection.is_closed() and any(s.channel for s in self._sessions):
                    # it takes fewer sessions than we thought: this place is given up for good
                    await self._room.acquire()
                    continue
                alone += 1
                if alone > _TRIES:
                    why = f"{self._where}: {asked.name} was not run: {error}"
                    raise UnavailableError(why) from error
                # a connection that was closed while nobody used it, or a session that just ended
                await asyncio.sleep(_PAUSE * (alone - 1))

    async def _exec(
        self, connection: asyncssh.SSHClientConnection, asked: Order, session: _Session
    ) -> "asyncssh.SSHClientChannel[bytes]":
        try:
            channel, _ = await connection.create_session(lambda: session, asked.line, encoding=None)
        except (asyncssh.Error, OSError) as error:
            if session.channel is None:
                raise _Refused(str(error)) from error
            if isinstance(error, asyncssh.ChannelOpenError) and not connection.is_closed():
                raise AuthError(f"{self._where} lets us in, but runs no commands for us") from error
            raise self._lost(asked) from error
        return channel

    def _lost(self, asked: Order) -> BackendTimeoutError:
        return BackendTimeoutError(
            f"the connection to {self._where} broke while {asked.name} ran there: whether it did "
            "its work is not known"
        )

    def _end(self, asked: Order, session: _Session) -> None:
        """End a command that still runs, with all that it started."""
        channel, connection = session.channel, self._connection
        if channel is None or channel.get_returncode() is not None or connection is None:
            return
        with contextlib.suppress(OSError):  # it is closed already
            channel.kill()
            channel.abort()
        line = ending(asked, b"".join(session.out))
        if line is not None and not connection.is_closed():
            task = asyncio.create_task(_say(connection, line))
            self._endings.add(task)
            task.add_done_callback(self._endings.discard)

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
        await asyncio.gather(*self._endings)
        self._connection.close()
        try:
            await asyncio.wait_for(self._connection.wait_closed(), _GRACE)
        except TimeoutError:
            self._connection.abort()


def _again(error: BackendError) -> BackendError:
    """Return an error for one more thread: one object cannot be raised in two."""
    made = type(error)(str(error))
    made.__cause__ = error.__cause__
    return made


async def _say(connection: asyncssh.SSHClientConnection, line: str) -> None:
    with contextlib.suppress(asyncssh.Error, OSError, TimeoutError):
        await asyncio.wait_for(connection.run(line, stdin=asyncssh.DEVNULL), _GRACE)
