"""What is known of services: what is to run, how it is."""

import enum
import socket
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

import attrs

MARK = "CM_SERVICE_AT"
"""Variable that all processes of a service have: its directory."""


class State(enum.StrEnum):
    """How a service is."""

    RUNNING = "running"
    STOPPED = "stopped"
    BACKING_OFF = "backing off"
    """It ended by itself, and is started again in a while."""
    CRASHED = "crashed"
    """It ended by itself too often, or its supervisor was killed."""


@attrs.frozen(kw_only=True)
class Pace:
    """How soon what ended by itself is started again, and how often."""

    first: float = 1.0
    """Seconds until the second start."""
    factor: float = 2.0
    most: float = 60.0
    """Seconds that it waits at most."""
    steady: float = 60.0
    """Seconds after which a life counts as a good one, and all begins anew."""
    lives: int = 10
    """Bad lives in a row after which it is given up."""

    def pause(self, bad: int) -> float | None:
        """Return how long to wait after so many bad lives in a row; None to give up."""
        if bad >= self.lives:
            return None
        return min(self.most, self.first * self.factor ** (bad - 1))


@attrs.frozen(kw_only=True)
class Program:
    """What a supervisor is to run."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    """Variables beside those of who starts it."""
    config: str = ""
    """The configuration that it works with."""
    grace: float = 30.0
    """Seconds that it has to end before it is killed."""
    pace: Pace = attrs.field(factory=Pace)
    log_size: int = 5_000_000
    """Bytes of a log after which a new one begins."""
    log_count: int = 3
    """Old logs that are kept."""

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """Return what a file says."""
        return cls(**{**said, "argv": tuple(said["argv"]), "pace": Pace(**said["pace"])})


@attrs.frozen(kw_only=True)
class Life:
    """A process that is no other one: a pid is used again, a pid and a start are not."""

    pid: int
    started: str


@attrs.frozen(kw_only=True)
class Known:
    """What a supervisor says, in its pid file."""

    supervisor: Life
    state: State
    child: Life | None = None
    since: float | None = None
    """When the state began, in seconds since the epoch."""
    restarts: int = 0
    code: int | None = None
    """With which code it ended last; below 0, by which signal."""
    config: str = ""

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self | None:
        """Return what a pid file says; None where it says nothing."""
        if not said:
            return None
        child = Life(**said["child"]) if said["child"] else None
        supervisor, state = Life(**said["supervisor"]), State(said["state"])
        return cls(**{**said, "supervisor": supervisor, "state": state, "child": child})


@attrs.frozen(kw_only=True)
class ServiceStatus:
    """How one service is; of a worker elsewhere no more than the store knows."""

    kind: ClassVar[str] = "services"
    columns: ClassVar[tuple[str, ...]] = (
        "name", "host", "state", "pid", "since", "restarts", "working", "concurrency", "heard",
        "log",
    )  # fmt: skip

    name: str
    state: State
    pid: int | None = None
    since: datetime | None = None
    restarts: int = 0
    working: int | None = None
    """Operations that it runs now."""
    concurrency: int | None = None
    """How many it runs at once, at most; None where the store does not say."""
    heard: datetime | None = None
    """When it last said so."""
    log: str = ""
    config: str = ""
    note: str = ""
    """What else there is to say."""
    host: str = attrs.field(factory=socket.gethostname)
    """The machine that it is on."""
