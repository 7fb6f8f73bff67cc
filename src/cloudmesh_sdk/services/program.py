"""What the programs of all services have in common: `python -m cloudmesh_sdk.services.NAME`."""

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from cloudmesh_sdk.errors import CloudmeshError, UnavailableError
from cloudmesh_sdk.services import kin
from cloudmesh_sdk.services.places import Place
from cloudmesh_sdk.store.mongo.places import Lock, read_json, write_private

BEAT = 5.0
"""Seconds between two heartbeats."""
_PATIENCE = 10.0
"""Seconds that a predecessor may take to be gone."""


def arguments(words: Sequence[str], name: str) -> argparse.Namespace:
    """Return the options of a service's program: `config`, a path or None."""
    parser = argparse.ArgumentParser(prog=f"python -m cloudmesh_sdk.services.{name}")
    parser.add_argument("--config", type=Path, help="cloudmesh.yaml; else the user's own")
    return parser.parse_args(words)


def claim(where: Place, *, inherited: bool = False) -> Lock:
    """Be the one process of a service, until it ends; raises `UnavailableError`.

    `inherited`: what this process becomes (exec) is the service, and holds the claim.
    """
    lock = where.lock("process")
    if not lock.take(timeout=_PATIENCE):
        pid = read_json(where.process).get("pid", "?")
        raise UnavailableError(f"{where.name} of {where.root} runs already (pid {pid})")
    if inherited:
        lock.bequeath()
    write_private(where.process, json.dumps(attrs.asdict(kin.myself())))
    return lock


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and Ctrl-C set."""
    stop = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Heart:
    """Says every few seconds that we live, and on how much we work."""

    def __init__(self, where: Place) -> None:
        self._where = where
        self._working: int | None = None

    def tell(self, working: int) -> None:
        """Take note of how many operations are under way."""
        self._working = working

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Say so now, and until this block ends."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(BEAT):
                self._beat()

        self._beat()
        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _beat(self) -> None:
        said = {"pid": os.getpid(), "at": time.time(), "working": self._working}
        try:
            write_private(self._where.heartbeat, json.dumps(said))
        except OSError as error:  # a full disk ends no work; that nothing is heard is seen
            say(f"cannot write {self._where.heartbeat}: {error.strerror}")


def say(text: str) -> None:
    """Write a line to the log, with the time."""
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
    sys.stderr.flush()


def run(main: Callable[[Sequence[str]], None], words: Sequence[str]) -> int:
    """Run a service's program and return its exit code; an error of ours is one line."""
    try:
        main(words)
    except CloudmeshError as error:
        say(f"{type(error).__name__}: {error}")
        return 1
    return 0
