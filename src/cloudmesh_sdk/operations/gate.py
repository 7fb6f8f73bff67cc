"""What an operation passes before it is sent: the rate that all processes of a store keep.

Where no rate is set and nothing was refused of late it stands open, and nobody is asked.
"""

import math
import time

from cloudmesh_sdk.models import Operation
from cloudmesh_sdk.operations.lanes import Lane, Stop
from cloudmesh_sdk.store.base import Store


def scope(cloud: str, account: str | None) -> str:
    """Return whom an operation shares limits with: all at its cloud who use its account."""
    return f"{cloud}/{account or ''}"


class Gate:
    """The gate of one operation; `stopped` ends every wait at it.

    Its lane's own rate is kept before, so that few wait here.
    """

    def __init__(self, store: Store, lane: Lane, operation: Operation, stopped: Stop) -> None:
        self._rates = store.rates
        self._lane = lane
        self._scope = scope(operation.cloud, operation.account)
        self._stopped = stopped

    def passed(self, seconds: float = math.inf) -> bool:
        """Wait until the operation may be sent; tell whether it may.

        It may not once `stopped` is set, or where that takes more than so many seconds. Raises
        `StoreError`.
        """
        end = time.monotonic() + seconds
        most = self._lane.limits.rate
        while not self._stopped.is_set():
            if most is None and not self._rates.slowed(self._scope):
                return True
            left = end - time.monotonic()
            place = self._rates.reserve(self._scope, most, within=left)
            if place.wait > left:
                return False
            if place.wait <= 0:
                return True
            self._stopped.wait(place.wait)
            if self._rates.slowed(self._scope) <= place.slowing:
                return not self._stopped.is_set()
        return False

    def throttled(self, went: float, retry_after: float | None) -> None:
        """Hear that what went at a time of the lane's clock was refused for its load."""
        pace = self._lane.throttled(went, retry_after)
        if pace is None and retry_after is None:  # others heard of it when this process did
            return
        ago = self._lane.clock() - went
        self._rates.throttled(
            self._scope, self._lane.limits.rate, ago=ago, pace=pace, retry_after=retry_after
        )
