"""What can be done to servers of the memory cloud, and in which states."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import attrs

from cloudmesh_sdk.errors import ConflictError
from cloudmesh_sdk.models import Server
from cloudmesh_sdk.providers.base import (
    HasHardReboot,
    HasLock,
    HasPause,
    HasRebuild,
    HasRename,
    HasRescue,
    HasResize,
    HasShelve,
    HasSuspend,
    HasTags,
)
from cloudmesh_sdk.providers.memory import documents, records, rows
from cloudmesh_sdk.providers.memory.account import Account
from cloudmesh_sdk.providers.memory.compute import unlocked
from cloudmesh_sdk.providers.memory.documents import TOKEN, Document

_NEVER = ("PAUSED", "SHELVED_OFFLOADED", "RESCUE", "RESIZE", "VERIFY_RESIZE")


@attrs.frozen
class Move:
    """A way from one state to another."""

    to: str
    only: tuple[str, ...] = ()
    """States in which it can be done; any where empty."""
    unless: tuple[str, ...] = ()
    """States in which there is nothing to do."""
    never: tuple[str, ...] = ()
    """States in which it cannot be done."""


_MOVES: Mapping[str, Move] = {
    "stop": Move("SHUTOFF"),
    "resume": Move("RESUMING", unless=("ACTIVE", "BUILD", "REBOOT"), never=_NEVER),
    "reboot": Move("REBOOT", only=("ACTIVE", "REBOOT")),
    "hard_reboot": Move("HARD_REBOOT", never=("SHELVED_OFFLOADED", "RESIZE", "VERIFY_RESIZE")),
    "suspend": Move("SUSPENDED", only=("ACTIVE", "SUSPENDED")),
    "pause": Move("PAUSED", only=("ACTIVE", "PAUSED")),
    "unpause": Move("RESUMING", only=("PAUSED",)),
    "shelve": Move("SHELVED_OFFLOADED", only=("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED")),
    "unshelve": Move("RESUMING", only=("SHELVED_OFFLOADED",)),
    "resize": Move("RESIZE", only=("ACTIVE", "SHUTOFF")),
    "confirm_resize": Move("ACTIVE", only=("VERIFY_RESIZE",)),
    "revert_resize": Move("RESUMING", only=("VERIFY_RESIZE",)),
    "rebuild": Move("REBUILD", only=("ACTIVE", "SHUTOFF", "ERROR")),
    "rescue": Move("RESCUE", only=("ACTIVE", "SHUTOFF", "ERROR")),
    "unrescue": Move("RESUMING", only=("RESCUE",)),
}


class Life(
    Account,
    HasSuspend,
    HasPause,
    HasShelve,
    HasResize,
    HasRebuild,
    HasRescue,
    HasLock,
    HasRename,
    HasTags,
    HasHardReboot,
):
    """Acts on servers."""

    def stop(self, server: Server) -> None:
        self._move(server, "stop")

    def resume(self, server: Server) -> None:
        self._move(server, "resume")

    def reboot(self, server: Server) -> None:
        self._move(server, "reboot")

    def hard_reboot(self, server: Server) -> None:
        self._move(server, "hard_reboot")

    def suspend(self, server: Server) -> None:
        self._move(server, "suspend")

    def pause(self, server: Server) -> None:
        self._move(server, "pause")

    def unpause(self, server: Server) -> None:
        self._move(server, "unpause")

    def shelve(self, server: Server) -> None:
        self._move(server, "shelve")

    def unshelve(self, server: Server) -> None:
        self._move(server, "unshelve")

    def resize(self, server: Server, flavor: str) -> None:
        self._move(server, "resize", "flavors", flavor)

    def confirm_resize(self, server: Server) -> None:
        self._move(server, "confirm_resize")

    def revert_resize(self, server: Server) -> None:
        self._move(server, "revert_resize")

    def rebuild(self, server: Server, image: str) -> None:
        self._move(server, "rebuild", "images", image)

    def rescue(self, server: Server, image: str | None = None) -> None:
        self._move(server, "rescue", "images", image)

    def unrescue(self, server: Server) -> None:
        self._move(server, "unrescue")

    def lock(self, server: Server) -> None:
        self._edit(server, "lock", lambda row: {**row, "locked": True})

    def unlock(self, server: Server) -> None:
        self._edit(server, "unlock", lambda row: {**row, "locked": False})

    def rename(self, server: Server, name: str) -> Server:
        return self._edit(server, "rename", lambda row: {**row, "name": name})

    def tag(self, server: Server, tags: Mapping[str, str | None]) -> Server:
        def tagged(row: Document) -> Document:
            new = {**row["metadata"], **tags, TOKEN: row["metadata"].get(TOKEN)}
            kept = {key: value for key, value in new.items() if value is not None}
            return {**row, "metadata": kept}

        return self._edit(server, "tag", tagged)

    def _edit(self, server: Server, act: str, edit: Callable[[Document], Document]) -> Server:
        self._call("PUT", f"/servers/{server.id}/{act}")
        with self._place.change() as tables:
            row = edit(rows.row(tables, "servers", server.id, self.name))
            tables["servers"][server.id] = row
            rows.note(tables, server.id, act, at=documents.later(0))
        return records.server(self.name, documents.shown(row, datetime.now(UTC)))

    def _move(self, server: Server, act: str, kind: str = "", number: str | None = None) -> None:
        """Do an act; some name a thing (an image, a flavor) by its kind and id."""
        self._call("POST", f"/servers/{server.id}/{act}")
        with self._place.change() as tables:
            row = rows.row(tables, "servers", server.id, self.name)
            unlocked(row)
            if number is not None:
                rows.row(tables, kind, number, self.name)
            now = documents.shown(row, datetime.now(UTC))
            move, found = _MOVES[act], now["status"]
            if found in move.never or (move.only and found not in move.only):
                needs = f"; that needs {' or '.join(move.only)}" if move.only else ""
                raise ConflictError(f"{server.name} is {found}{needs}; it cannot {act}")
            if found in move.unless:
                return
            new = documents.moved(now, move.to, self._ready())
            tables["servers"][server.id] = _with(act, new, number)
            rows.note(tables, server.id, act, at=documents.later(0))


def _with(act: str, row: Document, number: str | None) -> Document:
    """Return a server's document with what an act changes beside its state."""
    if act == "resize":
        return {**row, "old_flavor": row["flavor"], "flavor": {"id": number}}
    if act == "revert_resize":
        return {**row, "flavor": row["old_flavor"]}
    if act == "rebuild":
        return {**row, "image": {"id": number}}
    return row
