"""How many may be busy at a service at once, over all processes that share a store.

A scope is an account at a cloud, a holder whatever is busy there: an operation. What is held ends
with its lease, by the store's own clock, so that nothing is held for ever by who died.
"""

import abc
from collections.abc import Collection, Sequence


class Slots(abc.ABC):
    """So many holders a scope."""

    @abc.abstractmethod
    def take(
        self,
        scope: str,
        holders: Sequence[str],
        *,
        limit: int,
        lease: float,
        instead: Collection[str] = (),
    ) -> set[str]:
        """Let these hold a slot each for `lease` seconds from now; return those that do.

        Who holds one already holds it on. Of the others the first get those that are left of
        `limit`. `instead` give theirs up for it, even where that is in vain.
        """

    @abc.abstractmethod
    def renew(self, scope: str, holders: Collection[str], *, lease: float) -> set[str]:
        """Hold slots on for `lease` seconds from now; return who of these holds one."""

    @abc.abstractmethod
    def release(self, scope: str, holders: Collection[str]) -> None:
        """Give slots back; changes nothing for those that are not held."""

    @abc.abstractmethod
    def held(self) -> dict[str, list[str]]:
        """Return who holds slots now, by scope, in the order in which they were taken."""
