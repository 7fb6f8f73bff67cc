"""Watching what changes: records and operations of one user, whichever process changes them."""

import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Self

from cloudmesh_sdk.errors import NotFoundError, near
from cloudmesh_sdk.models import KINDS, QUEUE_KINDS, Happening, What
from cloudmesh_sdk.store.changes import OPERATIONS, Listener

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh


class Watching(Iterator[Happening]):
    """Yields what happens from the moment it was made; ends when it is closed, or in time."""

    def __init__(
        self, listener: Listener, clouds: Collection[str] | None, timeout: float | None
    ) -> None:
        self._listener = listener
        self._clouds = clouds
        self._end = None if timeout is None else time.monotonic() + timeout
        self._box: deque[Happening] = deque()

    def __next__(self) -> Happening:
        if not self._box:
            self._box.extend(self.together())
        if not self._box:
            raise StopIteration
        return self._box.popleft()

    def together(self) -> list[Happening]:
        """Return all that happened by now, waiting for the first; empty where this is at its end.

        For those who draw anew: once for all that came together.
        """
        found, left = [*self._box], self._left()
        self._box.clear()
        while not found:
            heard = self._listener.next(left)
            if not heard:
                break
            found = [h for h in heard if self._means(h)]
            left = self._left()
        return found

    def _left(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def _means(self, happening: Happening) -> bool:
        means_all = self._clouds is None or happening.what is What.GAP
        return means_all or happening.cloud in (self._clouds or ())

    def close(self) -> None:
        """Hear no more: whoever waits for the next one is told that there is none."""
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def watch(
    mesh: "Mesh",
    kinds: str | Iterable[str] | None,
    *,
    cloud: str | Iterable[str] | None,
    timeout: float | None,
) -> Watching:
    """Return what yields the happenings of one mesh's user."""
    asked = _known(kinds, [*KINDS, OPERATIONS], "kind of records")
    clouds = _known(cloud, [*mesh.config.clouds, *mesh.config.queues], "cloud or queue")
    owners = [mesh.user]
    if asked is None or {*asked} & {*QUEUE_KINDS}:
        accounts = map(mesh._scopes.account, mesh.config.queues)
        owners += [account for account in accounts if account is not None]
    return Watching(mesh.store.changes.listen(owners, asked), clouds, timeout)


def _known(
    words: str | Iterable[str] | None, known: Collection[str], what: str
) -> list[str] | None:
    """Return what is asked for; raises `NotFoundError` for what there is not."""
    asked = None if words is None else [words] if isinstance(words, str) else [*words]
    for word in asked or ():
        if word not in known:
            raise NotFoundError(f"there is no {what} {word!r}; {near(word, known)}")
    return asked
