"""What every record has, and an error as it is kept."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import attrs

from cloudmesh_sdk.tables import html_table


@attrs.frozen(kw_only=True)
class Record:
    """What every record has: whose it is, who it is, how fresh it is."""

    kind: ClassVar[str] = ""
    columns: ClassVar[tuple[str, ...]] = ("cloud", "name", "id")

    cloud: str
    id: str
    """The service's own id."""
    name: str
    seen: datetime | None = attrs.field(default=None, eq=False, repr=False)
    """When the cloud last said so."""
    stale: datetime | None = attrs.field(default=None, eq=False, repr=False)
    """Since when the cloud has failed to answer; None while it answers."""
    missing: datetime | None = attrs.field(default=None, eq=False, repr=False)
    """Since when the cloud no longer lists it; None while it does."""
    native: Mapping[str, Any] = attrs.field(factory=dict, eq=False, repr=False)

    def _repr_html_(self) -> str:
        """Return this record as an HTML table, native data folded below."""
        fields = [field.name for field in attrs.fields(type(self)) if field.name != "native"]
        rows = [(name, getattr(self, name)) for name in fields]
        native = html_table(("native", ""), sorted(self.native.items(), key=lambda i: str(i[0])))
        head = html_table((type(self).__name__, ""), rows)
        return f"{head}<details><summary>native</summary>{native}</details>"


@attrs.frozen(kw_only=True)
class Fault:
    """An error as it is kept: its class, its text, and whether trying again is sensible."""

    kind: str
    message: str
    transient: bool = False

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.kind}: {self.message}"
