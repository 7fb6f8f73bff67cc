"""What the kit does not ask of Grid Engine, on a real one."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cloudmesh_gridengine import GridEngineQueue, GridEngineSettings
from tests.labs.gridengine_lab import GridEngineLab
from tests.labs.openstack.lab import LabError
from tests.queues.gridengine.test_suite import command

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnavailableError,
)
from cloudmesh_sdk.models import Job, JobRequest, JobState, NodeState, QueueState
from cloudmesh_sdk.queues.arrays import expanded
from cloudmesh_sdk.wire import Exchange

pytestmark = pytest.mark.gridengine

Opened = Callable[..., GridEngineQueue]
Asked = Callable[..., JobRequest]


@pytest.fixture
def opened(gridengine_lab: GridEngineLab) -> Iterator[Opened]:
    made: list[GridEngineQueue] = []

    def opened(path: Path = gridengine_lab.commands) -> GridEngineQueue:
        made.append(GridEngineQueue("hpc", GridEngineSettings(path=str(path), timeout=30.0)))
        return made[-1]

    yield opened
    for queue in made:
        queue.close()


@pytest.fixture
def queue(opened: Opened, gridengine_lab: GridEngineLab) -> Iterator[GridEngineQueue]:
    yield (queue := opened())
    deadline = time.monotonic() + 60
    while left := {job.array or job.id for job in queue.jobs()}:
        assert time.monotonic() < deadline, left
        with suppress(LabError):  # they may be gone by now
            gridengine_lab.run("qdel", *left)
        time.sleep(0.2)


@pytest.fixture
def asked(gridengine_lab: GridEngineLab) -> Asked:
    def asked(*words: str, **more: Any) -> JobRequest:
        what = {} if "script" in more else {"command": words or ("true",)}
        said = {"name": "one", "token": uuid4().hex, "workdir": str(gridengine_lab.jobs)}
        return JobRequest(**{**said, **what, **more})

    return asked


def until(queue: GridEngineQueue, id: str, wanted: Callable[[Job], bool]) -> Job:  # noqa: A002
    deadline = time.monotonic() + 60
    while not wanted(job := queue.job(id)):
        assert time.monotonic() < deadline, job
        time.sleep(0.2)
    return job


def past(queue: GridEngineQueue, id: str) -> Job:  # noqa: A002
    deadline = time.monotonic() + 60
    while not (found := list(queue.history(ids=[id]))):
        assert time.monotonic() < deadline, f"accounting does not tell of {id}"
        time.sleep(0.2)
    return found[-1]


def runs(job: Job) -> bool:
    return job.state is JobState.RUNNING


def test_a_list_is_one_command(queue: GridEngineQueue, asked: Asked) -> None:
    queue.submit(asked("sleep", "60"))
    heard: list[Exchange] = []
    queue.watch = heard.append
    jobs = list(queue.jobs())
    assert [each.body.split()[0].rpartition("/")[2] for each in heard] == ["qstat"]
    list(queue.info(jobs))
    assert len(heard) == 2


def test_a_job_that_names_no_queue_waits_for_the_first_with_room(
    queue: GridEngineQueue, asked: Asked, gridengine_lab: GridEngineLab
) -> None:
    waits = queue.submit(asked("sleep", "60", held=True))
    assert waits.queues == ("india.q", "sierra.q")
    either = queue.submit(asked("sleep", "60", held=True, queue="*.q@gehead"))
    assert either.queues == ("india.q", "sierra.q")
    queue.release(waits)
    running = until(queue, waits.id, runs)
    assert running.queues in {("india.q",), ("sierra.q",)}
    assert (running.hosts, running.nodes) == (gridengine_lab.host, 1)
    totals = {info.name: dict(info.totals) for info in queue.info()}
    assert sum(each.get("running", 0) for each in totals.values()) == 1
    assert [each["held"] for each in totals.values()] == [1, 1]  # it may go to either


def test_everything_that_is_asked_for_is_what_the_job_has(
    queue: GridEngineQueue, asked: Asked, gridengine_lab: GridEngineLab
) -> None:
    first = queue.submit(asked("sleep", "60"))
    request = asked(
        "sleep", "60", name='it\'s,"one"<&>;|$(id)', queue="sierra.q", tasks=2, cores=2,
        memory=1001, walltime=3600, account="p7", array="1-9:2%3", held=True,
        after={"afterany": (first.id,)}, output="out-$JOB_ID-$TASK_ID", error="errors/",
        options=("-p", "-5"),
    )  # fmt: skip
    job = queue.submit(request)
    assert (job.name, job.queues, job.state) == (request.name, ("sierra.q",), JobState.HELD)
    assert (job.cores, job.walltime, job.account) == (4, 3600, "p7")
    assert (job.memory, job.user, job.token) == (1004, "root", request.token)
    assert (job.array, job.count, job.throttle) == (job.id, 5, 3)
    assert [one.index for one in expanded(job)] == [1, 3, 5, 7, 9]
    assert job.depends == f"afterany:{first.id}"
    place = gridengine_lab.jobs
    assert job.output == f"{place}/out-{job.id}-$TASK_ID"
    assert job.error == f"{place}/errors/{request.name}.e{job.id}.$TASK_ID"
    assert job.submitted is not None
    shown = gridengine_lab.run("qstat", "-j", job.id)
    assert re.search(rf"context: +cloudmesh={request.token}$", shown, re.MULTILINE)
    assert re.search(r"parallel environment: +smp range: 4$", shown, re.MULTILINE)
    assert re.search(r"hard resource_list: +h_rt=3600,h_vmem=251M$", shown, re.MULTILINE)
    assert re.search(r"priority: +-5$", shown, re.MULTILINE)


def test_one_job_whose_request_is_no_text_harms_no_other(
    queue: GridEngineQueue, asked: Asked, gridengine_lab: GridEngineLab
) -> None:
    good = queue.submit(asked("sleep", "60", held=True))
    odd = "arch=l\udce9<&\x01]]>|l*"  # a byte of latin-1, and what no XML may hold
    words = ("-terse", "-h", "-N", "odd", "-ac", "x=\udce9\x02<!DOCTYPE", "-o", "/tmp/\udcff")
    made = gridengine_lab.run("qsub", *words, "-l", odd, send="true\n").strip()
    raw = gridengine_lab.run("qstat", "-xml", "-r", "-u", "*").encode(errors="surrogateescape")
    assert b"l\xe9" in raw  # qstat escapes nothing of it
    seen = {job.id: job for job in queue.jobs()}
    assert (seen[good.id].name, seen[made].name) == ("one", "odd")
    request = seen[made].native["hard_request"]
    assert request == {"@name": "arch", "@resource_contribution": "0.000000", "": "l�<&�]]>|l*"}
    assert queue.job(made).name == "odd"
    assert queue.find(good.token or "") is not None
    gridengine_lab.run("qrls", made)
    assert past(queue, made).state is JobState.DONE
    queue.release(good)
    queue.cancel(until(queue, good.id, runs))
    assert past(queue, good.id).state is JobState.CANCELLED


def test_variables_of_a_job_are_not_told(queue: GridEngineQueue, asked: Asked) -> None:
    heard: list[Exchange] = []
    queue.watch = heard.append
    secret = "hunter2\nof <two> lines"
    job = queue.submit(asked("sleep", "60", environment={"PASS": secret}, held=True))
    assert "hunter2" not in f"{heard} {dict(job.native)}"
    (variables,) = (job.native["JB_env_list"]["job_sublist"],)
    assert {"VA_variable": "PASS", "VA_value": "***"} in variables
    assert job.token is not None


def test_a_script_is_run_by_what_its_first_line_names(queue: GridEngineQueue, asked: Asked) -> None:
    # Debian's Grid Engine reads no first line (shell_start_mode posix_compliant)
    script = (
        "#!/usr/bin/env python3\nimport sys\nprint('grüße', sys.version_info[0])\nsys.exit(6)\n"
    )
    job = queue.submit(asked(script=script))
    ended = past(queue, job.id)
    assert (ended.state, ended.exit_code) == (JobState.FAILED, 6)
    assert queue.output(ended) == "grüße 3\n"
    own = queue.submit(asked(script="#!/bin/sh\n#$ -p -7\nsleep 60\n", held=True))
    assert own.native["JB_priority"] == "1017"  # the directives of a script count: 1024 - 7


def test_what_a_command_is_given_is_no_option(queue: GridEngineQueue, asked: Asked) -> None:
    job = queue.submit(asked("printf", "%s", "a\n#$ -q nosuch.q\n"))
    assert past(queue, job.id).state is JobState.DONE
    assert queue.output(job) == "a\n#$ -q nosuch.q\n"


def test_a_parallel_job_is_one_record(queue: GridEngineQueue, asked: Asked) -> None:
    # more slots than either queue has
    options = ("-pe", "mpi", "10")
    job = until(queue, queue.submit(asked("sleep", "60", options=options)).id, runs)
    assert (job.cores, job.nodes, set(job.queues)) == (10, 1, {"india.q", "sierra.q"})
    assert sum(row.id == job.id for row in queue.jobs()) == 1


def test_parts_of_an_array_run_and_the_others_wait_as_one(
    queue: GridEngineQueue, asked: Asked
) -> None:
    array = queue.submit(asked("sleep", "60", array="1-6%2"))
    until(queue, array.id, runs)
    queue.hold(queue.job(f"{array.id}_5"))
    rows = {row.id: row for row in queue.jobs()}
    assert rows.keys() == {f"{array.id}_1", f"{array.id}_2", array.id}
    waiting = rows[array.id]
    assert sorted(one.index or 0 for one in expanded(waiting)) == [3, 4, 5, 6]
    assert (waiting.count, waiting.state, waiting.hosts) == (4, JobState.PENDING, "")
    whole = queue.job(array.id)
    assert (whole.count, whole.state) == (6, JobState.RUNNING)
    queue.cancel(queue.job(f"{array.id}_4"))
    queue.cancel(rows[f"{array.id}_1"])
    assert past(queue, f"{array.id}_1").state is JobState.CANCELLED
    assert queue.job(array.id).count == 4
    assert queue.job(f"{array.id}_4").state is JobState.CANCELLED
    with pytest.raises(ConflictError, match="only one that waits"):
        queue.hold(queue.job(f"{array.id}_2"))


def test_each_end_has_its_state(queue: GridEngineQueue, asked: Asked) -> None:
    jobs = {
        word: queue.submit(asked("sh", "-c", script, **more)).id
        for word, script, more in (
            ("done", "true", {}), ("failed", "exit 4", {}), ("term", "kill -TERM $$", {}),
            ("late", "sleep 60", {"walltime": 2}), ("child", "sh -c 'kill -9 $$'", {}),
        )
    }  # fmt: skip
    found = {word: past(queue, id) for word, id in jobs.items()}  # noqa: A001
    told = {word: (job.state, job.exit_code, job.signal) for word, job in found.items()}
    assert told == {
        "done": (JobState.DONE, 0, None),
        "failed": (JobState.FAILED, 4, None),
        "term": (JobState.FAILED, None, 15),
        "late": (JobState.TIMEOUT, None, 9),
        "child": (JobState.FAILED, 137, None),
    }
    assert (found["late"].walltime, found["late"].reason) == (
        2, "37  : qmaster enforced h_rt, h_cpu, or h_vmem limit",
    )  # fmt: skip


def test_a_job_that_runs_again_is_told_once(queue: GridEngineQueue, asked: Asked) -> None:
    # 99 puts a job back; the second time it finds what it left
    again = "test -e again || { touch again; exit 99; }; rm again; exit 3"
    job = queue.submit(asked("sh", "-c", again))
    ended = past(queue, job.id)
    assert (ended.state, ended.exit_code) == (JobState.FAILED, 3)
    assert [each.id for each in queue.history() if each.id == job.id] == [job.id]


def test_a_job_that_cannot_begin_says_why(queue: GridEngineQueue, asked: Asked) -> None:
    job = queue.submit(asked(workdir="/nonexistent"))
    stuck = until(queue, job.id, lambda job: job.state is JobState.HELD)
    assert "can't chdir to /nonexistent" in (stuck.reason or "")


def test_another_users_job_is_left_alone(
    queue: GridEngineQueue, opened: Opened, asked: Asked, gridengine_lab: GridEngineLab,
    tmp_path: Path,
) -> None:  # fmt: skip
    ours = queue.submit(asked("sleep", "60", held=True))
    others = opened(gridengine_lab.as_user(tmp_path))
    tmp_path.chmod(0o755)
    for act in (others.cancel, others.hold, others.release):
        with pytest.raises(AuthError, match=ours.id):
            act(ours)
    assert queue.job(ours.id).state is JobState.HELD
    theirs = others.submit(asked("sleep", "60", held=True))
    assert theirs.user == gridengine_lab.other_user
    assert others.find(ours.token or "") is None  # it is looked for among their own
    assert {job.id for job in others.jobs()} >= {ours.id, theirs.id}


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"queue": "nosuch.q"}, InvalidRequestError), ({"array": "0-3"}, InvalidRequestError),
        ({"array": "3,7"}, InvalidRequestError), ({"array": "1-75001"}, QuotaError),
        ({"options": ("-nosuch",)}, InvalidRequestError),
        ({"options": ("-l", "nosuch=1")}, InvalidRequestError),
        ({"options": ("-P", "nosuch")}, InvalidRequestError),
        ({"options": ("-pe", "nosuch", "2")}, InvalidRequestError),
        ({"queue": "sierra.q", "walltime": 7200, "options": ("-w", "e")}, QuotaError),
        ({"name": "1st"}, InvalidRequestError), ({"name": "a/b"}, InvalidRequestError),
        ({"after": {"afterok": ("1",)}}, InvalidRequestError),
    ],
)  # fmt: skip
def test_what_is_refused_is_said_in_one_line(
    queue: GridEngineQueue, asked: Asked, more: dict[str, Any], error: type[BackendError]
) -> None:
    request = asked(**more)
    with pytest.raises(error, match=r"^[^\n]+$"):
        queue.submit(request)
    assert queue.find(request.token) is None


def test_what_users_set_for_their_own_qstat_hides_nothing(
    queue: GridEngineQueue, asked: Asked, gridengine_lab: GridEngineLab
) -> None:
    job = queue.submit(asked("sleep", "60", held=True))
    defaults = gridengine_lab.lab.common / "sge_qstat"
    defaults.write_text("-u nobody\n-s r\n")
    try:
        assert gridengine_lab.run("qstat") == ""
        assert job.id in {row.id for row in queue.jobs()}
    finally:
        defaults.unlink()


def test_queues_and_nodes_are_as_they_are(
    queue: GridEngineQueue, asked: Asked, gridengine_lab: GridEngineLab
) -> None:
    queues = {info.name: info for info in queue.info(())}
    assert {name: info.walltime for name, info in queues.items()} == {
        "india.q": None, "sierra.q": 3600,
    }  # fmt: skip
    for info in queues.values():
        assert (info.state, info.cores, info.nodes) == (QueueState.OPEN, gridengine_lab.slots, 1)
    (node,) = queue.nodes()
    assert (node.name, node.queues) == (gridengine_lab.host, ("india.q", "sierra.q"))
    assert (node.state, node.cores_used) == (NodeState.IDLE, 0)
    job = until(queue, queue.submit(asked("sleep", "60", cores=node.cores)).id, runs)
    (node,) = queue.nodes()
    assert (node.state, node.cores_used) == (NodeState.BUSY, job.cores)
    gridengine_lab.run("qmod", "-d", "sierra.q")
    try:
        queues = {info.name: info for info in queue.info(())}
        assert queues["sierra.q"].state is QueueState.STOPPED
    finally:
        gridengine_lab.run("qmod", "-e", "sierra.q")


def test_a_dead_qmaster_is_known_at_once_and_no_job_is_lost(
    queue: GridEngineQueue, asked: Asked, gridengine_lab: GridEngineLab
) -> None:
    job = queue.submit(asked("sleep", "60", held=True))
    request = asked("sleep", "60", held=True)
    with gridengine_lab.without("sge_qmaster"):
        for ask in (queue.jobs, queue.nodes, queue.info):
            with pytest.raises(UnavailableError, match="hpc: q"):
                list(ask())
        with pytest.raises(UnavailableError, match="hpc: qsub"):
            queue.submit(request)
        assert list(queue.history(ids=[job.id])) == []  # that is read without qmaster
    assert queue.job(job.id).state is JobState.HELD
    assert queue.find(request.token) is None


def test_accounting_that_cannot_be_asked_is_no_empty_history(
    opened: Opened, tmp_path: Path
) -> None:
    queue = opened(command(tmp_path, "qacct", "echo 'critical error: no SGE_ROOT' >&2; exit 1\n"))
    with pytest.raises(UnavailableError, match="no SGE_ROOT"):
        list(queue.history())


def test_where_nothing_has_run_yet_history_is_empty(
    queue: GridEngineQueue, asked: Asked, gridengine_lab: GridEngineLab
) -> None:
    past(queue, queue.submit(asked()).id)
    file, away = gridengine_lab.lab.common / "accounting", gridengine_lab.lab.common / "away"
    file.rename(away)
    try:
        assert list(queue.history()) == []
        assert list(queue.history(ids=["1"])) == []
    finally:
        away.rename(file)


def test_a_job_that_is_none_is_not_found(queue: GridEngineQueue) -> None:
    for id in ("99999999", "99999999_7", "banana"):  # noqa: A001
        with pytest.raises(NotFoundError, match=f"hpc has no job with id {id}"):
            queue.job(id)
