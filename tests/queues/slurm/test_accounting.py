"""The answer of sacct as records: what Slurm 22.05 printed, and names that break its lines."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from cloudmesh_sdk.errors import UnavailableError
from cloudmesh_sdk.models import Job, JobState
from cloudmesh_sdk.queues.slurm import accounting

TIME = "2026-11-23T09:22:2{}"
REAL: list[dict[str, str]] = [
    {"JobID": "2_3", "State": "COMPLETED", "Reason": "None", "User": "root", "Account": "root",
     "Partition": "sierra", "Priority": "4294901758", "NNodes": "1", "NTasks": "", "NCPUS": "1",
     "AllocTRES": "billing=1,cpu=1,gres/gpu=1,node=1",
     "ReqTRES": "billing=1,cpu=1,gres/gpu=1,mem=4000M,node=1", "TimelimitRaw": "2880",
     "NodeList": "s002", "Submit": TIME.format(2), "Start": TIME.format(3), "End": TIME.format(6),
     "WorkDir": "/home/me", "Comment": "", "JobName": "sbatch", "ExitCode": "0:0"},
    {"JobID": "5", "State": "CANCELLED by 0", "NodeList": "None assigned", "AllocTRES": "",
     "ExitCode": "0:15", "End": TIME.format(7), "Comment": "cloudmesh:t5"},
    {"JobID": "1", "State": "FAILED", "ExitCode": "3:0", "JobName": "na\nme",
     "End": TIME.format(3), "TimelimitRaw": "UNLIMITED"},
    {"JobID": "6", "State": "RUNNING", "End": "Unknown"},
    {"JobID": "7_[1-3]", "State": "PENDING", "End": "Unknown", "Start": "Unknown"},
]  # fmt: skip


def answer(records: list[dict[str, Any]], between: str) -> bytes:
    rows = [{**REAL[0], **record} for record in records]
    lines = (between.join(row[field] for field in accounting.FIELDS) + "\n" for row in rows)
    return "".join(lines).encode(errors="surrogateescape")


def read(records: list[dict[str, Any]], **more: Any) -> list[Job]:
    between = accounting.delimiter()
    return accounting.jobs("hpc", answer(records, between), between=between, **more)


def test_jobs_that_are_over_come_oldest_first() -> None:
    first, task, cancelled = read(REAL)
    assert (first.id, first.name, first.state, first.exit_code) == (
        "1", "na\nme", JobState.FAILED, 3,
    )  # fmt: skip
    assert first.walltime is None
    assert (task.id, task.array, task.index, task.gpus) == ("2_3", "2", 3, 1)
    assert (task.walltime, task.nodes, task.hosts) == (2880 * 60, 1, "s002")
    assert task.elapsed == 3
    assert (cancelled.id, cancelled.state, cancelled.signal) == ("5", JobState.CANCELLED, 15)
    assert (cancelled.token, cancelled.hosts, cancelled.memory) == ("t5", "", 4000)


def test_what_ended_before_is_left_out() -> None:
    since = datetime(2026, 11, 23, 9, 22, 6, tzinfo=UTC)
    assert [job.id for job in read(REAL, since=since)] == ["1", "2_3", "5"]
    since = datetime(2026, 11, 23, 9, 22, 26, tzinfo=UTC)
    assert [job.id for job in read(REAL, since=since)] == ["2_3", "5"]


@given(name=st.text(), comment=st.text())
def test_whatever_a_job_is_called_the_others_are_unharmed(name: str, comment: str) -> None:
    odd = {"JobName": name, "Comment": comment, "JobID": "2"}
    found = {job.id: job for job in read([REAL[0], odd, REAL[1]])}
    assert list(found) == ["2_3", "2", "5"]
    assert found["5"].token == "t5"
    assert found["2"].exit_code == 0


def test_an_empty_or_cut_answer() -> None:
    assert read([]) == []
    between = accounting.delimiter()
    with pytest.raises(UnavailableError, match="hpc: the answer of sacct is cut off"):
        accounting.jobs("hpc", answer(REAL, between)[:-90], between=between)


def test_what_sacct_is_asked() -> None:
    since = datetime(2026, 11, 23, 12, tzinfo=UTC)
    words = list(accounting.words(ids=None, user="me", since=since, between="|"))
    assert "--user=me" in words
    assert "--starttime=2026-11-23T12:00:00" in words
    words = list(accounting.words(ids=["1", "2_3"], user=None, since=None, between="|"))
    assert {"--jobs=1,2_3", "--allusers"} <= set(words)
    assert not any(word.startswith(("--starttime", "--state")) for word in words)
    words = list(accounting.words(ids=None, user="", since=None, between="|"))
    assert not any(word.startswith(("--user", "--allusers")) for word in words)
