"""Queue managers, machines, queues and nodes by lines of text."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import ShellComplete
from tests.mesh.manager import Manager
from tests.shell.calling import Cm, Program

from cloudmesh_sdk.bars import by_machine
from cloudmesh_sdk.errors import UnavailableError
from cloudmesh_sdk.models import Job, JobState
from cloudmesh_sdk.shell.app import app
from cloudmesh_sdk.shell.drawing import draw_bars
from cloudmesh_sdk.shell.plain import clock
from cloudmesh_sdk.shell.queue import totals
from cloudmesh_sdk.shell.result import run
from cloudmesh_sdk.shell.session import Session


def rows(cm: Cm, line: str) -> list[dict[str, Any]]:
    result = cm(f"{line} --format json")
    assert result.exit_code == 0, result.error
    found: list[dict[str, Any]] = json.loads(result.output)
    return found


# machines and managers


def test_machines_are_listed_with_their_managers_and_nobody_is_asked(
    cm: Cm, managers: dict[str, Manager]
) -> None:
    found = rows(cm, "queue list")
    assert [(row["machine"], row["manager"]) for row in found] == [
        ("india", "fg"), ("sierra", "fg"), ("alone", "alone"), ("spare", "spare"),
    ]  # fmt: skip
    assert (found[0]["queues"], found[1]["nodes"]) == (["batch", "long"], ["s[001-003]"])
    assert (found[0]["seen"], found[0]["state"], found[3]["active"]) == (None, "", False)
    assert [manager.asked for manager in managers.values()] == [[], []]
    assert "queues batch,long" in cm("queue list").output


def test_a_manager_that_was_asked_says_when_and_what_came_of_it(cm: Cm, fg: Manager) -> None:
    fg.put("1")
    cm("job list fg")
    (india, _) = rows(cm, "queue list fg")
    assert (india["jobs"], india["state"]) == (1, "ok")
    assert india["seen"] is not None
    fg.error = UnavailableError("fg: the controller is down")
    cm("job list fg")
    (india,) = rows(cm, "queue list india")
    assert (india["state"], india["error"]) == ("failed", "fg: the controller is down")


def test_the_default_machine_is_marked(cm: Cm, fg: Manager) -> None:
    assert cm("default set machine sierra").exit_code == 0
    assert [row["machine"] for row in rows(cm, "queue list") if row["default"]] == ["sierra"]


@pytest.mark.parametrize(
    "line",
    ["queue list indai", "queue info indai", "queue load indai", "queue check indai",
     "node list indai", "job list indai", "job info 1 -m indai", "job history indai",
     "job submit -m indai true", "job cancel 1 -m indai", "default set machine indai"],
)  # fmt: skip
def test_an_unknown_machine_is_one_line_with_near_names(cm: Cm, fg: Manager, line: str) -> None:
    result = cm(line)
    assert result.exit_code == 3
    assert result.error == "cm: there is no machine 'indai'; did you mean india?\n"


def test_who_has_no_manager_is_told_where_one_would_stand(cm: Cm, config: Path) -> None:
    for line in ("queue list", "queue info", "queue load", "queue check", "job list", "node list"):
        result = cm(line)
        assert result.exit_code == 0
        assert f"no queue manager is configured; one stands in {config}" in result.error
    assert "no machine is named, and none is the default" in cm("job submit true").error


# queues


def test_queues_are_shown_with_their_totals(cm: Cm, fg: Manager) -> None:
    fg.put("1", queues=("batch",))
    fg.put("2", queues=("batch", "mixed"), state=JobState.PENDING)
    fg.put("3", queues=("long",), state=JobState.HELD, array="3", indices="1-40", count=40)
    found = {row["name"]: row for row in rows(cm, "queue info fg")}
    assert {name: row["totals"] for name, row in found.items()} == {
        "batch": {"running": 1, "pending": 1}, "long": {"held": 40}, "mixed": {"pending": 1},
    }  # fmt: skip
    assert found["batch"]["machines"] == ["india"]
    assert [row["name"] for row in rows(cm, "queue info sierra")] == ["mixed"]
    assert [row["name"] for row in rows(cm, "queue info fg --queue long --queue batch")] == [
        "batch", "long",
    ]  # fmt: skip


def test_totals_by_machine_count_a_shared_job_at_each_but_once_in_all(cm: Cm, fg: Manager) -> None:
    fg.put("1", queues=("batch",))
    fg.put("2", queues=("batch", "mixed"), state=JobState.PENDING)
    result = cm("queue info fg")
    assert result.error.splitlines()[1:] == [
        "india: 1 running, 1 pending",
        "sierra: 1 pending",
        "fg in all: 1 running, 1 pending; 1 of them at several machines",
    ]
    assert "india: " not in cm("queue info fg --format csv").error


def test_totals_are_of_the_machines_that_were_asked_for_alone(cm: Cm, fg: Manager) -> None:
    fg.put("1", queues=("batch",))
    fg.put("2", queues=("batch", "mixed"), state=JobState.PENDING)
    fg.put("3", queues=("long",), state=JobState.PENDING)
    told = cm("queue info sierra").error.splitlines()
    assert told[1:] == ["sierra: 1 pending"]


def test_a_manager_that_is_one_machine_needs_no_totals_of_its_own() -> None:
    job = Job(cloud="a", id="1", name="j", state=JobState.DONE, machines=("a",))
    assert list(totals([job], ["a"])) == ["a: 1 done"]


def test_a_manager_that_fails_hides_no_other(cm: Cm, managers: dict[str, Manager]) -> None:
    managers["fg"].error = UnavailableError("fg: the controller is down")
    managers["alone"].put("7")
    result = cm("job list")
    assert result.exit_code == 6
    assert "fg: failed: the controller is down" in result.error
    assert "7" in result.output
    assert cm("job list fg").exit_code == 7
    managers["fg"].error = None
    cm("job list")
    managers["fg"].error = UnavailableError("fg: the controller is down")
    again = cm("job list")
    assert again.exit_code == 0
    assert "fg: failed: the controller is down; rows as of " in again.error
    assert cm("job list --strict").exit_code == 6


def test_bars_on_a_terminal_have_a_part_for_each_state(capsys: pytest.CaptureFixture[str]) -> None:
    jobs = [
        Job(cloud="fg", id="1", name="a", state=JobState.RUNNING, count=3, machines=("india",)),
        Job(cloud="fg", id="2", name="b", state=JobState.HELD, machines=("india", "sierra")),
    ]
    draw_bars(by_machine(jobs))
    india, sierra = capsys.readouterr().out.splitlines()
    assert (india.count("█"), india.count("·")) == (30, 10)
    assert (sierra.count("█"), sierra.count("·")) == (0, 10)
    assert india.endswith("3 running, 1 held")


# what managers are asked


def test_the_load_tells_what_managers_were_asked(cm: Cm, fg: Manager) -> None:
    fg.put("1")
    for _ in range(2):
        cm("job list fg")
    cm("job info 1 -m fg")
    (load,) = rows(cm, "queue load fg")
    assert load["by_kind"] == {"queues": 1, "jobs": 3, "job": 1}
    assert (load["questions"], load["calls"], load["askers"]) == (5, len(fg.asked), 1)
    assert [row["questions"] for row in rows(cm, "queue load")] == [5, 0]


def test_a_young_list_is_not_asked_for_again(
    cm: Cm, session: Session, config: Path, managers: dict[str, Manager]
) -> None:
    config.write_text(config.read_text().replace("interval: 0", "interval: 60"))
    session.mesh.queues._open.update(managers)
    for line in ("job list", "queue info", "job list --refresh", "job list --mine"):
        assert cm(line).exit_code == 0
    assert managers["fg"].asked.count("jobs") == 1


def test_managers_are_checked_like_clouds(cm: Cm, managers: dict[str, Manager]) -> None:
    managers["alone"].error = UnavailableError("alone: nobody answers")
    result = cm("queue check --format json")
    assert result.exit_code == 6
    assert [(row["manager"], row["state"]) for row in json.loads(result.output)] == [
        ("fg", "ok"), ("alone", "failed"),
    ]  # fmt: skip
    found = json.loads(cm("doctor --format json").output)
    queues = {row["name"]: row for row in found if row["what"] == "queue"}
    assert {name: row["state"] for name, row in queues.items()} == {
        "fg": "ok", "alone": "broken", "spare": "missing",
    }  # fmt: skip
    assert queues["alone"]["detail"] == "alone: nobody answers"


# nodes


def test_nodes_are_listed_by_machine(cm: Cm, fg: Manager) -> None:
    assert [row["name"] for row in rows(cm, "node list fg")] == ["i001", "i002", "s001"]
    assert [row["name"] for row in rows(cm, "node list sierra")] == ["s001"]
    assert [row["name"] for row in rows(cm, "node list --name i[001-002] --limit 1 fg")] == ["i001"]
    assert rows(cm, "node list --state down") == []
    assert cm("node list --limit 1 fg").error.endswith("2 more are there (--limit)\n")


# completion


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("job list ", {"alone", "fg", "india", "sierra", "spare"}),
        ("job submit --machine s", {"sierra", "spare"}),
        ("job submit --queue ", {"batch", "long", "mixed"}),
        ("job cancel 1", {"12", "13"}),
        ("node list --name i", {"i001", "i002"}),
        ("default set queue long --cloud f", {"fg"}),
        ("queue ", {"list", "info", "load", "check"}),
    ],
)
def test_names_are_completed_from_what_was_seen(
    session: Session, fg: Manager, line: str, names: set[str]
) -> None:
    fg.put("12")
    fg.put("13")
    for listed in ("queue info fg", "node list fg"):
        run(listed, session=session)
    asked = len(fg.asked)
    *words, begin = line.split(" ")
    shell = ShellComplete(app, {"obj": session}, "cm", "_CM_COMPLETE")
    assert {str(item.value) for item in shell.get_completions(words, begin)} == names
    assert len(fg.asked) == asked


def test_a_configuration_that_cannot_be_read_completes_nothing(
    program: Program, environment: dict[str, str], config: Path
) -> None:
    config.write_text("queues: [")
    environment |= {
        "_CM_COMPLETE": "bash_complete",
        "COMP_WORDS": "cm job list ",
        "COMP_CWORD": "3",
    }
    done = program()
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


# how numbers are read


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0:00"), (245, "4:05"), (5400, "1:30:00"), (172_800, "2-00:00:00"), (None, "")],
)
def test_durations_are_told_as_schedulers_do(seconds: int | None, said: str) -> None:
    assert clock(seconds) == said
