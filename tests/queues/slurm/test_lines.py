"""The list of squeue as records: what Slurm 22.05 printed, and names nobody would think of."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from tests.queues.slurm.fakes import answer

from cloudmesh_sdk.errors import UnavailableError
from cloudmesh_sdk.models import Job, JobState
from cloudmesh_sdk.queues import arrays
from cloudmesh_sdk.queues.slurm import lines

CAPTURE = Path(__file__).parent / "captures" / "squeue-22.05.txt"
FORM = lines.Format(fields=lines.LISTED, mark="\x1eMARK")
WHOLE = lines.Format(fields=lines.WHOLE)


@pytest.fixture(scope="module")
def jobs() -> dict[str, Job]:
    found = list(lines.jobs("hpc", CAPTURE.read_bytes(), FORM))
    assert len(found) == 19
    return {job.id: job for job in found}


def one(form: lines.Format = FORM, **fields: bytes) -> Job:
    (job,) = lines.jobs("hpc", answer([fields], form), form)
    return job


def test_every_job_is_a_record_with_its_state(jobs: dict[str, Job]) -> None:
    assert {job.id: job.state.value for job in jobs.values()} == {
        "45": "failed", "46": "done", "47": "failed", "48": "failed", "49": "running",
        "50": "pending", "50_0": "running", "50_2": "running", "51": "held", "52": "failed",
        "53": "held", "54": "running", "55": "pending", "56": "running", "57": "running",
        "58": "running", "59": "running", "60+0": "held", "60+1": "held",
    }  # fmt: skip


def test_a_job_that_ended_tells_when_and_how(jobs: dict[str, Job]) -> None:
    done, failed, killed = jobs["46"], jobs["47"], jobs["48"]
    assert (done.exit_code, done.signal, done.reason) == (0, None, None)
    assert done.walltime == 600
    assert done.submitted == datetime(2026, 11, 23, 9, 0, 37, tzinfo=UTC)
    assert done.ended is not None
    assert done.token == "5f0c"
    assert (failed.exit_code, failed.reason, failed.account) == (3, "NonZeroExitCode", "project7")
    assert (killed.exit_code, killed.signal) == (None, 9)


def test_a_running_job_tells_what_it_has_and_no_end(jobs: dict[str, Job]) -> None:
    gpus = jobs["49"]
    assert (gpus.nodes, gpus.tasks, gpus.cores, gpus.gpus) == (2, 4, 4, 2)
    assert gpus.walltime == ((24 + 2) * 60 + 4) * 60  # of 1-02:03:04: Slurm counts minutes
    assert gpus.hosts == "s[001-002]"
    assert gpus.started is not None
    assert gpus.ended is None  # what squeue tells is when it must be over
    assert gpus.exit_code is None


def test_what_waits_of_an_array_is_one_record(jobs: dict[str, Job]) -> None:
    waits, runs = jobs["50"], jobs["50_2"]
    assert (waits.array, waits.index, waits.indices) == ("50", None, "4-99998:2%2")
    assert (waits.count, waits.throttle) == (49998, 2)
    assert (runs.array, runs.index, runs.indices, runs.count) == ("50", 2, "", 1)
    first = next(arrays.expanded(waits))
    assert first.id == "50_4"


def test_a_waiting_job_tells_why(jobs: dict[str, Job]) -> None:
    assert jobs["51"].reason == "JobHeldUser"
    assert jobs["51"].queues == ("india", "sierra")
    assert jobs["51"].gpus == 3
    assert (jobs["53"].reason, jobs["53"].depends) == (
        "DependencyNeverSatisfied",
        "afterok:52(failed)",
    )
    assert (jobs["55"].reason, jobs["55"].depends) == ("Dependency", "afterany:54(unfulfilled)")
    assert jobs["55"].memory == 8000
    assert jobs["55"].started is None


def test_names_are_what_their_owners_wrote(jobs: dict[str, Job]) -> None:
    assert jobs["56"].name == "latin-\ufffdt\ufffd"
    assert (jobs["57"].name, jobs["57"].token) == ('two\nlines, "quoted" <b>', "77aa")
    assert (jobs["58"].name, jobs["58"].token) == ("odd\x1fname\x1f", "odd1")
    assert jobs["59"].name == "ünïcode \u2013 名前 | 100%"


def test_native_is_all_that_was_asked_for(jobs: dict[str, Job]) -> None:
    assert tuple(jobs["49"].native) == lines.LISTED
    assert jobs["49"].native["tres-per-node"] == "gres:gpu:1"


TEXTS = st.binary(max_size=40).filter(lambda text: b"\0" not in text)


@given(name=TEXTS, comment=TEXTS)
def test_whatever_a_job_is_called_the_others_are_unharmed(name: bytes, comment: bytes) -> None:
    form = lines.Format(fields=lines.LISTED)
    before, odd, after = lines.jobs(
        "hpc",
        answer(
            [
                {"JobID": b"1", "Name": b"before"},
                {"JobID": b"2", "Name": name, "Comment": comment, "State": b"RUNNING"},
                {"JobID": b"3", "Name": b"after", "Comment": b"cloudmesh:t3"},
            ],
            form,
        ),
        form,
    )
    assert (before.id, before.name, before.state) == ("1", "before", JobState.PENDING)
    assert (after.id, after.name, after.token) == ("3", "after", "t3")
    assert (odd.id, odd.state, odd.user) == ("2", JobState.RUNNING, "albert")
    if b"\x1f" not in comment:
        assert odd.name == name.decode(errors="replace")


def test_nobody_can_forge_the_end_of_a_record() -> None:
    assert lines.Format(fields=lines.LISTED).mark != lines.Format(fields=lines.LISTED).mark


def test_a_line_that_cannot_be_read_is_told_and_harms_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = answer([{"JobID": b"7"}], FORM)
    bad = b"PANIC: out of cheese\x1eMARK\n" + answer([{"JobID": b"x7"}], FORM)
    (job,) = lines.jobs("hpc", bad + good, FORM)
    assert job.id == "7"
    assert [record.message for record in caplog.records] == [
        "hpc: squeue told of a job what cannot be read: 1 fields in place of 26",
        "hpc: squeue told of a job what cannot be read: 'x7' is no id of a job",
    ]


@pytest.mark.parametrize("cut", [1, 6, 100])
def test_an_answer_that_is_cut_off_is_no_shorter_list(cut: int) -> None:
    whole = answer([{"JobID": b"7"}, {"JobID": b"8"}], FORM)
    with pytest.raises(UnavailableError, match="hpc: the answer of squeue is cut off"):
        list(lines.jobs("hpc", whole[:-cut], FORM))


def test_garbage_is_no_empty_list() -> None:
    with pytest.raises(UnavailableError, match="is no list"):
        list(lines.jobs("hpc", b"<html>502</html>\n", FORM))
    assert list(lines.jobs("hpc", b"", FORM)) == []


def test_what_a_login_says_before_does_no_harm() -> None:
    said = b"Welcome to india!\nCLUSTER: lab\n" + answer([{"JobID": b"7"}], FORM)
    (job,) = lines.jobs("hpc", said, FORM)
    assert job.id == "7"


def test_a_state_that_nobody_knows_stays_readable() -> None:
    job = one(State=b"DREAMING")
    assert job.state is JobState.UNKNOWN
    assert job.native["State"] == "DREAMING"


def test_a_job_held_while_it_runs_runs() -> None:
    assert one(State=b"RUNNING", Reason=b"JobHeldUser").state is JobState.RUNNING
    assert one(State=b"PENDING", Reason=b"JobHeldAdmin").state is JobState.HELD


def test_numbers_that_stand_for_nothing_are_none() -> None:
    job = one(NumTasks=b"4294967294", TimeLimit=b"UNLIMITED", NumNodes=b"2-4")
    assert (job.tasks, job.walltime, job.nodes) == (None, None, 2)


def test_files_are_named_as_slurm_names_them() -> None:
    told = {"JobID": b"16", "WorkDir": b"/home/a", "STDOUT": b"/home/a/slurm-16.out"}
    plain = one(WHOLE, **told, STDERR=b"err-%4j-%x")
    assert plain.output == "/home/a/slurm-16.out"
    assert plain.error == "/home/a/err-0016-plain"
    task = one(WHOLE, **told, ArrayJobID=b"12", ArrayTaskID=b"3", STDERR=b"/home/a/slurm-16.out")
    assert task.output == "/home/a/slurm-12_3.out"
    assert task.error is None
    several = one(WHOLE, **told, ArrayJobID=b"16", ArrayTaskID=b"3-9", STDERR=b"/e/%A.%a")
    assert several.output == "/home/a/slurm-16_%a.out"
    assert several.error == "/e/16.%a"
