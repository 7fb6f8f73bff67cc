"""Questions that go straight to clouds: limits, zones, consoles, what was done, raw requests."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from cloudmesh_sdk.errors import UnsupportedError
from cloudmesh_sdk.fanout import Answer, Gathered, Source, ask
from cloudmesh_sdk.mesh.abilities import OF_KIND, require
from cloudmesh_sdk.models import Action, Quota, RawAnswer, Record, Server, Zone
from cloudmesh_sdk.providers import base

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh

T = TypeVar("T")

DEADLINE = 60.0
"""Seconds after which a cloud that answers nothing is given up."""


class Asking:
    """The live questions of one mesh."""

    def __init__(self, mesh: "Mesh") -> None:
        self._mesh = mesh

    def quotas(self, cloud: str | Iterable[str] | None) -> Gathered[Quota]:
        """Ask clouds for the limits of the account."""
        return self._gather(cloud, base.HasQuotas, lambda able: able.quotas())

    def zones(self, cloud: str | Iterable[str] | None) -> Gathered[Zone]:
        """Ask clouds for their availability zones."""
        return self._gather(cloud, base.HasZones, lambda able: able.zones())

    def console(self, server: str | Server, clouds: Sequence[str]) -> str:
        """Return what a server printed while booting."""
        text: str = self._of_server(server, clouds, base.HasConsole, lambda c, s: c.console(s))
        return text

    def console_url(self, server: str | Server, clouds: Sequence[str]) -> str:
        """Return a link that opens a server's console."""
        asked = base.HasConsoleURL
        link: str = self._of_server(server, clouds, asked, lambda c, s: c.console_url(s))
        return link

    def actions(self, server: str | Server, clouds: Sequence[str]) -> list[Action]:
        """Return what a cloud says was done to a server."""
        return self._of_server(server, clouds, base.HasActions, lambda c, s: list(c.actions(s)))

    def raw(self, cloud: str, method: str, path: str, **rest: Any) -> RawAnswer:
        """Send a request of the user's own making."""
        sent: RawAnswer = self._one(cloud, base.HasRaw, lambda able: able.raw(method, path, **rest))
        return sent

    def require_kind(self, cloud: str, kind: type[Record]) -> None:
        """Raise `UnsupportedError` where a cloud, or the service behind it, has none of a kind."""
        if kind not in OF_KIND:
            return
        require(self._mesh.clouds, [cloud], OF_KIND[kind])
        with self._mesh.clouds.use(cloud) as driver:
            next(iter(getattr(driver, kind.kind)()), None)

    def _of_server(
        self,
        server: str | Server,
        clouds: Sequence[str],
        ability: type,
        question: Callable[[Any, Server], T],
    ) -> T:
        found = self._mesh._serving.one(server, clouds)
        return self._one(found.cloud, ability, lambda able: question(able, found))

    def _one(self, cloud: str, ability: type, question: Callable[[Any], T]) -> T:
        require(self._mesh.clouds, self._mesh._names(cloud), ability)
        with self._mesh.clouds.use(cloud) as driver:
            return question(driver)

    def _gather(
        self,
        cloud: str | Iterable[str] | None,
        ability: type,
        question: Callable[[Any], Iterable[T]],
    ) -> Gathered[T]:
        """Ask clouds at once; one that lacks the ability says nothing, unless named alone."""
        clouds = self._mesh.clouds
        names = self._mesh._names(cloud)
        alone = len(names) == 1 and cloud is not None
        if alone:
            require(clouds, names, ability)

        def one(name: str) -> tuple[list[T], int]:
            with clouds.use(name) as driver:
                before = driver.calls
                rows: list[T] = []
                with suppress(*() if alone else (UnsupportedError,)):
                    rows += question(driver) if isinstance(driver, ability) else ()
                return rows, driver.calls - before

        answers = ask(names, one, deadline=DEADLINE)
        rows = [row for answer in answers if answer.value for row in answer.value[0]]
        return Gathered(rows, {answer.name: _source(answer) for answer in answers})


def _source(answer: Answer[tuple[list[Any], int]]) -> Source:
    rows, calls = answer.value or ([], 0)
    return Source(
        name=answer.name, count=len(rows), error=answer.error, elapsed=answer.elapsed, calls=calls
    )
