"""Slurm by pyslurm: its documented words as records, and no import that can end the process.

A real pyslurm cannot be built for the Slurm that Debian has: a module of the tests stands in.
"""

import getpass
import importlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cloudmesh_sdk.errors import (
    AuthError,
    NotFoundError,
    PluginError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.models import JobRequest, JobState, NodeState, QueueState
from cloudmesh_sdk.queues.slurm import SlurmQueue, SlurmSettings, pyslurm_records

STAND_IN = Path(__file__).parent / "stand_in"


@pytest.fixture
def pyslurm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give the module that stands in, fresh; a process of its own finds it, too."""
    monkeypatch.syspath_prepend(str(STAND_IN))
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))
    sys.modules.pop("pyslurm", None)
    yield importlib.import_module("pyslurm")
    sys.modules.pop("pyslurm", None)


@pytest.fixture
def queue(pyslurm: Any) -> SlurmQueue:
    return SlurmQueue("hpc", SlurmSettings(transport="pyslurm"))


def asked(**more: Any) -> JobRequest:
    return JobRequest(**{"name": "one", "token": "t1", "command": ("true",), **more})


def test_a_running_job_is_a_record(pyslurm: Any, queue: SlurmQueue) -> None:
    pyslurm.controller.jobs = [
        pyslurm.Job(
            7, name="train", account="physics", num_nodes=2, ntasks=4, cpus=8, memory=4096,
            time_limit=90, allocated_nodes="i[001-002]", submit_time=1767225600,
            start_time=1767225660, comment="mine cloudmesh:abc", priority=5,
            gpus={"gpu": SimpleNamespace(count=2, to_dict=lambda: {"count": 2, "type": None})},
            dependencies={"afterok": [5, 6], "afterany": [], "singleton": False, "satisfy": "all"},
        )
    ]  # fmt: skip
    (job,) = queue.jobs()
    assert (job.id, job.name, job.state) == ("7", "train", JobState.RUNNING)
    assert (job.user, job.account, job.queues) == ("albert", "physics", ("india",))
    assert (job.nodes, job.tasks, job.cores, job.memory, job.gpus) == (2, 4, 8, 4096, 2)
    assert job.walltime == 90 * 60
    assert job.hosts == "i[001-002]"
    assert job.submitted == datetime(2026, 1, 1, tzinfo=UTC)
    assert job.started == datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    assert (job.token, job.depends) == ("abc", "afterok:5:6")
    assert job.native["state"] == "RUNNING"
    assert job.native["gpus"] == {"gpu": {"count": 2, "type": None}}
    assert queue.calls == 1


def test_no_limit_and_ends_are_told_as_they_are(pyslurm: Any, queue: SlurmQueue) -> None:
    pyslurm.controller.jobs = [
        pyslurm.Job(1, state="TIMEOUT", time_limit="UNLIMITED", exit_code=0, exit_code_signal=15),
        pyslurm.Job(2, state="FAILED", exit_code=3, exit_code_signal=0, end_time=1767225600),
        pyslurm.Job(3, state="PENDING", state_reason="JobHeldUser"),
        pyslurm.Job(4, state="MOONWALK"),
    ]
    timeout, failed, held, unknown = queue.jobs()
    assert (timeout.state, timeout.walltime, timeout.signal) == (JobState.TIMEOUT, None, 15)
    assert (failed.state, failed.exit_code, failed.signal) == (JobState.FAILED, 3, None)
    assert failed.ended == datetime(2026, 1, 1, tzinfo=UTC)
    assert held.state is JobState.HELD
    assert unknown.state is JobState.UNKNOWN
    assert unknown.native["state"] == "MOONWALK"


def array(pyslurm: Any) -> None:
    pyslurm.controller.jobs = [
        pyslurm.Job(
            20, array_id=20, array_tasks_waiting="3-9", array_tasks_parallel=2, state="PENDING"
        ),
        pyslurm.Job(21, array_id=20, array_task_id=1),
        pyslurm.Job(22, array_id=20, array_task_id=2, state="COMPLETED"),
    ]  # fmt: skip


def test_an_array_is_collapsed_and_found_by_each_of_its_ids(
    pyslurm: Any, queue: SlurmQueue
) -> None:
    array(pyslurm)
    waiting, one, other = queue.jobs()
    assert (waiting.id, waiting.indices, waiting.count, waiting.throttle) == ("20", "3-9", 7, 2)
    assert (one.id, one.array, one.index) == ("20_1", "20", 1)
    assert other.state is JobState.DONE
    whole = queue.job("20")
    assert (whole.count, whole.indices, whole.state) == (9, "1-9", JobState.RUNNING)
    assert queue.job("20_2").state is JobState.DONE
    with pytest.raises(NotFoundError, match="no job with id 20_99"):
        queue.job("20_99")


def test_one_of_an_array_is_reached_by_its_number_once_it_runs(
    pyslurm: Any, queue: SlurmQueue
) -> None:
    array(pyslurm)
    queue.cancel(queue.job("20_1"))
    queue.cancel(queue.job("20"))
    assert pyslurm.controller.acts == [("cancel", 21), ("cancel", 20)]
    waits = next(iter(queue.jobs()))
    with pytest.raises(UnsupportedError, match="set transport: command"):
        queue.cancel(type(waits)(cloud="hpc", id="20_5", name="job", state=JobState.PENDING))


def test_text_that_is_no_utf8_harms_nothing_else(pyslurm: Any, queue: SlurmQueue) -> None:
    pyslurm.controller.jobs = [pyslurm.LatinJob(1), pyslurm.Job(2)]
    odd, other = queue.jobs()
    assert odd.native["comment"] == "caf\N{REPLACEMENT CHARACTER} cloudmesh:abc"
    assert odd.token == "abc"
    assert other.id == "2"


def test_one_job_has_all_that_pyslurm_tells_and_its_files(pyslurm: Any, queue: SlurmQueue) -> None:
    pyslurm.controller.jobs = [
        pyslurm.Job(
            7, working_directory="/home/albert", standard_output="/home/albert/slurm-7.out",
            standard_error="/home/albert/err", qos="normal",
        )
    ]  # fmt: skip
    job = queue.job("7")
    assert job.native["qos"] == "normal"
    assert (job.workdir, job.output) == ("/home/albert", "/home/albert/slurm-7.out")
    assert job.error == "/home/albert/err"


def test_partitions_and_nodes_are_records(pyslurm: Any, queue: SlurmQueue) -> None:
    pyslurm.controller.partitions = [
        SimpleNamespace(
            name="india", state="UP", is_default=True, total_nodes=4, nodes="i[001-004]",
            total_cpus=16, max_memory_per_node="UNLIMITED", max_time_limit=60, default_time=None,
            min_nodes=1, max_nodes="UNLIMITED", priority_tier=1, qos="fast",
        )
    ]  # fmt: skip
    pyslurm.controller.nodes = [
        SimpleNamespace(
            name="i001", state="MIXED+DRAIN", partitions=["india"], total_cpus=4,
            allocated_cpus=2, real_memory=8000, allocated_memory=100,
            configured_gres={"gpu:k80": 2, "fpga": 1}, cpu_load=0.5, active_features=["fast"],
            reason="disk",
        )
    ]  # fmt: skip
    (info,) = queue.info(())
    assert (info.name, info.state, info.default) == ("india", QueueState.OPEN, True)
    assert (info.nodes, info.cores, info.memory, info.max_nodes) == (4, 16, None, None)
    assert (info.walltime, info.default_walltime) == (3600, None)
    assert info.native["qos"] == "fast"
    (node,) = queue.nodes()
    assert (node.name, node.state, node.queues) == ("i001", NodeState.DRAINING, ("india",))
    assert (node.cores, node.cores_used, node.gpus, node.load) == (4, 2, 2, 0.5)


def test_a_job_is_handed_in_by_documented_names_only(
    pyslurm: Any, queue: SlurmQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_HERE", "yes")
    request = asked(
        queue="sierra", nodes=2, tasks=4, cores=2, memory=100, walltime=5400, gpus=1,
        account="physics", array="1-3%2", after={"afterok": ("5",)}, environment={"A": "b"},
        workdir="/tmp", output="out", error="err", held=True,
    )  # fmt: skip
    job = queue.submit(request)
    (sent,) = pyslurm.controller.submitted
    environment = sent.pop("environment")
    assert (environment["A"], environment["FROM_HERE"]) == ("b", "yes")
    assert sent == {
        "name": "one", "comment": "cloudmesh:t1", "script": "#!/bin/sh\nexec true\n",
        "partitions": "sierra", "nodes": 2, "ntasks": 4, "cpus_per_task": 2,
        "memory_per_node": "100M", "time_limit": "01:30:00", "gres_per_node": "gpu:1",
        "account": "physics", "array": "1-3%2", "dependencies": "afterok:5",
        "working_directory": "/tmp", "standard_output": "out", "standard_error": "err",
        "priority": 0,
    }  # fmt: skip
    assert job.state is JobState.HELD
    assert job.token == "t1"


def test_what_pyslurm_would_not_read_is_refused_before_anything_is_sent(
    pyslurm: Any, queue: SlurmQueue
) -> None:
    with pytest.raises(UnsupportedError, match="set transport: command"):
        queue.submit(asked(options=("--qos=high",)))
    with pytest.raises(UnsupportedError, match="#SBATCH"):
        queue.submit(asked(token="t2", command=(), script="#!/bin/sh\n#SBATCH --time=5\ntrue\n"))
    assert pyslurm.controller.submitted == []


def test_a_lost_answer_makes_one_job(
    pyslurm: Any, queue: SlurmQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = pyslurm.RPCError(1800, "Unable to contact slurm controller (connect failure)")
    pyslurm.controller.error = lost
    with pytest.raises(UnavailableError, match="Unable to contact"):
        queue.submit(asked())
    pyslurm.controller.error = None
    pyslurm.controller.jobs[0].user_name = getpass.getuser()
    assert queue.submit(asked()).id == "101"
    assert len(pyslurm.controller.submitted) == 1


@pytest.mark.parametrize(
    ("errno", "said", "kind"),
    [
        (2017, "Invalid job id specified", NotFoundError),
        (2002, "Access/permission denied", AuthError),
        (1800, "Unable to contact slurm controller (connect failure)", UnavailableError),
        (-1, "of no known kind", UnavailableError),
    ],
)
def test_errors_are_ours(
    pyslurm: Any, queue: SlurmQueue, errno: int, said: str, kind: type[Exception]
) -> None:
    pyslurm.controller.error = pyslurm.RPCError(errno, said)
    with pytest.raises(kind, match="hpc: ") as raised:
        list(queue.jobs())
    assert raised.value.__cause__ is pyslurm.controller.error


def test_a_cancel_of_one_that_is_over_is_no_error(pyslurm: Any, queue: SlurmQueue) -> None:
    pyslurm.controller.jobs = [pyslurm.Job(7)]
    job = queue.job("7")
    pyslurm.controller.error = pyslurm.RPCError(2021, "Job/step already completing or completed")
    queue.cancel(job)
    assert pyslurm.controller.acts == []


def test_a_check_says_who_answered(pyslurm: Any, queue: SlurmQueue) -> None:
    health = queue.check()
    assert (health.version, health.identity) == ("25.11.2", "here at head (version: pyslurm's)")
    pyslurm.controller.error = pyslurm.RPCError(1800, "away")
    with pytest.raises(UnavailableError, match="does not answer"):
        queue.check()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "No module named 'pyslurm'"),
        ("import os; os._exit(1)", "it said nothing"),
        ("raise ImportError('libslurm.so.42: cannot open shared object file')", "libslurm.so.42"),
        ("import os; os.kill(os.getpid(), 11)", "it said nothing"),
    ],
)
def test_an_import_that_fails_gives_one_line_and_this_process_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, why: str
) -> None:
    if text is not None:
        (tmp_path / "pyslurm.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    queue = SlurmQueue("hpc", SlurmSettings(transport="pyslurm"))
    with pytest.raises(PluginError) as raised:
        list(queue.jobs())
    assert why in str(raised.value)
    assert str(raised.value).endswith("or set transport: command")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"afterok": [5], "afterany": ["6_*"], "satisfy": "any"}, "afterok:5?afterany:6_*"),
        ({"singleton": True, "satisfy": "all"}, "singleton"),
        (None, None),
    ],
)
def test_dependencies_read_as_slurm_writes_them(told: Any, said: str | None, pyslurm: Any) -> None:
    job = pyslurm.Job(1, state="PENDING", dependencies=told)
    assert pyslurm_records.job("hpc", job).depends == said
