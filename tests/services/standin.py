"""Programs that stand in for services: small, real processes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloudmesh_sdk.services import kin, supervised
from cloudmesh_sdk.services.places import Place
from cloudmesh_sdk.services.records import Known, Life, Pace, Program
from cloudmesh_sdk.store.mongo.places import private

PATIENCE = 20.0

QUICK = Pace(first=0.05, factor=1.0)

WAITS = "import time\nwhile True: time.sleep(60)"
"""Ends at SIGTERM, as any program does."""

DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAITS


def program(text: str, *words: str, pace: Pace = QUICK, grace: float = 10.0) -> Program:
    argv = (sys.executable, "-u", "-c", text, *words)
    return Program(argv=argv, pace=pace, grace=grace, config="a.yaml")


@contextmanager
def service(directory: Path) -> Iterator[Place]:
    """Give the place of a service, which does not run any more in the end."""
    private(directory / "standin")
    where = Place(directory / "standin")
    try:
        yield where
    finally:
        supervised.end(where)


def child_of(where: Place) -> Life:
    found = known(where).child
    assert found is not None
    return found


def known(where: Place) -> Known:
    found = supervised.known(where)
    assert found is not None
    return found


def comes_back(where: Place, restarts: int) -> bool:
    """Wait until the service has been started again so often, and runs."""
    return kin.until(
        lambda: known(where).restarts >= restarts and known(where).child is not None, PATIENCE
    )
