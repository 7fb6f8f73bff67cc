"""What went over the wire to a service: one exchange as a record, without secrets.

Drivers make exchanges, whoever watches shows or keeps them.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import attrs


@attrs.frozen(kw_only=True)
class Exchange:
    """One request and its answer; secrets in headers, URL and bodies are masked already."""

    cloud: str
    service: str
    """`compute`, `identity` …, in the words of the cloud."""
    method: str
    url: str
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: str = ""
    """What was sent."""
    status: int | None = None
    """HTTP status; None where there was no answer."""
    answered: Mapping[str, str] = attrs.field(factory=dict)
    """Headers of the answer."""
    answer: str = ""
    """Body of the answer."""
    error: str = ""
    """Why there was no answer."""
    at: datetime
    """When it was sent, UTC."""
    elapsed: float = 0.0
    """Seconds until the answer was read."""
    request_id: str | None = None


Watch = Callable[[Exchange], None]
"""Hears each exchange, in the thread that made it."""
