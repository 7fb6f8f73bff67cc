"""Commands over SSH, by asyncssh: the user's own agent, configuration and known hosts."""

from collections.abc import Mapping, Sequence
from typing import Any

from cloudmesh_sdk.errors import UnsupportedError
from cloudmesh_sdk.queues.batch.commands import Commands, Done


class Ssh(Commands):
    """A machine that one logs in to; one connection serves all commands."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings

    def run(
        self,
        argv: Sequence[str],
        *,
        send: bytes = b"",
        env: Mapping[str, str | None] | None = None,
        timeout: float,
    ) -> Done:
        raise UnsupportedError("not yet")

    def read(self, path: str, *, tail: int | None = None, timeout: float) -> bytes:
        raise UnsupportedError("not yet")
