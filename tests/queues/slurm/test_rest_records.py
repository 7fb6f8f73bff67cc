"""Records of slurmrestd's answers: on what 22.05 and 25.11 answered, beside what commands said."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloudmesh_sdk.errors import UnavailableError
from cloudmesh_sdk.models import Job, JobState, NodeState
from cloudmesh_sdk.queues.slurm import blocks, rest_records
from cloudmesh_sdk.queues.slurm.rest_client import _decoded

CAPTURES = Path(__file__).parent / "captures"
VERSIONS = ("22.05", "25.11")
STATES = {
    "COMPLETED": JobState.DONE, "FAILED": JobState.FAILED, "RUNNING": JobState.RUNNING,
    "CANCELLED": JobState.CANCELLED, "SUSPENDED": JobState.SUSPENDED, "PENDING": JobState.PENDING,
}  # fmt: skip
NAMES = {
    "10": "quote\"s & <b>'tick'", "11": "ünïcödé 任务 🚀", "12": "pipe|tab\tx",
    "14": "back\\slash %j", "15": "new\nline", "3": "gpu-run",
}  # fmt: skip
"""Odd names that the jobs were submitted with."""


def read(version: str, name: str) -> Any:
    data, text = _decoded((CAPTURES / f"rest-{version}" / name).read_bytes())
    assert data is not None, text
    return data


def text(version: str, name: str) -> str:
    return (CAPTURES / f"rest-{version}" / name).read_text(errors="replace")


def jobs(version: str, name: str = "squeue.json") -> dict[str, Job]:
    made = rest_records.records("hpc", read(version, name), "jobs", rest_records.job)
    return {job.id: job for job in made}


def told(version: str) -> Iterator[dict[str, str]]:
    """Yield lines of squeue, of the same moment; those that a name breaks are left out."""
    head, *lines = text(version, "squeue-Fmt.txt").splitlines()
    fields = ["NUMBER", *head.split("|")[1:]]
    for line in lines:
        words = line.split("|")
        if len(words) == len(fields) and words[0] != "12":
            yield dict(zip(fields, words, strict=True))


def when(word: str) -> datetime | None:
    return None if word == "N/A" else datetime.fromisoformat(word).replace(tzinfo=UTC)


@pytest.mark.parametrize("version", VERSIONS)
def test_jobs_are_as_squeue_shows_them(version: str) -> None:
    found = jobs(version)
    compared = 0
    for line in told(version):
        index = line["JOBID"].partition("_")[2]
        job = found.get(line["JOBID"]) or (found["5"] if index else None)
        if job is None:
            continue  # squeue --json of 25.11 leaves out those that are over
        compared += 1
        held = line["REASON"].startswith("JobHeld")
        assert job.state is (JobState.HELD if held else STATES[line["STATE"]])
        assert (job.user, ",".join(job.queues), job.hosts) == (
            line["USER"], line["PARTITION"], line["NODELIST"],
        )  # fmt: skip
        assert job.reason == (None if line["REASON"] == "None" else line["REASON"])
        assert (job.nodes, job.cores) == (int(line["NODES"]), int(line["CPUS"]))
        assert job.walltime == 600
        assert line["TIME_LIMIT"] == "10:00"
        assert (job.submitted, job.started) == (when(line["SUBMIT_TIME"]), when(line["START_TIME"]))
        memory = line["TRES_ALLOC"].partition("mem=")[2].partition("M")[0]
        assert job.memory == (int(memory) if memory else None)
        if not job.indices:
            assert job.name == line["NAME"]
    assert compared >= 20


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["squeue.json", "jobs.json"])
def test_names_are_kept_whatever_they_hold(version: str, name: str) -> None:
    found = jobs(version, name)
    assert {id: found[id].name for id in NAMES} == NAMES  # noqa: A001
    assert found["13"].name.startswith("latin1-�")


@pytest.mark.parametrize("version", VERSIONS)
def test_parts_of_arrays_and_of_heterogeneous_jobs_have_their_ids(version: str) -> None:
    found = jobs(version)
    waits = found["5"]
    assert (waits.array, waits.indices, waits.count, waits.throttle) == ("5", "2-9%2", 8, 2)
    assert [(found[id].array, found[id].index) for id in ("5_0", "5_1")] == [("5", 0), ("5", 1)]  # noqa: A001
    assert {"16+0", "16+1"} <= set(found)
    assert found["3"].gpus == 2  # one on each of two nodes


@pytest.mark.parametrize("version", VERSIONS)
def test_ends_are_told(version: str) -> None:
    found = jobs(version, "jobs.json")
    assert (found["1"].state, found["1"].exit_code) == (JobState.DONE, 0)
    assert (found["2"].state, found["2"].exit_code) == (JobState.FAILED, 3)
    assert (found["18"].state, found["18"].signal) == (JobState.CANCELLED, 15)
    assert found["1"].ended is not None
    assert found["3"].ended is None
    assert found["10"].exit_code is None


@pytest.mark.parametrize("version", VERSIONS)
def test_native_is_whole(version: str) -> None:
    data = read(version, "jobs.json")
    whole = json.loads(json.dumps(data["jobs"]))
    made = rest_records.records("hpc", data, "jobs", rest_records.job)
    assert [job.native for job in made] == whole


def test_files_are_where_slurm_writes_them() -> None:
    new = rest_records.with_files(jobs("25.11", "jobs.json")["1"])
    assert new.output == new.native["stdout_expanded"] == "/home/alice/slurm-1.out"
    old = rest_records.with_files(jobs("22.05", "jobs.json")["1"])
    assert old.output == "/home/alice/slurm-1.out"
    assert old.workdir == "/home/alice"


@pytest.mark.parametrize(
    ("version", "name"),
    [("22.05", "partitions.json"), ("22.05", "partition.json"), ("25.11", "partition.json")],
)
def test_partitions_are_as_scontrol_shows_them(version: str, name: str) -> None:
    shown = " ".join(text(version, "scontrol-show-part.txt").split("\n   ")).splitlines()
    wanted = {each.name: each for each in blocks.partitions("hpc", "\n".join(shown))}
    data = read(version, name)
    found = [*rest_records.records("hpc", data, "partitions", rest_records.partition)]
    assert len(found) in (1, len(wanted))
    for each in found:
        assert each == wanted[each.name]
        assert each.native in data["partitions"]


def test_nodes_are_as_scontrol_shows_them() -> None:
    shown = text("22.05", "scontrol-show-node.txt").replace("\n   ", " ")
    wanted = {each.name: each for each in blocks.nodes("hpc", shown)}
    data = read("22.05", "nodes.json")
    found = {n.name: n for n in rest_records.records("hpc", data, "nodes", rest_records.node)}
    assert set(found) == set(wanted)
    for name, each in found.items():
        other = wanted[name]
        assert (each.state, each.queues, each.cores, each.memory, each.gpus, each.reason) == (
            other.state, other.queues, other.cores, other.memory, other.gpus, other.reason,
        )  # fmt: skip
        assert each.features == other.features
    assert found["india004"].state is NodeState.DRAINED


def test_one_that_cannot_be_read_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    data = {"jobs": [7, {"job_id": "x"}, {"job_id": 3, "job_state": "RUNNING"}]}
    found = [*rest_records.records("hpc", data, "jobs", rest_records.job)]
    assert [(job.id, job.state) for job in found] == [("3", JobState.RUNNING)]
    assert len(caplog.records) == 2


@pytest.mark.parametrize("data", [None, [], {}, {"jobs": None}, {"jobs": {"1": {}}}])
def test_an_answer_without_a_list_is_no_empty_list(data: Any) -> None:
    with pytest.raises(UnavailableError, match="without a list of jobs"):
        rest_records.records("hpc", data, "jobs", rest_records.job)


def test_lists_of_indices_that_were_cut_are_read_as_far_as_they_go() -> None:
    told = {
        "job_id": 9, "job_state": "PENDING", "array_job_id": 9, "array_task_id": None,
        "array_task_string": "1,3,5,7,9,11,13,1...",
    }  # fmt: skip
    job = rest_records.job("hpc", told)
    assert (job.indices, job.count) == ("1,3,5,7,9,11,13", 7)


def test_times_do_not_depend_on_our_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    submitted = jobs("22.05")["1"].submitted
    assert submitted == datetime(2026, 11, 22, 9, 26, 33, tzinfo=UTC)
    assert os.environ["TZ"] == "Asia/Tokyo"
