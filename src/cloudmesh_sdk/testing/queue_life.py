"""What a driver of queues promises of a job's life, from handing in to its end."""

import shlex
import time

import pytest

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError
from cloudmesh_sdk.models import JobState
from cloudmesh_sdk.queues.arrays import expanded
from cloudmesh_sdk.queues.base import Queue
from cloudmesh_sdk.testing.queues import SLEEP, QueueFixtures, Submit

ODD_NAMES = (
    "two words", "it's", 'say "hi"', "a,b", "a=b", "50%", "a;b|c&d", "$HOME", "back\\slash",
    "ünï-cödé", "日本", "tab\there", "line\nbreak", "-dash", "[1-3]", "0x1f\x1fhere", "x" * 300,
)  # fmt: skip
"""Names that some manager or other trips on."""

WAITS = QueueFixtures.waits
"""All ways in which a job can wait for another."""


class JobLifePromises(QueueFixtures):
    """Promises about jobs that are handed in."""

    def test_a_job_is_handed_in_and_listed(self, queue: Queue, submit: Submit) -> None:
        job = submit(*SLEEP, name="listed")
        assert (job.cloud, job.name) == (queue.name, "listed")
        assert not job.state.is_over
        found = next(row for row in queue.jobs() if row.id == job.id)
        assert found.name == "listed"
        assert set(found.queues) <= set(job.queues), "it may have begun, in one of several"
        assert queue.job(job.id).name == "listed"

    def test_a_job_is_found_by_its_token(self, queue: Queue, submit: Submit) -> None:
        token = self.order().token
        job = submit(*SLEEP, token=token)
        found = queue.find(token)
        assert found is not None
        assert (found.id, found.token) == (job.id, token)

    def test_the_same_token_hands_in_once(self, queue: Queue, submit: Submit) -> None:
        token = self.order().token
        once = {"name": f"once{token[:8]}", "token": token}
        first, again = submit(*SLEEP, **once), submit(*SLEEP, **once)
        assert first.id == again.id
        assert sum(job.name == once["name"] for job in queue.jobs()) == 1

    def test_success_is_done(self, queue: Queue, submit: Submit) -> None:
        job = self.over(queue, submit("true"))
        assert (job.state, job.exit_code, job.signal) == (JobState.DONE, 0, None)
        assert job.started is not None
        assert job.ended is not None
        assert job.started <= job.ended

    def test_an_exit_code_is_kept(self, queue: Queue, submit: Submit) -> None:
        job = self.over(queue, submit("sh", "-c", "exit 7"))
        assert (job.state, job.exit_code) == (JobState.FAILED, 7)

    def test_a_script_is_run(self, queue: Queue, submit: Submit) -> None:
        script = "#!/bin/sh\n# 'quotes' \"and\" $dollars\nx='a b'\ntest \"$x\" = 'a b' && exit 5\n"
        job = self.over(queue, submit(script=script))
        assert (job.state, job.exit_code) == (JobState.FAILED, 5)

    def test_arguments_reach_a_command_unharmed(self, queue: Queue, submit: Submit) -> None:
        odd = ("two words", "it's", '"', "a\nb", "$HOME", "ünï", "", "*")
        same = [f'test "${{{n}}}" = {shlex.quote(text)}' for n, text in enumerate(odd, 1)]
        check = " && ".join([f"test $# -eq {len(odd)}", *same, "exit 9"])
        job = self.over(queue, submit("sh", "-c", check, "sh", *odd))
        assert (job.state, job.exit_code) == (JobState.FAILED, 9)

    def test_a_running_job_is_cancelled(self, queue: Queue, submit: Submit) -> None:
        job = self.running(queue, submit(*SLEEP))
        assert job.elapsed is None or job.elapsed >= 0
        queue.cancel(job)
        assert self.over(queue, job).state is JobState.CANCELLED

    def test_a_cancelled_job_may_be_cancelled_again(self, queue: Queue, submit: Submit) -> None:
        job = submit(*SLEEP)
        queue.cancel(job)
        self.over(queue, job)
        queue.cancel(job)

    def test_a_job_that_is_over_may_be_cancelled(self, queue: Queue, submit: Submit) -> None:
        job = self.over(queue, submit("true"))
        queue.cancel(job)
        assert self.now(queue, job).state is JobState.DONE

    def test_a_running_job_cannot_be_held(self, queue: Queue, submit: Submit) -> None:
        job = self.running(queue, submit(*SLEEP))
        with pytest.raises(ConflictError):
            queue.hold(job)
        assert self.now(queue, job).state is JobState.RUNNING

    def test_a_held_job_waits_until_it_is_released(self, queue: Queue, submit: Submit) -> None:
        job = submit(*SLEEP, held=True)
        held = self.until(queue, job, lambda now: now.state is JobState.HELD)
        queue.hold(held)
        assert self.now(queue, job).state is JobState.HELD
        queue.release(held)
        self.running(queue, job)
        queue.release(job)

    def test_a_waiting_job_is_held_and_released(self, queue: Queue, submit: Submit) -> None:
        first = submit(*SLEEP)
        waits = submit("true", after={"afterany": (first.id,)})
        assert self.now(queue, waits).state in (JobState.PENDING, JobState.HELD)
        queue.hold(waits)
        self.until(queue, waits, lambda now: now.state is JobState.HELD)
        queue.cancel(first)
        self.over(queue, first)
        assert self.now(queue, waits).state is JobState.HELD
        queue.release(waits)
        assert self.over(queue, waits).state is JobState.DONE

    def test_a_held_job_is_cancelled(self, queue: Queue, submit: Submit) -> None:
        job = submit(*SLEEP, held=True)
        queue.cancel(job)
        assert self.over(queue, job).state is JobState.CANCELLED

    def test_a_job_waits_for_another(self, queue: Queue, submit: Submit) -> None:
        first = submit("sleep", "1")
        how = "afterok" if "afterok" in self.waits else "afterany"
        then = submit("true", after={how: (first.id,)})
        over = self.over(queue, then)
        before = self.now(queue, first)
        assert (before.state, over.state) == (JobState.DONE, JobState.DONE)
        assert before.ended is not None
        assert over.started is not None
        assert before.ended <= over.started

    def test_a_job_for_a_success_that_never_comes_does_not_run(
        self, queue: Queue, submit: Submit
    ) -> None:
        first = submit("sleep", "1")
        never = submit("true", after={"afternotok": (first.id,)})
        self.over(queue, first)
        then = submit("true")
        self.over(queue, then)
        state = self.now(queue, never).state
        assert state in (JobState.PENDING, JobState.HELD, JobState.CANCELLED, JobState.UNKNOWN)

    def test_a_way_of_waiting_that_it_does_not_know_is_refused(
        self, queue: Queue, submit: Submit
    ) -> None:
        first = submit(*SLEEP)
        for how in ("afterlunch", *(way for way in WAITS if way not in self.waits)):
            request = self.order(name=f"never{how}", after={how: (first.id,)})
            with pytest.raises(InvalidRequestError, match=how):
                queue.submit(request)
            assert request.name not in {job.name for job in queue.jobs()}

    def test_an_array_is_one_record_that_stands_for_many(
        self, queue: Queue, submit: Submit
    ) -> None:
        array = submit(*SLEEP, array="1-3", held=True)
        rows = [row for row in queue.jobs() if array.id in (row.id, row.array)]
        assert sum(row.count for row in rows) == 3
        assert sorted(one.index or 0 for row in rows for one in expanded(row)) == [1, 2, 3]
        queue.cancel(array)
        self.until(queue, array, lambda now: now.state.is_over)

    def test_each_of_an_array_has_its_index_and_its_end(self, queue: Queue, submit: Submit) -> None:
        script = f"#!/bin/sh\nexit $(({self.index_variable} - 1))\n"
        array = submit(script=script, array="1-3:2")  # not all know an index 0
        assert self.over(queue, array).state is JobState.FAILED
        rows = {one.index: one for one in self.parts(queue, array) if one.index is not None}
        assert set(rows) == {1, 3}
        assert (rows[1].state, rows[1].exit_code) == (JobState.DONE, 0)
        assert (rows[3].state, rows[3].exit_code) == (JobState.FAILED, 2)

    def test_a_job_goes_to_the_queue_that_is_named(
        self, queue: Queue, submit: Submit, second: str
    ) -> None:
        job = submit(*SLEEP, queue=second)
        assert queue.job(job.id).queues == job.queues == (second,)

    def test_a_queue_that_is_none_is_refused(self, queue: Queue) -> None:
        request = self.order(queue="no-such-queue")
        with pytest.raises(InvalidRequestError) as caught:
            queue.submit(request)
        assert "\n" not in str(caught.value)
        assert queue.find(request.token) is None

    def test_a_job_past_its_walltime_is_ended(self, queue: Queue, submit: Submit) -> None:
        job = submit(*SLEEP, walltime=self.shortest)
        started = self.running(queue, job)
        assert started.walltime == self.shortest
        end = time.monotonic() + self.shortest + self.overtime
        while not (now := self.now(queue, job)).state.is_over:
            assert time.monotonic() < end, f"{self.overtime:g} s past its walltime it is {now!r}"
            time.sleep(self.step)
        assert now.state is JobState.TIMEOUT

    @pytest.mark.parametrize("name", ODD_NAMES)
    def test_an_odd_name_is_refused_or_kept_and_harms_no_other(
        self, queue: Queue, submit: Submit, name: str
    ) -> None:
        other = submit(*SLEEP, name="ordinary")
        odd, refused = None, ""
        try:
            odd = submit(*SLEEP, name=name)
        except InvalidRequestError as error:
            refused = str(error)
        rows = {row.id: row for row in queue.jobs()}
        assert rows[other.id].name == "ordinary"
        assert set(rows[other.id].queues) <= set(other.queues)
        assert "\n" not in refused
        if odd is None:
            assert refused
        else:
            assert rows[odd.id].name == queue.job(odd.id).name == name
