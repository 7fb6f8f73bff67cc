"""Jobs by lines of text: submitted, listed, waited for, cancelled."""

import io
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import click
import pytest
from tests.mesh.manager import Manager
from tests.shell.calling import Cm

from cloudmesh_sdk.errors import AuthError, NotFoundError, UnavailableError
from cloudmesh_sdk.models import Job, JobState
from cloudmesh_sdk.shell.following import print_text
from cloudmesh_sdk.shell.moments import moment
from cloudmesh_sdk.shell.narrow import fitting
from cloudmesh_sdk.shell.output import Look, print_rows
from cloudmesh_sdk.shell.plain import id_of
from cloudmesh_sdk.shell.session import Session

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECRET = "correct-horse"


def rows(cm: Cm, line: str) -> list[dict[str, Any]]:
    result = cm(f"{line} --format json")
    assert result.exit_code == 0, result.error
    found: list[dict[str, Any]] = json.loads(result.output)
    return found


def ids(cm: Cm, line: str) -> list[str]:
    return [row["id"] for row in rows(cm, line)]


# lists


@pytest.fixture
def busy(managers: dict[str, Manager]) -> Manager:
    """A manager with jobs of two users, in all that a job may be."""
    fg = managers["fg"]
    fg.put("1", user="albert", account="bio")
    fg.put("2", user="berta", queues=("long",), state=JobState.PENDING, walltime=5400)
    fg.put("3", user="berta", array="3", indices="1-9", count=9, state=JobState.HELD)
    fg.put("4", user="albert", state=JobState.DONE, name="fit")
    fg.put("5", user="berta", queues=("batch", "mixed"), state=JobState.PENDING)
    managers["alone"].put("6", user="carl")
    return fg


def test_a_list_that_stays_has_arrays_as_their_manager_lists_them(cm: Cm) -> None:
    assert "--watch and --expand exclude each other" in cm("job list --watch --expand").error


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("", ["6", "1", "2", "3", "4", "5"]),
        ("fg", ["1", "2", "3", "4", "5"]),
        ("sierra", ["5"]),
        ("-m alone -m sierra", ["6", "5"]),
        ("--user berta", ["2", "3", "5"]),
        ("--user carl --user albert", ["6", "1", "4"]),
        ("--state pending --state held", ["2", "3", "5"]),
        ("--open fg", ["1", "2", "3", "5"]),
        ("--queue long", ["2"]),
        ("--account bio", ["1"]),
        ("--name fit", ["4"]),
        ("--where walltime>=5000", ["2"]),
        ("--where native.of=4", ["4"]),
        ("--where machine~sierra", ["5"]),
        ("--where submitted<2020-01-01", []),
        ("--sort -id fg", ["5", "4", "3", "2", "1"]),
        ("--sort -id --limit 2 fg", ["5", "4"]),
        ("--where state=pending --limit 1", ["2"]),
    ],
)
def test_jobs_are_picked_by_what_they_are(
    cm: Cm, busy: Manager, options: str, found: list[str]
) -> None:
    assert ids(cm, f"job list {options}") == found


def test_ones_own_jobs_are_those_of_the_account_at_each_manager(
    cm: Cm, session: Session, config: Path, busy: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "carl")
    text = config.read_text().replace("driver: memory\n", "driver: memory\n    user: berta\n", 1)
    opened = dict(session.mesh.queues._open)
    config.write_text(text)
    session.mesh.queues._open.update(opened)
    assert ids(cm, "job list --mine") == ["6", "2", "3", "5"]
    assert ids(cm, "job list --mine --all fg") == ["1", "2", "3", "4", "5"]


def test_an_array_is_one_row_or_many(cm: Cm, busy: Manager) -> None:
    (one,) = rows(cm, "job list --state held")
    assert (one["count"], one["indices"]) == (9, "1-9")
    many = rows(cm, "job list --state held --expand")
    assert [(row["id"], row["index"]) for row in many] == [(f"3_{n}", n) for n in range(1, 10)]


def test_a_job_of_two_machines_is_one_row(cm: Cm, busy: Manager) -> None:
    (job,) = rows(cm, "job list --name 5")
    assert job["machines"] == ["india", "sierra"]
    assert "india,sierra" in cm("job list --name 5").output


def test_people_read_times_where_programs_get_seconds(cm: Cm, busy: Manager) -> None:
    assert "1:30:00" in cm("job list --name 2").output
    assert rows(cm, "job list --name 2")[0]["walltime"] == 5400
    assert cm("job list --name 2 --columns walltime --format csv").output == "walltime\n5400\n"


def test_a_long_name_does_not_widen_everybodys_table(cm: Cm, fg: Manager) -> None:
    fg.put("1", name="x" * 300)
    assert max(map(len, cm("job list fg").output.splitlines())) < 150
    assert rows(cm, "job list fg")[0]["name"] == "x" * 300


def test_what_a_terminal_would_obey_is_shown_escaped(cm: Cm, fg: Manager) -> None:
    fg.put("1", name="a\x1b[31m\nb")
    assert r"a\x1b[31m\nb" in cm("job list fg").output
    assert rows(cm, "job list fg")[0]["name"] == "a\x1b[31m\nb"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("job list --state nothing", "'nothing' is not one of"),
        ("job list --sort colour", "--sort: no field 'colour'"),
        ("job list --columns colour", "--columns: no field 'colour'"),
        ("job list --where colour=red", "--where: no field 'colour'"),
        ("job list --limit 0", "0 is not in the range"),
        ("job list --mien", "there is no option '--mien'; did you mean --mine"),
        ("job lst", "did you mean list?"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused_before_anybody_is_asked(
    cm: Cm, fg: Manager, line: str, says: str
) -> None:
    result = cm(line)
    assert result.exit_code == 2
    assert says in result.error
    assert fg.asked == []


def test_on_a_narrow_terminal_jobs_keep_their_ids() -> None:
    row = ["india,sierra", "1234567", "fit", "albert", "pending", "india,sierra", "1", "8", "",
           "2-00:00:00", "", "Priority"]  # fmt: skip
    columns, _, left_out = fitting(Job.columns, [row], 80, kind="jobs")
    assert {"id", "name", "state", "user"} <= {*columns}
    assert "hosts" in left_out


# one job


def test_a_job_is_shown_whole_and_asked_for_live(cm: Cm, busy: Manager) -> None:
    found = json.loads(cm("job info 2 --format json").output)
    assert (found["id"], found["native"], found["machines"]) == ("2", {"of": "2"}, ["india"])
    assert busy.asked[-1] == "job"
    assert "walltime" in cm("job info 2 --machine india").output


@pytest.mark.parametrize("line", ["job info", "job output", "job cancel", "job wait", "job hold"])
def test_an_unknown_job_is_one_line_with_near_ids(cm: Cm, fg: Manager, line: str) -> None:
    fg.put("4711")
    result = cm(f"{line} 4712")
    assert result.exit_code == 4
    assert len(result.error.splitlines()) == 1
    assert "4711" in result.error


# submit


def test_a_command_is_handed_in_and_the_next_steps_told(cm: Cm, fg: Manager) -> None:
    result = cm("job submit -m india python fit.py --all -m x")
    assert result.exit_code == 0, result.error
    (request,) = fg.requests
    assert request.command == ("python", "fit.py", "--all", "-m", "x")
    assert (request.name, request.queue) == ("python", "batch")
    assert result.error == (
        "cm job wait 100 -m fg waits until it is over, cm job output 100 -m fg shows its words\n"
    )


@pytest.mark.parametrize("line", ["job info caf\udce9", "job submit -m fg --name caf\udce9 true"])
def test_what_is_no_text_is_one_line(cm: Cm, fg: Manager, line: str) -> None:
    result = cm(line)
    assert result.exit_code == 1
    assert r"'caf\xe9' is no text in UTF-8" in result.error
    assert len(result.error.splitlines()) == 1


def test_csv_cannot_command_a_terminal(
    session: Session, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [Job(cloud="fg", id="1", name="red\x1b[31m\nline", state=JobState.RUNNING)]
    look = Look(format="csv", columns=("name",))
    print_rows(session, rows, Job, look)
    assert capsys.readouterr().out == 'name\n"red\x1b[31m\nline"\n'
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_rows(session, rows, Job, look)
    assert capsys.readouterr().out == "name\nred\\x1b[31m\\nline\n"


def test_every_option_reaches_the_manager(
    cm: Cm, fg: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", SECRET)
    monkeypatch.setattr(
        Manager, "extras", Manager.extras | {"tasks", "cores", "gpus", "workdir", "output", "error"}
    )
    fg.put("12")
    line = (
        "job submit --machine india --name fit --queue long --nodes 2 --tasks 8 --cores 4"
        " --memory 4G --walltime 1h30m --gpus 1 --account bio --array 1-9%2 --after 12,13"
        " --after afterany:14 --env A=b=c --env TOKEN --workdir /w --output o --error e --held"
        " --option=--qos=high --option=--requeue -- ./run -x"
    )
    result = cm(line)
    assert result.exit_code == 0, result.error
    (request,) = fg.requests
    assert attrs.asdict(request, filter=lambda a, _: a.name != "token") == {
        "name": "fit", "command": ("./run", "-x"), "script": None, "queue": "long", "nodes": 2,
        "tasks": 8, "cores": 4, "memory": 4096, "walltime": 5400, "gpus": 1, "account": "bio",
        "array": "1-9%2", "after": {"afterok": ("12", "13"), "afterany": ("14",)},
        "environment": {"A": "b=c", "TOKEN": SECRET}, "workdir": "/w", "output": "o",
        "error": "e", "held": True, "options": ("--qos=high", "--requeue"),
    }  # fmt: skip
    said = cm("op list --format json --native").output + result.output + result.error
    assert SECRET not in said


def test_a_script_comes_from_a_file(cm: Cm, fg: Manager, tmp_path: Path) -> None:
    script = tmp_path / "fit.sh"
    script.write_text("#!/bin/sh\necho é\n")
    assert cm(f"job submit -m india --script {script}").exit_code == 0
    assert fg.requests[0].script == "#!/bin/sh\necho é\n"


@pytest.mark.parametrize("words", ["--script -", "-"])
def test_a_script_comes_from_standard_input(
    cm: Cm, session: Session, fg: Manager, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"#!/bin/sh\ntrue\n")))
    assert "there is no standard input here" in cm(f"job submit -m india {words}").error
    session.embedded = False
    assert cm(f"job submit -m india {words}").exit_code == 0
    assert fg.requests[0].script == "#!/bin/sh\ntrue\n"


def test_the_id_alone_is_for_scripts(cm: Cm, fg: Manager) -> None:
    result = cm("job submit -m india --id-only true")
    assert (result.exit_code, result.output, result.error) == (0, "100\n", "")


def test_defaults_say_where_a_job_goes(cm: Cm, managers: dict[str, Manager]) -> None:
    assert "no machine is named" in cm("job submit true").error
    cm("default set machine alone")
    cm("default set walltime 2h")
    cm("default set account bio --cloud alone")
    assert cm("default why queue --cloud alone --format json --columns value").output.split() == [
        "[", "{", '"value":', '"mixed"', "}", "]",
    ]  # fmt: skip
    assert cm("job submit true").exit_code == 0
    (request,) = managers["alone"].requests
    assert (request.queue, request.walltime, request.account) == ("mixed", 7200, "bio")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("", 2, "a COMMAND or --script FILE was wanted, found neither"),
        ("--script x.sh true", 2, "a COMMAND or --script FILE was wanted, found both"),
        ("--script nowhere.sh", 2, "--script nowhere.sh: No such file or directory"),
        ("--script .", 2, "--script .: Is a directory"),
        ("--memory lots true", 1, "'lots' is no memory; wanted are MiB, or such as 4G, 512M"),
        ("--walltime soon true", 1, "'soon' is no walltime"),
        ("--array 9-1 true", 1, "'9-1' are no indices of an array"),
        ("--nodes 0 true", 2, "0 is not in the range"),
        ("--nodes many true", 2, "'many' is not a valid integer range"),
        ("--after soon:3 true", 2, "--after wants [HOW:]ID with HOW one of afterok"),
        ("--after afterok: true", 2, "--after wants [HOW:]ID"),
        ("--env =x true", 2, "--env wants NAME=VALUE or NAME, found '=x'"),
        ("--env A=1 --env A=2 true", 2, "--env: 'A' stands there twice"),
        ("--env NOT_THERE_AT_ALL true", 2, "there is no such variable here"),
        ("--queue mixed true", 1, "india has no queue 'mixed'; its queues: batch, long"),
        ("--gpus 1 true", 1, "fg takes no 'gpus' for a job"),
        ("--id-only --wait true", 2, "--id-only and --wait exclude each other"),
    ],
)
def test_what_cannot_be_handed_in_is_one_line_and_no_job(
    cm: Cm, fg: Manager, words: str, code: int, says: str
) -> None:
    result = cm(f"job submit -m india {words}")
    assert (result.exit_code, len(result.error.splitlines())) == (code, 1)
    assert says in result.error
    assert fg.requests == []


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "is empty"), (b"\xff\xfe", "is no text in UTF-8"), (b"echo hi\n", "begins with #!")],
)
def test_a_script_that_is_none_is_refused(
    cm: Cm, fg: Manager, tmp_path: Path, data: bytes, says: str
) -> None:
    (tmp_path / "x.sh").write_bytes(data)
    result = cm(f"job submit -m india --script {tmp_path}/x.sh")
    assert result.exit_code in (1, 2)
    assert says in result.error
    assert fg.requests == []


def test_a_submit_that_was_refused_says_why(
    cm: Cm, fg: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Job:
        raise AuthError("fg: you are no user of account bio")

    monkeypatch.setattr(fg, "submit", refuse)
    result = cm("job submit -m india true")
    assert (result.exit_code, result.error) == (5, "cm: fg: you are no user of account bio\n")


# acts


@pytest.mark.parametrize(
    ("act", "before", "after"),
    [
        ("cancel", JobState.RUNNING, "cancelled"),
        ("hold", JobState.PENDING, "held"),
        ("release", JobState.HELD, "pending"),
    ],
)
def test_a_job_is_acted_on_without_a_question(
    cm: Cm, fg: Manager, act: str, before: JobState, after: str
) -> None:
    fg.put("1", state=before)
    (row,) = rows(cm, f"job {act} 1")
    assert (row["id"], row["state"], row["machines"]) == ("1", after, ["india"])


def test_of_several_jobs_that_are_to_be_cancelled_the_user_is_asked(
    cm: Cm, fg: Manager, managers: dict[str, Manager]
) -> None:
    for number in range(1, 8):
        fg.put(f"12_{number}", array="12", index=number)
    managers["alone"].put("3", name="solo")
    asked = cm("job cancel 12_[1-6] 3")
    assert asked.exit_code == 2
    assert asked.error.startswith(
        "cm: cancel 7 jobs: fg:12_1 job-12_1, fg:12_2 job-12_2, fg:12_3 job-12_3, fg:12_4 job-12_4,"
        " fg:12_5 job-12_5 and 2 more? Nobody can be asked here: say --yes"
    )
    assert "cancel" not in fg.asked
    done = rows(cm, "job cancel 12_[1-6] 3 --yes")
    assert {row["state"] for row in done} == {"cancelled"}
    assert [row["id"] for row in done] == [*(f"12_{n}" for n in range(1, 7)), "3"]
    assert fg.table["12_7"].state is JobState.RUNNING


def test_an_array_in_one_row_is_several_jobs(cm: Cm, fg: Manager) -> None:
    fg.put("13", count=500, state=JobState.PENDING)
    assert "cancel 500 jobs: fg:13 job-13?" in cm("job cancel 13").error


def test_ids_may_have_commas_between_them(cm: Cm, fg: Manager) -> None:
    for number in (1, 2, 3):
        fg.put(str(number), state=JobState.PENDING)
    assert [row["id"] for row in rows(cm, "job hold 1,3 2")] == ["1", "3", "2"]
    assert "an id is empty in '1,,3'" in cm("job hold 1,,3").error


def test_of_several_jobs_those_that_fail_are_told_and_the_others_done(cm: Cm, fg: Manager) -> None:
    fg.put("1", state=JobState.PENDING)
    fg.put("2", state=JobState.RUNNING)
    result = cm("job hold 1 2")
    assert result.exit_code == 6
    assert "job 2 runs" in result.error
    assert fg.table["1"].state is JobState.HELD
    assert cm("job hold 2").exit_code == 1


def test_a_name_of_several_jobs_is_not_guessed(cm: Cm, fg: Manager) -> None:
    fg.put("1", name="fit")
    fg.put("2", name="fit")
    result = cm("job cancel fit --yes")
    assert result.exit_code == 1
    assert "2 jobs are called 'fit' (fg:1, fg:2)" in result.error


# waiting


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets jobs of a manager take a state at the second list from now."""

    def at_the_second_list(manager: Manager, **states: JobState) -> None:
        lists, ask = iter(range(100)), manager.jobs

        def jobs() -> list[Job]:
            if next(lists) == 1:
                for id_, state in states.items():
                    manager.put(id_.removeprefix("j"), state=state, exit_code=3)
            return ask()

        monkeypatch.setattr(manager, "jobs", jobs)

    return at_the_second_list


def test_waiting_ends_well_where_all_jobs_did(
    cm: Cm, fg: Manager, ends: Callable[..., None]
) -> None:
    fg.put("1")
    fg.put("2", state=JobState.DONE)
    ends(fg, j1=JobState.DONE)
    result = cm("job wait 1 2 --format json")
    assert (result.exit_code, result.error) == (0, "")
    assert [row["state"] for row in json.loads(result.output)] == ["done", "done"]


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (JobState.FAILED, "fg: 1 job-1 failed (exit code 3)\n"),
        (JobState.TIMEOUT, "fg: 1 job-1 ran out of time (exit code 3)\n"),
        (JobState.CANCELLED, "fg: 1 job-1 was cancelled (exit code 3)\n"),
    ],
)
def test_waiting_tells_which_jobs_did_not_end_well(
    cm: Cm, fg: Manager, ends: Callable[..., None], state: JobState, says: str
) -> None:
    fg.put("1")
    fg.put("2", state=JobState.DONE)
    ends(fg, j1=state)
    result = cm("job wait 1 2")
    assert (result.exit_code, result.error) == (1, says)


def test_waiting_may_be_bounded(cm: Cm, fg: Manager) -> None:
    fg.put("1")
    result = cm("job wait 1 --timeout 0.2")
    assert result.exit_code == 7
    assert "1 is running after 0.2 s" in result.error


def test_a_submit_may_wait(cm: Cm, fg: Manager, ends: Callable[..., None]) -> None:
    ends(fg, j100=JobState.FAILED)
    result = cm("job submit -m india --wait false")
    assert result.exit_code == 1
    assert "fg: 100 job-100 failed (exit code 3)" in result.error


# output


def test_the_output_is_printed_as_it_is(cm: Cm, fg: Manager) -> None:
    fg.put("1")
    assert cm("job output 1").output == "output of 1"
    assert cm("job output 1 --error").output == "errors of 1"
    assert cm("job output 1 --tail 4").output == "of 1"
    assert "exclude each other" in cm("job output 1 --tail 4 --follow").error


def test_output_cannot_move_the_cursor_of_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    print_text("a\x1b[2J\r\nb\tc\n")
    assert capsys.readouterr().out == "a\x1b[2J\r\nb\tc\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_text("a\x1b[2J\r\nb\tc\n")
    assert capsys.readouterr().out == "a\\x1b[2J\nb       c\n"


def test_output_is_followed_until_the_job_is_over(
    cm: Cm, fg: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    fg.put("1")
    last = "tick\ntick\nend"
    looks = iter([None, "tick\n", "tick\ntick\n", last, last])

    def output(*_: Any, **__: Any) -> str:
        text = next(looks)
        if text is None:
            raise NotFoundError("nothing yet")
        if text.endswith("end"):
            fg.put("1", state=JobState.FAILED, exit_code=3)
        return text

    monkeypatch.setattr(fg, "output", output)
    monkeypatch.setattr("cloudmesh_sdk.shell.following._PAUSES", (0.1, 0.2))
    result = cm("job output 1 --follow")
    assert result.output == last
    assert (result.exit_code, result.error) == (1, "fg: 1 job-1 failed (exit code 3)\n")


def test_half_a_character_is_not_printed(
    cm: Cm, fg: Manager, monkeypatch: pytest.MonkeyPatch, ends: Callable[..., None]
) -> None:
    fg.put("1")
    ends(fg, j1=JobState.DONE)
    grown = iter([b"caf\xc3"])
    monkeypatch.setattr(
        fg, "output", lambda *_, **__: next(grown, "café\n".encode()).decode(errors="replace")
    )
    monkeypatch.setattr("cloudmesh_sdk.shell.following._PAUSES", (0.1, 0.2))
    assert cm("job output 1 --follow").output == "café\n"


# history


@pytest.fixture
def past(managers: dict[str, Manager]) -> Manager:
    """A manager that keeps accounting, beside one that keeps none."""
    fg = managers["fg"]
    fg.over = {
        str(number): Job(
            cloud="fg", id=str(number), name="fit", state=JobState.DONE, user=user,
            queues=("batch",), ended=NOW,
        )
        for number, user in ((1, "albert"), (2, "berta"), (3, "albert"))
    }  # fmt: skip
    return fg


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("", ["1", "3"]),
        ("--user berta", ["2"]),
        ("--all", ["1", "2", "3"]),
        ("--all --limit 1", ["3"]),
        ("--id 2", ["2"]),
        ("india --all", ["1", "2", "3"]),
        ("sierra --all", []),
        ("--all --where user!=albert", ["2"]),
    ],
)
def test_the_accounting_is_asked_for_ones_own_jobs(
    cm: Cm, past: Manager, monkeypatch: pytest.MonkeyPatch, options: str, found: list[str]
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "albert")
    result = cm(f"job history {options} --format json")
    assert result.exit_code == 0, result.error
    assert [row["id"] for row in json.loads(result.output)] == found


def test_who_keeps_no_accounting_is_an_error_only_where_named(cm: Cm, past: Manager) -> None:
    assert "alone keeps no accounting\n" in cm("job history").error
    result = cm("job history alone")
    assert (result.exit_code, "keeps no accounting" in result.error) == (1, True)
    past.over = None
    assert "exclude each other" in cm("job history --user berta --all").error


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2d", NOW - timedelta(days=2)),
        ("90M", NOW - timedelta(minutes=90)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T10:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_date_or_how_long_ago(text: str, found: datetime) -> None:
    assert moment(text, now=NOW) == found


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "-1d", "999999w"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(click.UsageError, match="--since wants such as"):
        moment(text, now=NOW)


def test_a_manager_that_does_not_answer_an_act_is_told(
    cm: Cm, fg: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    fg.put("1")
    cm("job list")

    def dead(*_: Any) -> None:
        raise UnavailableError("fg: the controller is down")

    monkeypatch.setattr(fg, "cancel", dead)
    result = cm("job cancel 1")
    assert result.exit_code == 7
    assert "the controller is down" in result.error


@pytest.mark.parametrize(
    ("id", "indices", "said"),
    [
        ("12", "", "12"),
        ("12", "3,7-100", "12_[3,7-100]"),
        ("12[].host", "1-9", "12[1-9].host"),
        ("12", "1,3,5,7,9,11,13,15,17,19,21,23", "12_[1,3,5,7,9,11,13,15,17,19,21…"),
    ],
)
def test_a_row_for_several_of_an_array_says_which(id: str, indices: str, said: str) -> None:  # noqa: A002
    assert id_of(Job(cloud="fg", id=id, name="", state=JobState.PENDING, indices=indices)) == said
