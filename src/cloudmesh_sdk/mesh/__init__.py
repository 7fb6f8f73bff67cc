"""The facade: one user's view of all clouds of one configuration."""

from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.account import Account
from cloudmesh_sdk.mesh.batch import Batch
from cloudmesh_sdk.mesh.facade import Told, Which
from cloudmesh_sdk.mesh.life import Life
from cloudmesh_sdk.mesh.networking import Networking
from cloudmesh_sdk.mesh.operating import Operating
from cloudmesh_sdk.mesh.preferences import Preferences
from cloudmesh_sdk.mesh.storage import Storage
from cloudmesh_sdk.models import Operation, Server
from cloudmesh_sdk.models.operation import OPEN
from cloudmesh_sdk.store.base import User

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh.handles import Handle

__all__ = ["Mesh", "Told", "Which"]


class Mesh(Preferences, Life, Networking, Storage, Account, Batch, Operating):
    """All clouds and queue managers of one configuration, as one user sees them.

    Lists come from the store at once and say in `sources` how fresh each cloud's part is. Acts are
    journalled before they go out. Use it as a context manager, or `close` it.
    """

    @classmethod
    def open(
        cls, store: str = "mongo", *, config: str | Config | None = None, user: str | None = None
    ) -> Self:
        """Open a store by name and return a mesh on it, with what a crash left behind cleared.

        Raises `ConfigError`, `PluginError`, `StoreError`.
        """
        from cloudmesh_sdk.mesh.stores import open_store

        settings = config if isinstance(config, Config) else Config.load(config)
        mesh = cls(settings, open_store(store, settings), user=user)
        with ExitStack() as stack:
            stack.enter_context(mesh)
            mesh.reconcile(patient=True)
            stack.pop_all()
        return mesh

    def switch(self, cloud: str, on: bool) -> None:
        """Switch a cloud on or off for this user; its records stay in the view."""
        self.default("active", on, cloud=cloud)

    def activate(self, username: str) -> Gathered[Server]:
        """Act as this user from now on and return the user's servers, asked for now.

        A cloud that does not answer hides no other: see `errors` of what is returned.
        """
        self.user = username
        self._forget_parts()
        email = self.config.profile.email if username == self.config.username() else ""
        self.store.settings.remember(User(username=username, email=email, active=datetime.now(UTC)))
        self.reconcile(patient=True)
        self.refresh(kinds=["servers"])
        return self.servers()

    def operations(
        self,
        *,
        state: str | Iterable[str] | None = None,
        cloud: str | None = None,
        target: str | None = None,
        limit: int | None = 100,
    ) -> "list[Handle]":
        """Return what was asked for, newest first; each can `wait` and `cancel`."""
        from cloudmesh_sdk.mesh.handles import handles
        from cloudmesh_sdk.mesh.past import operations

        found = operations(
            self.store.journal, self.user, state=state, cloud=cloud, target=target, limit=limit
        )
        return handles(self, found)

    def operation(self, id: str) -> "Handle":  # noqa: A002
        """Return one operation by its id, or by the beginning of it; it can `wait` and `cancel`.

        Raises `NotFoundError`.
        """
        from cloudmesh_sdk.mesh.handles import handle
        from cloudmesh_sdk.mesh.past import operation

        return handle(self, operation(self.store.journal, self.user, id))

    def reconcile(self, *, patient: bool = False) -> list[Operation]:
        """Find out what became of operations whose process died; return those that were open.

        A patient call leaves clouds alone that did not answer half a minute ago.
        """
        open_ones = self.store.journal.find(owner=self.user, states=OPEN)
        return self._acts.reconcile(open_ones, patient=patient) if open_ones else []

    def close(self) -> None:
        """Give back connections; an embedded store stops when its last user has left."""
        with ExitStack() as stack:
            stack.callback(self.store.close)
            for name in ("clouds", "queues"):
                if name in self.__dict__:
                    stack.callback(getattr(self, name).close)
            if "_feeding" in self.__dict__:  # ends first: it uses all of them
                stack.callback(self._feeding.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        names = ", ".join([*self.config.clouds, *self.config.queues])
        return f"Mesh({names}; {self.user}; {self.store.where})"
