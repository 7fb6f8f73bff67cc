"""What cloud and journal do not agree about."""

import enum
from datetime import datetime
from typing import ClassVar

import attrs

from cloudmesh_sdk.models.compute import ServerState


class OrphanKind(enum.StrEnum):
    """What is wrong with a server."""

    LEAKED = "leaked"
    """It is there, carries a token of ours, and no operation that is done answers for it."""
    GONE = "gone"
    """An operation started it, nobody here deleted it, and it is there no more."""


@attrs.frozen(kw_only=True)
class Orphan:
    """A server that cloud and journal do not agree about."""

    kind: ClassVar[str] = "orphans"
    columns: ClassVar[tuple[str, ...]] = (
        "what", "cloud", "name", "state", "age", "price", "id", "why",
    )  # fmt: skip

    what: OrphanKind
    cloud: str
    name: str
    id: str
    """The cloud's own id."""
    state: ServerState
    flavor: str | None = None
    created: datetime | None = None
    """When it was started, as the cloud says; as the journal says where it is gone."""
    age: int | None = None
    """Seconds since then, at the time of the question."""
    missing: datetime | None = None
    """Since when its cloud was seen not to list it; None for one that is there, or not known."""
    price: float | None = None
    """US dollars an hour, where it is there and its cloud tells the price of its flavor."""
    operation: str | None = None
    """Id of the operation that knows it."""
    token: str | None = None
    why: str
    """What does not fit, in words."""
