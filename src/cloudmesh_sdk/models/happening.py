"""Something that changed in the store, as those hear it who watch."""

import enum
from datetime import datetime
from typing import ClassVar

import attrs


class What(enum.StrEnum):
    """What happened to a record or an operation.

    `gap` stands for all that was missed: who hears it reads anew what he shows.
    """

    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"
    GAP = "gap"


@attrs.frozen(kw_only=True)
class Happening:
    """A record or an operation that is new, was changed or is gone; no native data, no secrets."""

    columns: ClassVar[tuple[str, ...]] = (
        "at", "what", "kind", "cloud", "name", "id", "state", "detail",
    )  # fmt: skip

    at: datetime
    """When it was heard of here."""
    what: What = attrs.field(repr=str)
    kind: str = ""
    """`servers`, `jobs` …, or `operations`; empty for a gap."""
    cloud: str = ""
    """Name of the cloud or the queue manager."""
    name: str = ""
    """Name of the record, or of what an operation acts on; empty where the store dropped it."""
    id: str = ""
    state: str = ""
    """The state it has now, where it has one."""
    detail: str = ""
    """Of an operation: its act, and how far it is."""
