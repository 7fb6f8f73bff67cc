"""What a queue manager promises: inherit `QueueSuite`, and the suite of each ability it has."""

from cloudmesh_sdk.queues.base import Queue
from cloudmesh_sdk.testing.queue_abilities import QUEUE_ABILITIES
from cloudmesh_sdk.testing.queue_faults import QueueFaultPromises
from cloudmesh_sdk.testing.queue_life import JobLifePromises
from cloudmesh_sdk.testing.queue_listing import QueueListPromises


class QueueSuite(QueueListPromises, JobLifePromises, QueueFaultPromises):
    """All promises that every driver of a queue manager makes.

    Fixtures to give: `queue`, an open driver; and queues in trouble: `refused`, `unreachable`,
    `hanging`, `garbage`, `unknown_state`, `lossy`. What cannot be given is named in `lacks` with
    the reason. `second`, `given`, `patience`, `step`, `absent`, `shortest`, `overtime`, `waits`,
    `index_variable`, `deadline`, `margin` and `strange` may be overridden.
    """

    def test_every_ability_has_its_suite(self, queue: Queue) -> None:
        for ability, suite in QUEUE_ABILITIES.items():
            able, tried = isinstance(queue, ability), isinstance(self, suite)
            hint = f"{type(queue).__name__}, {ability.__name__}, {suite.__name__}"
            assert able == tried, f"an ability goes with its suite, inherited by the test: {hint}"
