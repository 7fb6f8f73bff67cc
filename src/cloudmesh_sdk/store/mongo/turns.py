"""Who may write: refreshes of one kind at one cloud, by several processes, one after the other.

The document of the cloud counts the writes of each kind. Who compared a list with the rows may
write only while the count is the one from before, else somebody wrote in between, and the rows
are not the ones that were compared.
"""

from collections.abc import Mapping
from typing import Any

import attrs
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError
from pymongo.write_concern import WriteConcern

from cloudmesh_sdk.models import Fault
from cloudmesh_sdk.store.base import Sync


class OvertakenError(Exception):
    """Somebody else wrote since the rows were compared; compare again."""


class Turns:
    """The turns of one refresh."""

    def __init__(self, cloud_id: str, cloud: str, kind: str) -> None:
        self._id = cloud_id
        self._cloud = cloud
        self._kind = kind
        self._path = f"kinds.{kind}"
        self._turn: int | None = None

    def read(self, database: Database[dict[str, Any]]) -> Sync:
        """Begin: remember whose turn it is; return what is noted of the list that is stored."""
        found = database["clouds"].find_one({"_id": self._id}, {self._path: 1}) or {}
        said = found.get("kinds", {}).get(self._kind, {})
        self._turn = said.get("turn")
        return sync_of(self._cloud, self._kind, said)

    def take(
        self, database: Database[dict[str, Any]], session: ClientSession | None, done: Sync | None
    ) -> None:
        """Take the turn, and with the last one note what the list was: `done`.

        Raises `OvertakenError` where somebody else took it.
        """
        turn = (self._turn or 0) + 1
        said: dict[str, Any] = {f"{self._path}.turn": turn}
        if done is not None:
            beside = ("cloud", "kind")
            noted = attrs.asdict(done, filter=lambda field, _: field.name not in beside)
            said = {self._path: {**noted, "turn": turn}}
        clouds = database["clouds"]
        # the last turn is waited for, and all before it with it
        if session is None and done is None:
            clouds = clouds.with_options(write_concern=WriteConcern(w=1))
        try:
            result = clouds.update_one(
                {"_id": self._id, f"{self._path}.turn": self._turn},
                {"$set": {"cloud": self._cloud, **said}},
                upsert=self._turn is None,
                session=session,
            )
        except DuplicateKeyError as error:
            raise OvertakenError from error
        if not result.matched_count and result.upserted_id is None:
            raise OvertakenError

    def taken(self) -> None:
        """Remember that the turn was taken for good."""
        self._turn = (self._turn or 0) + 1


def sync_of(cloud: str, kind: str, said: Mapping[str, Any]) -> Sync:
    """Return what the document of a cloud says of a kind."""
    error = said.get("error")
    given = {**said, "error": Fault(**error) if error else None}
    given.pop("turn", None)
    return Sync(cloud=cloud, kind=kind, **given)
