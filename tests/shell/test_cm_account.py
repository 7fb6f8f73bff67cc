"""What is asked live: limits, zones, consoles, requests of one's own."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.shell.calling import Cm, Program

from cloudmesh_sdk.models import Quota
from cloudmesh_sdk.shell import colours
from cloudmesh_sdk.shell.console import printed
from cloudmesh_sdk.shell.quota import QuotaRow, rows_of
from cloudmesh_sdk.shell.raw import code_of


def rows(output: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(output)
    return found


# quotas


def row(used: int | None, limit: int | None) -> QuotaRow:
    (found,) = rows_of([Quota(cloud="a", name="servers", used=used, limit=limit)])
    return found


def test_limits_of_all_clouds_are_one_table(cm: Cm, config: Path) -> None:
    config.write_text(
        "clouds: {a: {driver: memory, servers: 3, quota: 4}, b: {driver: memory, servers: 1}}\n"
    )
    result = cm("quota")
    assert result.exit_code == 0
    line = next(line for line in result.output.splitlines() if line.startswith("a      servers"))
    assert line.split("  ")[-1].strip() == "███████████████░░░░░ 75%"
    assert "3 / 4" in line
    assert "1 / unlimited" in result.output
    (one,) = rows(cm("quota a --where name=servers --format json").output)
    assert (one["used"], one["limit"], one["part"]) == (3, 4, 0.75)


def test_a_cloud_that_fails_hides_no_limits_of_others(cm: Cm, config: Path) -> None:
    config.write_text("clouds: {a: {driver: memory}, b: {driver: memory, fail: AuthError}}\n")
    result = cm("quota")
    assert result.exit_code == 6
    assert "a      servers" in result.output
    assert "cm: b: failed: b was told to fail with AuthError" in result.error
    assert cm("quota b").exit_code == 5


@pytest.mark.parametrize(
    ("used", "limit", "use", "bar"),
    [
        (0, 10, "0 / 10", "░░░░░░░░░░░░░░░░░░░░ 0%"),
        (1, 1000, "1 / 1000", "█░░░░░░░░░░░░░░░░░░░ 0%"),
        (12, 10, "12 / 10", "████████████████████ 120%"),
        (0, 0, "0 / 0", "████████████████████ 100%"),
        (3, None, "3 / unlimited", ""),
        (None, 10, "? / 10", ""),
    ],
)
def test_a_limit_is_drawn(used: int | None, limit: int | None, use: str, bar: str) -> None:
    assert (row(used, limit).use, row(used, limit).bar) == (use, bar)


@pytest.mark.parametrize(
    ("used", "colour"), [(10, "green"), (80, "yellow"), (95, "red"), (120, "red")]
)
def test_what_is_near_its_limit_is_coloured(used: int, colour: str) -> None:
    assert colours.style("bar", row(used, 100).bar) == colour


def test_programs_get_numbers_of_quotas(cm: Cm) -> None:
    head, first, *_ = cm("quota india --format csv").output.splitlines()
    assert head == "cloud,name,used,limit,part"
    assert first == "india,servers,3,,"


def test_columns_that_are_drawn_can_be_named(cm: Cm) -> None:
    result = cm("quota india --columns name,use --format csv")
    assert result.output.splitlines()[:2] == ["name,use", "servers,3 / unlimited"]
    assert cm("quota india --columns usee").exit_code == 2


# zones


def test_zones_are_listed(cm: Cm) -> None:
    found = rows(cm("zone list --format json").output)
    assert {row["cloud"] for row in found} == {"india", "sierra"}
    assert all(row["name"] and row["available"] is True for row in found)
    assert cm("zone list nowhere").exit_code == 3


# consoles


def test_a_console_is_printed_whole_or_its_last_lines(cm: Cm) -> None:
    whole = cm("console seed-0001 --cloud india").output.splitlines()
    assert len(whole) > 1
    assert "seed-0001 login:" in whole[-1]
    assert cm("console seed-0001 --cloud india --lines 1").output.splitlines() == whole[-1:]


def test_a_console_can_be_opened_in_a_browser(cm: Cm) -> None:
    result = cm("console seed-0001 --cloud india --url")
    assert result.exit_code == 0
    assert result.output.startswith("http")
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "code"),
    [("console nobody", 4), ("console seed-0001 --cloud india --url --lines 3", 2),
     ("console seed-0001 --cloud india --lines 0", 2), ("console", 2)],
)  # fmt: skip
def test_a_console_that_is_not_there_is_one_line(cm: Cm, line: str, code: int) -> None:
    result = cm(line)
    assert (result.exit_code, len(result.error.splitlines())) == (code, 1)


def test_what_a_guest_prints_cannot_command_the_terminal() -> None:
    assert printed("a\x1b[2J\tb\r\n\n") == [r"a\x1b[2J   b"]
    assert printed("") == []


# raw requests


def test_a_request_of_ones_own_prints_the_body_as_json(cm: Cm) -> None:
    result = cm("raw india compute GET /servers")
    assert result.exit_code == 0
    assert len(json.loads(result.output)["servers"]) == 3
    assert result.error.startswith("HTTP 200")
    assert cm("raw india compute get /servers --format yaml").output.startswith("servers:")


def test_the_answers_headers_come_when_asked_for_and_stay_off_the_output(cm: Cm) -> None:
    result = cm("raw india compute GET /servers -i")
    assert json.loads(result.output)
    assert any(": " in line for line in result.error.splitlines()[1:])


def test_a_refusal_is_printed_and_makes_the_exit_code(cm: Cm) -> None:
    result = cm("raw india compute GET /servers/nothing")
    assert result.exit_code == 4
    assert result.error.startswith("HTTP 404")
    assert cm("raw nowhere compute GET /servers").exit_code == 3


def test_a_body_comes_from_a_file_or_from_standard_input(program: Program, tmp_path: Path) -> None:
    bad = program("raw", "india", "compute", "POST", "/servers", "--data", "@-", text="{open")
    assert (bad.returncode, "--data is no JSON" in bad.stderr) == (2, True)
    missing = program("raw", "india", "compute", "POST", "/x", "--data", f"@{tmp_path}/no")
    assert (missing.returncode, "cannot be read: No such file" in missing.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("GET", "missing argument 'PATH'"),
        ("'GET X' /servers", "a method is a word such as GET"),
        ("GET /servers --param limit", "--param wants K=V, found 'limit'"),
        ("GET /servers --param a=1 --param a=2", "'a' stands there twice"),
        ("GET /servers -H Accept", "--header wants 'K: V', found 'Accept'"),
        ("POST /servers --data '{'", "--data is no JSON"),
    ],
)
def test_a_request_that_makes_no_sense_is_not_sent(cm: Cm, words: str, says: str) -> None:
    result = cm(f"raw india compute {words}")
    assert result.exit_code == 2
    assert says in result.error
    assert result.output == ""


@pytest.mark.parametrize(
    ("status", "code"),
    [(200, 0), (204, 0), (302, 0), (400, 1), (401, 5), (403, 5), (404, 4), (409, 1), (429, 7),
     (500, 7), (503, 7)],
)  # fmt: skip
def test_statuses_have_exit_codes(status: int, code: int) -> None:
    assert code_of(status) == code
