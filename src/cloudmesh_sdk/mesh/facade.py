"""What every part of the facade stands on: configuration, store, user, and the parts that act."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError, near
from cloudmesh_sdk.mesh.viewing import Viewing, kind_of
from cloudmesh_sdk.models import Operation, Server
from cloudmesh_sdk.store.base import Store

if TYPE_CHECKING:
    from cloudmesh_sdk.driver import Driver
    from cloudmesh_sdk.fanout import Answer, Gathered
    from cloudmesh_sdk.limits import Limits
    from cloudmesh_sdk.mesh import Mesh
    from cloudmesh_sdk.mesh.acting import Acts
    from cloudmesh_sdk.mesh.asking import Asking
    from cloudmesh_sdk.mesh.belonging import Belonging
    from cloudmesh_sdk.mesh.defaults import Defaults
    from cloudmesh_sdk.mesh.feeding import Feeding
    from cloudmesh_sdk.mesh.following import Shows
    from cloudmesh_sdk.mesh.keypairs import Keypairs
    from cloudmesh_sdk.mesh.keys import Keys
    from cloudmesh_sdk.mesh.machines import Machines
    from cloudmesh_sdk.mesh.polling import Polling
    from cloudmesh_sdk.mesh.refreshing import Refreshed
    from cloudmesh_sdk.mesh.registry import Clouds, Queues
    from cloudmesh_sdk.mesh.scopes import Scopes
    from cloudmesh_sdk.mesh.serving import Serving
    from cloudmesh_sdk.mesh.starting import Starting
    from cloudmesh_sdk.mesh.suggesting import Suggesting
    from cloudmesh_sdk.mesh.things import Things

Which = str | Server | Iterable[str | Server]
"""Servers as users name them: a record, a name, an id, a hostlist, or several of these."""

Told = Callable[[Operation], None]
"""Hears an operation as it ends."""


class Facade:
    """One user, the clouds of one configuration, one store."""

    def __init__(self, config: Config, store: Store, *, user: str | None = None) -> None:
        self.config = config
        self.store = store
        self.user = user or config.username()
        self._shows: Shows | None = None

    @cached_property
    def clouds(self) -> "Clouds":
        """Drivers by name of cloud; each is imported and opened when first asked for."""
        from cloudmesh_sdk.mesh.registry import Clouds

        return Clouds(self.config.clouds)

    @cached_property
    def queues(self) -> "Queues":
        """Drivers by name of queue manager; each is imported and opened when first asked for.

        What they are asked in this way is asked at once and not shared, and not counted.
        """
        from cloudmesh_sdk.mesh.registry import Queues

        return Queues(self.config.queues)

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the clouds that are on: lists, refreshes and starts use these."""
        return self._defaults.active()

    def refresh(
        self,
        names: str | Iterable[str] | None = None,
        kinds: str | Iterable[str] | None = None,
        *,
        told: "Callable[[Answer[Any]], None] | None" = None,
        deadline: float | None = None,
        full: bool = False,
    ) -> "Gathered[Refreshed]":
        """Ask clouds (the active ones) for kinds of records, such as `servers` (the usual ones).

        All clouds are asked at once; `told` hears each as it answers. What a cloud does not answer
        within `deadline` seconds stays as it was last seen. A cloud that can tell what changed is
        asked for that alone, unless it is to be `full`.
        """
        from cloudmesh_sdk.mesh.refreshing import DEADLINE, USUAL, refresh

        asked = list(USUAL) if kinds is None else [kinds] if isinstance(kinds, str) else list(kinds)
        return refresh(
            self.store,
            self.user,
            self.clouds,
            self._names(names),
            [kind_of(kind).kind for kind in asked],
            told=told,
            deadline=deadline or DEADLINE,
            hooks=lambda: self._acts.hooks,
            full=full,
            account=self._belonging.account,
        )

    # Parts, made when first needed: listing must not import what only acting needs

    @cached_property
    def _view(self) -> Viewing:
        return Viewing(self.store, self.user, lambda names, kind: self.refresh(names, [kind]))

    @cached_property
    def _belonging(self) -> "Belonging":
        from cloudmesh_sdk.mesh.belonging import Belonging

        return Belonging(self.config.clouds, self.store, self.user, self._scopes.account)

    @cached_property
    def _defaults(self) -> "Defaults":
        from cloudmesh_sdk.mesh.defaults import Defaults

        return Defaults(self.config, self.store.settings, self.user)

    @cached_property
    def _keys(self) -> "Keys":
        from cloudmesh_sdk.mesh.keys import Keys

        return Keys(self.store.settings, self.user)

    @cached_property
    def _acts(self) -> "Acts":
        from cloudmesh_sdk.mesh.acting import Acts

        return Acts(
            self.store,
            self.user,
            self._lend,
            self._belonging,
            limits=self._limits,
            follow=self._follow,
        )

    @cached_property
    def _deferring(self) -> "Mesh":
        from cloudmesh_sdk.mesh.deferring import deferring

        return deferring(self._whole)

    @cached_property
    def _feeding(self) -> "Feeding":
        from cloudmesh_sdk.mesh.feeding import Feeding

        return Feeding(self._whole)

    @cached_property
    def _keypairs(self) -> "Keypairs":
        from cloudmesh_sdk.mesh.keypairs import Keypairs

        return Keypairs(self._whole, self._acts)

    @cached_property
    def _suggesting(self) -> "Suggesting":
        from cloudmesh_sdk.mesh.suggesting import Suggesting

        return Suggesting(self._whole)

    @cached_property
    def _starting(self) -> "Starting":
        from cloudmesh_sdk.mesh.starting import Starting

        return Starting(self._whole)

    @cached_property
    def _serving(self) -> "Serving":
        from cloudmesh_sdk.mesh.serving import Serving

        return Serving(self._whole)

    @cached_property
    def _things(self) -> "Things":
        from cloudmesh_sdk.mesh.things import Things

        return Things(self._whole)

    @cached_property
    def _asking(self) -> "Asking":
        from cloudmesh_sdk.mesh.asking import Asking

        return Asking(self._whole)

    @cached_property
    def _scopes(self) -> "Scopes":
        from cloudmesh_sdk.mesh.scopes import Scopes

        return Scopes(self.config.queues, self.user)

    @cached_property
    def _machines(self) -> "Machines":
        from cloudmesh_sdk.mesh.machines import Machines

        return Machines(self.config.queues)

    @cached_property
    def _polling(self) -> "Polling":
        from cloudmesh_sdk.mesh.polling import Polling

        return Polling(
            self.store,
            self.queues,
            self.config.queues,
            self._scopes,
            by=self.user,
            hooks=lambda: self._acts.hooks,
        )

    def _lend(self, name: str) -> "AbstractContextManager[Driver]":
        """Lend the driver of a cloud or a queue manager to one thread."""
        use: Any = self._polling.use if name in self.config.queues else self.clouds.use
        lent: AbstractContextManager[Driver] = use(name)
        return lent

    def _follow(self, operations: Sequence[Operation]) -> AbstractContextManager[object]:
        """Show how far operations are, while the context lasts, where anybody asked for that."""
        if self._shows is None:
            return nullcontext()
        from cloudmesh_sdk.mesh.following import Following

        return Following(self.store.journal, self._shows, operations)

    def _limits(self, name: str) -> "Limits":
        """Return what the operations of a cloud or a queue manager are held to.

        One that is not configured is told of when it is to be used.
        """
        from cloudmesh_sdk.limits import Limits

        entry = self.config.queues.get(name) or self.config.clouds.get(name)
        return Limits() if entry is None else entry.limits

    @property
    def _whole(self) -> "Mesh":
        """Return this object as what it is: every part of the facade is of a whole mesh."""
        return cast("Mesh", self)

    def _forget_parts(self) -> None:
        """Let the parts be made anew: they belong to one user."""
        if "_feeding" in self.__dict__:
            self._feeding.close()
        for name in _PARTS:
            self.__dict__.pop(name, None)

    def _names(self, names: str | Iterable[str] | None) -> list[str]:
        """Return names of clouds (the active ones for None); raises `ConfigError`.

        What the view has of them then is of the accounts that they mean now.
        """
        asked = list(self.active) if names is None else self._named(names)
        self._belonging.hold(asked)
        return asked

    def _named(self, names: str | Iterable[str]) -> list[str]:
        asked = list(dict.fromkeys([names] if isinstance(names, str) else names))
        for name in asked:
            if name not in self.config.clouds:
                hint = near(name, self.config.clouds, what="configured")
                raise ConfigError(f"there is no cloud {name!r}; {hint}")
        return asked


_PARTS = (
    "_view", "_defaults", "_keys", "_acts", "_keypairs", "_suggesting", "_starting", "_serving",
    "_things", "_asking", "_belonging", "_scopes", "_polling", "_jobs", "_submitting", "_deferring",
    "_feeding",
)  # fmt: skip
