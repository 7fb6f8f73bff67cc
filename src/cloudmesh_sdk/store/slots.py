"""How many may be busy at a service at once, over all processes that share a store.

A scope is an account at a cloud, a holder whatever is busy there: an operation. What is held ends
with its lease, by the store's own clock, so that nothing is held for ever by who died.
"""

import abc


class Slots(abc.ABC):
    """So many holders a scope."""

    @abc.abstractmethod
    def take(
        self, scope: str, holder: str, *, limit: int, lease: float, instead: str | None = None
    ) -> bool:
        """Hold a slot for `lease` seconds from now; False where `limit` others hold one.

        Who holds one already holds it on. `instead` gives its own up for it, or where it is in
        vain.
        """

    @abc.abstractmethod
    def renew(self, scope: str, holder: str, *, lease: float) -> bool:
        """Hold a slot on for `lease` seconds from now; False where it is not held."""

    @abc.abstractmethod
    def release(self, scope: str, holder: str) -> None:
        """Give a slot back; changes nothing where it is not held."""

    @abc.abstractmethod
    def held(self) -> dict[str, list[str]]:
        """Return who holds slots now, by scope, in the order in which they were taken."""
