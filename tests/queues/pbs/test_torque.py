"""Torque's XML and text as its documentation has them: no real server gave any of this."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.queues.pbs.fakes import Fakes

from cloudmesh_sdk.errors import NotFoundError, UnavailableError, UnsupportedError
from cloudmesh_sdk.models import JobRequest, JobState, NodeState, QueueState
from cloudmesh_sdk.queues.arrays import expanded
from cloudmesh_sdk.queues.pbs import PbsQueue

DOCUMENTED = Path(__file__).parent / "documented"
SERVER = "server.example.org"
VERSION = (
    "#!/bin/sh\n[ \"$1\" != --version ] || { printf 'Version: 6.1.2\\nCommit: 1a2b\\n'; exit; }\n"
)


@pytest.fixture
def queue(fakes: Fakes) -> PbsQueue:
    """Give a queue on commands that print what is documented."""
    fakes.replay({
        "qstat -f -x": (DOCUMENTED / "torque-jobs.xml", "", 0),
        "qstat -t -f -x": (DOCUMENTED / "torque-jobs.xml", "", 0),
        "qstat -f -x 99": (None, f"qstat: Unknown Job Id Error 99.{SERVER}\n", 153),
        "qstat -Q -f": (DOCUMENTED / "torque-queues.txt", "", 0),
        "qstat -B -f": (DOCUMENTED / "torque-server.txt", "", 0),
        "pbsnodes -x": (DOCUMENTED / "torque-nodes.xml", "", 0),
    })  # fmt: skip
    return fakes.queue(dialect="torque")


def test_a_running_job(queue: PbsQueue) -> None:
    job = next(iter(queue.jobs()))
    assert (job.id, job.name, job.user, job.state) == (
        f"665199.{SERVER}", "int_tmux", "john", JobState.RUNNING,
    )  # fmt: skip
    assert (job.hosts, job.nodes, job.cores, job.gpus) == ("node01,node02", 2, 4, 2)
    assert (job.memory, job.walltime, job.queues) == (4096, 400 * 3600, ("interactive",))
    assert job.submitted == datetime.fromtimestamp(1479339279, UTC)
    assert job.started == datetime.fromtimestamp(1479339280, UTC)
    assert (job.output, job.workdir) == ("/home/john/int_tmux.o665199", "/home/john/work")
    assert job.token == "t1"
    assert job.native["Resource_List"]["nodes"] == "2:ppn=2:gpus=1"


def test_an_array_is_one_record(queue: PbsQueue) -> None:
    job = next(job for job in queue.jobs() if "[]" in job.id)
    assert (job.name, job.indices, job.count, job.throttle) == ("a <b> & c", "1-100", 100, 5)
    assert (job.cores, job.error, job.output) == (8, None, "/home/mary/out")
    assert next(iter(expanded(job))).id == f"665200[1].{SERVER}"


def test_jobs_that_are_listed_although_they_are_over(queue: PbsQueue) -> None:
    done, late, deleted = [job for job in queue.jobs() if job.state.is_over]
    assert (done.state, done.exit_code, done.elapsed) == (JobState.DONE, 0, 2)
    assert (late.state, late.reason) == (JobState.TIMEOUT, "ran longer than its walltime")
    assert (deleted.state, deleted.signal) == (JobState.CANCELLED, 15)
    assert done.ended == datetime.fromtimestamp(1479339313, UTC)


def test_there_is_no_history_but_of_what_is_still_listed(queue: PbsQueue) -> None:
    with pytest.raises(UnsupportedError, match="keeps no history"):
        queue.history()
    ids = [f"665201.{SERVER}", f"665202.{SERVER}", f"665199.{SERVER}", f"7.{SERVER}"]
    assert [job.id for job in queue.history(ids=ids)] == ids[:2]
    found = queue.find("t1")
    assert found is not None
    assert found.id == f"665199.{SERVER}"


def test_a_job_that_is_none_is_not_found(queue: PbsQueue) -> None:
    with pytest.raises(NotFoundError, match="99"):
        queue.job("99")


def test_queues_and_the_default_one(queue: PbsQueue) -> None:
    batch, interactive = list(queue.info())
    assert (batch.name, batch.state, batch.default) == ("batch", QueueState.OPEN, True)
    assert (batch.walltime, batch.default_walltime) == (72 * 3600, 3600)
    assert batch.native["state_count"].endswith("Complete:0")
    assert batch.totals == {"pending": 100, "done": 1, "timeout": 1, "cancelled": 1}
    assert (interactive.state, interactive.default) == (QueueState.DRAINING, False)
    assert queue.check().version == "6.1.2"


def test_nodes(queue: PbsQueue) -> None:
    busy, broken, free = list(queue.nodes())
    assert (busy.state, busy.cores, busy.cores_used, busy.gpus) == (NodeState.BUSY, 8, 8, 2)
    assert (busy.load, busy.memory, busy.features) == (8.02, 32169, ("compute", "enc4"))
    assert (broken.state, broken.reason) == (NodeState.DOWN, "disk is broken")
    assert (free.state, free.cores_used) == (NodeState.IDLE, 0)


def test_it_is_known_by_its_version(fakes: Fakes) -> None:
    fakes.command("qstat", f"cat {DOCUMENTED / 'torque-jobs.xml'}\n", head=VERSION)
    assert len(list(fakes.queue().jobs())) == 5


def test_a_job_is_handed_in(fakes: Fakes, queue: PbsQueue) -> None:
    fakes.command("qsub", f"(here / 'script').write_text(sys.stdin.read()); print('7.{SERVER}')")
    request = JobRequest(name="one", token="t2", command=("true",), workdir="/scratch", nodes=2)
    assert queue.submit(request).id == f"7.{SERVER}"
    (words,) = fakes.calls("qsub")
    assert words == ["-N", "one", "-d", "/scratch", "-l", "nodes=2:ppn=1",
                     "-v", "CLOUDMESH_TOKEN=cm-t2"]  # fmt: skip
    assert (fakes.directory / "script").read_text() == "#!/bin/sh\nexec true\n"


def test_one_job_that_is_no_xml_hides_no_other(
    fakes: Fakes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said = (DOCUMENTED / "torque-jobs.xml").read_bytes()
    odd = said.replace(b"int_tmux</Job_Name>", b"\xff\x01 & <<</Job_Name>", 1)
    (tmp_path / "odd.xml").write_bytes(odd)
    fakes.replay({"qstat -f -x": (tmp_path / "odd.xml", "", 0)})
    with caplog.at_level(logging.WARNING):
        assert len(list(fakes.queue(dialect="torque").jobs())) == 4
    assert caplog.records[0].getMessage().startswith("hpc: of a Job cannot be read")


@pytest.mark.parametrize("size", [100, 2000])
def test_xml_that_is_cut_off_is_no_shorter_list(fakes: Fakes, tmp_path: Path, size: int) -> None:
    (tmp_path / "cut").write_bytes((DOCUMENTED / "torque-jobs.xml").read_bytes()[:size])
    fakes.replay({"qstat -f -x": (tmp_path / "cut", "", 0)})
    with pytest.raises(UnavailableError, match="cut off"):
        list(fakes.queue(dialect="torque").jobs())


def test_no_jobs_are_no_xml_at_all(fakes: Fakes) -> None:
    fakes.replay({"qstat -f -x": (None, "", 0)})
    assert list(fakes.queue(dialect="torque").jobs()) == []


def test_entities_are_not_expanded(fakes: Fakes, tmp_path: Path) -> None:
    job = "<Job><Job_Id>1.a</Job_Id><Job_Name>&a;</Job_Name></Job>"
    bomb = f'<!DOCTYPE x [<!ENTITY a "aaaa">]><Data>{job}</Data>'
    (tmp_path / "bomb").write_text(bomb)
    fakes.replay({"qstat -f -x": (tmp_path / "bomb", "", 0)})
    assert list(fakes.queue(dialect="torque").jobs()) == []
