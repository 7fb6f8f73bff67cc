"""Lines of commands: from Python, from scripts, from a person at a terminal."""

import functools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pexpect
import pytest
import yaml
from tests.shell.calling import Cm, Program

import cloudmesh
from cloudmesh_sdk.shell import codes
from cloudmesh_sdk.shell.app import COMMANDS, SECTIONS
from cloudmesh_sdk.shell.interactive import history_file, split
from cloudmesh_sdk.shell.result import Result, run
from cloudmesh_sdk.shell.session import Session

# from Python


def test_the_output_of_a_line_is_the_text_of_its_result(cm: Cm) -> None:
    result = cm("cm vm list --format json")
    assert len(json.loads(str(result))) == 5
    assert result.output == str(result)
    assert result.exit_code == 0
    assert result


def test_a_failing_line_raises_nothing(cm: Cm) -> None:
    result = cm("vm list nowhere")
    assert not result
    assert result.exit_code == codes.CONFIG


def test_a_result_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Result(0, "", "").exit_code = 1  # type: ignore[misc]


def test_the_public_door_keeps_one_mesh(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDMESH_CONFIG", str(config))
    assert cloudmesh.shell("cm --store memory vm start web-1").exit_code == 0
    assert "web-1" in str(cloudmesh.shell("--store memory op list"))


def test_a_changed_configuration_is_read_again(cm: Cm, config: Path) -> None:
    assert cm("cloud list --columns cloud --format csv").output.split()[1:] == [
        "india", "sierra", "spare",
    ]  # fmt: skip
    config.write_text("clouds: {other: {driver: memory}}\n")
    assert cm("cloud list --columns cloud --format csv").output.split()[1:] == ["other"]


def test_lines_of_several_threads_do_not_mix(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    results: dict[str, Result] = {}

    def call(cloud: str) -> None:
        for _ in range(10):
            results[cloud] = run(f"vm list {cloud} --format json", session=session)

    threads = [threading.Thread(target=call, args=(c,)) for c in ("india", "sierra", "spare")]
    for thread in threads:
        thread.start()
    for _ in range(50):
        print("beside")
    for thread in threads:
        thread.join()
    counts = {cloud: len(json.loads(str(result))) for cloud, result in results.items()}
    assert counts == {"india": 3, "sierra": 2, "spare": 1}
    assert capsys.readouterr().out == "beside\n" * 50


def test_streams_are_as_before_after_a_line(cm: Cm) -> None:
    streams = sys.stdout, sys.stderr
    cm("vm list")
    cm("vm lst")
    assert (sys.stdout, sys.stderr) == streams


def test_a_line_without_a_command_is_help(cm: Cm) -> None:
    assert "Usage: cm" in cm("cm").output
    assert cm("--debug").exit_code == codes.USAGE
    assert cm("").exit_code == 0
    assert cm("# nothing").exit_code == 0


# help


def test_help_lists_every_command_with_its_purpose(cm: Cm) -> None:
    text = cm("help").output
    for section, commands in SECTIONS.items():
        assert section in text
        for name in commands:
            assert f"\n  {name} " in text


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_can_be_explained(cm: Cm, name: str) -> None:
    result = cm(f"help {name}")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: cm {name}")
    assert result.output == cm(f"{name} --help").output


# scripts


def test_a_script_runs_its_lines_in_one_mesh(program: Program, tmp_path: Path) -> None:
    script = tmp_path / "s.cm"
    script.write_text(
        "# two servers\n"
        "set cloud=sierra name='web-[1-2]'\n"
        "\n"
        "cm vm start $name --cloud $cloud   # here\n"
        "vm list ${cloud} --name $name --format csv --columns name\n"
    )
    for args in (("-f", str(script)), ("script", str(script))):
        done = program(*args)
        assert done.returncode == (0 if args[0] == "-f" else 1), done.stderr
    assert "already" in done.stderr
    assert program("-f", "-", text="vm list sierra --format csv --columns name\n").stdout.split()[
        -2:
    ] == ["web-1", "web-2"]


def test_a_script_stops_at_the_first_error_and_says_where(cm: Cm, tmp_path: Path) -> None:
    script = tmp_path / "s.cm"
    script.write_text("version\nvm list nowhere\nversion\n")
    result = cm(f"script {script}")
    assert result.exit_code == codes.CONFIG
    assert result.output.count("cm ") == 1
    assert result.error.splitlines()[-1] == f"cm: {script}:2: exit code 3: vm list nowhere"


def test_a_script_may_go_on_and_still_tells_that_it_failed(cm: Cm, tmp_path: Path) -> None:
    script = tmp_path / "s.cm"
    script.write_text("vm list nowhere\nnonsense\nversion\n")
    for line in (f"script -k {script}", f"-k -f {script}"):
        result = cm(line)
        assert result.exit_code == codes.CONFIG
        assert result.output.count("cm ") == 1


def test_a_script_may_run_another_but_not_itself(cm: Cm, tmp_path: Path) -> None:
    inner, outer = tmp_path / "inner", tmp_path / "outer"
    inner.write_text("set x=1\n")
    outer.write_text(f"script {inner}\nset\n")
    assert cm(f"script {outer}").output == "x=1\n"
    inner.write_text(f"script {outer}\n")
    result = cm(f"script {outer}")
    assert result.exit_code == codes.USAGE
    assert "runs itself" in result.error


def test_a_variable_is_put_in_as_one_word(cm: Cm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "india")
    cm("set condition='name = seed-0002' price=$$5")
    assert "price=$5" in cm("set").output
    found = cm("vm list $FROM_OUTSIDE --where $condition --format csv --columns name").output
    assert found == "name\nseed-0002\n"


def test_an_unknown_variable_is_an_error(cm: Cm) -> None:
    result = cm("vm list $nothing")
    assert result.exit_code == codes.USAGE
    assert "there is no variable 'nothing'; set nothing=VALUE makes it" in result.error
    assert cm("set 1=2").exit_code == codes.USAGE


def test_lines_may_come_from_standard_input(program: Program) -> None:
    done = program(text="version\nvm lst\nversion\n")
    assert done.returncode == codes.USAGE
    assert done.stdout.count("cm ") == 1
    assert "cm: <stdin>:2: exit code 2: vm lst" in done.stderr


@pytest.mark.parametrize("word", ["quit", "exit", "  q  ", "quit  # enough"])
def test_a_script_ends_where_it_says_so(program: Program, tmp_path: Path, word: str) -> None:
    text = f"version\n{word}\nvm lst\n"
    (tmp_path / "script").write_text(text)
    for done in (program(text=text), program("script", str(tmp_path / "script"))):
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("cm ")


# at a terminal


@pytest.fixture
def terminal(environment: dict[str, str]) -> Iterator["pexpect.spawn[str]"]:
    cm = str(Path(sys.executable).with_name("cm"))
    child = pexpect.spawn(
        cm, ["--store", "memory"], encoding="utf-8", dimensions=(40, 160), timeout=30,
        env={**environment, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
    )  # fmt: skip
    child.expect("quit leaves")
    child.expect("cm>")
    yield child
    child.close(force=True)


def test_a_person_lists_completes_and_leaves(terminal: "pexpect.spawn[str]") -> None:
    terminal.send("vm li\t")
    terminal.expect("st")  # what Tab put in
    terminal.send(" --co\t")
    terminal.expect("lumns")
    terminal.send(" name\r")
    terminal.expect("seed-0001")
    terminal.expect("cm>")
    terminal.send("vm info seed-0003 --cloud sie\t")
    terminal.expect("rra")
    terminal.send("\r")
    terminal.expect("sierra has no server 'seed-0003'")
    terminal.expect("cm>")
    terminal.send("set where=india\r")
    terminal.expect("cm>")
    terminal.send("vm list $where --columns id\r")
    terminal.expect("i-00000001")
    terminal.expect("cm>")
    terminal.send("help vm start\r")
    terminal.expect("Usage: cm vm start")
    terminal.expect("cm>")
    terminal.send("quit\r")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_ctrl_c_drops_the_line_and_ctrl_d_leaves(terminal: "pexpect.spawn[str]") -> None:
    terminal.send("vm lst\r")
    terminal.expect("there is no command")
    terminal.expect("cm>")
    terminal.send("half a line\x03")
    terminal.expect("cm>")
    terminal.send("\x04")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == codes.USAGE


def test_a_person_is_asked_before_several_servers_go(terminal: "pexpect.spawn[str]") -> None:
    terminal.send("vm delete seed-[0001-0002] --cloud india\r")
    terminal.expect("delete 2 servers: india:seed-0001, india:seed-0002")
    terminal.send("n\r")
    terminal.expect("nothing to delete, then")
    terminal.expect("cm>")
    terminal.send("vm delete seed-[0001-0002] --cloud india\r")
    terminal.expect("delete 2 servers")
    terminal.send("y\r")
    terminal.expect("deleted")
    terminal.expect("cm>")


def test_a_person_is_asked_before_one_server_goes(terminal: "pexpect.spawn[str]") -> None:
    terminal.send("vm delete seed-0001 --cloud india\r")
    terminal.expect("delete india:seed-0001\\?")
    terminal.send("n\r")
    terminal.expect("nothing to delete, then")


def test_past_lines_are_kept_for_their_owner_alone(terminal: "pexpect.spawn[str]") -> None:
    terminal.send("version\r")
    terminal.expect("cm>")
    terminal.send("\x04")
    terminal.expect(pexpect.EOF)
    path = history_file()
    assert "+version" in path.read_text().splitlines()
    assert path.stat().st_mode & 0o777 == 0o600


def test_registration_asks_for_what_is_missing(environment: dict[str, str], config: Path) -> None:
    cm = str(Path(sys.executable).with_name("cm"))
    child = pexpect.spawn(
        cm, ["register", "lab", "--no-check"], encoding="utf-8", timeout=30, env=environment
    )
    child.expect("driver")
    child.send("libcloud\r")
    child.expect("Name of libcloud's driver")
    child.send("dummy\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert "provider: dummy" in config.read_text()


def test_registration_of_an_openstack_asks_for_the_usual_and_shows_no_secret(
    environment: dict[str, str], config: Path
) -> None:
    cm = str(Path(sys.executable).with_name("cm"))
    child = pexpect.spawn(
        cm, ["register", "work", "--driver", "openstack", "--no-check"],
        encoding="utf-8", timeout=30, env=environment,
    )  # fmt: skip
    answers = {
        "auth_url": "http://127.0.0.1:9/v3", "username": "albert", "password": "hush",
        "project_name": "research",
    }  # fmt: skip
    shown = ""
    for name, answer in answers.items():
        child.expect(rf"{name}.*: ")
        shown += str(child.before)
        child.send(f"{answer}\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert "hush" not in shown + str(child.before)
    entry = yaml.safe_load(config.read_text())["clouds"]["work"]
    assert entry == {"driver": "openstack", **answers}


def test_a_terminal_gets_a_drawn_table_and_a_bar(environment: dict[str, str]) -> None:
    cm = str(Path(sys.executable).with_name("cm"))
    text, code = pexpect.run(
        f"{cm} --store memory vm list --refresh", withexitstatus=True, encoding="utf-8",
        env={**environment, "TERM": "xterm-256color", "COLUMNS": "160"},
    )  # fmt: skip
    assert code == 0
    assert "────" in text
    assert "2/2" in text
    assert "india ✓" in text


@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_folds_no_word_and_says_what_is_missing(
    environment: dict[str, str], width: int
) -> None:
    cm = str(Path(sys.executable).with_name("cm"))
    run: Any = functools.partial(
        pexpect.run, encoding="utf-8", env={**environment, "TERM": "xterm", "COLUMNS": str(width)}
    )
    text = click.unstyle(run(f"{cm} --store memory vm list"))
    row = next(line for line in text.splitlines() if "seed-0001" in line)
    assert row.split()[:3] == ["india", "seed-0001", "running"]
    assert len([line for line in text.splitlines() if "running" in line]) == 5
    assert "left out, for the terminal is narrow: id" in text
    assert "i-00000001" not in text
    assert "i-00000001" in run(f"{cm} --store memory vm list --columns name,id")


def test_a_terminal_that_cannot_draw_is_as_wide_as_it_is(environment: dict[str, str]) -> None:
    cm = str(Path(sys.executable).with_name("cm"))
    text = pexpect.run(
        f"{cm} --store memory vm list", encoding="utf-8",
        env={**environment, "TERM": "dumb", "COLUMNS": "110"},
    )  # fmt: skip
    rows = [line.split() for line in text.splitlines() if "running" in line]
    assert [len(row) for row in rows] == [8] * 5


def test_many_rows_are_printed_plainly(environment: dict[str, str], config: Path) -> None:
    config.write_text("clouds: {big: {driver: memory, servers: 3000}}\n")
    cm = str(Path(sys.executable).with_name("cm"))
    text = pexpect.run(
        f"{cm} --store memory vm list",
        encoding="utf-8",
        env={**environment, "TERM": "xterm", "COLUMNS": "160"},
    )
    assert "────" not in text
    assert text.count("\x1b[32mrunning\x1b[0m") == 3000


@pytest.mark.parametrize(
    ("text", "found"),
    [("", ([], "")), ("vm", ([], "vm")), ("vm ", (["vm"], "")), ("cm vm li", (["vm"], "li")),
     ("vm list --where 'a", (["vm", "list", "--where"], "'a"))],
)  # fmt: skip
def test_a_line_is_split_for_completion(text: str, found: tuple[list[str], str]) -> None:
    assert split(text) == found


def test_no_process_is_started_for_a_line(cm: Cm, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", no)
    assert cm("vm list").exit_code == 0
    assert cm("vm start").exit_code == 0
