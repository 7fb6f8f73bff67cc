"""Commands over SSH, by asyncssh: the user's own agent, configuration and known hosts."""

import concurrent.futures
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from cloudmesh_sdk.errors import BackendTimeoutError
from cloudmesh_sdk.queues.batch.commands import Commands, Done
from cloudmesh_sdk.queues.batch.ssh import words
from cloudmesh_sdk.queues.batch.ssh.link import Link
from cloudmesh_sdk.queues.batch.ssh.login import log_in, where
from cloudmesh_sdk.queues.batch.ssh.loop import LoopThread


class Ssh(Commands):
    """A machine that one logs in to; one connection serves all commands.

    It is opened by the first command and kept until `close`; one that broke is opened again by
    the next command.
    """

    def __init__(self, settings: Any) -> None:
        self.where = where(settings)
        self._login = partial(log_in, settings)
        self._lock = threading.Lock()
        self._open: tuple[LoopThread, Link] | None = None

    def run(
        self,
        argv: Sequence[str],
        *,
        send: bytes = b"",
        env: Mapping[str, str | None] | None = None,
        timeout: float,
    ) -> Done:
        asked = words.order(argv, env or {})
        loop, link = self._opened()
        try:
            ended = loop.call(link.run(asked, send, timeout))
        except concurrent.futures.CancelledError as error:
            why = f"the connection to {self.where} was closed while {asked.name} ran there"
            raise BackendTimeoutError(why) from error
        return words.done(asked, ended, where=self.where)

    def close(self) -> None:
        with self._lock:
            opened, self._open = self._open, None
        if opened is not None and opened[0].lives:
            opened[0].call(opened[1].close())
            opened[0].close()

    def _opened(self) -> tuple[LoopThread, Link]:
        with self._lock:
            if self._open is None or not self._open[0].lives:  # a fork leaves threads behind
                self._open = (LoopThread(f"ssh {self.where}"), Link(self.where, self._login))
            return self._open
