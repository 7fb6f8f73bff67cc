"""The driver on commands that say what real ones said, or that are in trouble."""

import json
import logging
from pathlib import Path

import pytest
from tests.queues.pbs.fakes import Fakes

from cloudmesh_sdk.errors import (
    AuthError,
    BackendTimeoutError,
    ConflictError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.models import Job, JobRequest, JobState
from cloudmesh_sdk.wire import Exchange

JOB = Job(cloud="hpc", id="3.pbshost", name="bigrun", state=JobState.RUNNING)
REQUEST = JobRequest(name="one", token="t1", command=("true",))
UNKNOWN = "qstat: Unknown Job Id 99999.pbshost\n"
OFF = "qstat: job_history_enable not SET\n"


def test_a_list_is_one_question_for_all_jobs(fakes: Fakes, head: Path) -> None:
    fakes.replay({"qstat -f -F json": (head / "qstat-f.json", "", 0)})
    queue = fakes.queue()
    assert len(list(queue.jobs())) == 10
    assert queue.calls == 2  # whose qstat it is, once
    assert len(list(queue.jobs())) == 10
    assert queue.calls == 3
    assert fakes.calls("qstat") == [["-f", "-F", "json"]] * 2


def test_no_jobs_are_an_empty_list(fakes: Fakes, head: Path) -> None:
    fakes.replay({"qstat": (head / "qstat-empty.json", "", 0)})
    assert list(fakes.queue().jobs()) == []


def test_a_server_that_is_away_is_no_empty_list(fakes: Fakes, head: Path) -> None:
    """Real qstat prints valid JSON then, and ends with 255."""
    said = (head / "err-qstat-down.err").read_text()
    fakes.replay({"qstat": (head / "err-qstat-down", said, 255)})
    with pytest.raises(UnavailableError, match="cannot connect to server"):
        list(fakes.queue().jobs())


def test_invalid_json_is_put_right_without_another_question(fakes: Fakes, client: Path) -> None:
    fakes.replay({"qstat -f -F json": (client / "qstat-xf.json", "", 0)})
    assert len(list(fakes.queue().jobs())) > 50
    assert len(fakes.calls("qstat")) == 1


def test_json_that_cannot_be_read_is_followed_by_text_and_told(
    fakes: Fakes, head: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    torn = tmp_path / "torn"
    torn.write_bytes((head / "qstat-f.json").read_bytes()[:9000])
    fakes.replay({
        "qstat -f -F json": (torn, "", 0), "qstat -f -F dsv": (head / "qstat-dsv.txt", "", 0),
    })  # fmt: skip
    with caplog.at_level(logging.WARNING):
        assert len(list(fakes.queue().jobs())) == 10
    assert [record.getMessage()[:40] for record in caplog.records] == [
        "hpc: qstat -f gave JSON that is not used"
    ]


def test_text_that_is_cut_off_is_no_shorter_list(fakes: Fakes, head: Path, tmp_path: Path) -> None:
    for name, source in (("json", "qstat-f.json"), ("dsv", "qstat-dsv.txt")):
        (tmp_path / name).write_bytes((head / source).read_bytes()[:9000])
    fakes.replay({
        "qstat -f -F json": (tmp_path / "json", "", 0),
        "qstat -f -F dsv": (tmp_path / "dsv", "", 0),
    })  # fmt: skip
    with pytest.raises(UnavailableError, match="the answer of qstat is no good: it is cut off"):
        list(fakes.queue().jobs())


@pytest.mark.parametrize("body", ["pass", "print('<html>502</html>')",
                                  "sys.stdout.buffer.write(bytes(range(256)))"])  # fmt: skip
def test_what_is_no_list_is_no_empty_list(fakes: Fakes, body: str) -> None:
    fakes.command("qstat", body)
    with pytest.raises(UnavailableError, match="it is no JSON"):
        list(fakes.queue().jobs())
    assert len(fakes.calls("qstat")) == 1


def test_one_job_is_asked_by_its_id_finished_or_not(fakes: Fakes, head: Path) -> None:
    fakes.replay({
        "qstat -x -f -F json 0.pbshost": (head / "qstat-finished-x.json", "", 0),
        "qstat -x -f -F json 2.pbshost": (head / "qstat-one.json", "", 0),
        "qstat -x -f -F json 99999": (head / "err-qstat-unknown.json", UNKNOWN, 153),
    })  # fmt: skip
    queue = fakes.queue()
    assert queue.job("0.pbshost").state is JobState.DONE
    assert queue.job("2.pbshost").state is JobState.RUNNING
    with pytest.raises(NotFoundError, match="99999"):
        queue.job("99999")


def test_where_history_is_off_jobs_that_are_not_over_are_found(fakes: Fakes, head: Path) -> None:
    fakes.replay({
        "qstat -x": (None, OFF, 36), "qstat -f -F json 2.pbshost": (head / "qstat-one.json", "", 0),
        "qstat -f -F json": (head / "qstat-f.json", "", 0),
    })  # fmt: skip
    queue = fakes.queue()
    assert queue.job("2.pbshost").name == "running"
    assert queue.find("t1") is None
    assert [words[0] for words in fakes.calls("qstat")] == ["-x", "-f", "-f"]
    with pytest.raises(UnsupportedError, match="job_history_enable"):
        queue.history()


def test_history_is_of_jobs_that_are_over(fakes: Fakes, head: Path) -> None:
    fakes.replay({"qstat -x -f -F json": (head / "qstat-xf.json", "", 0)})
    found = list(fakes.queue().history())
    assert [job.id for job in found] == ["0.pbshost", "1.pbshost", "12.pbshost"]
    assert [job.id for job in fakes.queue().history(user="bob")] == ["12.pbshost"]


def test_history_of_several_is_asked_as_text(fakes: Fakes, head: Path) -> None:
    """JSON of 2026 would show the first of them only (`qstat-two.json`)."""
    fakes.replay({"qstat -x -t -f -F dsv": (head / "qstat-dsv.txt", UNKNOWN, 153)})
    queue = fakes.queue()
    assert list(queue.history(ids=["2.pbshost", "99999.pbshost"])) == []  # it runs
    assert fakes.calls("qstat") == [["-x", "-t", "-f", "-F", "dsv", "2.pbshost", "99999.pbshost"]]


def test_words_that_are_no_ids_are_asked_of_nobody(fakes: Fakes) -> None:
    queue = fakes.queue()
    for word in ("--version", "-x", "banana", "2 3", "2;id", ""):
        with pytest.raises(NotFoundError, match="no job with id"):
            queue.job(word)
        with pytest.raises(NotFoundError):
            queue.cancel(Job(cloud="hpc", id=word, name="", state=JobState.RUNNING))
    assert list(queue.history(ids=["--version"])) == []
    assert queue.calls == 0


def test_a_running_job_is_not_held(fakes: Fakes, head: Path) -> None:
    """Real qhold ends with 0 then, says nothing, and the job runs on with a hold on it."""
    fakes.replay({
        "qstat -x -f -F json 2.pbshost": (head / "qstat-one.json", "", 0),
        "qhold": (None, "", 0),
    })  # fmt: skip
    with pytest.raises(ConflictError, match=r"job 2\.pbshost is running; only one that waits"):
        fakes.queue().hold(Job(cloud="hpc", id="2.pbshost", name="", state=JobState.PENDING))
    assert fakes.calls("qhold") == []


def test_another_users_job_is_refused_clearly(fakes: Fakes, head: Path) -> None:
    said = (head / "err-qdel-notowner.err").read_text()
    fakes.replay({"qdel": (None, said, 159)})
    with pytest.raises(AuthError, match=r"^hpc: qdel: Unauthorized Request 3\.pbshost$"):
        fakes.queue().cancel(JOB)


@pytest.mark.parametrize(("name", "code"), [("err-qdel-finished", 35), ("err-qdel-unknown", 153)])
def test_a_job_that_is_over_is_cancelled_already(
    fakes: Fakes, head: Path, name: str, code: int
) -> None:
    fakes.replay({"qdel": (None, (head / f"{name}.err").read_text(), code)})
    fakes.queue().cancel(JOB)
    assert fakes.calls("qdel") == [["3.pbshost"]]


def test_queues_are_told_with_the_default_one(fakes: Fakes, head: Path) -> None:
    fakes.replay({
        "qstat -B -f -F json": (head / "qstat-Bf.json", "", 0),
        "qstat -Q -f -F json": (head / "qstat-Qf.json", "", 0),
        "qstat -f -F json": (head / "qstat-f.json", "", 0),
    })  # fmt: skip
    queue = fakes.queue()
    infos = {info.name: info for info in queue.info()}
    assert [name for name, info in infos.items() if info.default] == ["india"]
    assert infos["india"].running == 7  # of state_count: 2.pbshost, 10.pbshost, five of 5[]
    assert infos["sierra"].totals == {"running": 1, "pending": 1, "suspended": 1}
    health = queue.check()
    assert (health.version, health.identity) == ("23.06.06", "here at pbshost")


def test_nodes_are_vnodes(fakes: Fakes, head: Path) -> None:
    fakes.replay(
        {"qstat": (None, "", 0), "pbsnodes -av -F json": (head / "pbsnodes-av.json", "", 0)}
    )
    assert [node.name for node in fakes.queue().nodes()] == [
        "pbshost", "india001", "india002", "sierra001",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('error: unable to read qmaster name: qmaster hostname in "x" has zero length',
         "is Grid Engine's"),
        ("SGE 8.1.9\nusage: qstat [options]", "is Grid Engine's"),
        ("qstat: something else", "cannot be told"),
    ],
)  # fmt: skip
def test_a_qstat_that_is_none_of_pbs_is_told(fakes: Fakes, said: str, words: str) -> None:
    fakes.command("qstat", "", head=f"#!/bin/sh\necho {json.dumps(said)} >&2\nexit 1\n")
    queue = fakes.queue()
    with pytest.raises(UnsupportedError, match=words):
        list(queue.jobs())
    assert fakes.queue(dialect="torque")._dialect.name == "hpc"


def test_no_pbs_is_said_so(fakes: Fakes) -> None:
    with pytest.raises(UnsupportedError, match=r"no command .*/qstat"):
        list(fakes.queue().jobs())


def test_what_commands_say_is_watched_without_the_variables_of_jobs(
    fakes: Fakes, head: Path, client: Path, tmp_path: Path
) -> None:
    secret = "MYVAR"
    for name, path in {
        "qstat -f -F json 1": client / "odd-env-json.json", "qstat -x -f -F json 1":
        head / "odd-env-backslash.json", "qstat -f -F dsv": head / "odd-env-json.dsv",
    }.items():  # fmt: skip
        heard: list[Exchange] = []
        fakes.replay({name: (path, "", 0)})
        queue = fakes.queue(dialect="pbs")
        queue.watch = heard.append
        queue._run(*name.split())
        assert secret in path.read_text()
        assert "Job_Name" in heard[0].answer
        assert "Submit_arguments" in heard[0].answer
        assert secret not in heard[0].answer


def test_a_user_may_not_change_what_a_directive_looks_like(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.command("qsub", "(here / 'env').write_text(json.dumps(dict(os.environ))); print('1.a')")
    fakes.command("qstat", "sys.exit(255)")
    monkeypatch.setenv("PBS_DPREFIX", "#JOB")
    monkeypatch.setenv("TZ", "America/Indiana/Indianapolis")
    assert fakes.queue().submit(REQUEST).id == "1.a"
    env = json.loads((fakes.directory / "env").read_text())
    assert "PBS_DPREFIX" not in env
    assert env["TZ"] == "America/Indiana/Indianapolis"


def test_times_are_asked_for_in_utc(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    """PBS's clients print times by ctime(3), from seconds (`display_statjob` in qstat.c)."""
    fakes.command("qstat", "(here / 'env').write_text(json.dumps(dict(os.environ)))")
    monkeypatch.setenv("TZ", "America/Indiana/Indianapolis")
    with pytest.raises(UnavailableError):
        list(fakes.queue().jobs())
    assert json.loads((fakes.directory / "env").read_text())["TZ"] == "UTC"


def test_a_job_that_may_be_on_its_way_is_not_submitted_again(fakes: Fakes, head: Path) -> None:
    fakes.replay({
        "qstat": (head / "qstat-empty.json", "", 0),
        "qsub": (None, "qsub: cannot connect to server pbshost (errno=15010)\n", 255),
    })  # fmt: skip
    queue = fakes.queue()
    with pytest.raises(UnavailableError, match="cannot connect"):
        queue.submit(REQUEST)
    with pytest.raises(BackendTimeoutError, match="from a submit before"):
        queue.submit(REQUEST)
    assert len(fakes.calls("qsub")) == 1
