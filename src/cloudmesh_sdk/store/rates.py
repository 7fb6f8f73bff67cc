"""How fast a service is asked by all processes together that share a store.

A scope is an account at a cloud. The store's own clock decides, so that it does not matter what
those of the machines show.
"""

import abc

import attrs


@attrs.frozen(kw_only=True)
class Place:
    """When something may go: the seconds to wait, and the slowing that they keep to."""

    wait: float
    slowing: int = 0


class Rates(abc.ABC):
    """One goes after the other, as far apart as the rate says; nothing is saved up."""

    @abc.abstractmethod
    def slowed(self, scope: str) -> int:
        """Return the number of the slowing that lasts in a scope, 0 for none; they grow.

        That costs next to nothing: it may be as it was `pacing.AGE` seconds ago, or a little
        earlier while the store is asked.
        """

    @abc.abstractmethod
    def reserve(self, scope: str, most: float | None, *, within: float) -> Place:
        """Take the next free place of a scope for something, and return when it may go.

        `most` is how many may go in a second where nothing was refused, None for any number. A
        place that is not free `within` so many seconds is not taken, only told of. It is good for
        the slowing it names: after a later one, another is to be taken.
        """

    @abc.abstractmethod
    def throttled(
        self,
        scope: str,
        most: float | None,
        *,
        ago: float,
        pace: float | None,
        retry_after: float | None,
    ) -> None:
        """Hear that what went so many seconds ago was refused for its load.

        `pacing.Slowing.refused` says what becomes of the rate, and what the numbers mean.
        """
