"""What drivers of schedulers with commands share beside running them."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnavailableError,
)
from cloudmesh_sdk.models import Job, JobRequest, JobState, QueueInfo, QueueState
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.batch import (
    BatchQueue,
    BatchSettings,
    Done,
    records,
    refusals,
    scripts,
    values,
    xml,
)


def job(**said: Any) -> Job:
    return Job(**{"cloud": "hpc", "id": "1", "name": "one", "state": JobState.PENDING, **said})


# values


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("90", 90), ("30:00", 1800), ("01:00:00", 3600), ("0:0:5", 5), ("100:00:00", 360_000),
        ("1-02:03:04", 93_784), ("1:02:03:04", 93_784), ("12.5", 12), ("infinity", None),
        ("", None), (None, None), ("UNLIMITED", None), ("1:2:3:4:5", None), ("-5", None),
    ],
)  # fmt: skip
def test_durations(word: str | None, wanted: int | None) -> None:
    assert values.seconds(word) == wanted


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("1G", 1024), ("23.5G", 24_064), ("512mb", 512), ("2048kb", 2), ("1073741824", 1024),
        ("1TiB", 1 << 20), ("0.0", 0), ("-", None), ("", None), (None, None), ("1e9", None),
    ],
)  # fmt: skip
def test_sizes(word: str | None, wanted: int | None) -> None:
    assert values.mebibytes(word) == wanted


def test_a_bare_number_may_be_in_another_unit() -> None:
    assert values.mebibytes("4000", unit="M") == 4000


@pytest.mark.parametrize("word", ["2026-11-29T01:53:52", "Sun Nov 29 01:53:52 2026"])
def test_times_are_in_utc(word: str) -> None:
    assert values.time(word) == datetime(2026, 11, 29, 1, 53, 52, tzinfo=UTC)


@pytest.mark.parametrize("word", ["", None, "-/-", "N/A", "Sun Nov 99 01:53:52 2026"])
def test_what_is_no_time_is_none(word: str | None) -> None:
    assert values.time(word) is None


# XML


def test_an_element_is_plain_data_whole() -> None:
    root = xml.read("hpc", b"<a><b>1</b><b/><c x='2'>t<d>3</d></c><e y='4'>5</e></a>", "a")
    assert xml.plain(root) == {
        "b": ["1", ""], "c": {"d": "3", "@x": "2", "": "t"}, "e": {"@y": "4", "": "5"},
    }  # fmt: skip
    assert xml.texts(root, "b") == ["1", ""]
    assert [len(some) for some in xml.grouped(root, lambda each: each.tag).values()] == [2, 1, 1]


@given(st.binary().filter(lambda some: not set(some) & set(b"<&>")))
def test_whatever_bytes_stand_in_xml_the_rest_is_read(some: bytes) -> None:
    root = xml.read("hpc", b"<a><odd>" + some + b"</odd><good>1</good></a>", "a")
    assert root.findtext("good") == "1"


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"PANIC", b"<a><b></a>", b"<other/>", b"<a>", b"<a/><a/>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', b"<a>&x;</a>",
    ],
)  # fmt: skip
def test_what_is_no_answer_is_unavailable(answer: bytes) -> None:
    with pytest.raises(UnavailableError, match=r"^hpc answers [^\n]+$"):
        xml.read("hpc", answer, "a")


# records


def test_a_job_that_may_go_to_several_queues_counts_in_each() -> None:
    queues = [
        QueueInfo(cloud="hpc", id=name, name=name, state=QueueState.OPEN) for name in ("a", "b")
    ]
    jobs = [
        job(queues=("a", "b")),
        job(id="2", queues=("b",), state=JobState.RUNNING),
        job(id="3", queues=("b",), count=5),
    ]
    found = {queue.name: queue.totals for queue in records.counted(queues, jobs)}
    assert found == {"a": {"pending": 1}, "b": {"pending": 6, "running": 1}}


def test_what_is_past_is_in_order_once_and_of_those_that_were_meant() -> None:
    def ended(hour: int, **said: Any) -> Job:
        at = datetime(2026, 1, 1, hour, tzinfo=UTC)
        return job(**{"state": JobState.DONE, "ended": at, "user": "albert", **said})

    jobs = [
        ended(3), ended(2, id="2_1", array="2"), ended(1, state=JobState.FAILED),
        ended(4, id="3", user="eva"), job(id="4"), job(id="5", state=JobState.DONE),
    ]  # fmt: skip
    assert [(each.id, each.state) for each in records.past(jobs, user="albert")] == [
        ("2_1", JobState.DONE), ("1", JobState.DONE),
    ]  # fmt: skip
    assert [each.id for each in records.past(jobs, ids=["2", "3", "99"])] == ["2_1", "3"]
    since = datetime(2026, 1, 1, 3, tzinfo=UTC)
    assert [each.id for each in records.past(jobs, since=since)] == ["1", "3"]


@pytest.mark.parametrize("state", [state for state in JobState if state not in records.WAITS])
def test_only_a_job_that_waits_can_be_held(state: JobState) -> None:
    records.must_wait(job())
    with pytest.raises(ConflictError, match=f"hpc: job 1 is {state}"):
        records.must_wait(job(state=state))


def test_a_job_that_was_ended_when_its_time_was_over_timed_out() -> None:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    killed = job(
        state=JobState.FAILED, signal=9, walltime=60, started=began, ended=began.replace(minute=1)
    )
    assert records.late(killed).state is JobState.TIMEOUT
    for other in ({"walltime": 61}, {"walltime": None}, {"signal": None}):
        changed = {"state": JobState.FAILED, "signal": 9, "walltime": 60, **other}
        ended = job(started=began, ended=began.replace(minute=1), **changed)
        assert records.late(ended).state is JobState.FAILED


# arrays


def test_one_of_an_array_is_found_wherever_it_is() -> None:
    jobs = [
        job(id="7", array="7", indices="3,5-9:2", count=4, state=JobState.HELD),
        job(id="7_1", array="7", index=1, state=JobState.RUNNING),
        job(id="8"),
    ]
    whole = arrays.one(jobs, "7")
    assert whole is not None
    assert (whole.count, whole.state) == (5, JobState.RUNNING)
    one = arrays.one(jobs, "7_7")
    assert one is not None
    assert (one.index, one.count, one.state) == (7, 1, JobState.HELD)
    assert [each.id for id in ("7_1", "8") if (each := arrays.one(jobs, id))] == ["7_1", "8"]  # noqa: A001
    for none in ("7_2", "7_6", "7_", "7_x", "9", ""):
        assert arrays.one(jobs, none) is None


# refusals


TABLE = ((QuotaError, r"over \d+ jobs"), (AuthError, "denied"))


@pytest.mark.parametrize(
    ("out", "err", "kind", "text"),
    [
        (b"", b"Permission\n DENIED\n", AuthError, "hpc: qsub: Permission DENIED"),
        (b"denied: over 9 jobs", b"", QuotaError, "hpc: qsub: denied: over 9 jobs"),
        (b"", b"caf\xe9", UnavailableError, "hpc: qsub: caf\ufffd"),
        (b"", b"", UnavailableError, "hpc: qsub: it ended with status 3 and said nothing"),
    ],
)  # fmt: skip
def test_what_a_command_says_has_its_error(
    out: bytes, err: bytes, kind: type[BackendError], text: str
) -> None:
    done = Done(argv=("/opt/bin/qsub",), status=3, out=out, err=err)
    error = refusals.refusal("hpc", done, TABLE)
    assert (type(error), str(error)) == (kind, text)


def test_what_is_in_no_table_is_what_the_driver_says() -> None:
    done = Done(argv=("qsub",), status=1, out=b"", err=b"no")
    assert type(refusals.refusal("hpc", done, (), otherwise=QuotaError)) is QuotaError


# scripts


def test_options_are_those_that_have_a_value() -> None:
    given = {"-a": 1, "-b": None, "-c": "", "-d": True, "-e": False, "-f": ("smp", 4), "-g": "x"}
    assert list(scripts.options(given)) == ["-a", "1", "-d", "-f", "smp", "4", "-g", "x"]


@pytest.mark.parametrize(
    ("text", "said", "status"),
    [
        ("#!/bin/sh\necho \"$0\" | wc -w\n", "1\n", 0),
        ("#!/usr/bin/env python3\nprint('it\\'s', '$HOME')\nexit(4)", "it's $HOME\n", 4),
        ("#!/bin/bash -e\nfalse\necho never\n", "", 1),
        ("#! /bin/cat\nEND\n'quotes'\n", "#! /bin/cat\nEND\n'quotes'\n", 0),
    ],
)  # fmt: skip
def test_a_shell_runs_a_script_by_its_first_line(
    tmp_path: Path, text: str, said: str, status: int
) -> None:
    done = subprocess.run(
        ["/bin/sh"], input=scripts.for_shell(text), capture_output=True, text=True, check=False,
        env={"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert (done.stdout, done.returncode) == (said, status)
    assert list(tmp_path.iterdir()) == []


# the base


class Small(BatchQueue):
    """A scheduler that forgets a job at its end."""

    names, ranges = "[a-z]+", r"\d+-\d+"
    id = r"job (\d+)"
    gone = "no such job"
    secret = "(?<=PASS=).*"
    refused = ((AuthError, "denied"),)
    over = False

    def _submission(self, request: JobRequest) -> tuple[list[str], str]:
        return ["qsub"], scripts.script(request)

    def job(self, id: str) -> Job:  # noqa: A002
        if self.over:
            return self._gone(id)
        self._run("qstat", id)
        return job(id=id, output=str(self._settings.path) + "/output")

    def jobs(self) -> list[Job]:
        return []

    def info(self, jobs: Any = None) -> list[QueueInfo]:
        return []

    def nodes(self) -> list[Any]:
        return []

    def cancel(self, job: Job) -> None:
        self._run("qdel", job.id, fine=self._well_or_gone)

    def hold(self, job: Job) -> None: ...

    def release(self, job: Job) -> None: ...


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Small]:
    def made(**commands: str) -> Small:
        for name, body in commands.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
            (tmp_path / name).chmod(0o755)
        return Small("hpc", BatchSettings(path=str(tmp_path)))

    return made


def asked(**more: Any) -> JobRequest:
    return JobRequest(**{"name": "one", "token": "t", "command": ("true",), **more})


def test_the_id_is_found_below_what_a_login_says(made: Callable[..., Small]) -> None:
    queue = made(qsub="echo welcome; echo 'job 12'; echo bye", qstat="")
    assert queue.submit(asked()).id == "12"


def test_a_job_without_an_id_is_in_doubt(made: Callable[..., Small]) -> None:
    with pytest.raises(UnavailableError, match="told no id of a job"):
        made(qsub="echo welcome").submit(asked())


def test_a_job_that_cannot_be_looked_at_is_as_it_was_asked_for(made: Callable[..., Small]) -> None:
    queue = made(qsub="echo job 12", qstat="echo 'no such job'; exit 1")
    job = queue.submit(asked(held=True, queue="long"))
    assert (job.id, job.state, job.queues, job.token) == ("12", JobState.HELD, ("long",), "t")


@pytest.mark.parametrize("more", [{"name": "Two"}, {"array": "3,7"}])
def test_what_a_scheduler_would_misread_is_not_sent(
    made: Callable[..., Small], more: dict[str, str]
) -> None:
    queue = made(qsub="echo job 12", qstat="")
    with pytest.raises(InvalidRequestError, match=f"no {next(iter(more))} such as"):
        queue.submit(asked(**more))
    assert queue.calls == 0


def test_a_job_that_is_gone_may_be_cancelled_and_is_not_found(made: Callable[..., Small]) -> None:
    queue = made(qdel="echo 'no such job' >&2; exit 1", qstat="echo 'no such job'; exit 1")
    queue.cancel(job())
    with pytest.raises(NotFoundError, match="hpc: qstat: no such job"):
        queue.job("1")
    with pytest.raises(AuthError):
        made(qdel="echo denied; exit 1").cancel(job())


def test_what_is_known_of_a_job_outlives_the_managers_memory(
    made: Callable[..., Small], tmp_path: Path
) -> None:
    queue = made(qsub="echo job 12", qstat="")
    handed_in = queue.submit(asked())
    (tmp_path / "output").write_text("written")
    queue.over = True
    assert queue.output(job(id="12", state=JobState.DONE)) == "written"
    with pytest.raises(NotFoundError, match="hpc has no job with id 12"):
        queue.job("12")
    queue._over["12"] = handed_in
    assert queue.job("12") is handed_in


def test_a_watcher_is_not_told_what_is_secret(made: Callable[..., Small]) -> None:
    queue = made(qstat="echo PASS=hunter2")
    heard: list[Any] = []
    queue.watch = heard.append
    queue.job("1")
    assert heard[0].answer.strip() == "PASS=***"
