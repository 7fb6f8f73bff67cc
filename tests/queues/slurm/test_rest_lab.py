"""slurmrestd at a real Slurm: what it was asked, what it misses, and what no fake would do."""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.labs.slurm_lab import SlurmLab, new_lab

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
from cloudmesh_sdk.queues.slurm import SlurmQueue, SlurmSettings, rest_records
from cloudmesh_sdk.wire import Exchange

pytestmark = pytest.mark.slurm

Opened = Callable[..., SlurmQueue]
Asked = Callable[..., JobRequest]


def rest(lab: SlurmLab, user: str = "root", **chosen: Any) -> SlurmQueue:
    settings = {"url": lab.url, "token": lab.token(user), **chosen}
    return SlurmQueue("hpc", SlurmSettings(transport="rest", **settings))


@pytest.fixture
def opened(slurm_lab: SlurmLab) -> Iterator[Opened]:
    made: list[SlurmQueue] = []

    def opened(user: str = "root", **chosen: Any) -> SlurmQueue:
        made.append(rest(slurm_lab, user, **chosen))
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
    return lambda *command, **more: order(slurm_lab, token, *command, **more)


def order(lab: SlurmLab, token: str, *command: str, **more: Any) -> JobRequest:
    what = {} if "script" in more else {"command": command or ("true",)}
    said = {"name": "one", "token": f"{token}-{uuid4().hex}", "workdir": str(lab.jobs)}
    return JobRequest(**{**said, **what, **more})


def until(queue: SlurmQueue, id: str, wanted: Callable[[Job], bool]) -> Job:  # noqa: A002
    deadline = time.monotonic() + 60
    while not wanted(job := queue.job(id)):
        assert time.monotonic() < deadline, job
        time.sleep(0.2)
    return job


def over(job: Job) -> bool:
    return job.state.is_over


def runs(job: Job) -> bool:
    return job.state is JobState.RUNNING


def kinds(lab: SlurmLab, before: dict[str, int]) -> dict[str, int]:
    """Return what the controller was asked since then, but for our own counting."""
    now = {kind: count - before.get(kind, 0) for kind, count in lab.asked().items()}
    ours = ("REQUEST_JOB", "REQUEST_PARTITION", "REQUEST_NODE", "REQUEST_KILL", "REQUEST_UPDATE")
    return {kind: count for kind, count in now.items() if count and kind.startswith(ours)}


def test_a_list_is_one_question_to_the_controller(queue: SlurmQueue, slurm_lab: SlurmLab) -> None:
    list(queue.jobs())
    before = slurm_lab.asked()
    for _ in range(3):
        list(queue.jobs())
    assert kinds(slurm_lab, before) == {"REQUEST_JOB_INFO": 3}
    before, jobs = slurm_lab.asked(), list(queue.jobs())
    list(queue.info(jobs))
    list(queue.nodes())
    # of nodes slurmrestd asks in which partitions they are, too
    assert kinds(slurm_lab, before) == {
        "REQUEST_JOB_INFO": 1, "REQUEST_PARTITION_INFO": 2, "REQUEST_NODE_INFO": 1,
    }  # fmt: skip


@pytest.mark.timeout(400)
def test_no_change_is_missed_and_what_is_unchanged_is_not_sent_again(token: str) -> None:
    """Acts on jobs past us, at every moment of a second; each is in the next list.

    Jobs that ran are forgotten meanwhile (MinJobAge of two seconds): these go, too.
    """
    told: list[Exchange] = []
    with new_lab(remembered=2) as lab, rest(lab) as queue, rest(lab) as other:
        queue.watch = told.append
        ids: list[str] = []
        for turn in range(60):
            _act(lab, ids, turn)
            time.sleep(random.uniform(0, 0.4))
            _compare(lab, queue, other)
        lab.run("sbatch", "--hold", "--wrap=true")
        deadline = time.monotonic() + 100
        while _statuses(told)[-3:] != [304] * 3:
            assert time.monotonic() < deadline, "what does not change is sent again"
            _compare(lab, queue, other)
            time.sleep(0.5)
        lab.run("scancel", "--state=PENDING", "--user=root")
        deadline = time.monotonic() + 100
        while _compare(lab, queue, other):
            assert time.monotonic() < deadline, "jobs that are over are never forgotten"
            time.sleep(0.5)
        list(other.jobs())
    assert _statuses(told).count(200) >= 30


def _statuses(told: Iterable[Exchange]) -> list[int | None]:
    """Return how each question for changes was answered."""
    return [each.status for each in told if "update_time" in each.url]


def _act(lab: SlurmLab, ids: list[str], turn: int) -> None:
    """Submit, release, hold, rename, cancel, or do nothing."""
    words = ("sbatch", "--parsable", "--hold", "-J", f"turn{turn}", "--wrap=true")
    acts: list[Callable[[], object]] = [lambda: ids.append(lab.run(*words).strip())]
    if ids:
        one = random.choice(ids)
        acts += [
            lambda: lab.run("scontrol", "update", f"JobId={one}", f"Comment=turn{turn}"),
            lambda: lab.run("scontrol", "hold", one),
            lambda: lab.run("scontrol", "release", ids.pop(ids.index(one))),
            lambda: lab.run("scancel", ids.pop(ids.index(one))),
            lambda: time.sleep(3.5),
        ]
    random.choice(acts)()


def _compare(lab: SlurmLab, queue: SlurmQueue, other: SlurmQueue) -> set[str]:
    """Compare a list with a full one, made before or after it: return the ids."""

    def seen(jobs: Any) -> dict[str, tuple[Any, ...]]:
        return {job.id: (job.state, job.native["comment"], job.reason, job.ended) for job in jobs}

    for _ in range(20):
        before = seen(other._transport.jobs(user="root"))  # always in full
        now = seen(queue.jobs())
        after = seen(other._transport.jobs(user="root"))
        if before == after:
            assert now == before
            return set(now)
    raise AssertionError(f"no two lists in a row are the same: {lab}")


def test_an_array_of_100_000_is_one_record(queue: SlurmQueue, asked: Asked) -> None:
    whole = queue.submit(asked(array="0-99999", held=True))
    assert (whole.indices, whole.count, whole.state) == ("0-99999", 100_000, JobState.HELD)
    listed = {job.id: job for job in queue.jobs()}
    assert listed[whole.id].count == 100_000
    found = queue.job(f"{whole.id}_77777")
    assert (found.index, found.count, found.array) == (77777, 1, whole.id)
    with pytest.raises(NotFoundError):
        queue.job(f"{whole.id}_100000")
    queue.cancel(found)
    assert queue.job(whole.id).count == 99_999


def test_an_array_with_many_gaps_is_whole_where_slurmrestd_lets_it(
    queue: SlurmQueue,
    opened: Opened,
    asked: Asked,
    slurm_lab: SlurmLab,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rest_records._tell_of_cut.cache_clear()  # it is told once in a program
    squares = ",".join(str(index * index) for index in range(2, 300))
    array = queue.submit(asked(array=squares, held=True))
    assert squares.startswith(array.indices)  # slurmrestd of a lab, as of most sites, cuts it
    assert array.count == len(array.indices.split(",")) < 298
    assert "SLURM_BITSTR_LEN=0" in caplog.text
    with pytest.raises(UnsupportedError, match="SLURM_BITSTR_LEN=0"):
        queue.job(f"{array.id}_89401")
    assert queue.job(f"{array.id}_9").index == 9
    with slurm_lab.rest_of() as socket:
        able = opened(url=None, socket=str(socket), token=None)
        (listed,) = [job for job in able.jobs() if job.id == array.id]
        assert (listed.indices, listed.count) == (squares, 298)
        assert able.job(f"{array.id}_89401").index == 89401


def test_each_end_has_its_state(queue: SlurmQueue, asked: Asked, slurm_lab: SlurmLab) -> None:
    timed = queue.submit(asked("sleep", "600", walltime=30))
    assert until(queue, timed.id, runs).walltime == 60
    slurm_lab.expire(timed.id)
    done = queue.submit(asked("true"))
    failed = queue.submit(asked("sh", "-c", "exit 4"))
    killed = queue.submit(asked("sleep", "600"))
    never = queue.submit(asked("true", after={"afterok": (failed.id,)}))
    later = queue.submit(asked("true", after={"afternotok": (failed.id,)}))
    until(queue, killed.id, runs)
    queue.cancel(killed)
    queue.cancel(killed)
    assert until(queue, done.id, over).state is JobState.DONE
    assert until(queue, failed.id, over).exit_code == 4
    assert until(queue, killed.id, over).state is JobState.CANCELLED
    assert until(queue, later.id, over).state is JobState.DONE
    stuck = until(queue, never.id, lambda job: job.state is JobState.HELD)
    assert stuck.reason == "DependencyNeverSatisfied"
    assert until(queue, timed.id, over).state is JobState.TIMEOUT
    queue.release(done)
    queue.cancel(done)


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


def test_one_of_an_array_is_held_released_and_cancelled_alone(
    queue: SlurmQueue, asked: Asked
) -> None:
    whole = queue.submit(asked("sleep", "60", array="1-5", held=True))
    queue.release(queue.job(f"{whole.id}_2"))
    until(queue, f"{whole.id}_2", runs)
    assert queue.job(f"{whole.id}_4").state is JobState.HELD
    queue.cancel(queue.job(f"{whole.id}_3"))
    with pytest.raises(NotFoundError):  # one that never began leaves nothing behind
        queue.job(f"{whole.id}_3")
    queue.cancel(queue.job(f"{whole.id}_2"))
    assert until(queue, f"{whole.id}_2", over).state is JobState.CANCELLED
    now = queue.job(whole.id)
    assert (now.indices, now.count, now.state) == ("1-2,4-5", 4, JobState.HELD)
    queue.release(now)
    assert until(queue, whole.id, runs).count == 4
    queue.hold(queue.submit(asked(array="1-3", name="again", options=("--begin=now+1hour",))))


def test_another_users_job_is_left_alone(
    queue: SlurmQueue, opened: Opened, asked: Asked, slurm_lab: SlurmLab
) -> None:
    ours = queue.submit(asked("sleep", "60", held=True))
    others = opened(slurm_lab.other_user)
    before = slurm_lab.asked()
    for act in (others.cancel, others.release):
        with pytest.raises(AuthError, match=rf"job {ours.id} is root's .* by games"):
            act(ours)
    assert set(kinds(slurm_lab, before)) == {"REQUEST_JOB_INFO_SINGLE"}
    assert queue.job(ours.id).state is JobState.HELD
    theirs = others.submit(asked("sleep", "60", held=True))
    assert theirs.user == slurm_lab.other_user
    assert others.find(ours.token or "") is None  # it is looked for among their own
    assert (others.find(theirs.token or "") or ours).id == theirs.id
    assert {job.id for job in others.jobs()} >= {ours.id, theirs.id}


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"queue": "nosuch"}, InvalidRequestError), ({"walltime": 30 * 86400}, QuotaError),
        ({"nodes": 9}, QuotaError), ({"array": "0-100001"}, QuotaError),
        ({"memory": 1 << 20}, QuotaError), ({"queue": "sierra", "gpus": 5}, QuotaError),
        ({"queue": "short", "nodes": 2}, QuotaError),
        ({"after": {"afterok": ("banana",)}}, InvalidRequestError),
        ({"options": ("--signal=USR1@60",)}, UnsupportedError),
        ({"options": ("--reservation=nosuch",)}, InvalidRequestError),
        ({"script": "#!/bin/sh\n#SBATCH hetjob\ntrue\n"}, UnsupportedError),
        ({"script": "#!/bin/sh\n#SBATCH -p nosuch\ntrue\n"}, InvalidRequestError),
    ],
)  # fmt: skip
def test_what_slurm_refuses_is_said_in_one_line(
    queue: SlurmQueue, asked: Asked, token: str, more: dict[str, Any], error: type[BackendError]
) -> None:
    with pytest.raises(error, match=r"^[^\n]+$"):
        queue.submit(asked(**more))
    # of some that it refused Slurm keeps a record, which failed
    mine = [job for job in queue.jobs() if (job.token or "").startswith(token)]
    assert [job for job in mine if not over(job)] == []


@pytest.mark.parametrize(
    "words",
    [
        ("--qos=normal",), ("-C", "india"), ("--exclusive",), ("--exclusive=user",), ("--nice=7",),
        ("--begin=now+1hour",), ("--wckey=x",), ("--mail-type=END", "--mail-user=a@b"),
        ("--ntasks-per-node=2",), ("--mem-per-cpu=10M",), ("-G", "1", "-p", "sierra"),
        ("--gpus-per-task=1", "-n1", "-p", "sierra"), ("--gres=gpu:1", "-p", "sierra"),
        ("-w", "i003"), ("--open-mode=append",), ("--prefer=india",), ("-i", "/dev/null"),
        ("--get-user-env",), ("-N", "1-2"),
    ],
)  # fmt: skip
def test_words_of_sbatch_are_taken(queue: SlurmQueue, asked: Asked, words: tuple[str, ...]) -> None:
    script = f"#!/bin/sh\n#SBATCH {' '.join(words)}\ntrue\n"
    for job in (asked(held=True, options=words), asked(held=True, script=script)):
        assert queue.submit(job).state is JobState.HELD


def test_what_was_asked_for_is_what_slurm_says(
    queue: SlurmQueue, asked: Asked, slurm_lab: SlurmLab
) -> None:
    job = queue.submit(
        asked(
            held=True, queue="sierra", nodes=2, tasks=4, cores=2, memory=100, walltime=5400, gpus=1,
            output="out-%j", error="err-%j", name="big one",
            options=("--exclusive=user", "--nice=7", "--comment=my own"),
        )
    )  # fmt: skip
    said = slurm_lab.run("scontrol", "-o", "show", "job", job.id)
    for words in (
        "JobName=big one", "Partition=sierra", "NumNodes=2", "NumTasks=4", "CPUs/Task=2",
        "MinMemoryNode=100M", "TimeLimit=01:30:00", "TresPerNode=gres:gpu:1", "Nice=7",
        "OverSubscribe=USER", f"StdOut={slurm_lab.jobs}/out-",
        f"Comment=my own cloudmesh:{job.token}",
    ):  # fmt: skip
        assert words in said
    assert (job.nodes, job.tasks, job.cores, job.walltime) == (2, 4, 8, 5400)
    assert (job.gpus, job.memory) == (2, 200)


def test_names_that_nobody_would_think_of_harm_no_other_job(
    queue: SlurmQueue, asked: Asked, token: str, slurm_lab: SlurmLab
) -> None:
    names = [b"latin-\xe9", b"two\nlines", b"a,b|c;d\te\x1ff\x1e\n12\x1fg", b"'\"`$(id)`", b"%j %x"]
    words = ("sbatch", "--hold", "--parsable", f"--comment=cloudmesh:{token}")
    made = [slurm_lab.run(*words, b"-J" + name, send="#!/bin/sh\n") for name in names]
    good = queue.submit(asked("true", held=True))
    seen = {job.id: job.name for job in queue.jobs()}
    assert seen[good.id] == "one"
    wanted = [name.decode(errors="replace") for name in names]
    assert [seen[told.strip()] for told in made] == wanted


def test_a_heterogeneous_job_is_cancelled_as_one(queue: SlurmQueue, slurm_lab: SlurmLab) -> None:
    script = (
        "#!/bin/sh\n#SBATCH -p india --hold\n#SBATCH hetjob\n#SBATCH -p sierra --hold\nsleep 60\n"
    )
    whole = slurm_lab.run("sbatch", "--parsable", send=script).strip()
    parts = {job.id: job.queues for job in queue.jobs() if str(job.native["het_job_id"]) == whole}
    assert parts == {f"{whole}+0": ("india",), f"{whole}+1": ("sierra",)}
    assert queue.job(f"{whole}+1").queues == ("sierra",)
    queue.cancel(queue.job(f"{whole}+0"))
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
    assert [name for name, each in queues.items() if each.default] == ["india"]
    assert queues["maint"].state is QueueState.STOPPED
    assert queues["short"].walltime == 1800


def test_what_is_not_there_is_not_found(queue: SlurmQueue) -> None:
    for id in ("99999999", "99999999_7", "banana", "1/../../diag", ""):  # noqa: A001
        with pytest.raises(NotFoundError, match="hpc has no job with id"):
            queue.job(id)
    queue.cancel(Job(cloud="hpc", id="99999999", name="gone", state=JobState.RUNNING))


def test_a_token_that_ran_out_says_so_and_asks_nobody(opened: Opened, slurm_lab: SlurmLab) -> None:
    short = slurm_lab.token(seconds=1)
    time.sleep(2.1)
    over = opened(token=short)
    with pytest.raises(AuthError, match=r"ran out at .* UTC .*scontrol token"):
        list(over.jobs())
    assert over.calls == 0
    with pytest.raises(AuthError, match="does not take the token of root"):
        list(opened(token=slurm_lab.token() + "x").jobs())


def test_at_a_socket_of_ones_own_no_token_is_needed(
    slurm_lab: SlurmLab, opened: Opened, asked: Asked
) -> None:
    with slurm_lab.rest_of() as socket:
        queue = opened(url=None, socket=str(socket), token=None)
        assert queue.check().identity == f"{slurm_lab.other_user} at {socket}"
        job = queue.submit(asked("true", held=True))
        assert (job.user, job.state) == (slurm_lab.other_user, JobState.HELD)
        queue.cancel(job)
        assert queue.job(job.id).state is JobState.CANCELLED


def test_a_dead_controller_is_unavailable_and_no_job_is_lost(
    queue: SlurmQueue, asked: Asked, slurm_lab: SlurmLab
) -> None:
    job = queue.submit(asked("sleep", "60", held=True))
    with slurm_lab.without("slurmctld"):
        for ask in (lambda: list(queue.jobs()), queue.check):
            with pytest.raises(UnavailableError, match="controller is down"):
                ask()
        with pytest.raises(UnavailableError, match="Unable to contact slurm controller"):
            queue.submit(asked("true"))
    assert queue.job(job.id).state is JobState.HELD
    with slurm_lab.without("slurmrestd"), pytest.raises(UnavailableError, match="be reached"):
        list(queue.jobs())
    health = queue.check()
    assert health.version.startswith("22.05")
    assert health.skew is not None
    assert abs(health.skew) < 5


def test_a_job_that_was_forgotten_is_told_by_the_accounting(token: str) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    with new_lab(accounting=True, remembered=2) as lab, rest(lab) as queue:
        failed = queue.submit(order(lab, token, "sh", "-c", "exit 3", name="odd\nname"))
        tasks = queue.submit(order(lab, token, "true", array="1-3"))
        killed = queue.submit(order(lab, token, script="#!/bin/sh\nkill -9 $$\n", queue="sierra"))
        deadline = time.monotonic() + 150
        while list(queue.jobs()):
            assert time.monotonic() < deadline
            time.sleep(1)
        with pytest.raises(NotFoundError):
            queue.job(failed.id)
        ids = [failed.id, tasks.id, killed.id, "99999"]
        past = {job.id: job for job in queue.history(ids=ids)}
        assert set(past) == {failed.id, killed.id, *(f"{tasks.id}_{n}" for n in (1, 2, 3))}
        ended = past[failed.id]
        assert (ended.state, ended.name, ended.user) == (JobState.FAILED, "odd\nname", "root")
        assert ended.exit_code is None  # 22.05's plug-in says 0
        assert (past[killed.id].signal, past[killed.id].queues) == (9, ("sierra",))
        assert past[f"{tasks.id}_2"].state is JobState.DONE
        said = lab.run("sacct", "-X", "-n", "-P", "-j", failed.id, "-o", "Start,End,NCPUS,NNodes")
        start, end, cores, nodes = said.strip().split("|")
        assert [ended.started, ended.ended] == [
            datetime.fromisoformat(word).replace(tzinfo=UTC) for word in (start, end)
        ]
        assert (ended.cores, ended.nodes) == (int(cores), int(nodes))
        assert queue.find(failed.token or "") == ended
        assert {job.id for job in queue.history(user="root", since=began)} == set(past)
        assert list(queue.history(user=lab.other_user)) == []
        assert list(queue.history(since=datetime.now(UTC) + timedelta(hours=1))) == []
        with lab.without("slurmdbd"), pytest.raises(UnavailableError):
            queue.history(ids=[failed.id])
