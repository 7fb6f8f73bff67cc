"""What a driver of queues promises of connections that break."""

from collections.abc import Callable
from typing import ClassVar
from uuid import uuid4

import pytest

from cloudmesh_sdk.models import Job
from cloudmesh_sdk.queues.base import Queue
from cloudmesh_sdk.testing.cut_promises import CutPromises
from cloudmesh_sdk.testing.queue_cut_deeds import QUEUE_DEEDS, QueueScene
from cloudmesh_sdk.testing.queues import SLEEP, QueueFixtures, Submit


class QueueCutSuite(QueueFixtures, CutPromises):
    """Promises of every act on jobs, whatever is cut and whenever: a job is made once or not.

    Give `queue`, a driver object that nothing is cut for, `through`, which opens one that reaches
    the same manager by what `cuts` gives, and `driver`, its class. Without more `cuts` gives
    `Cuts`, for HTTP; a manager that is reached another way gives a `Cutter` of its own. `changes`
    and `moments` may be overridden as those of `CutSuite`, `waiting` where a job that waits for
    another one is shown as held.
    """

    deeds: ClassVar = QUEUE_DEEDS

    @pytest.fixture
    def waiting(self, submit: Submit) -> Callable[[], Job]:
        """Give what hands in a job that waits, and is not held: for another one, here."""

        def waiting() -> Job:
            first = submit(*SLEEP)
            return submit(*SLEEP, after={"afterany": (first.id,)})

        return waiting

    @pytest.fixture
    def scene(
        self, queue: Queue, submit: Submit, waiting: Callable[[], Job]
    ) -> Callable[[], QueueScene]:
        """Give what makes scenes at the manager."""
        return lambda: QueueScene(
            service=queue, name=f"kit{uuid4().hex[:8]}", given=self.given, submit=submit,
            waiting=waiting, eventually=self.eventually,
        )  # fmt: skip
