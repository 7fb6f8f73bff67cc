"""Starting, waiting for, stopping and deleting servers by lines of text."""

import json
from pathlib import Path

import pytest
from tests.shell.calling import Cm, Program


def listed(cm: Cm, *words: str) -> dict[str, str]:
    found = json.loads(cm(" ".join(["vm list --format json", *words])).output)
    return {row["name"]: row["state"] for row in found}


def test_a_server_starts_with_no_arguments_and_says_how_to_see_it(cm: Cm) -> None:
    result = cm("vm start")
    assert result.exit_code == 0
    assert "albert-0001" in result.output
    assert result.error == (
        "cm vm wait albert-0001 waits until it runs, cm vm info albert-0001 shows all about it\n"
    )
    assert "albert-0001" in listed(cm, "india")


def test_a_server_starts_as_it_is_told(cm: Cm, tmp_path: Path) -> None:
    (tmp_path / "init").write_text("#!/bin/sh\n")
    result = cm(
        f"vm start web-1 --cloud sierra --image img-0002 --flavor m1.small --tag a=b "
        f"--user-data {tmp_path}/init --security-group default --format json"
    )
    assert result.exit_code == 0, result.error
    (row,) = json.loads(result.output)
    assert (row["cloud"], row["name"], row["image"]) == ("sierra", "web-1", "img-0002")
    assert row["tags"]["a"] == "b"
    assert row["security_groups"] == ["default"]


def test_a_hostlist_names_many_from_start_to_delete(cm: Cm) -> None:
    many = "web-[01-12]"
    assert cm(f"vm start {many} --wait").exit_code == 0
    assert list(listed(cm, "--name", many).values()) == ["running"] * 12
    assert cm(f"vm stop {many} --wait").exit_code == 0
    assert set(listed(cm, "--name", many).values()) == {"stopped"}
    assert cm(f"vm resume {many} --wait").exit_code == 0
    assert cm(f"vm reboot {many} --wait").exit_code == 0
    assert cm(f"vm wait {many} --timeout 10").exit_code == 0
    assert cm(f"vm delete {many} --yes").exit_code == 0
    assert listed(cm, "--name", many) == {}


def test_several_are_deleted_only_by_those_who_say_yes(cm: Cm) -> None:
    cm("vm start web-1 web-2")
    result = cm("vm delete web-1 web-2")
    assert result.exit_code == 2
    assert (
        "delete 2 servers: india:web-1, india:web-2? Nobody can be asked here: say --yes"
        in result.error
    )
    assert set(listed(cm, "--name web-[1-2]")) == {"web-1", "web-2"}
    assert cm("vm delete -y web-1 web-2").exit_code == 0
    assert listed(cm, "--name web-[1-2]") == {}


def test_one_is_deleted_only_by_those_who_say_yes_too(cm: Cm) -> None:
    cm("vm start web-1")
    result = cm("vm delete web-1")
    assert result.exit_code == 2
    assert "delete india:web-1? Nobody can be asked here: say --yes" in result.error
    assert "web-1" in listed(cm, "--name web-1")
    assert cm("vm delete web-1 --yes").exit_code == 0
    assert listed(cm, "--name web-1") == {}


@pytest.mark.parametrize(
    "line",
    ["vm delete seed-0001", "vm delete i-00000001", "vm info seed-0001", "vm wait seed-0001"],
)
def test_a_name_that_means_several_is_refused_before_any_question(cm: Cm, line: str) -> None:
    cm("vm list")
    result = cm(line)
    assert result.exit_code == 1
    assert "(india:i-00000001, sierra:i-00000001); --cloud NAME says which" in result.error
    assert "say --yes" not in result.error


def test_a_server_that_started_elsewhere_is_found_and_stopped(
    cm: Cm, program: Program, config: Path
) -> None:
    cm("vm list")
    assert program("vm", "start", "late-1").returncode == 0
    assert cm("vm stop late-1 --wait").exit_code == 0
    result = cm("vm stop late-2")
    assert (result.exit_code, "no server 'late-2'; did you mean late-1?" in result.error) == (
        4,
        True,
    )


def test_a_deleted_server_still_has_data_and_a_history(cm: Cm) -> None:
    cm("vm start web-1")
    cm("vm delete web-1 --yes")
    cm("refresh")
    found = json.loads(cm("vm info web-1 --format json").output)
    assert (found["name"], found["native"]["name"]) == ("web-1", "web-1")
    assert found["missing"] is not None
    told = json.loads(cm("vm history web-1 --format json").output)
    assert {"start", "delete"} <= {event["what"] for event in told}
    assert cm("vm info web-2").exit_code == 4


def test_the_hint_after_a_start_can_be_pasted(cm: Cm) -> None:
    result = cm("vm start 'web 1'")
    assert result.error.startswith("cm vm wait 'web 1' waits until it runs")


def test_what_fails_is_told_beside_what_was_done(cm: Cm, config: Path) -> None:
    config.write_text("clouds: {small: {driver: memory, quota: 2}}\n")
    result = cm("vm start web-[1-3]")
    assert result.exit_code == 6
    assert len([line for line in result.output.splitlines() if "web-" in line]) == 2
    assert "allows 2 servers" in result.error
    assert cm("vm start another").exit_code == 1
    failed = cm("op list --state failed --format csv --columns target,error").output
    assert "another,QuotaError: small allows 2 servers" in failed


def test_info_shows_fields_and_the_native_data(cm: Cm) -> None:
    result = cm("vm info seed-0001 --cloud india")
    assert "state            running" in result.output.splitlines()
    native = json.loads(result.output.partition("native\n")[2])
    assert native["status"] == "ACTIVE"
    whole = json.loads(cm("vm info seed-0001 --cloud india --format json").output)
    assert whole["native"] == native


def test_history_and_operations_tell_what_was_done(cm: Cm) -> None:
    cm("vm start web-1 --wait")
    cm("vm stop web-1")
    told = json.loads(cm("vm history web-1 --format json").output)
    assert {"start", "stop"} <= {event["what"] for event in told}
    found = json.loads(cm("op list --target web-1 --format json").output)
    assert [row["act"] for row in found] == ["stop", "start"]
    one = json.loads(cm(f"op info {found[0]['id'][:6]} --format json").output)
    assert (one["act"], one["state"]) == ("stop", "done")
    assert cm("op list --state failed --format json").output == "[]\n"


def test_waiting_in_vain_is_a_transient_error(cm: Cm) -> None:
    result = cm("vm wait seed-0001 --cloud india --state stopped --timeout 0")
    assert result.exit_code == 7
    assert "not stopped after 0 s" in result.error


def test_ssh_is_printed_with_address_user_and_command(cm: Cm) -> None:
    assert cm("vm ssh seed-0001 --cloud india --print").output == "ssh 198.18.0.2\n"
    assert cm("vm ssh seed-0001 --cloud india --private --print").output == "ssh 10.0.0.2\n"
    cm("default set ssh_user ubuntu --cloud india")
    line = "vm ssh seed-0001 --cloud india --print -i k -- ls -l '/a b'"
    assert cm(line).output == "ssh -i k ubuntu@198.18.0.2 ls -l '/a b'\n"
    line = "vm ssh seed-0001 --cloud india --user root --print"
    assert cm(line).output == "ssh root@198.18.0.2\n"


@pytest.mark.parametrize("address", ["-oProxyCommand=touch x", "1.2.3.4\x1b[2J"])
def test_an_address_that_is_none_never_reaches_ssh(cm: Cm, config: Path, address: str) -> None:
    cm("vm list india")
    path = config.parent / "india.json"
    path.write_text(path.read_text().replace('"198.18.0.2"', json.dumps(address)))
    cm("refresh india --full")
    result = cm("vm ssh seed-0001 --cloud india --print")
    assert (result.exit_code, result.output) == (1, "")
    assert "which is none" in result.error


def test_ssh_does_not_take_over_a_python_process(cm: Cm) -> None:
    result = cm("vm ssh seed-0001 --cloud india")
    assert result.exit_code == 2
    assert "--print gives the command" in result.error


def test_ssh_becomes_ssh(program: Program, environment: dict[str, str], tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "ssh"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "ssh: $*"\nexit 9\n')
    fake.chmod(0o755)
    environment["PATH"] = f"{fake.parent}:{environment['PATH']}"
    done = program("vm", "ssh", "seed-0001", "--cloud", "india", "--", "uname", "-a")
    assert (done.returncode, done.stdout) == (9, "ssh: 198.18.0.2 uname -a\n")


@pytest.mark.parametrize("line", ["vm start --tag a", "vm start --count 0", "vm start --image"])
def test_options_that_make_no_sense_are_refused(cm: Cm, line: str) -> None:
    assert cm(line).exit_code == 2
