"""What a driver of queues promises whose manager has accounting, or lets output be read."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloudmesh_sdk.errors import NotFoundError
from cloudmesh_sdk.models import Job, JobState
from cloudmesh_sdk.queues.base import HasHistory, HasOutput, Queue
from cloudmesh_sdk.testing.queues import QueueFixtures, Submit


class HistorySuite(QueueFixtures):
    """Promises of `HasHistory`."""

    def test_history_tells_how_jobs_ended(self, queue: Queue, submit: Submit) -> None:
        good, bad = submit("true"), submit("sh", "-c", "exit 4")
        for job in (good, bad):
            self.over(queue, job)
        found = self._remembered(queue, [good.id, bad.id])
        assert (found[good.id].state, found[good.id].exit_code) == (JobState.DONE, 0)
        assert (found[bad.id].state, found[bad.id].exit_code) == (JobState.FAILED, 4)

    def test_history_of_many_is_one_question_and_unknown_ones_are_left_out(
        self, queue: Queue, submit: Submit
    ) -> None:
        first, second = submit("true"), submit("true")
        for job in (first, second):
            self.over(queue, job)
        self._remembered(queue, [first.id, second.id])
        before = queue.calls
        found = [job.id for job in _able(queue).history(ids=[second.id, self.absent, first.id])]
        assert queue.calls - before == 1
        assert sorted(found) == sorted([first.id, second.id])

    def test_history_is_of_a_user_and_of_a_time(self, queue: Queue, submit: Submit) -> None:
        job = self.over(queue, submit("true"))
        self._remembered(queue, [job.id])
        able = _able(queue)
        end = time.monotonic() + self.patience  # accounting may know a job by its id earlier
        while job.id not in {row.id for row in able.history(user=job.user)}:
            assert time.monotonic() < end, f"history of {job.user} lacks {job.id}"
            time.sleep(self.step)
        assert job.id not in {row.id for row in able.history(user="nobody-at-all")}
        now = datetime.now(UTC)
        assert job.id in {row.id for row in able.history(since=now - timedelta(hours=1))}
        assert job.id not in {row.id for row in able.history(since=now + timedelta(hours=1))}

    def test_history_is_in_order(self, queue: Queue, submit: Submit) -> None:
        ids = [self.over(queue, submit("true")).id for _ in range(2)]
        self._remembered(queue, ids)
        ended = [row.ended for row in _able(queue).history() if row.ended is not None]
        assert ended == sorted(ended)
        assert all(row.state.is_over for row in _able(queue).history())

    def _remembered(self, queue: Queue, ids: list[str]) -> dict[str, Job]:
        """Wait until accounting knows jobs: it may be behind."""
        end = time.monotonic() + self.patience
        while True:
            found = {job.id: job for job in _able(queue).history(ids=ids)}
            if found.keys() == set(ids):
                return found
            assert time.monotonic() < end, f"of {ids} history knows {sorted(found)}"
            time.sleep(self.step)


class OutputSuite(QueueFixtures):
    """Promises of `HasOutput`."""

    def test_output_is_what_a_job_wrote(self, queue: Queue, submit: Submit) -> None:
        job = self.over(queue, submit("printf", "%s\n", "grüße", "it's; $HOME"))
        assert self._read(queue, job, "it's") == "grüße\nit's; $HOME\n"

    def test_the_end_of_output(self, queue: Queue, submit: Submit) -> None:
        job = self.over(queue, submit("printf", "1234567890"))
        assert self._read(queue, job, "0", tail=4) == "7890"

    def test_errors_are_apart_where_that_was_asked(
        self, queue: Queue, submit: Submit, error_file: str
    ) -> None:
        script = "#!/bin/sh\necho out\necho err >&2\n"
        job = self.over(queue, submit(script=script, error=error_file))
        assert self._read(queue, job, "out") == "out\n"
        assert self._read(queue, job, "err", error=True) == "err\n"

    def test_the_environment_reaches_a_job(self, queue: Queue, submit: Submit) -> None:
        odd = "a,b 'c' \"d\" $e\nf=ü"
        job = self.over(queue, submit("sh", "-c", 'printf "%s." "$ODD"', environment={"ODD": odd}))
        assert self._read(queue, job, "ü.") == f"{odd}."

    def test_output_of_a_job_that_wrote_none_yet_is_not_found_or_empty(
        self, queue: Queue, submit: Submit
    ) -> None:
        job = submit("true", held=True)
        text, why = "", ""
        try:
            text = _reads(queue).output(job)
        except NotFoundError as error:
            why = str(error)
        assert text == ""
        assert "\n" not in why

    @pytest.fixture
    def error_file(self, tmp_path: Path) -> str:
        """Give the path of a file that jobs may write."""
        return f"{tmp_path}/errors"

    def _read(
        self, queue: Queue, job: Job, ending: str, *, error: bool = False, tail: int | None = None
    ) -> str:
        """Read until what is wanted has come: files may be behind."""
        end = time.monotonic() + self.patience
        while True:
            try:
                text = _reads(queue).output(job, error=error, tail=tail)
            except NotFoundError:
                text = ""
            if ending in text:
                return text
            assert time.monotonic() < end, f"after {self.patience:g} s there is {text!r}"
            time.sleep(self.step)


def _able(queue: Queue) -> HasHistory:
    if not isinstance(queue, HasHistory):
        pytest.fail(f"{type(queue).__name__} has no history")
    return queue


def _reads(queue: Queue) -> HasOutput:
    if not isinstance(queue, HasOutput):
        pytest.fail(f"{type(queue).__name__} lets no output be read")
    return queue


QUEUE_ABILITIES = {HasHistory: HistorySuite, HasOutput: OutputSuite}
"""Abilities of queue managers, and their suites."""
