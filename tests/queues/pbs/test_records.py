"""Records made of captures; what is expected stands in PBS's other forms of the same moment."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloudmesh_sdk.models import Job, JobState, NodeState, QueueState
from cloudmesh_sdk.queues.arrays import expanded
from cloudmesh_sdk.queues.pbs import answers, lines, records, states
from cloudmesh_sdk.queues.pbs.endings import ending

CAPTURES = Path(__file__).parent / "captures"
HEAD = CAPTURES / "head-2026-04"
CLIENTS = ("head-2026-04", "client-23.06.06")

_ROW = re.compile(r"^(\S+\.pbshost) +(\S+) +(\S+) +(\S+) ([A-Z]) (\S+) *$", re.MULTILINE)
STATES = {
    "Q": {JobState.PENDING}, "W": {JobState.PENDING}, "R": {JobState.RUNNING},
    "B": {JobState.RUNNING}, "S": {JobState.SUSPENDED}, "E": {JobState.EXITING},
    "H": {JobState.HELD, JobState.PENDING}, "F": {JobState.DONE, JobState.FAILED,
                                                  JobState.CANCELLED},
}  # fmt: skip


def things(name: str, kind: str = "Jobs") -> dict[str, dict[str, Any]]:
    return answers.read((CAPTURES / name).read_bytes(), kind)


def jobs(name: str) -> dict[str, Job]:
    return {id: records.job("hpc", id, told) for id, told in things(name).items()}  # noqa: A001


def table(name: str) -> list[tuple[str, ...]]:
    """Return the rows of the short table of plain qstat: id, name, user, time, state, queue."""
    return _ROW.findall((HEAD / name).read_text())


def blocks(name: str) -> dict[str, dict[str, str]]:
    """Return the jobs of `qstat -f`: lines go on behind a tab."""
    text = (HEAD / name).read_text(errors="replace").replace("\n\t", "")
    found: dict[str, dict[str, str]] = {}
    for block in text.split("Job Id: ")[1:]:
        id, *rest = block.split("\n")  # noqa: A001
        found[id] = dict(line.strip().partition(" = ")[::2] for line in rest if " = " in line)
    return found


@pytest.mark.parametrize(("name", "short"), [("qstat-xf", "qstat-x"), ("qstat-tf", "qstat-t")])
def test_jobs_are_as_the_short_table_has_them(name: str, short: str) -> None:
    found = jobs(f"head-2026-04/{name}.json")
    rows = table(f"{short}.txt")
    assert list(found) == [row[0] for row in rows]
    for id, title, user, _, letter, queue in rows:  # noqa: A001
        job = found[id]
        assert (job.name, job.user, job.queue) == (title, user, queue)
        assert job.state in STATES[letter]


def test_jobs_are_as_the_long_text_has_them() -> None:
    found, expected = jobs("head-2026-04/qstat-f.json"), blocks("qstat-f.txt")
    assert list(found) == list(expected)
    for id, told in expected.items():  # noqa: A001
        job = found[id]
        assert f"{job.cores}" == told["Resource_List.ncpus"]
        assert job.submitted == _time(told["ctime"])
        assert job.priority == int(told["Priority"])
        assert told["Output_Path"] == f"pbshost:{job.output}"
        assert told["Error_Path"] == f"pbshost:{job.error}"
        assert f"PBS_O_WORKDIR={job.workdir}," in told["Variable_List"]
        assert job.depends == told.get("depend")
        if job.state is JobState.RUNNING and "stime" in told:
            assert job.started == _time(told["stime"])


def test_dsv_says_the_same_as_json() -> None:
    told = lines.read((HEAD / "qstat-dsv.txt").read_bytes())
    listed = {id: records.job("hpc", id, one) for id, one in told.items()}  # noqa: A001
    for id, job in jobs("head-2026-04/qstat-f.json").items():  # noqa: A001
        for field in ("name", "state", "user", "queues", "priority", "nodes", "cores", "memory",
                      "walltime", "hosts", "indices", "count", "submitted", "started", "depends",
                      "workdir", "output", "error"):  # fmt: skip
            assert getattr(listed[id], field) == getattr(job, field)


def test_sizes_durations_and_places() -> None:
    found = jobs("head-2026-04/qstat-f.json")
    big = found["3.pbshost"]  # select=2:ncpus=3:mem=1gb, both chunks on sierra001; 01:00:00
    assert (big.hosts, big.nodes, big.cores, big.memory, big.walltime) == (
        "sierra001", 1, 6, 2048, 3600,
    )  # fmt: skip
    waits = found["9.pbshost"]  # three chunks of four, not placed
    assert (waits.nodes, waits.cores, waits.hosts) == (3, 12, "")
    assert waits.reason == (
        "Not Running: Insufficient amount of resource: ncpus (R: 12 A: 3 T: 16)"
    )


def test_held_waiting_and_depending() -> None:
    found = jobs("head-2026-04/qstat-f.json")
    assert found["4.pbshost"].state is JobState.HELD  # by its user
    assert found["6.pbshost"].state is JobState.PENDING  # by PBS, for afterok:2
    assert found["6.pbshost"].depends == "afterok:2.pbshost@pbshost"
    waits = found["7.pbshost"]  # W: for its time
    told = things("head-2026-04/qstat-f.json")["7.pbshost"]
    assert (waits.state, waits.started) == (JobState.PENDING, _time(told["Execution_Time"]))


@pytest.mark.parametrize("where", CLIENTS)
def test_finished_jobs_say_how(where: str) -> None:
    found = jobs(f"{where}/qstat-xf.json")
    done, failed, deleted = (found[f"{n}.pbshost"] for n in (0, 1, 12))  # 0 is a number, too
    assert (done.name, done.state, done.exit_code) == ("done", JobState.DONE, 0)
    assert (failed.name, failed.state, failed.exit_code) == ("exit3", JobState.FAILED, 3)
    assert failed.reason is not None
    assert failed.reason.endswith("and failed")
    assert (deleted.state, deleted.exit_code) == (JobState.CANCELLED, None)
    assert deleted.native["Exit_status"] == 0  # PBS says so of one that was deleted
    assert (deleted.reason or "").endswith("terminated by bob@pbshost")
    assert done.started == datetime(2026, 11, 22, 9, 38, 8, tzinfo=UTC)
    assert done.ended == datetime(2026, 11, 22, 9, 38, 10, tzinfo=UTC)
    assert done.elapsed == 2  # resources_used.walltime


@pytest.mark.parametrize("where", CLIENTS)
def test_an_array_is_one_record_and_each_of_it_has_its_own(where: str) -> None:
    array = jobs(f"{where}/qstat-f.json")["5[].pbshost"]
    assert (array.array, array.index, array.indices, array.count) == (
        "5[].pbshost", None, "0-9:2", 5,
    )  # fmt: skip
    parts = jobs(f"{where}/qstat-tf.json")
    for one in expanded(array):
        assert (parts[one.id].array, parts[one.id].index) == ("5[].pbshost", one.index)
        assert parts[one.id].state is JobState.RUNNING
    assert parts["5[2].pbshost"].output == "/home/alice/arr.o5.2"


def test_one_of_an_array_alone(head: Path) -> None:
    (job,) = jobs("head-2026-04/qstat-sub.json").values()
    assert (job.id, job.array, job.index, job.hosts) == (
        "5[2].pbshost", "5[].pbshost", 2, "india002",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "remaining", "state", "count", "indices"),
    [
        ("Queued:0 Running:5 Exiting:0 Expired:0", "-", JobState.RUNNING, 5, "0-9:2"),
        ("Queued:3 Running:1 Exiting:0 Expired:1", "4,6,8", JobState.RUNNING, 4, "0-9:2"),
        ("Queued:3 Running:0 Exiting:0 Expired:2", "4,6,8", JobState.PENDING, 3, "4,6,8"),
        ("Queued:0 Running:0 Exiting:1 Expired:4", "-", JobState.EXITING, 1, "0-9:2"),
    ],
)
def test_an_array_counts_those_that_are_not_over(
    counts: str, remaining: str, state: JobState, count: int, indices: str
) -> None:
    told = things("head-2026-04/qstat-arr.json")["5[].pbshost"]
    told |= {"array_state_count": counts, "array_indices_remaining": remaining}
    job = records.job("hpc", "5[].pbshost", told)
    assert (job.state, job.count, job.indices) == (state, count, indices)


@pytest.mark.parametrize(
    ("told", "state", "code", "signal"),
    [
        ({"Exit_status": 0, "substate": 92}, JobState.DONE, 0, None),
        ({"Exit_status": "3", "substate": "93"}, JobState.FAILED, 3, None),
        ({"Exit_status": 271, "substate": 93}, JobState.FAILED, None, 15),
        ({"Exit_status": 265, "substate": 93}, JobState.FAILED, None, 9),
        ({"Exit_status": 137, "substate": 93}, JobState.FAILED, 137, 9),
        ({"Exit_status": 255, "substate": 93}, JobState.FAILED, 255, None),
        ({"Exit_status": -29, "substate": 93}, JobState.TIMEOUT, None, None),
        ({"Exit_status": -27, "substate": 93}, JobState.FAILED, None, None),
        ({"Exit_status": 271, "substate": 91}, JobState.CANCELLED, None, 15),
        ({"Exit_status": 0, "substate": 91}, JobState.CANCELLED, None, None),
        ({"substate": 91}, JobState.CANCELLED, None, None),
        ({"Exit_status": 0}, JobState.DONE, 0, None),
        ({"Exit_status": 2}, JobState.FAILED, 2, None),
        ({}, JobState.CANCELLED, None, None),
        ({"Exit_status": 0, "substate": 94}, JobState.UNKNOWN, 0, None),
        ({"Exit_status": 271, "substate": 93, "resources_used": {"walltime": "01:00:03"},
          "Resource_List": {"walltime": "01:00:00"}}, JobState.TIMEOUT, None, 15),
        ({"Exit_status": 1, "substate": 93, "resources_used": {"walltime": "01:00:03"},
          "Resource_List": {"walltime": "01:00:00"}}, JobState.FAILED, 1, None),
    ],
)  # fmt: skip
def test_each_end_is_told(
    told: dict[str, Any], state: JobState, code: int | None, signal: int | None
) -> None:
    """By job.h: 256 + signal, 128 + signal from a shell, negative ones of PBS, and substates."""
    end = ending({"job_state": "F", **told})
    assert end is not None
    assert (end.state, end.code, end.signal) == (state, code, signal)


def test_a_job_that_is_not_over_has_no_end() -> None:
    assert ending({"job_state": "R", "Exit_status": 0}) is None


def test_every_state_word_of_pbs_is_known() -> None:
    assert set(states.JOB_STATES) | states.OVER == set("BEHQRSTUWFXC")
    assert records.job_state({"job_state": "M"}) is JobState.UNKNOWN


@pytest.mark.parametrize("where", CLIENTS)
def test_queues_are_as_the_short_table_has_them(where: str) -> None:
    table = (HEAD / "qstat-Q.txt").read_text().split("\n")[2:]
    found = {
        name: records.queue("hpc", name, told, default="india")
        for name, told in things(f"{where}/qstat-Qf.json", "Queue").items()
    }
    by_words = {("yes", "yes"): QueueState.OPEN, ("yes", "no"): QueueState.STOPPED,
                ("no", "yes"): QueueState.DRAINING}  # fmt: skip
    rows = [row.split() for row in table if row]
    assert list(found) == [row[0] for row in rows]
    for row in rows:
        assert found[row[0]].state is by_words[row[3], row[4]]
    debug = found["india-debug"]
    assert (debug.walltime, debug.default_walltime) == (1800, 600)
    assert [name for name, info in found.items() if info.default] == ["india"]


@pytest.mark.parametrize("where", CLIENTS)
def test_nodes_are_as_the_table_has_them(where: str) -> None:
    rows = [row.split() for row in (HEAD / "pbsnodes-aSj.txt").read_text().split("\n")[3:] if row]
    found = {
        name: records.node("hpc", name, told)
        for name, told in things(f"{where}/pbsnodes-av.json", "nodes").items()
    }
    assert list(found) == [row[0] for row in rows]
    for name, word, jobs, *_, cores, _, _, _ in rows:
        node = found[name]
        free, all_cores = map(int, cores.split("/"))
        assert ((node.cores or 0), (node.cores or 0) - (node.cores_used or 0)) == (all_cores, free)
        used = {"free": NodeState.MIXED if int(jobs) else NodeState.IDLE,
                "job-busy": NodeState.BUSY}[word]  # fmt: skip
        assert node.state is used
    assert (found["india001"].memory, found["india001"].memory_used) == (4096, 300)


@pytest.mark.parametrize(
    ("words", "used", "state"),
    [
        ("free", False, NodeState.IDLE), ("free", True, NodeState.MIXED),
        ("job-busy", True, NodeState.BUSY), ("job-exclusive", True, NodeState.BUSY),
        ("offline", False, NodeState.DRAINED), ("offline,job-busy", True, NodeState.DRAINING),
        ("state-unknown,down", False, NodeState.DOWN), ("down,offline", False, NodeState.DOWN),
        ("resv-exclusive", False, NodeState.RESERVED), ("Stale", False, NodeState.DOWN),
        ("<various>", True, NodeState.UNKNOWN), ("moonwalk", False, NodeState.UNKNOWN),
        ("offline, job-exclusive", True, NodeState.DRAINING),
    ],
)  # fmt: skip
def test_a_node_has_several_words(words: str, used: bool, state: NodeState) -> None:
    assert states.node_state(words.split(","), used=used) is state


def test_a_strange_attribute_costs_no_record() -> None:
    told = {"Job_Name": {"a": 1}, "ctime": ["x"], "Resource_List": "none", "substate": "many"}
    job = records.job("hpc", "7.pbshost", told)
    assert (job.id, job.name, job.state, job.submitted) == ("7.pbshost", "", JobState.UNKNOWN, None)


def test_secrets_among_variables_are_masked_and_the_token_is_found() -> None:
    told = {"Variable_List": {"PASSWORD": "canary", "CLOUDMESH_TOKEN": "cm-t1", "A": 1}}
    job = records.job("hpc", "7.pbshost", told)
    assert job.token == "t1"
    assert "canary" not in str(job.native)
    assert job.native["Variable_List"]["A"] == 1


def _time(word: str) -> datetime:
    return datetime.strptime(word, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
