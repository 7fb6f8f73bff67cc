"""The command line in trouble: commands that fail, hang, lie or lose their answer."""

import json
import time

import pytest
from tests.queues.slurm.fakes import DOWN, KEEP, SQUEUE, Fakes

from cloudmesh_sdk.errors import (
    AuthError,
    BackendTimeoutError,
    ConfigError,
    ConflictError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.models import Job, JobRequest, JobState
from cloudmesh_sdk.queues.slurm import SlurmQueue, SlurmSettings, commands

REQUEST = JobRequest(name="one", token="t1", command=("true",))
JOB = Job(cloud="hpc", id="7", name="one", state=JobState.RUNNING)
TIMED_OUT = """
sys.stderr.write("sbatch: error: Batch job submission failed: "
                 "Socket timed out on send/recv operation\\n")
sys.exit(1)
"""
DENIED = """
sys.stderr.write("scancel: error: Kill job error on job id 7: Access/permission denied\\n")
sys.exit(210)
"""


def known(fakes: Fakes, *jobs: dict[str, str]) -> None:
    (fakes.directory / "jobs.json").write_text(json.dumps(jobs))


def test_a_list_is_one_question(fakes: Fakes) -> None:
    known(fakes, {"JobID": "1", "State": "RUNNING"}, {"JobID": "2", "State": "PENDING"})
    queue = fakes.queue()
    assert [job.id for job in queue.jobs()] == ["1", "2"]
    assert queue.calls == 1
    assert len(fakes.calls("squeue")) == 1
    assert fakes.calls("scontrol") == []
    assert fakes.calls("squeue")[0][:4] == ["-h", "-a", "-t", "all"]


def test_what_a_user_set_for_himself_hides_no_job(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.command("squeue", "(here / 'env').write_text(json.dumps(dict(os.environ)))")
    monkeypatch.setenv("SQUEUE_PARTITION", "mine")
    monkeypatch.setenv("SLURM_TIME_FORMAT", "relative")
    monkeypatch.setenv("TZ", "America/Indiana/Indianapolis")
    list(fakes.queue().jobs())
    env = json.loads((fakes.directory / "env").read_text())
    assert "SQUEUE_PARTITION" not in env
    assert (env["SLURM_TIME_FORMAT"], env["TZ"]) == ("standard", "UTC")


def test_a_job_inherits_its_owners_environment(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.command("sbatch", "(here / 'env').write_text(json.dumps(dict(os.environ))); print(1)")
    monkeypatch.setenv("TZ", "America/Indiana/Indianapolis")
    monkeypatch.setenv("SBATCH_WAIT", "1")
    monkeypatch.setenv("SBATCH_ACCOUNT", "mine")
    fakes.queue().submit(REQUEST)
    env = json.loads((fakes.directory / "env").read_text())
    assert (env["TZ"], env["SBATCH_ACCOUNT"]) == ("America/Indiana/Indianapolis", "mine")
    assert "SBATCH_WAIT" not in env


def test_a_dead_controller_is_not_waited_for(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "HEDGE", 0.2)
    fakes.command("squeue", "time.sleep(4); sys.exit(1)")
    fakes.command("scontrol", DOWN)
    before = time.monotonic()
    with pytest.raises(UnavailableError, match=r"^hpc: .*primary.* at host is DOWN$"):
        list(fakes.queue().jobs())
    assert time.monotonic() - before < 3


def test_a_slow_controller_is_waited_for(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "HEDGE", 0.1)
    known(fakes, {"JobID": "1", "State": "RUNNING"})
    fakes.command("squeue", "time.sleep(1)" + SQUEUE)
    assert [job.id for job in fakes.queue().jobs()] == ["1"]
    assert len(fakes.calls("squeue")) == 1
    assert fakes.calls("scontrol") == [["ping"]]


def test_a_controller_that_hangs_is_given_up(fakes: Fakes) -> None:
    fakes.command("squeue", "time.sleep(30)")
    with pytest.raises(BackendTimeoutError, match=r"within 0\.5 s"):
        list(fakes.queue(timeout=0.5).jobs())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("print('<html>502 Bad Gateway</html>')", "no list of jobs"),
        ("sys.stdout.buffer.write(bytes(range(256)))", "no list of jobs"),
        ("sys.stderr.write('slurm_load_jobs error: Unable to contact slurm controller\\n')",
         "Unable to contact"),
        ("sys.exit(139)", "status 139 and said nothing"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_no_empty_list(fakes: Fakes, body: str, words: str) -> None:
    fakes.command("squeue", body)
    with pytest.raises(UnavailableError, match=words):
        list(fakes.queue().jobs())


def test_no_slurm_is_said_so(fakes: Fakes) -> None:
    (fakes.directory / "squeue").unlink()
    with pytest.raises(UnsupportedError, match=r"no command .*/squeue"):
        list(fakes.queue().jobs())
    with pytest.raises(UnsupportedError, match="sbatch: not found"):
        fakes.queue().submit(REQUEST)


@pytest.mark.parametrize("end", ["print(len(known))", TIMED_OUT, "print('Welcome')"])
def test_a_job_whose_answer_was_lost_is_found_and_not_doubled(fakes: Fakes, end: str) -> None:
    fakes.command("sbatch", KEEP + end)
    queue = fakes.queue()
    assert queue.submit(REQUEST).id == "1"
    assert queue.submit(REQUEST).id == "1"
    assert fakes.queue().find("t1") == queue.find("t1")
    assert len(fakes.calls("sbatch")) == 1


def test_a_job_that_hangs_on_its_way_is_found(fakes: Fakes) -> None:
    fakes.command("sbatch", KEEP + "time.sleep(30)")
    assert fakes.queue(timeout=1.5).submit(REQUEST).id == "1"
    assert len(fakes.calls("sbatch")) == 1


def test_a_job_that_may_be_on_its_way_is_not_submitted_again(fakes: Fakes) -> None:
    fakes.command("sbatch", TIMED_OUT)
    queue = fakes.queue()
    with pytest.raises(UnavailableError, match="Socket timed out"):
        queue.submit(REQUEST)
    with pytest.raises(BackendTimeoutError, match="from a submit before"):
        queue.submit(REQUEST)
    assert len(fakes.calls("sbatch")) == 1


def test_a_job_is_looked_for_among_our_own(fakes: Fakes) -> None:
    assert fakes.queue().find("t1") is None
    assert "--me" in fakes.calls("squeue")[0]


def test_another_users_job_is_refused_clearly(fakes: Fakes) -> None:
    fakes.command("scancel", DENIED)
    with pytest.raises(AuthError, match=r"^hpc: scancel: .*job id 7: Access/permission denied$"):
        fakes.queue().cancel(JOB)


def test_a_job_that_is_gone_is_cancelled_already(fakes: Fakes) -> None:
    said = "scancel: error: Kill job error on job id 7: Job/step already completing or completed"
    fakes.command("scancel", f"sys.stderr.write('{said}\\n'); sys.exit(1)")
    fakes.queue().cancel(JOB)
    assert fakes.calls("scancel") == [["7"]]


def test_a_user_who_is_none_has_no_jobs(fakes: Fakes) -> None:
    fakes.command("sacct", "sys.stderr.write('sacct: fatal: Invalid user id: me\\n'); sys.exit(1)")
    assert list(fakes.queue().history(user="me")) == []


def test_a_running_job_is_not_held(fakes: Fakes) -> None:
    known(fakes, {"JobID": "7", "State": "RUNNING"})
    with pytest.raises(ConflictError, match="job 7 is running; only one that waits"):
        fakes.queue().hold(JOB)
    with pytest.raises(NotFoundError, match="no job with id 8"):
        fakes.queue().hold(Job(cloud="hpc", id="8", name="one", state=JobState.PENDING))
    assert fakes.calls("scontrol") == []


def test_check_says_what_is_there(fakes: Fakes) -> None:
    fakes.command("scontrol", """
if sys.argv[1] == "ping":
    print("Slurmctld(primary) at host is UP")
else:
    print("ClusterName             = india\\nSLURM_VERSION           = 22.05.8")
""")  # fmt: skip
    fakes.command("sdiag", "print(f'sdiag output at Mon ({int(time.time()) - 90})')")
    health = fakes.queue().check()
    assert health.skew is not None
    assert 88 < health.skew < 93
    assert (health.service, health.version, health.identity) == ("hpc", "22.05.8", "here at india")
    fakes.command("scontrol", DOWN)
    with pytest.raises(UnavailableError, match="at host is DOWN"):
        fakes.queue().check()


def test_the_cluster_that_is_named_is_asked_whatever_is_asked(fakes: Fakes) -> None:
    fakes.command("scontrol", "print('Slurmctld(primary) at host is UP', 'PartitionName=india')")
    for name in ("sdiag", "scancel"):
        fakes.command(name, "")
    fakes.command("sbatch", "print(7)")
    settings = SlurmSettings(transport="command", path=str(fakes.directory), cluster="far")
    queue = SlurmQueue("hpc", settings)
    queue.check()
    for asked in (queue.jobs(), queue.info(()), queue.nodes()):
        list(asked)
    queue.submit(JobRequest(name="one", token="t", command=("true",)))
    queue.cancel(JOB)
    calls = {
        name: fakes.calls(name) for name in ("squeue", "scontrol", "sdiag", "sbatch", "scancel")
    }
    assert all(calls.values())
    for name, words in ((name, words) for name, some in calls.items() for words in some):
        assert {"--clusters=far", "--cluster=far"} & {*words} or words == ["ping"], (name, words)


def test_numbers_of_jobs_are_counted_from_the_list_given(fakes: Fakes) -> None:
    fakes.command("scontrol", "print('PartitionName=india State=UP'); print('PartitionName=s')")
    waits = Job(
        cloud="hpc", id="1", name="a", state=JobState.PENDING, queues=("india", "s"), count=9,
        indices="1-9", array="1",
    )  # fmt: skip
    india, sierra = fakes.queue().info([waits])
    assert (india.totals, india.jobs) == ({"pending": 9}, 9)
    assert sierra.pending == 9
    assert fakes.calls("squeue") == []


def test_without_accounting_what_the_controller_remembers_is_told(fakes: Fakes) -> None:
    off = "sys.stderr.write('Slurm accounting storage is disabled\\n'); sys.exit(1)"
    fakes.command("sacct", off)
    known(fakes, {"JobID": "7", "State": "COMPLETED"}, {"JobID": "8", "State": "RUNNING"})
    queue = fakes.queue()
    assert [job.id for job in queue.history(ids=["7", "8", "9"])] == ["7"]
    with pytest.raises(UnsupportedError, match="accounting storage is disabled"):
        list(queue.history())


def test_a_queue_without_a_way_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match="name the host"):
        SlurmQueue("hpc", SlurmSettings())
