"""Handing in a job once, whatever happens to the way there."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.labs.openstack.processes import wait
from tests.labs.sshd_lab import Sshd
from tests.labs.sshd_proxy import Proxy
from tests.queues.batch.handing import Handing, Scheduler

from cloudmesh_sdk.errors import (
    BackendError,
    BackendTimeoutError,
    InvalidRequestError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.models import JobRequest
from cloudmesh_sdk.queues.batch import BatchSettings, base
from cloudmesh_sdk.wire import Exchange

SCRIPT = "#!/bin/sh\n" + "# a long script\n" * 20_000 + "true\n"


@pytest.fixture
def scheduler(tmp_path: Path) -> Scheduler:
    return Scheduler(tmp_path / "scheduler")


@pytest.fixture
def here(scheduler: Scheduler) -> Handing:
    return Handing("hpc", BatchSettings(path=str(scheduler.place), timeout=30.0))


@pytest.fixture
def far(sshd: Sshd, scheduler: Scheduler) -> Iterator[Handing]:
    with Handing("hpc", sshd.settings(path=str(scheduler.place))) as queue:
        yield queue


@pytest.fixture
def proxied(shared_sshd: Sshd, between: Proxy, scheduler: Scheduler) -> Iterator[Handing]:
    settings = shared_sshd.settings(path=str(scheduler.place), port=between.port)
    with Handing("hpc", settings) as queue:
        yield queue


def asked(token: str = "t0ken", **more: Any) -> JobRequest:
    return JobRequest(**{"name": "job", "token": token, "script": SCRIPT, **more})


def broken(scheduler: Scheduler, how: Callable[[], None]) -> threading.Thread:
    """Do something once a job is being handed in."""

    def after() -> None:
        scheduler.begun()
        how()

    thread = threading.Thread(target=after)
    thread.start()
    return thread


def test_a_job_gets_its_script_and_variables_and_is_returned(
    here: Handing, scheduler: Scheduler
) -> None:
    job = here.submit(asked(environment={"KEY": "it's"}))
    assert (job.id, job.token, job.queues) == ("1", "t0ken", ("main",))
    assert scheduler.made() == [["1", "t0ken", "main", str(len(SCRIPT)), "it's"]]


def test_the_same_token_hands_in_once(here: Handing, scheduler: Scheduler) -> None:
    assert [here.submit(asked()).id, here.submit(asked()).id] == ["1", "1"]
    assert here.submit(asked("other")).id == "2"
    assert len(scheduler.made()) == 2


def test_a_cut_after_the_job_was_made_finds_it(
    far: Handing, sshd: Sshd, scheduler: Scheduler
) -> None:
    scheduler.hinder("wait-after")

    def cut() -> None:
        wait("the job", lambda: len(scheduler.made()) == 1, 20)
        sshd.cut()

    thread = broken(scheduler, cut)
    assert far.submit(asked()).id == "1"
    thread.join()
    assert far.submit(asked()).id == "1"
    scheduler.let("wait-after")
    assert len(scheduler.made()) == 1


def test_a_cut_before_the_job_was_made_stays_in_doubt_and_makes_no_second(
    far: Handing, sshd: Sshd, scheduler: Scheduler
) -> None:
    scheduler.hinder("wait-before")
    thread = broken(scheduler, sshd.cut)
    with pytest.raises(BackendTimeoutError, match="whether it did its work is not known"):
        far.submit(asked())
    thread.join()
    assert far.find("t0ken") is None
    with pytest.raises(BackendTimeoutError, match="may get that job yet"):
        far.submit(asked())
    scheduler.let("wait-before")
    wait("the job", lambda: far.find("t0ken") is not None, 20)
    assert far.submit(asked()).id == "1"
    assert len(scheduler.made()) == 1


def test_what_is_still_not_there_after_long_is_handed_in_again(
    far: Handing, sshd: Sshd, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_LATE", 0.0)
    scheduler.hinder("wait-before")

    def cut() -> None:
        sshd.cut()
        sshd.kill_commands()  # it will never be made

    thread = broken(scheduler, cut)
    with pytest.raises(BackendTimeoutError):
        far.submit(asked())
    thread.join()
    scheduler.let("wait-before")
    assert far.submit(asked()).id == "1"
    assert len(scheduler.made()) == 1


def test_a_look_that_fails_as_well_leaves_it_in_doubt(
    far: Handing, sshd: Sshd, scheduler: Scheduler
) -> None:
    scheduler.hinder("wait-after")
    scheduler.hinder("blind")
    thread = broken(scheduler, sshd.cut)
    with pytest.raises(BackendTimeoutError) as error:
        far.submit(asked())
    thread.join()
    assert error.value.__notes__ == ["nor could it be looked for: hpc: not permitted"]
    with pytest.raises(BackendTimeoutError):
        far.submit(asked())
    scheduler.let("blind")
    scheduler.let("wait-after")
    found = far.find("t0ken")
    assert found is not None
    assert far.submit(asked()).id == found.id == "1"


def test_a_job_that_was_taken_and_cannot_be_seen_is_not_handed_in_again(
    here: Handing, scheduler: Scheduler
) -> None:
    scheduler.hinder("blind")
    for _ in range(2):
        with pytest.raises((UnavailableError, BackendTimeoutError)):
            here.submit(asked())
    scheduler.let("blind")
    assert here.submit(asked()).id == "1"
    assert len(scheduler.made()) == 1


def test_another_process_finds_what_one_made_that_died(
    far: Handing, sshd: Sshd, scheduler: Scheduler
) -> None:
    far.submit(asked())
    with Handing("hpc", sshd.settings(path=str(scheduler.place))) as other:
        found = other.find("t0ken")
    assert found is not None
    assert found.id == "1"


def test_a_server_that_is_gone_got_no_job(far: Handing, sshd: Sshd, scheduler: Scheduler) -> None:
    sshd.stop()
    with pytest.raises(UnavailableError, match="cannot be reached"):
        far.submit(asked())
    assert scheduler.made() == []


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_cut_in_the_middle_of_a_script_hands_in_no_half_of_it(
    share: float, proxied: Handing, between: Proxy, scheduler: Scheduler
) -> None:
    list(proxied.jobs())
    sent = 0

    def heard(data: bytes, to_server: bool) -> None:
        nonlocal sent
        sent += len(data) * to_server
        if sent > share * len(SCRIPT):
            between.heard = lambda *_: None
            between.cut()

    between.heard = heard
    with pytest.raises(BackendTimeoutError):
        proxied.submit(asked())
    assert scheduler.made() == []


def test_what_was_refused_may_be_asked_for_again(here: Handing, scheduler: Scheduler) -> None:
    with pytest.raises(InvalidRequestError, match="hpc: no such queue"):
        here.submit(asked(queue="refused"))
    assert here.submit(asked()).id == "1"
    assert scheduler.made()[0][2] == "main"


def test_a_scheduler_that_is_not_there_for_now_is_asked_whether_it_got_the_job(
    here: Handing, scheduler: Scheduler
) -> None:
    with pytest.raises(UnavailableError, match="hpc: busy"):
        here.submit(asked(queue="busy"))
    assert scheduler.made() == []


def test_threads_with_one_token_make_one_job(here: Handing, scheduler: Scheduler) -> None:
    scheduler.hinder("wait-before")
    outcomes: list[str] = []

    def submit() -> None:
        try:
            outcomes.append(here.submit(asked()).id)
        except BackendError as error:
            outcomes.append(type(error).__name__)
        if scheduler.place.joinpath("wait-before").exists():
            scheduler.let("wait-before")

    threads = [threading.Thread(target=submit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["1", "BackendTimeoutError"]
    assert len(scheduler.made()) == 1


def test_a_scheduler_without_its_command_is_told_as_such(here: Handing, far: Handing) -> None:
    for queue in (here, far):
        there = Handing("hpc", BatchSettings(path="/opt/none"), queue.native)
        with pytest.raises(UnsupportedError, match="no command /opt/none/hand-in"):
            there.submit(asked())
        with pytest.raises(UnsupportedError, match="no command /opt/none/list-jobs"):
            list(there.jobs())


def test_who_watches_hears_of_commands_but_not_of_scripts_and_variables(here: Handing) -> None:
    heard: list[Exchange] = []
    here.watch = heard.append
    here.submit(asked(script="#!/bin/sh\necho s3cret-script\n", environment={"KEY": "s3cret-key"}))
    submitted, listed = heard
    assert (submitted.method, submitted.url, submitted.status) == ("RUN", "here", 0)
    assert (submitted.cloud, submitted.answer) == ("hpc", "1\n")
    assert listed.body == "list-jobs"
    assert "s3cret" not in repr(submitted)
    assert here.calls == 2


def test_who_watches_hears_of_what_was_not_run(here: Handing) -> None:
    heard: list[Exchange] = []
    there = Handing("hpc", BatchSettings(path="/opt/none"), here.native)
    there.watch = heard.append
    with pytest.raises(UnsupportedError):
        list(there.jobs())
    (only,) = heard
    assert only.status is None
    assert "there is no command /opt/none/list-jobs" in only.error


def test_secrets_in_what_a_command_says_are_masked(here: Handing, scheduler: Scheduler) -> None:
    (scheduler.place / "jobs").write_text("1 t q DB_PASSWORD=hunter22\n")
    heard: list[Exchange] = []
    here.watch = heard.append
    list(here.jobs())
    assert heard[0].answer == "1 t q DB_PASSWORD=***\n"
