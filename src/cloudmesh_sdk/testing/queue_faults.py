"""What a driver of queues promises when its manager misbehaves, or an answer is lost."""

import time
from typing import ClassVar

import attrs
import pytest

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    BackendTimeoutError,
    UnavailableError,
)
from cloudmesh_sdk.models import JobState
from cloudmesh_sdk.queues.base import Queue
from cloudmesh_sdk.testing.clouds import CANARY
from cloudmesh_sdk.testing.faults import values
from cloudmesh_sdk.testing.queues import SLEEP, QueueFixtures, Submit
from cloudmesh_sdk.testing.suite import wanted


def check_line(error: BaseException) -> None:
    """Assert that an error of a driver is one line that says something."""
    assert isinstance(error, BackendError)
    assert str(error).strip()
    assert "\n" not in str(error), "the text of an error is one line"


class QueueFaultPromises(QueueFixtures):
    """Promises about managers that refuse, are away, hang, talk nonsense or lose answers."""

    deadline: ClassVar[float] = 1.0
    """The `timeout` of the queue of `hanging`, in seconds."""
    margin: ClassVar[float] = 3.0
    """Seconds after the deadline at which the error must have come."""
    strange: ClassVar[str] = "MOONWALK"
    """The state word of a job of `unknown_state`."""

    @pytest.fixture
    def refused(self) -> Queue:
        """Give a queue whose manager refuses who we are, `CANARY` being our secret."""
        wanted(self, "refused", "a manager that refuses our credentials")

    @pytest.fixture
    def unreachable(self) -> Queue:
        """Give a queue whose manager nobody answers for."""
        wanted(self, "unreachable", "a manager that is down")

    @pytest.fixture
    def hanging(self) -> Queue:
        """Give a queue whose manager never answers; its settings say `timeout` = `deadline`."""
        wanted(self, "hanging", "a manager that takes the question and never answers")

    @pytest.fixture
    def garbage(self) -> Queue:
        """Give a queue whose manager answers nonsense, and says that all went well."""
        wanted(self, "garbage", "a manager whose answers are nonsense")

    @pytest.fixture
    def unknown_state(self) -> Queue:
        """Give a queue with a job whose state is the word `strange`."""
        wanted(self, "unknown_state", "a manager with a job in the state `strange`")

    @pytest.fixture
    def lossy(self) -> Queue:
        """Give a queue that takes the first job handed in, and loses the answer."""
        wanted(self, "lossy", "a manager that makes the first job and loses the answer")

    def test_refused_credentials_are_an_auth_error(
        self, refused: Queue, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(0)
        with pytest.raises(AuthError) as caught:
            list(refused.jobs())
        check_line(caught.value)
        assert not caught.value.transient
        told = f"{caught.value!r} {caught.value.__cause__!r} {refused!r} {caplog.text}"
        assert CANARY not in told

    def test_a_manager_that_is_down_is_unavailable(self, unreachable: Queue) -> None:
        for ask in (unreachable.check, lambda: list(unreachable.jobs())):
            with pytest.raises(UnavailableError) as caught:
                ask()
            check_line(caught.value)
            assert caught.value.transient

    def test_silence_ends_at_the_deadline(self, hanging: Queue) -> None:
        begun = time.monotonic()
        with pytest.raises((BackendTimeoutError, UnavailableError)) as caught:
            list(hanging.jobs())
        assert time.monotonic() - begun < self.deadline + self.margin
        check_line(caught.value)

    def test_nonsense_is_unavailable_and_no_empty_list(self, garbage: Queue) -> None:
        with pytest.raises(UnavailableError) as caught:
            list(garbage.jobs())
        check_line(caught.value)

    def test_an_unknown_state_is_unknown_and_readable(self, unknown_state: Queue) -> None:
        found = [job for job in unknown_state.jobs() if self.strange in values(dict(job.native))]
        assert found, f"no job's native data says {self.strange}"
        assert {job.state for job in found} == {JobState.UNKNOWN}

    def test_a_job_whose_answer_was_lost_is_found_and_not_made_again(self, lossy: Queue) -> None:
        request = self.order(*SLEEP)
        request = attrs.evolve(request, name=f"lost{request.token[:8]}")
        try:
            job = lossy.submit(request)
        except (UnavailableError, BackendTimeoutError):
            end = time.monotonic() + self.patience
            while (found := lossy.find(request.token)) is None:
                assert time.monotonic() < end, "what was made is never shown"
                time.sleep(self.step)
            job = found
        again = lossy.submit(request)
        assert again.id == job.id
        assert sum(row.name == request.name for row in lossy.jobs()) == 1

    def test_secrets_of_a_job_show_in_no_text(
        self, queue: Queue, submit: Submit, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(0)
        request = self.order("echo", CANARY, environment={"SECRET": CANARY})
        assert CANARY not in repr(request)
        with_it = {"environment": {"SECRET": CANARY}} if "environment" in queue.extras else {}
        job = submit("sh", "-c", f": {CANARY}", **with_it)
        assert CANARY not in f"{job!r} {queue!r} {caplog.text}"
