"""The queue in memory keeps all promises of the kit."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.queues.memory import MemoryQueue, MemoryQueueSettings
from cloudmesh_sdk.testing import CANARY, HistorySuite, OutputSuite, QueueSuite

Make = Callable[..., MemoryQueue]


@pytest.fixture
def make() -> Iterator[Make]:
    opened: list[MemoryQueue] = []

    def made(**settings: Any) -> MemoryQueue:
        opened.append(MemoryQueue("memory", MemoryQueueSettings(**settings)))
        return opened[-1]

    yield made
    for queue in opened:
        queue.close()


class TestMemoryQueue(QueueSuite, HistorySuite, OutputSuite):
    step: ClassVar = 0.02
    patience: ClassVar = 20.0
    overtime: ClassVar = 10.0
    index_variable: ClassVar = "$CLOUDMESH_ARRAY_INDEX"

    lacks: ClassVar = {"garbage": "what is kept in memory is no text that could be nonsense"}

    @pytest.fixture
    def queue(self, make: Make) -> MemoryQueue:
        return make()

    @pytest.fixture
    def refused(self, make: Make) -> MemoryQueue:
        return make(fail="AuthError", password=CANARY)

    @pytest.fixture
    def unreachable(self, make: Make) -> MemoryQueue:
        return make(fail="UnavailableError")

    @pytest.fixture
    def hanging(self, make: Make) -> MemoryQueue:
        return make(hang=60.0, timeout=self.deadline)

    @pytest.fixture
    def unknown_state(self, make: Make) -> MemoryQueue:
        queue = make(strange=self.strange)
        queue.submit(self.order("sleep", "300"))
        return queue

    @pytest.fixture
    def lossy(self, make: Make) -> MemoryQueue:
        return make(lose=1)


@pytest.mark.parametrize(
    "settings", [{"fail": "AuthErorr"}, {"slots": 0}, {"queues": ()}], ids=lambda s: next(iter(s))
)
def test_a_setting_that_makes_no_sense_is_refused(make: Make, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="memory"):
        make(**settings)
