"""The local queue keeps all promises of the kit, and those of one that outlives its users."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import psutil
import pytest

from cloudmesh_sdk.errors import ConfigError, InvalidRequestError, UnavailableError
from cloudmesh_sdk.models import Job, JobRequest, JobState
from cloudmesh_sdk.queues.local import LocalQueue, LocalQueueSettings
from cloudmesh_sdk.queues.small.states import RUNNING, STARTING
from cloudmesh_sdk.testing import HistorySuite, OutputSuite, QueueSuite

Make = Callable[..., LocalQueue]
SECRET = "correct-horse"


def keepers(directory: Path) -> list[psutil.Process]:
    """Return the processes that keep the queue of a directory going."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "cloudmesh_sdk.queues.local.keeper" in words and str(directory) in words:
            found.append(process)
    return found


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory whose jobs and keepers are gone after the test, whatever became of it."""
    yield tmp_path
    for process in keepers(tmp_path):
        process.kill()
    until(lambda: not keepers(tmp_path))
    for row in _table(tmp_path).values():
        if row["group"] and psutil.pid_exists(row["pid"] or -1):
            os.killpg(row["group"], signal.SIGKILL)


def _table(directory: Path) -> dict[str, Any]:
    queue = LocalQueue("local", LocalQueueSettings(directory=str(directory)))
    return queue.native.table.read()


@pytest.fixture
def make(directory: Path) -> Make:
    def made(**settings: Any) -> LocalQueue:
        return LocalQueue("local", LocalQueueSettings(**{"directory": str(directory), **settings}))

    return made


def order(*command: str, **more: Any) -> JobRequest:
    what = {} if "script" in more else {"command": command or ("true",)}
    return JobRequest(**{"name": "kit", "token": uuid4().hex, **what, **more})


def until(reached: Callable[[], Any], seconds: float = 20.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := reached()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


class TestLocalQueue(QueueSuite, HistorySuite, OutputSuite):
    step: ClassVar = 0.05
    patience: ClassVar = 30.0
    overtime: ClassVar = 10.0
    index_variable: ClassVar = "$CLOUDMESH_ARRAY_INDEX"

    lacks: ClassVar = dict.fromkeys(
        ("refused", "hanging", "unknown_state", "lossy"),
        "a file of one's own has no such troubles",
    )

    @pytest.fixture
    def queue(self, make: Make) -> LocalQueue:
        return make(queues=("batch", "long"), slots=8)

    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> LocalQueue:
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "jobs.sqlite").mkdir()
        return LocalQueue("local", LocalQueueSettings(directory=str(tmp_path / "broken")))

    @pytest.fixture
    def garbage(self, tmp_path: Path) -> LocalQueue:
        (tmp_path / "garbage").mkdir()
        (tmp_path / "garbage" / "jobs.sqlite").write_text("<html>" * 1000)
        return LocalQueue("local", LocalQueueSettings(directory=str(tmp_path / "garbage")))


def state(directory: Path, id: str) -> str:  # noqa: A002
    """Return the state of a job as it is written down, without letting anything happen."""
    word: str = _table(directory)[id]["state"]
    return word


def test_no_more_run_at_once_than_there_are_slots(make: Make, directory: Path) -> None:
    queue = make(slots=2)
    for _ in range(3):
        queue.submit(order("sleep", "60"))
    wide = queue.submit(order("true", cores=2))
    states = [job.state for job in queue.jobs()]
    assert states == [JobState.RUNNING, JobState.RUNNING, JobState.PENDING, JobState.PENDING]
    assert queue.job(wide.id).reason == "all slots are taken"


def test_what_wants_more_than_there_is_is_refused(make: Make) -> None:
    queue = make(slots=2)
    message = "4 cores were wanted, and local has 2: it would never begin"
    with pytest.raises(InvalidRequestError, match=message):
        queue.submit(order("true", cores=2, tasks=2))
    assert list(queue.jobs()) == []


def test_jobs_start_end_and_are_timed_out_while_nobody_looks(make: Make, directory: Path) -> None:
    queue = make(slots=1)
    first = queue.submit(order("sleep", "60", walltime=1))
    then = queue.submit(order("true"))
    until(lambda: state(directory, then.id) == "DONE")
    assert state(directory, first.id) == "TIMEOUT"


def test_the_keeper_ends_when_there_is_nothing_to_keep(make: Make, directory: Path) -> None:
    queue = make()
    queue.submit(order("sleep", "1"))
    until(lambda: keepers(directory))
    until(lambda: not keepers(directory))
    assert [job.state for job in queue.jobs()] == [JobState.DONE]


def test_one_keeper_is_enough(make: Make, directory: Path) -> None:
    queue = make()
    for _ in range(5):
        queue.submit(order("sleep", "30"))
    until(lambda: len(keepers(directory)) == 1)
    time.sleep(1)
    assert len(keepers(directory)) == 1


def test_a_job_outlives_who_handed_it_in(directory: Path, make: Make) -> None:
    text = textwrap.dedent("""
        import sys
        from cloudmesh_sdk.models import JobRequest
        from cloudmesh_sdk.queues.local import LocalQueue, LocalQueueSettings
        queue = LocalQueue("local", LocalQueueSettings(directory=sys.argv[1]))
        request = JobRequest(name="a", token="t", command=("sh", "-c", "sleep 1; echo here"))
        print(queue.submit(request).id)
    """)
    done = subprocess.run(
        [sys.executable, "-c", text, str(directory)], capture_output=True, text=True, check=True
    )
    id_ = done.stdout.strip()
    until(lambda: state(directory, id_) == "DONE")
    queue = make()
    assert queue.output(queue.job(id_)) == "here\n"


def test_a_keeper_that_is_killed_loses_and_doubles_nothing(make: Make, directory: Path) -> None:
    queue = make(slots=2)
    log = directory / "log"
    command = ("sh", "-c", f"echo $CLOUDMESH_JOB_ID >> {log}; sleep 0.3")
    jobs = [queue.submit(order(*command)) for _ in range(8)]
    for _ in range(4):
        for process in until(lambda: keepers(directory)):
            process.kill()
        time.sleep(0.2)
        queue.submit(order("true"))  # wakes another
    until(lambda: all(job.state.is_over for job in queue.jobs()), 40)
    assert sorted(log.read_text().split(), key=int) == [job.id for job in jobs]
    assert {job.state for job in queue.jobs()} == {JobState.DONE}


def _interrupted(queue: LocalQueue, id: str, **fields: Any) -> None:  # noqa: A002
    """Leave a job as a starter leaves it that died before it wrote down what it had started."""
    with queue.native.table.change() as jobs:
        jobs[id] |= {"state": STARTING, "starter": [999_999_999, 1.0], **fields}


def test_a_start_whose_starter_died_before_it_is_done_again(make: Make, directory: Path) -> None:
    queue = make()
    job = queue.submit(order("true", held=True))
    _interrupted(queue, job.id, attempt=1)
    until(lambda: queue.job(job.id).state is JobState.DONE)
    assert queue.native.table.read()[job.id]["attempt"] == 2


def test_a_start_whose_starter_died_after_it_is_adopted(make: Make, directory: Path) -> None:
    queue = make()
    log = directory / "log"
    job = queue.submit(order("sh", "-c", f"echo once >> {log}; sleep 1"))
    until(lambda: queue.native.room({"id": job.id}).pid())
    _interrupted(queue, job.id, pid=None, began=None, group=None)
    assert queue.job(job.id).state is JobState.RUNNING
    until(lambda: queue.job(job.id).state is JobState.DONE)
    assert log.read_text() == "once\n"


def test_a_job_whose_processes_were_killed_is_failed_with_the_reason(
    make: Make, directory: Path
) -> None:
    queue = make()
    job = queue.submit(order("sleep", "60"))
    row = until(lambda: (r := _table(directory)[job.id])["state"] == RUNNING and r)
    os.killpg(row["group"], signal.SIGKILL)
    over: Job = until(lambda: (now := queue.job(job.id)).state.is_over and now)
    assert (over.state, over.reason) == (JobState.FAILED, "its processes are gone")


def test_a_process_of_another_boot_with_the_same_id_is_not_the_job(
    make: Make, directory: Path
) -> None:
    queue = make()
    job = queue.submit(order("true", held=True))
    queue.native.room({"id": job.id}).directory.mkdir(exist_ok=True)
    with queue.native.table.change() as jobs:
        jobs[job.id] |= {
            "state": RUNNING, "started": 1.0, "pid": os.getpid(), "began": 1.0, "group": None,
        }  # fmt: skip
    assert queue.job(job.id).state is JobState.FAILED


def test_a_job_that_ignores_its_end_is_killed(make: Make, directory: Path) -> None:
    queue = make()
    job = queue.submit(order("sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"))
    row = until(lambda: (r := _table(directory)[job.id])["state"] == RUNNING and r)
    queue.cancel(job)
    until(lambda: queue.job(job.id).state is JobState.CANCELLED, 15)
    assert not _alive(row["pid"])


def test_all_processes_of_a_job_end_with_it(make: Make, directory: Path) -> None:
    queue = make()
    script = "#!/bin/sh\nsleep 300 &\necho $! > child\nwait\n"
    job = queue.submit(order(workdir=str(directory), script=script))
    child = int(until(lambda: _text(directory / "child")))
    queue.cancel(job)
    until(lambda: queue.job(job.id).state is JobState.CANCELLED)
    until(lambda: not _alive(child))


def _text(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_many_processes_hand_in_at_once(directory: Path, make: Make) -> None:
    text = textwrap.dedent("""
        import sys
        from cloudmesh_sdk.models import JobRequest
        from cloudmesh_sdk.queues.local import LocalQueue, LocalQueueSettings
        queue = LocalQueue("local", LocalQueueSettings(directory=sys.argv[1]))
        for n in range(5):
            queue.submit(JobRequest(name="a", token=f"{sys.argv[2]}-{n}", command=("true",)))
        queue.submit(JobRequest(name="same", token="same", command=("true",)))
    """)
    making = [
        subprocess.Popen([sys.executable, "-c", text, str(directory), str(n)]) for n in range(4)
    ]
    assert [process.wait(60) for process in making] == [0] * 4
    ids = [job.id for job in make().jobs()]
    assert len(ids) == len(set(ids)) == 21


def test_secrets_are_for_the_user_alone_and_gone_when_a_job_is_over(
    make: Make, directory: Path
) -> None:
    queue = make()
    job = queue.submit(order("sleep", "1", environment={"KEY": SECRET}))
    room = queue.native.base(queue.native.table.read()[job.id]).directory
    assert (room / "environment").stat().st_mode & 0o077 == 0
    assert (room / "script").stat().st_mode & 0o077 == 0
    assert room.stat().st_mode & 0o077 == 0
    assert SECRET not in repr(dict(queue.job(job.id).native))
    assert SECRET.encode() not in (directory / "jobs.sqlite").read_bytes()
    until(lambda: queue.job(job.id).state is JobState.DONE)
    until(lambda: not (room / "environment").exists())


def test_jobs_are_forgotten_after_a_week(make: Make, directory: Path) -> None:
    queue = make()
    old, new = queue.submit(order("true")), queue.submit(order("true"))
    until(lambda: all(job.state.is_over for job in queue.jobs()))
    with queue.native.table.change() as jobs:
        jobs[old.id]["ended"] -= 8 * 86_400
    assert [job.id for job in queue.jobs()] == [new.id]
    assert not (directory / "jobs" / old.id).exists()
    assert (directory / "jobs" / new.id).exists()


def test_ids_grow_also_when_jobs_were_forgotten(make: Make, directory: Path) -> None:
    queue = make()
    first = queue.submit(order("true"))
    until(lambda: queue.job(first.id).state.is_over)
    with queue.native.table.change() as jobs:
        jobs[first.id]["ended"] -= 8 * 86_400
    assert [job.id for job in queue.jobs()] == [first.id], "the newest stays"
    assert int(queue.submit(order("true")).id) > int(first.id)


def test_a_working_directory_that_is_none_fails_the_job(make: Make) -> None:
    queue = make()
    job = queue.submit(order("true", workdir="/no/such/place"))
    over = until(lambda: (now := queue.job(job.id)).state.is_over and now)
    assert over.state is JobState.FAILED
    assert over.exit_code == 125


def test_an_array_that_is_too_large_is_refused(make: Make) -> None:
    with pytest.raises(InvalidRequestError, match="10,000 jobs at most"):
        make().submit(order("true", array="1-100000"))


def test_an_array_runs_as_many_at_once_as_it_says(make: Make) -> None:
    queue = make(slots=8)
    queue.submit(order("sleep", "30", array="1-5%2"))
    assert [job.state for job in queue.jobs()].count(JobState.RUNNING) == 2


def test_a_place_that_cannot_be_made_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        LocalQueue("local", LocalQueueSettings(directory=str(tmp_path / "file" / "below")))
    with pytest.raises(ConfigError, match="one slot"):
        LocalQueue("local", LocalQueueSettings(directory=str(tmp_path), slots=0))


def test_a_list_that_cannot_be_read_is_no_empty_list(directory: Path, make: Make) -> None:
    queue = make()
    queue.submit(order("true"))
    for process in keepers(directory):
        process.kill()
    for path in directory.glob("jobs.sqlite*"):
        path.unlink()
    (directory / "jobs.sqlite").write_text("x" * 10_000)
    with pytest.raises(UnavailableError, match="cannot be used"):
        list(queue.jobs())
    (directory / "jobs.sqlite").unlink()
