"""What a driver of queues promises of its lists."""

from collections import Counter
from datetime import timedelta

import attrs
import pytest

from cloudmesh_sdk.errors import NotFoundError
from cloudmesh_sdk.models import Job, JobRequest, JobState, NodeState, QueueInfo, QueueState
from cloudmesh_sdk.queues.base import Queue
from cloudmesh_sdk.testing.queues import SLEEP, QueueFixtures, Submit, plain

_LIMITS = (
    "nodes", "cores", "memory", "walltime", "default_walltime", "min_nodes", "max_nodes",
)  # fmt: skip


class QueueListPromises(QueueFixtures):
    """Promises about what is listed, and what that costs."""

    def test_it_answers_who_it_is(self, queue: Queue) -> None:
        health = queue.check()
        assert health.service == queue.name

    def test_opening_sends_nothing_and_every_question_is_counted(self, queue: Queue) -> None:
        before = queue.calls
        queue.check()
        assert queue.calls > before

    def test_a_list_of_jobs_is_one_question(self, queue: Queue, submit: Submit) -> None:
        submit(*SLEEP)
        before = queue.calls
        jobs = list(queue.jobs())
        assert queue.calls - before == 1
        assert jobs

    def test_jobs_are_whole_records(self, queue: Queue, submit: Submit) -> None:
        made = submit(*SLEEP)
        jobs = list(queue.jobs())
        assert made.id in {job.id for job in jobs}
        assert max(Counter(job.id for job in jobs).values()) == 1, "ids are unique"
        for job in jobs:
            self._check_job(queue, job)

    def _check_job(self, queue: Queue, job: Job) -> None:
        assert (job.cloud, job.kind) == (queue.name, "jobs")
        assert isinstance(job.state, JobState)
        assert job.id
        assert job.user, "the manager knows whose job it is"
        assert job.queues
        assert job.count >= 1
        assert job.native
        assert plain(dict(job.native))
        for when in (job.submitted, job.started, job.ended):
            assert when is None or when.utcoffset() == timedelta(0), "times are in UTC"

    def test_queues_say_what_they_allow(self, queue: Queue) -> None:
        infos = list(queue.info())
        assert infos
        assert sum(info.default for info in infos) <= 1
        assert len({info.name for info in infos}) == len(infos)
        for info in infos:
            assert (info.cloud, bool(info.native)) == (queue.name, True)
            assert isinstance(info.state, QueueState)
            assert plain(dict(info.native))
            limits = {name: getattr(info, name) for name in _LIMITS}
            assert {name: v for name, v in limits.items() if v is not None and v < 0} == {}

    def test_some_queue_takes_jobs(self, queue: Queue) -> None:
        assert QueueState.OPEN in {info.state for info in queue.info(())}

    def test_totals_are_counted_from_given_jobs_without_asking_again(
        self, queue: Queue, submit: Submit
    ) -> None:
        submit(*SLEEP)
        jobs = list(queue.jobs())
        before = queue.calls
        bare = list(queue.info(()))
        cost = queue.calls - before
        counted = list(queue.info(jobs))
        assert queue.calls - before - cost <= cost
        assert [info.name for info in counted] == [info.name for info in bare]
        for info in counted:
            assert dict(info.totals) == _totals(info, jobs)

    def test_totals_without_given_jobs_have_what_was_submitted(
        self, queue: Queue, submit: Submit
    ) -> None:
        made = submit(*SLEEP)
        found = [info for info in queue.info() if info.name in made.queues]
        assert sum(info.jobs for info in found) >= 1
        for info in found:
            assert set(info.totals) <= {state.value for state in JobState}

    def test_nodes_are_told(self, queue: Queue) -> None:
        nodes = list(queue.nodes())
        assert nodes
        assert len({node.name for node in nodes}) == len(nodes)
        for node in nodes:
            assert node.cloud == queue.name
            assert isinstance(node.state, NodeState)
            assert plain(dict(node.native))
            assert node.cores is None or node.cores > 0
            assert (node.cores_used or 0) <= (node.cores or node.cores_used or 0)

    def test_a_job_that_is_none_is_not_found(self, queue: Queue) -> None:
        with pytest.raises(NotFoundError) as caught:
            queue.job(self.absent)
        assert self.absent in str(caught.value)

    def test_a_token_that_no_job_has_finds_none(self, queue: Queue) -> None:
        assert queue.find(self.order().token) is None

    def test_extras_are_fields_of_a_request(self, queue: Queue) -> None:
        fields = {field.name for field in attrs.fields(JobRequest)}
        assert queue.extras <= fields - {"name", "token", "command", "script"}


def _totals(info: QueueInfo, jobs: list[Job]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for job in jobs:
        if info.name in job.queues:
            found[job.state.value] += job.count
    return dict(found)
