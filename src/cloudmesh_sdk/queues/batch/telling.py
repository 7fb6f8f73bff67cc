"""Telling a watcher of commands as of other exchanges with a service."""

import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from cloudmesh_sdk.errors import BackendError
from cloudmesh_sdk.masking import masked_text
from cloudmesh_sdk.queues.batch.commands import Done
from cloudmesh_sdk.wire import RUN, Exchange, Watch

_SHOWN = 100_000
"""How many bytes of what a command said are told."""


@contextmanager
def telling(
    watch: Watch | None, name: str, where: str, argv: Sequence[str], shown: Callable[[str], str]
) -> Iterator[Callable[[Done], None]]:
    """Give what takes the end of a command; `watch` hears of it, or why there was none.

    `shown` hides secrets in what it said. What it read is never told.
    """
    if watch is None:
        yield lambda _: None
        return
    ended: list[Done] = []
    at, begun, error = datetime.now(UTC), time.monotonic(), ""
    try:
        yield ended.append
    except BackendError as failed:
        error = str(failed)
        raise
    finally:
        done = ended[0] if ended else None
        watch(
            Exchange(
                cloud=name,
                service="command",
                method=RUN,
                url=where,
                body=masked_text(shlex.join(argv)),
                status=None if done is None else done.status,
                answered={} if done is None else {"content-length": str(len(done.out))},
                answer="" if done is None else shown(_text(done)),
                error=error,
                at=at,
                elapsed=time.monotonic() - begun,
            )
        )


def _text(done: Done) -> str:
    said = done.out[:_SHOWN] + done.err[:_SHOWN]
    return said.decode(errors="replace")
