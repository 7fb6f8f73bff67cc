"""A worker that lives says so in the store, for all machines to see."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import attrs

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import Worker
from cloudmesh_sdk.operations.process import claim, started
from cloudmesh_sdk.store.base import Store

_LOG = logging.getLogger(__name__)

BEAT = 5.0
"""Seconds between two words of a worker that it lives; after three times that it is forgotten."""


@contextmanager
def alive(store: Store, *, concurrency: int, running: Callable[[], int]) -> Iterator[None]:
    """Say that this process is a worker, now and until the block ends; `running` is asked."""
    worker = Worker(
        id=claim(), host=socket.gethostname(), pid=os.getpid(),
        concurrency=concurrency, since=datetime.now(UTC).replace(microsecond=0),
    )  # fmt: skip
    over = threading.Event()

    def beat() -> None:
        store.workers.beat(attrs.evolve(worker, running=running()), lease=3 * BEAT)

    def beating() -> None:
        _safely(beat)
        while not over.wait(BEAT):
            _safely(beat)

    thread = threading.Thread(target=beating, name="cloudmesh alive", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()  # else a last word might come after the farewell
        _safely(lambda: store.workers.leave(worker.id))


def living(store: Store) -> list[Worker]:
    """Return the workers of a store that live, the longest there first.

    On this machine the process table knows; of others their last word is all there is to go by.
    """
    here = socket.gethostname()
    return [w for w in store.workers.living() if w.host != here or _runs(w)]


def _runs(worker: Worker) -> bool:
    *_, since = worker.id.split("/")[:3]  # as `identity` writes it
    return started(worker.pid) == since


def _safely(tell: Callable[[], None]) -> None:
    try:
        tell()
    except StoreError as error:  # work goes on; who looks sees that nothing is heard
        _LOG.warning("nobody was told that this worker lives: %s", error)
