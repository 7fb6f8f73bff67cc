"""What a service tells of an account and of itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import attrs


@attrs.frozen(kw_only=True)
class Quota:
    """One limit of an account; `limit` None means unlimited, `used` None not known."""

    columns: ClassVar[tuple[str, ...]] = ("cloud", "name", "used", "limit")

    cloud: str
    name: str
    used: int | None
    limit: int | None
    native: Mapping[str, Any] = attrs.field(factory=dict, eq=False, repr=False)


@attrs.frozen(kw_only=True)
class Worker:
    """A process that runs operations: those that a broker gives out, or that it finds itself."""

    columns: ClassVar[tuple[str, ...]] = (
        "host", "pid", "running", "concurrency", "since", "seen",
    )  # fmt: skip

    id: str
    host: str
    pid: int
    concurrency: int
    """How many operations it runs at once, at most."""
    running: int = 0
    """How many it runs now."""
    since: datetime
    seen: datetime | None = None
    """When it last said that it lives, by the store's clock."""


@attrs.frozen(kw_only=True)
class Zone:
    """A part of a cloud that fails by itself: an availability zone."""

    columns: ClassVar[tuple[str, ...]] = ("cloud", "name", "available")

    cloud: str
    name: str
    available: bool
    native: Mapping[str, Any] = attrs.field(factory=dict, eq=False, repr=False)


@attrs.frozen(kw_only=True)
class RawAnswer:
    """What a service answered to a request of the user's own making."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str] = attrs.field(repr=False)
    """Without secrets."""
    body: Any = attrs.field(repr=False)
    """Plain data where the answer is JSON, else its text; None where it is empty."""
    request_id: str | None = None


@attrs.frozen(kw_only=True)
class Health:
    """What a check of a service found."""

    service: str
    version: str = ""
    identity: str = ""
    """Who the service says we are."""
    skew: float | None = None
    """Seconds our clock is ahead of the service's; None where it does not say."""
    warnings: tuple[str, ...] = ()
