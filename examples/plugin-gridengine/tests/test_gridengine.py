"""The driver on answers that a real Grid Engine 8.1.9 gave (`captures/`), without one.

The public kit, `QueueSuite` and the suites of its abilities, runs on a real Grid Engine in the
tests of cloudmesh itself: `tests/queues/gridengine`.
"""

from datetime import UTC, datetime
from pathlib import Path

import cloudmesh_gridengine as gridengine
import pytest
from cloudmesh_gridengine import GridEngineQueue, GridEngineSettings

from cloudmesh_sdk import plugins
from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.models import Job, JobRequest, JobState, NodeState, QueueState
from cloudmesh_sdk.queues.batch.xml import read

HERE = Path(__file__).parent
CAPTURES = HERE / "captures"


@pytest.fixture
def queue(tmp_path: Path) -> GridEngineQueue:
    """Give a queue whose commands print what real ones did, and note what they were asked."""
    replies = {
        "qstat": f'for word; do [ "$before" = -j ] && f="-j-$word"; before=$word; done\n'
        f'cat "{CAPTURES}/qstat$f.xml" 2>/dev/null || cat "{CAPTURES}/qstat-j-none.xml"',
        "qhost": f'cat "{CAPTURES}/qhost.xml"',
        "qacct": f'cat "{CAPTURES}/qacct.txt"',
        "qsub": f'cat > "{tmp_path}/script"; echo "welcome to the cluster"; echo 3.1-9:2',
    }
    for name, reply in replies.items():
        command = tmp_path / name
        command.write_text(f'#!/bin/sh\nprintf "%s\\n" {name} "$@" > "{tmp_path}/said"\n{reply}\n')
        command.chmod(0o755)
    return GridEngineQueue("hpc", GridEngineSettings(path=str(tmp_path)))


def listed(queue: GridEngineQueue) -> dict[str, Job]:
    return {job.id: job for job in queue.jobs()}


def test_the_entry_point_leads_to_the_driver() -> None:
    assert plugins.load("queues", "gridengine") is GridEngineQueue


def test_the_driver_is_small() -> None:
    lines = [
        line
        for path in (HERE.parent / "src").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert 100 < len(lines) < 250


@pytest.mark.parametrize(
    ("letters", "state"),
    [
        ("qw", JobState.PENDING), ("hqw", JobState.HELD), ("Eqw", JobState.HELD),
        ("Ehqw", JobState.HELD), ("t", JobState.RUNNING), ("r", JobState.RUNNING),
        ("Rr", JobState.RUNNING), ("hr", JobState.RUNNING), ("s", JobState.SUSPENDED),
        ("S", JobState.SUSPENDED), ("T", JobState.SUSPENDED), ("hs", JobState.SUSPENDED),
        ("dr", JobState.EXITING), ("dt", JobState.EXITING), ("Rq", JobState.PENDING),
        ("", JobState.UNKNOWN), ("r?", JobState.UNKNOWN), ("MOONWALK", JobState.UNKNOWN),
    ],
)  # fmt: skip
def test_letters_of_a_state(letters: str, state: JobState) -> None:
    assert gridengine.job_state(letters) is state


def test_every_job_of_a_list_is_a_record(queue: GridEngineQueue) -> None:
    jobs = listed(queue)
    assert {key: (job.name, job.state) for key, job in jobs.items()} == {
        "1": ("plain", JobState.RUNNING),
        "2": ("held", JobState.HELD),
        "3": ("array", JobState.PENDING),
        "3_1": ("array", JobState.RUNNING),
        "3_3": ("array", JobState.RUNNING),
        "4": ("after", JobState.HELD),
        "5": ("wide", JobState.SUSPENDED),
        "6": ("stuck", JobState.HELD),
        "7": ('a<b&c>"d', JobState.HELD),
    }
    plain = jobs["1"]
    assert (plain.queues, plain.hosts, plain.cores) == (("sierra.q",), "gehead", 1)
    assert (plain.walltime, plain.memory, plain.user) == (600, 1024, "root")
    assert plain.started == datetime(2026, 11, 29, 1, 53, 52, tzinfo=UTC)
    assert plain.native["@queue"] == "sierra.q@gehead"
    assert (jobs["4"].user, jobs["4"].depends) == ("games", "afterany:1:2")


def test_a_job_without_a_queue_may_go_to_all(queue: GridEngineQueue) -> None:
    jobs = listed(queue)
    assert jobs["2"].queues == ("india.q", "sierra.q")
    assert jobs["3"].queues == ("india.q",)


def test_a_parallel_job_is_one_and_an_array_waits_as_one(queue: GridEngineQueue) -> None:
    jobs = listed(queue)
    wide, array = jobs["5"], jobs["3"]
    assert (wide.queues, wide.cores, wide.nodes) == (("india.q", "sierra.q"), 10, 1)
    assert (array.array, array.indices, array.count) == ("3", "7,9,5", 3)
    assert (jobs["3_3"].array, jobs["3_3"].index, jobs["3_3"].count) == ("3", 3, 1)


def test_what_is_no_xml_hides_no_job() -> None:
    answer = (CAPTURES / "qstat.xml").read_bytes()
    assert b'0">l\xe9%lt;&amp;\x01|l*</hard_request>' in answer  # as it came
    told = gridengine.listed("hpc", read("hpc", answer.replace(b"%lt;", b"&lt;"), "job_info"))
    odd = next(job for job in told if job.id == "7")
    assert odd.native["hard_request"][""].startswith("l\ufffd")


def test_one_job_is_told_whole(queue: GridEngineQueue) -> None:
    job = queue.job("2")
    assert (job.token, job.account, job.workdir) == ("t0ken", "sge", "/tmp/jobs")
    assert (job.output, job.error) == ("/tmp/jobs/out.2", None)
    assert "hunter2" not in str(job.native)
    assert {"VA_variable": "PASS", "VA_value": "***"} in job.native["JB_env_list"]["job_sublist"]
    assert "can't chdir to /nonexistent" in (queue.job("6").reason or "")


def test_an_array_and_each_of_it(queue: GridEngineQueue) -> None:
    whole = queue.job("3")
    assert (whole.count, whole.indices, whole.throttle) == (5, "1,3,5,7,9", 2)
    assert whole.error == "/tmp/jobs/array.e3.$TASK_ID"
    assert whole.output == "/root/array.o3.$TASK_ID"
    runs, waits = queue.job("3_3"), queue.job("3_9")
    assert (runs.state, runs.output) == (JobState.RUNNING, "/root/array.o3.3")
    assert (waits.index, waits.count, waits.hosts) == (9, 1, "")
    for none in ("3_2", "999", "999_1"):
        with pytest.raises(NotFoundError, match=f"no job with id {none}"):
            queue.job(none)


def test_queues_with_their_totals(queue: GridEngineQueue) -> None:
    india, sierra = queue.info()
    assert (india.name, india.state, india.walltime) == ("india.q", QueueState.OPEN, None)
    assert (sierra.name, sierra.state, sierra.walltime) == ("sierra.q", QueueState.STOPPED, 3600)
    assert (india.cores, india.nodes, india.hosts) == (8, 1, "gehead")
    assert india.totals == {"running": 2, "suspended": 1, "pending": 3, "held": 4}
    assert sierra.totals == {"running": 1, "suspended": 1, "held": 4}
    assert "job_list" not in str(india.native)
    assert [info.jobs for info in queue.info(())] == [0, 0]


def test_nodes(queue: GridEngineQueue) -> None:
    (node,) = queue.nodes()
    assert (node.name, node.state, node.queues) == (
        "gehead", NodeState.BUSY, ("india.q", "sierra.q"),
    )  # fmt: skip
    assert (node.cores, node.cores_used) == (2, 2)
    assert node.memory is not None
    assert 20_000 < node.memory < 30_000


def test_how_jobs_ended(queue: GridEngineQueue) -> None:
    ended = {job.id: (job.state, job.exit_code, job.signal) for job in queue.history()}
    assert ended == {
        "8": (JobState.DONE, 0, None),
        "9": (JobState.FAILED, 3, None),
        "10": (JobState.TIMEOUT, None, 9),
        "11_1": (JobState.FAILED, 1, None),
        "11_3": (JobState.FAILED, 3, None),
        "12": (JobState.CANCELLED, None, 9),
        "13": (JobState.FAILED, None, 15),
        "14": (JobState.FAILED, 5, None),  # it was put back once, and is told once
    }  # and none of job 6, which could not begin and is not over
    (one,) = queue.history(ids=["11_3"])
    assert (one.array, one.index, one.name, one.user) == ("11", 3, "tasks", "root")
    assert [job.id for job in queue.history(ids=["11", "8", "77"])] == ["8", "11_1", "11_3"]
    assert list(queue.history(user="games")) == []


def test_what_is_asked_for_is_what_qsub_is_told(queue: GridEngineQueue, tmp_path: Path) -> None:
    request = JobRequest(
        name="fit", token="t0ken", command=("echo", "it's"), queue="india.q", cores=3, memory=1000,
        walltime=90, account="p7", array="1-9:2%2", after={"afterany": ("1", "2")}, held=True,
        environment={"A": "1", "B": "2"}, workdir="/w", output="o", options=("-p", "-5"),
    )  # fmt: skip
    argv, script = queue._submission(request)
    assert " ".join(argv) == (
        "qsub -terse -sync n -now n -S /bin/sh -h -N fit -q india.q -A p7 -t 1-9:2 -tc 2 -v A,B"
        " -wd /w -hold_jid 1,2 -o o -l h_rt=90,h_vmem=334M -pe smp 3 -j y -ac cloudmesh=t0ken"
        " -C t0ken -p -5"
    )
    assert script == "#!/bin/sh\nexec echo 'it'\"'\"'s'\n"
    assert queue.submit(request).id == "3"
    assert (tmp_path / "script").read_text() == script


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"name": "two words"}, "no name such as 'two words'"), ({"name": "grüße"}, "no name"),
        ({"array": "3,7"}, "no array such as '3,7'"), ({"array": "0-3"}, "no array"),
        ({"after": {"afterok": ("1",)}}, "afterok"),
    ],
)  # fmt: skip
def test_what_grid_engine_would_misread_is_not_sent(
    queue: GridEngineQueue, tmp_path: Path, more: dict[str, object], why: str
) -> None:
    said = {"name": "fit", "token": "t", "command": ("true",), **more}
    with pytest.raises(InvalidRequestError, match=why):
        queue.submit(JobRequest(**said))
    assert not (tmp_path / "script").exists()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ('error: commlib error: access denied (client IP resolved to host name "x")', AuthError),
        ('Unable to run job: denied: host "x" is no submit host', AuthError),
        ("error: commlib error: got select error (Connection refused)", UnavailableError),
        ("Unable to run job: failed receiving gdi request response for mid=1", UnavailableError),
        ("Unable to run job: Error reading answer list from qmaster", UnavailableError),
        ("Unable to run job: job rejected: you tried to submit a job with more than 75000 tasks",
         QuotaError),
        ('Unable to run job: Job was rejected because job requests unknown queue "x"',
         InvalidRequestError),
        ('Unable to run job: job rejected: the requested project "x" does not exist',
         InvalidRequestError),
        ('qsub: invalid option argument "-nosuch"', InvalidRequestError),
    ],
)  # fmt: skip
def test_what_it_says_when_it_fails(
    queue: GridEngineQueue, tmp_path: Path, said: str, error: type[BackendError]
) -> None:
    (tmp_path / "qsub").write_text(f"#!/bin/sh\necho '{said}\n Exiting.' >&2\nexit 1\n")
    with pytest.raises(error) as caught:
        queue.submit(JobRequest(name="fit", token="t", command=("true",)))
    assert type(caught.value) is error
    assert str(caught.value) == f"hpc: qsub: {said} Exiting."


def test_a_site_without_grid_engine_says_so(tmp_path: Path) -> None:
    queue = GridEngineQueue("hpc", GridEngineSettings(path=str(tmp_path)))
    with pytest.raises(UnsupportedError, match=r"no command .*qstat"):
        list(queue.jobs())
