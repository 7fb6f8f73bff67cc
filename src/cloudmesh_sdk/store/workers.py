"""Which workers live: each says so now and then, and is forgotten where it does not."""

import abc

from cloudmesh_sdk.models import Worker


class Workers(abc.ABC):
    """Workers of one store, by their ids."""

    @abc.abstractmethod
    def beat(self, worker: Worker, *, lease: float) -> None:
        """Say that a worker lives, and may be taken to for `lease` seconds; `seen` is now."""

    @abc.abstractmethod
    def leave(self, id: str) -> None:  # noqa: A002
        """Forget a worker that ends."""

    @abc.abstractmethod
    def living(self) -> list[Worker]:
        """Return those whose lease is not over, the longest there first."""
