"""Keeping the view fresh: what is due when, how a failing cloud is left alone, who shares a run."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.mesh.plain import PlainCloud

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError, UnavailableError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.mesh.keeping import Patience, due, rest
from cloudmesh_sdk.mesh.refreshing import Refreshed
from cloudmesh_sdk.models import OperationState
from cloudmesh_sdk.store.base import Sync

NOW = datetime(2030, 1, 1, tzinfo=UTC)
EVERY = {"servers": 60.0, "volumes": 300.0, "images": 3600.0, "networks": 0.0}


def seen(**ages: float) -> list[Sync]:
    """Return what is known of kinds that were refreshed so many seconds ago."""
    return [
        Sync(cloud="india", kind=kind, refreshed=NOW - timedelta(seconds=age))
        for kind, age in ages.items()
    ]


@pytest.mark.parametrize(
    ("ages", "kinds", "wait"),
    [
        ({}, ["servers", "volumes", "images"], 0),
        ({"servers": 10, "volumes": 10, "images": 10}, [], 50),
        ({"servers": 60, "volumes": 10, "images": 10}, ["servers"], 0),
        ({"servers": 60, "volumes": 275, "images": 10}, ["servers", "volumes"], 0),
        ({"servers": 10, "volumes": 290, "images": 10}, [], 10),
    ],
)
def test_what_is_old_is_due(ages: dict[str, float], kinds: list[str], wait: float) -> None:
    assert due(seen(**ages), EVERY, NOW) == (kinds, wait)


def test_a_cloud_that_fails_is_left_alone_longer_each_time_but_not_for_ever() -> None:
    most = [rest(number, lambda: 1.0) for number in range(1, 12)]
    least = [rest(number, lambda: 0.0) for number in range(1, 12)]
    assert most[:4] == [5, 10, 20, 40]
    assert max(most) == 900
    assert [low * 2 for low in least] == most


def test_a_kind_that_is_left_alone_is_not_due_however_old_it_is() -> None:
    assert due([], EVERY, NOW, {"servers": 7.0}) == (["volumes", "images"], 0)
    ages = {"volumes": 10.0, "images": 10.0}
    assert due(seen(**ages), EVERY, NOW, {"servers": 7.0}) == ([], 7)


def test_a_clock_that_was_set_back_makes_nobody_wait_longer_than_an_interval() -> None:
    assert due(seen(servers=-9000, volumes=0, images=0), EVERY, NOW) == ([], 60)


class Clock:
    """A clock that stands until it is set, and dice that always show the most."""

    def __init__(self) -> None:
        self.now = 0.0

    def patience(self) -> Patience:
        return Patience(lambda: self.now, lambda: 1.0)


def test_a_dead_cloud_is_left_alone_as_a_whole_until_it_says_something() -> None:
    clock = Clock()
    patience = clock.patience()
    for wanted in (5, 10, 20, 40):
        patience.learn(["servers"], (), EVERY, failed=True)
        assert patience.pauses(["servers", "images"]) == {"servers": wanted, "images": wanted}
        clock.now += wanted
    patience.learn(["servers"], ["servers"], EVERY, failed=False)
    assert patience.pauses(["servers", "images"]) == {"servers": 0, "images": 0}
    patience.learn(["servers"], (), EVERY, failed=True)
    assert patience.pauses(["servers"]) == {"servers": 5}


def test_a_kind_that_fails_alone_holds_up_no_other() -> None:
    clock = Clock()
    patience = clock.patience()
    for wanted in (5, 10, 20):
        patience.learn(["servers", "volumes"], ["servers"], EVERY, failed=True)
        assert patience.pauses(["servers", "volumes"]) == {"servers": 0, "volumes": wanted}


def test_a_kind_that_a_cloud_lacks_is_asked_for_at_its_interval() -> None:
    clock = Clock()
    patience = clock.patience()
    patience.learn(["servers", "volumes"], ["servers"], EVERY, failed=False)
    assert patience.pauses(["servers", "volumes"]) == {"servers": 0, "volumes": 300}
    clock.now = 300
    assert patience.pauses(["volumes"]) == {"volumes": 0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("refresh: {server: 5}", "no such key"),
        ("refresh: {servers: often}", "seconds between two refreshes"),
        ("refresh: {servers: -1}", "found -1"),
        ("clouds: {a: {driver: memory, refresh: {servers: yes}}}", "a.refresh.servers"),
        ("refresh: 5", "a mapping was wanted"),
    ],
)
def test_wrong_intervals_are_told_with_their_place(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Config.parse(text)


KEPT = """
refresh: {servers: 0.3}
clouds:
  india: {driver: memory, refresh: {images: 0}}
  sierra: {driver: memory, fail: true}
"""


def kept(mesh: Mesh, until: Callable[[], bool]) -> None:
    """Keep a mesh fresh until something is so, for at most half a minute."""
    stop = threading.Event()
    keeper = threading.Thread(target=mesh.keep_fresh, args=(stop,))
    keeper.start()
    end = time.monotonic() + 30
    while not until() and time.monotonic() < end:
        time.sleep(0.02)
    stop.set()
    keeper.join(10)
    assert not keeper.is_alive()


def test_each_kind_is_refreshed_at_its_interval(make: Callable[[str], Mesh]) -> None:
    mesh = make(KEPT)

    def times(kind: str) -> int:
        runs = mesh.refreshes(limit=None)
        return sum(kind in r.target.split(",") for r in runs if r.cloud == "india")

    kept(mesh, lambda: times("servers") >= 4)
    assert times("servers") >= 4
    assert (times("volumes"), times("images")) == (1, 0)
    failed = [run for run in mesh.refreshes() if run.cloud == "sierra"]
    assert {run.state for run in failed} == {OperationState.FAILED}
    assert len(failed) == 1, "it is left alone for seconds"


def test_what_another_refreshed_is_not_asked_for_again(make: Callable[[str], Mesh]) -> None:
    mesh = make("clouds: {india: {driver: memory}}")
    mesh.refresh().complete()
    calls = mesh.clouds["india"].calls
    stop = threading.Event()
    keeper = threading.Thread(target=mesh.keep_fresh, args=(stop,))
    keeper.start()
    stop.wait(0.7)
    stop.set()
    keeper.join(10)
    assert mesh.clouds["india"].calls == calls


def test_what_a_cloud_has_not_fills_no_journal(
    make: Callable[[str], Mesh], monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = make("refresh: {servers: 0.3}\nclouds: {plain: {driver: memory}}")
    monkeypatch.setitem(mesh.clouds._open, "plain", PlainCloud("plain"))

    def asked(kind: str) -> int:
        return sum(kind in run.target.split(",") for run in mesh.refreshes(limit=None))

    kept(mesh, lambda: asked("servers") >= 4)
    assert asked("servers") >= 4
    assert asked("volumes") == 1


def test_a_run_under_way_in_this_process_is_no_lost_one(make: Callable[[str], Mesh]) -> None:
    mesh = make("clouds: {india: {driver: memory}}")
    real, states = mesh.clouds["india"].servers, list[str]()

    def looks() -> object:
        states.extend(run.state for run in mesh.refreshes(cloud="india"))
        return real()

    mesh.clouds["india"].servers = looks  # type: ignore[method-assign, assignment]
    mesh.refresh(kinds="servers").complete()
    assert states == ["running"]
    assert [run.state for run in mesh.refreshes()] == ["done"]
    assert mesh.refreshes(cloud="sierra") == []


# Sharing


def test_a_refresh_is_an_operation_beside_the_others(make: Callable[[str], Mesh]) -> None:
    mesh = make("clouds: {india: {driver: memory, servers: 3}}")
    mesh.refresh(kinds=["servers", "images"]).complete()
    assert mesh.operations() == []
    (run,) = mesh.refreshes()
    assert (run.act, run.cloud, run.target) == ("refresh", "india", "images,servers")
    assert (run.state, run.done, run.total, run.runner is not None) == ("done", 2, 2, True)
    assert run.message.startswith("servers 3 new; images ")


def test_threads_that_ask_at_once_share_one_run(make: Callable[[str], Mesh]) -> None:
    mesh = make("clouds: {india: {driver: memory, servers: 3}}")
    mesh.clouds["india"]
    gate, asked = threading.Event(), threading.Event()
    real, lists = mesh.clouds["india"].servers, list[int]()

    def slow() -> object:
        lists.append(1)
        asked.set()
        assert gate.wait(30)
        return real()

    mesh.clouds["india"].servers = slow  # type: ignore[method-assign, assignment]
    rows: list[Refreshed] = []
    threads = [
        threading.Thread(target=lambda: rows.extend(mesh.refresh(kinds="servers").complete()))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    assert asked.wait(30)
    time.sleep(0.1)  # the others come to wait
    gate.set()
    for thread in threads:
        thread.join(30)
    assert len(lists) == 1
    assert sorted((row.new, row.same, row.calls) for row in rows) == [(0, 3, 0)] * 4 + [(3, 0, 1)]


def test_who_asks_after_the_end_gets_a_run_of_its_own(make: Callable[[str], Mesh]) -> None:
    mesh = make("clouds: {india: {driver: memory}}")
    mesh.refresh(kinds="servers")
    mesh.refresh(kinds="servers")
    assert mesh.clouds["india"].calls == 2


def test_others_are_told_why_the_run_they_waited_for_failed(make: Callable[[str], Mesh]) -> None:
    mesh = make("clouds: {india: {driver: memory, latency: 0.5, fail: true}}")
    errors = []
    threads = [
        threading.Thread(target=lambda: errors.append(mesh.refresh(kinds="servers").errors))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [type(found["india"]) for found in errors] == [UnavailableError] * 3
    assert mesh.clouds["india"].calls == 1


ASK = """
import sys
from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
with Mesh.open("mongo", config=Config.load(sys.argv[1])) as mesh:
    print("ready", flush=True)
    sys.stdin.readline()
    (row,) = mesh.refresh(kinds="servers").complete()
    print(row.calls, row.new + row.same, flush=True)
"""


@pytest.mark.timeout(180)
def test_processes_share_a_run_and_one_that_is_killed_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "cloudmesh.yaml"
    path.write_text(
        f"profile: {{username: albert}}\nstore: {{directory: {tmp_path}/m, linger: 1}}\n"
        f"clouds: {{india: {{driver: memory, servers: 3, latency: 3}}}}\n"
    )
    with Mesh.open("mongo", config=Config.load(path)) as mesh:
        asking = [
            subprocess.Popen(
                [sys.executable, "-c", ASK, str(path)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for _ in range(5)
        ]  # fmt: skip
        for process in asking:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in asking:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        end = time.monotonic() + 30
        while not (runs := mesh.refreshes()) and time.monotonic() < end:
            time.sleep(0.02)
        holder = int(str(runs[0].runner).split("/")[1])
        (victim,) = [process for process in asking if process.pid == holder]
        victim.kill()
        said = [p.communicate(timeout=60)[0].split() for p in asking if p is not victim]
        victim.communicate()
        assert sorted(said) == [["0", "3"]] * 3 + [["1", "3"]]
        assert sorted(run.state for run in mesh.refreshes()) == ["done", "failed"]
