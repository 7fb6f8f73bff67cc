"""Many servers of the memory cloud at once, and what changed since."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from cloudmesh_sdk.errors import InvalidRequestError
from cloudmesh_sdk.models import Server, ServerRequest
from cloudmesh_sdk.providers.base import ListsChanges, StartsMany
from cloudmesh_sdk.providers.memory import documents
from cloudmesh_sdk.providers.memory.compute import Compute
from cloudmesh_sdk.providers.memory.documents import UPDATED, Document

_OVERLAP = timedelta(seconds=1)
"""What changed so long before is told too: a list may have been read while it was written."""


class Many(Compute, StartsMany, ListsChanges):
    """What is done for many at once."""

    def names_of_many(self, name: str, count: int) -> Sequence[str]:
        return [f"{name}-{number}" for number in range(1, count + 1)]

    def start_many(self, request: ServerRequest, names: Sequence[str]) -> Sequence[Server]:
        if list(names) != list(self.names_of_many(request.name, len(names))):
            raise InvalidRequestError(
                f"{self.name} names servers {request.name}-1, {request.name}-2 and so on, "
                f"found {', '.join(names)}; take the names that names_of_many gives"
            )
        self._call("POST", "/servers")
        with self._place.change() as tables:
            known = tables["sets"].get(request.token)
            if known is None:
                self._possible(tables, request, len(names))
                born = (self._born(tables, attrs.evolve(request, name=name)) for name in names)
                known = tables["sets"][request.token] = [row["id"] for row in born]
            every = {**tables["deleted"], **tables["servers"]}
        self._answered()
        return [self._record(every[number]) for number in known]

    def find_many(self, token: str) -> Sequence[Server]:
        self._call("GET", "/servers")
        tables = self._place.read()
        numbers = tables["sets"].get(token) or [tables["tokens"].get(token, "")]
        found = (tables["servers"].get(number) for number in numbers)
        return [self._record(row) for row in found if row is not None]

    def changes(self, since: datetime) -> Iterator[Server]:
        def changed() -> dict[str, Any]:
            now, tables = datetime.now(UTC), self._place.read()
            every = {**tables["servers"], **tables["deleted"]}
            shown = {n: documents.shown(every[n], now) for n in sorted(every)}
            return {n: row for n, row in shown.items() if _changed(row) >= since - _OVERLAP}

        for row in self._pages("servers", changed):
            yield self._record(row)


def _changed(row: Document) -> datetime:
    return datetime.fromisoformat(row[UPDATED] if UPDATED in row else row["created"])
