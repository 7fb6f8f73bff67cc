"""The command line at a real Slurm: what it was asked, and what no fake would do."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.labs.slurm_lab import SlurmLab

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.models import Job, JobRequest, JobState, NodeState, QueueState
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.slurm import SlurmQueue, SlurmSettings

pytestmark = pytest.mark.slurm

Opened = Callable[..., SlurmQueue]
Asked = Callable[..., JobRequest]


@pytest.fixture
def opened(slurm_lab: SlurmLab) -> Iterator[Opened]:
    made: list[SlurmQueue] = []

    def opened(**chosen: Any) -> SlurmQueue:
        made.append(SlurmQueue("hpc", SlurmSettings(transport="command", **chosen)))
        return made[-1]

    yield opened
    for queue in made:
        queue.close()


@pytest.fixture
def token() -> str:
    """How the tokens of a test begin: what it submits is cancelled by that."""
    return uuid4().hex


@pytest.fixture
def queue(opened: Opened, token: str) -> Iterator[SlurmQueue]:
    yield (queue := opened())
    for job in queue.jobs():
        if (job.token or "").startswith(token) and not job.state.is_over:
            queue.cancel(job)


@pytest.fixture
def asked(slurm_lab: SlurmLab, token: str) -> Asked:
    def asked(*command: str, **more: Any) -> JobRequest:
        what = {} if "script" in more else {"command": command or ("true",)}
        said = {"name": "one", "token": f"{token}-{uuid4().hex}", "workdir": str(slurm_lab.jobs)}
        return JobRequest(**{**said, **what, **more})

    return asked


def until(queue: SlurmQueue, id: str, wanted: Callable[[Job], bool]) -> Job:  # noqa: A002
    deadline = time.monotonic() + 60
    while not wanted(job := queue.job(id)):
        assert time.monotonic() < deadline, job
        time.sleep(0.2)
    return job


def questions(lab: SlurmLab, before: dict[str, int]) -> dict[str, int]:
    """Return what clients asked the controller for since then; its daemons' reports are none."""
    return {
        kind: more
        for kind, count in lab.asked().items()
        if kind.endswith(("_INFO", "_SINGLE")) and (more := count - before.get(kind, 0))
        if kind != "REQUEST_STATS_INFO"  # our own counting
    }


def over(job: Job) -> bool:
    return job.state.is_over


def runs(job: Job) -> bool:
    return job.state is JobState.RUNNING


def test_a_list_is_one_question_to_the_controller(queue: SlurmQueue, slurm_lab: SlurmLab) -> None:
    before = slurm_lab.asked()
    for _ in range(3):
        list(queue.jobs())
    # with each list squeue asks for the partitions, whatever it is told to show
    assert questions(slurm_lab, before) == {"REQUEST_JOB_INFO": 3, "REQUEST_PARTITION_INFO": 3}
    before, jobs = slurm_lab.asked(), list(queue.jobs())
    list(queue.info(jobs))
    assert questions(slurm_lab, before) == {"REQUEST_JOB_INFO": 1, "REQUEST_PARTITION_INFO": 2}


def test_a_job_is_asked_for_alone(queue: SlurmQueue, asked: Asked, slurm_lab: SlurmLab) -> None:
    job = queue.submit(asked("sleep", "60"))
    before = slurm_lab.asked()
    queue.job(job.id)
    now = questions(slurm_lab, before)
    assert (now["REQUEST_JOB_INFO_SINGLE"], "REQUEST_JOB_INFO" in now) == (2, False)


def test_an_array_of_100_000_is_one_record(
    queue: SlurmQueue, asked: Asked, slurm_lab: SlurmLab
) -> None:
    made = queue.submit(asked("true", array="0-99999%7", held=True))
    (job,) = [job for job in queue.jobs() if job.array == made.id]
    assert (job.id, job.count, job.indices, job.throttle) == (made.id, 100_000, "0-99999%7", 7)
    (queue_of,) = [each for each in queue.info() if each.name == "india"]
    assert queue_of.totals["held"] == 100_000
    one = queue.job(f"{made.id}_4711")
    assert (one.index, one.count, one.state) == (4711, 1, JobState.HELD)
    assert sum(1 for _ in arrays.expanded(job)) == 100_000
    assert queue.find(made.token or "") == made


def test_totals_are_those_that_squeue_counts(
    queue: SlurmQueue, asked: Asked, slurm_lab: SlurmLab
) -> None:
    queue.submit(asked("sleep", "90", queue="india,sierra", held=True))
    some = queue.submit(asked("sleep", "90", queue="sierra", array="1-40%2"))
    for job in (f"{some.id}_1", f"{some.id}_2"):
        until(queue, job, runs)
    until(queue, queue.submit(asked("sleep", "90", nodes=3, tasks=24)).id, runs)
    words = ("squeue", "-h", "-a", "-r", "-t", "all", "-o", "%T %r")
    for each in queue.info():
        lines = slurm_lab.run(*words, "-p", each.name).splitlines()
        held = sum(line == "PENDING JobHeldUser" for line in lines)
        assert each.totals.get("held", 0) == held
        assert each.running == sum(line.startswith("RUNNING") for line in lines)
        assert each.pending == sum(line.startswith("PENDING") for line in lines) - held


def test_everything_that_is_asked_for_is_what_the_job_has(
    queue: SlurmQueue, asked: Asked, slurm_lab: SlurmLab
) -> None:
    first = queue.submit(asked("sleep", "90"))
    request = asked(
        "sleep", "90", name='it\'s "one", two\nüñ', queue="sierra", nodes=2, tasks=4, cores=2,
        memory=500, walltime=3600, gpus=1, account="p7", array="1-9:2%3", held=True,
        after={"afterok": (first.id,)}, output="out-%A-%a", error="err-%A-%a",
        options=("--comment=mine, too", "--nice=5"),
    )  # fmt: skip
    job = queue.submit(request)
    assert (job.name, job.queues, job.state) == (request.name, ("sierra",), JobState.HELD)
    assert (job.nodes, job.tasks, job.cores, job.gpus) == (2, 4, 8, 2)
    assert (job.memory, job.walltime, job.account) == (1000, 3600, "p7")
    assert (job.indices, job.throttle, job.count) == ("1,3,5,7,9", 3, 5)
    assert job.depends == f"afterok:{first.id}(unfulfilled)"
    assert job.workdir == str(slurm_lab.jobs)
    assert job.output == f"{slurm_lab.jobs}/out-{job.id}-%a"
    assert job.error == f"{slurm_lab.jobs}/err-{job.id}-%a"
    assert (job.token, job.user) == (request.token, "root")
    shown = slurm_lab.run("scontrol", "show", "job", job.id)
    assert f"Comment=mine, too cloudmesh:{request.token}" in shown
    assert "Nice=5" in shown


def test_a_job_gets_its_variables_and_its_output_is_read(queue: SlurmQueue, asked: Asked) -> None:
    value = "a,b 'c' \"d\" $e\nf\\"
    script = "#!/usr/bin/env python3\nimport os, sys\nprint(os.environ['KEY'])\nsys.exit(3)\n"
    job = queue.submit(asked(script=script, environment={"KEY": value}, error="err-%j"))
    ended = until(queue, job.id, over)
    assert (ended.state, ended.exit_code) == (JobState.FAILED, 3)
    assert queue.output(ended) == value + "\n"
    assert queue.output(ended, tail=3) == "f\\\n"
    assert queue.output(ended, error=True) == ""


def test_each_end_has_its_state(queue: SlurmQueue, asked: Asked, slurm_lab: SlurmLab) -> None:
    timed = queue.submit(asked("sleep", "600", walltime=30))
    slurm_lab_runs = until(queue, timed.id, runs)
    assert slurm_lab_runs.walltime == 60
    slurm_lab.expire(timed.id)
    done = queue.submit(asked("true"))
    failed = queue.submit(asked("sh", "-c", "exit 4"))
    killed = queue.submit(asked("sleep", "600"))
    never = queue.submit(asked("true", after={"afterok": (failed.id,)}))
    later = queue.submit(asked("true", after={"afternotok": (failed.id,)}))
    until(queue, killed.id, runs)
    queue.cancel(killed)
    assert until(queue, done.id, over).state is JobState.DONE
    assert until(queue, failed.id, over).exit_code == 4
    assert until(queue, killed.id, over).state is JobState.CANCELLED
    assert until(queue, later.id, over).state is JobState.DONE
    stuck = until(queue, never.id, lambda job: job.state is JobState.HELD)
    assert stuck.reason == "DependencyNeverSatisfied"
    assert until(queue, timed.id, over).state is JobState.TIMEOUT


def test_hold_and_release(queue: SlurmQueue, asked: Asked) -> None:
    job = queue.submit(asked("sleep", "60", held=True))
    assert job.state is JobState.HELD
    queue.hold(job)
    queue.release(job)
    until(queue, job.id, runs)
    queue.release(job)
    with pytest.raises(ConflictError, match=f"job {job.id} is running"):
        queue.hold(job)
    assert queue.job(job.id).state is JobState.RUNNING


def test_one_of_an_array_is_cancelled_alone(queue: SlurmQueue, asked: Asked) -> None:
    whole = queue.submit(asked("sleep", "60", array="1-5", held=True))
    queue.cancel(queue.job(f"{whole.id}_3"))
    now = queue.job(whole.id)
    assert (now.indices, now.count, now.state) == ("1-2,4-5", 4, JobState.HELD)
    with pytest.raises(NotFoundError):  # one that never began leaves nothing behind
        queue.job(f"{whole.id}_3")
    queue.release(now)
    queue.cancel(until(queue, f"{whole.id}_2", runs))
    assert until(queue, f"{whole.id}_2", over).state is JobState.CANCELLED
    assert queue.job(whole.id).state is JobState.RUNNING


def test_another_users_job_is_left_alone(
    queue: SlurmQueue, opened: Opened, asked: Asked, slurm_lab: SlurmLab, tmp_path: Path
) -> None:
    ours = queue.submit(asked("sleep", "60", held=True))
    others = opened(path=str(slurm_lab.as_user(tmp_path)))
    for act in (others.cancel, others.release):
        with pytest.raises(AuthError, match=ours.id):
            act(ours)
    assert queue.job(ours.id).state is JobState.HELD
    theirs = others.submit(asked("sleep", "60", held=True))
    assert theirs.user == slurm_lab.other_user
    assert others.find(ours.token or "") is None  # it is looked for among their own
    assert {job.id for job in others.jobs()} >= {ours.id, theirs.id}


def test_a_job_whose_answer_was_lost_is_not_doubled(
    queue: SlurmQueue, opened: Opened, asked: Asked, slurm_lab: SlurmLab, tmp_path: Path
) -> None:
    slurm_lab.as_user(tmp_path, "root")
    lost = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"
    (tmp_path / "sbatch").write_text(
        f'#!/bin/sh\n/usr/bin/sbatch "$@" > /dev/null\necho "{lost}" >&2\nexit 1\n'
    )
    request = asked("sleep", "60", array="1-3", held=True)
    cut = opened(path=str(tmp_path))
    job = cut.submit(request)
    assert (job.token, job.count) == (request.token, 3)
    assert cut.submit(request).id == job.id
    assert [each.id for each in queue.jobs() if each.token == request.token] == [job.id]


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"queue": "nosuch"}, InvalidRequestError), ({"walltime": 30 * 86400}, QuotaError),
        ({"nodes": 9}, QuotaError), ({"array": "0-100001"}, QuotaError),
        ({"memory": 1 << 20}, QuotaError), ({"queue": "sierra", "gpus": 5}, QuotaError),
        ({"queue": "short", "nodes": 2}, QuotaError),
        ({"after": {"afterok": ("banana",)}}, InvalidRequestError),
        ({"options": ("--nosuch",)}, InvalidRequestError),
        ({"options": ("--time=banana",)}, InvalidRequestError),
    ],
)  # fmt: skip
def test_what_slurm_refuses_is_said_in_one_line(
    queue: SlurmQueue, asked: Asked, token: str, more: dict[str, Any], error: type[BackendError]
) -> None:
    with pytest.raises(error, match=r"^hpc: sbatch: [^\n]+$"):
        queue.submit(asked(**more))
    # of some that it refused Slurm keeps a record, which failed
    mine = [job for job in queue.jobs() if (job.token or "").startswith(token)]
    assert [job for job in mine if not over(job)] == []


def test_a_queue_that_is_not_for_all_says_so(
    opened: Opened, asked: Asked, slurm_lab: SlurmLab, tmp_path: Path
) -> None:
    others = opened(path=str(slurm_lab.as_user(tmp_path)))
    with pytest.raises(AuthError, match="not permitted"):
        others.submit(asked(queue="closed"))


def test_what_is_not_there_is_not_found(queue: SlurmQueue) -> None:
    for id in ("99999999", "99999999_7", "banana"):  # noqa: A001
        with pytest.raises(NotFoundError, match=f"hpc has no job with id {id}"):
            queue.job(id)
    queue.cancel(Job(cloud="hpc", id="99999999", name="gone", state=JobState.RUNNING))


def test_names_that_nobody_would_think_of_harm_no_other_job(
    queue: SlurmQueue, asked: Asked, token: str, slurm_lab: SlurmLab
) -> None:
    names = [b"latin-\xe9", b"two\nlines", b"a,b|c;d\te\x1ff\x1e\n12\x1fg", b"'\"`$(id)`", b"%j %x"]
    request = asked("true", held=True)
    words = ("sbatch", "--hold", "--parsable", f"--comment=cloudmesh:{token}")
    made = [slurm_lab.run(*words, b"-J" + name, send="#!/bin/sh\n") for name in names]
    good = queue.submit(request)
    seen = {job.id: job.name for job in queue.jobs()}
    assert seen[good.id] == "one"
    assert [seen[told.strip()] for told in made] == [
        name.decode(errors="replace") for name in names
    ]


def test_a_heterogeneous_job_is_cancelled_as_one(queue: SlurmQueue, asked: Asked) -> None:
    script = (
        "#!/bin/sh\n#SBATCH -p india --hold\n#SBATCH hetjob\n#SBATCH -p sierra --hold\nsleep 60\n"
    )
    made = queue.submit(asked(script=script))
    whole = made.native["HetJobID"]
    parts = {job.id: job.queues for job in queue.jobs() if job.native["HetJobID"] == whole}
    assert parts == {f"{whole}+0": ("india",), f"{whole}+1": ("sierra",)}
    assert made.token is not None
    assert queue.find(made.token) is not None
    queue.cancel(made)
    assert {until(queue, part, over).state for part in parts} == {JobState.CANCELLED}


def test_nodes_and_queues_are_as_they_are(queue: SlurmQueue, slurm_lab: SlurmLab) -> None:
    nodes = {node.name: node for node in queue.nodes()}
    assert set(nodes) == {*slurm_lab.india, *slurm_lab.sierra}
    assert (nodes["i001"].cores, nodes["i001"].memory, nodes["i001"].gpus) == (8, 8000, None)
    assert (nodes["s004"].queues, nodes["s004"].gpus) == (("sierra", "shared", "closed"), 2)
    slurm_lab.run("scontrol", "update", "NodeName=s002", "State=DRAIN", "Reason=disk bad")
    try:
        (drained,) = [node for node in queue.nodes() if node.name == "s002"]
        assert (drained.state, drained.reason) == (NodeState.DRAINED, "disk bad")
    finally:
        slurm_lab.run("scontrol", "update", "NodeName=s002", "State=RESUME")
    queues = {each.name: each for each in queue.info(())}
    assert queues["maint"].state is QueueState.STOPPED
    assert queues["short"].walltime == 1800


def test_the_past_is_told_as_far_as_the_controller_remembers(
    queue: SlurmQueue, asked: Asked
) -> None:
    done = queue.submit(asked("true"))
    waits = queue.submit(asked("true", held=True))
    until(queue, done.id, over)
    assert [job.id for job in queue.history(ids=[done.id, waits.id, "99999999"])] == [done.id]
    with pytest.raises(UnsupportedError, match="accounting storage is disabled"):
        list(queue.history(user="root"))


def test_a_dead_controller_is_known_soon_and_no_job_is_lost(
    queue: SlurmQueue, asked: Asked, slurm_lab: SlurmLab
) -> None:
    job = queue.submit(asked("sleep", "60", held=True))
    with slurm_lab.without("slurmctld"):
        before = time.monotonic()
        for ask in (queue.jobs, queue.nodes, queue.info):
            with pytest.raises(UnavailableError, match=r"hpc: .*DOWN"):
                list(ask())
        assert time.monotonic() - before < 12  # three times; Slurm's own clients take 9 s each
        with pytest.raises(UnavailableError, match="DOWN"):
            queue.check()
        with pytest.raises(UnavailableError, match="Unable to contact slurm controller"):
            queue.submit(asked("true"))
    assert queue.job(job.id).state is JobState.HELD
    health = queue.check()
    assert re.match(r"2\d\.\d+", health.version)
    assert health.skew is not None
    assert abs(health.skew) < 5
