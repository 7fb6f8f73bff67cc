"""Lists: one way to choose, sort, filter and print for all of them."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from tests.shell.calling import Cm, Program

from cloudmesh_sdk.models import Server, ServerState
from cloudmesh_sdk.shell.narrow import as_text as as_coloured, fitting
from cloudmesh_sdk.shell.plain import as_text, plain, text
from cloudmesh_sdk.shell.where import holds, look, parse


def rows(output: str) -> list[Any]:
    found = json.loads(output)
    assert isinstance(found, list)
    return found


def names(output: str) -> list[str]:
    return [row["name"] for row in rows(output)]


def test_a_list_is_an_aligned_table_and_tells_its_age_beside_it(cm: Cm) -> None:
    result = cm("vm list")
    head, rule, *body = result.output.splitlines()
    assert head.split() == [*Server.columns]
    assert set(rule) == {"-", " "}
    assert len(body) == 5
    places = {line.index("running") for line in body}
    assert places == {head.index("state")}
    assert result.error == "india: 3, seen just now · sierra: 2, seen just now\n"


def test_json_holds_whole_records_and_nothing_else_is_printed(cm: Cm) -> None:
    result = cm("cm vm list --format json")
    assert result.error == ""
    first = rows(str(result))[0]
    assert first["name"] == "seed-0001"
    assert first["state"] == "running"
    assert first["public_ips"] == ["198.18.0.2"]
    assert "native" not in first
    assert datetime.fromisoformat(first["seen"]).tzinfo == UTC


def test_native_data_comes_when_asked_for(cm: Cm) -> None:
    first = rows(cm("vm list --format json --native").output)[0]
    assert first["native"]["status"] == "ACTIVE"


def test_yaml_holds_the_same_as_json(cm: Cm) -> None:
    assert yaml.safe_load(cm("flavor list --format yaml").output) == rows(
        cm("flavor list --format json").output
    )


def test_csv_has_a_header_and_the_columns(cm: Cm) -> None:
    found = list(csv.DictReader(io.StringIO(cm("vm list india --format csv").output)))
    assert [row["name"] for row in found] == ["seed-0001", "seed-0002", "seed-0003"]
    assert tuple(found[0]) == Server.columns


def test_columns_reach_into_native_data(cm: Cm) -> None:
    result = cm("vm list india --columns name,native.flavor.id --columns state --format json")
    assert rows(result.output)[0] == {
        "name": "seed-0001", "native.flavor.id": "1", "state": "running",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("--sort=-name", ["seed-0003", "seed-0002", "seed-0001"]),
        ("--sort -name", ["seed-0003", "seed-0002", "seed-0001"]),
        ("--name seed-[0002-0003]", ["seed-0002", "seed-0003"]),
        ("--limit 1", ["seed-0001"]),
        ("--state stopped", []),
        ("--where name=seed-0002", ["seed-0002"]),
        ("--where name!=seed-0002", ["seed-0001", "seed-0003"]),
        ("--where name~0[23]$", ["seed-0002", "seed-0003"]),
        ("--where state=running --where image=img-0002", ["seed-0002"]),
        ("--where native.flavor.id=1 --limit 1", ["seed-0001"]),
        ("--where 'native.flavor.id = \"1\"' --limit 1", ["seed-0001"]),
        ("--where native.flavor.id!=1", []),
        ("--where native.user_data=null --limit 1", ["seed-0001"]),
        ("--where created>2001-01-01 --limit 1", ["seed-0001"]),
        ("--where created<2001-01-01", []),
    ],
)
def test_a_list_is_filtered_and_sorted(cm: Cm, options: str, found: list[str]) -> None:
    assert names(cm(f"vm list india {options} --format json").output) == found


def test_numbers_are_compared_as_numbers(cm: Cm) -> None:
    found = rows(cm("flavor list india --where ram>=4096 --format json --sort ram").output)
    assert [row["ram"] for row in found] == sorted(row["ram"] for row in found)
    assert min(row["ram"] for row in found) >= 4096
    assert len(found) < len(rows(cm("flavor list india --format json").output))


def test_options_may_stand_anywhere_after_the_command(cm: Cm) -> None:
    assert (
        cm("vm list --format json india --limit 1").output
        == cm("vm list --limit 1 india --format json").output
    )


def test_a_default_format_holds_until_another_is_asked_for(cm: Cm) -> None:
    cm("default set format json")
    assert rows(cm("vm list").output)
    assert cm("vm list --format csv").output.startswith("cloud,name")
    cm("default set format jsn")
    result = cm("vm list")
    assert (result.exit_code, "did you mean json?" in result.error) == (3, True)


def test_refresh_shows_what_changed_since(cm: Cm, config: Path) -> None:
    assert len(rows(cm("vm list india --format json").output)) == 3
    elsewhere = cm(f"--config {config.with_name('other.yaml')} version")
    assert elsewhere.exit_code == 0
    seen = json.loads((config.parent / "india.json").read_text())
    seen["servers"].popitem()
    (config.parent / "india.json").write_text(json.dumps(seen))
    assert len(rows(cm("vm list india --format json").output)) == 3
    assert len(rows(cm("vm list india --refresh --full --format json").output)) == 2
    assert len(rows(cm("vm list india --missing --format json").output)) == 3


def test_a_limit_does_not_change_what_a_cloud_is_said_to_have(cm: Cm) -> None:
    result = cm("vm list --limit 1")
    assert len(result.output.splitlines()) == 3
    assert result.error == "india: 3, seen just now · sierra: 2, seen just now\n"


BROKEN = """\
clouds:
  fine: {driver: memory, servers: 1}
  dead: {driver: memory, servers: 1, fail: AuthError}
"""


def test_a_cloud_that_never_answered_is_an_error_and_hides_no_other(cm: Cm, config: Path) -> None:
    config.write_text(BROKEN)
    result = cm("vm list")
    assert result.exit_code == 6
    assert "seed-0001" in result.output
    assert re.search(r"^cm: dead: failed: .*AuthError", result.error, re.MULTILINE)
    assert cm("vm list dead").exit_code == 5
    assert cm("vm list fine").exit_code == 0
    assert cm("refresh").exit_code == 6
    assert cm("refresh dead").exit_code == 5


def test_a_cloud_that_answered_before_fails_a_list_only_when_strict(
    cm: Cm, config: Path, session: Any
) -> None:
    config.write_text(f'clouds: {{a: {{driver: memory, file: "{config.parent}/a.json"}}}}\n')
    assert cm("vm list").exit_code == 0
    (config.parent / "a.json").write_text("no JSON")
    assert cm("vm list --refresh").exit_code == 7
    stale = cm("vm list")
    assert stale.exit_code == 0
    assert stale.error.startswith("cm: a: failed:")
    assert "rows as of" in stale.error
    assert cm("vm list --strict").exit_code == 7
    assert "cm: a: failed" in cm("vm list --format json").error


def test_a_cloud_that_hangs_is_given_up_and_hides_no_other(cm: Cm, config: Path) -> None:
    config.write_text("clouds: {slow: {driver: memory, hang: 20}, fine: {driver: memory}}\n")
    result = cm("refresh --kind servers --deadline 0.5")
    assert result.exit_code == 6
    assert "cm: slow: failed: slow did not answer within 0.5 s" in result.error
    assert "fine" in result.output
    assert cm("refresh slow --kind servers --deadline 0.2").exit_code == 7


def test_without_an_active_cloud_a_list_says_so(cm: Cm) -> None:
    cm("cloud off india sierra")
    result = cm("vm list")
    assert (result.exit_code, "no cloud is active" in result.error) == (0, True)


def test_a_list_in_a_pipe_has_no_colours_and_no_bars(program: Program) -> None:
    done = program("vm", "list", "--refresh")
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stderr


# the parts


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("ram>=1024", {"ram": {"$gte": 1024}}),
        ("ram > 1.5", {"ram": {"$gt": 1.5}}),
        ("public=true", {"public": True}),
        ("zone=null", {"zone": None}),
        ("zone!=null", {"zone": {"$ne": None}}),
        ("name=0001", {"name": "0001"}),
        ("name=7", {"name": "7"}),
        ("name='a b'", {"name": "a b"}),
        ("name=a=b", {"name": "a=b"}),
        ("name~^web-\\d+$", {"name": {"$regex": "^web-\\d+$"}}),
        ("native.n=7", {"native.n": {"$in": [7, "7"]}}),
        ("native.n!=true", {"native.n": {"$nin": [True, "true"]}}),
        ("native.n='7'", {"native.n": "7"}),
        ("native.n=x", {"native.n": "x"}),
        ("created>2026-01-02", {"created": {"$gt": datetime(2026, 1, 2, tzinfo=UTC)}}),
        (
            "created<=2026-01-02T03:04Z",
            {"created": {"$lte": datetime(2026, 1, 2, 3, 4, tzinfo=UTC)}},
        ),
    ],
)
def test_a_condition_means(asked: str, meant: dict[str, Any]) -> None:
    assert parse([asked], Server) == meant


def test_two_conditions_on_one_field_must_both_hold() -> None:
    assert parse(["ram>1", "ram<9"]) == {"ram": {"$gt": 1, "$lt": 9}}
    with pytest.raises(click.UsageError, match="ram> stands there twice"):
        parse(["ram>1", "ram>9"])


@pytest.mark.parametrize(
    ("asked", "kept"),
    [("a=1", True), ("a!=1", False), ("a>0", True), ("a<1", False), ("a>=1", True), ("a<=0", False),
     ("b~^x", True), ("b~^y", False), ("b>3", False), ("c=null", True), ("native.d=1", True),
     ("native.d!=1", False)],
)  # fmt: skip
def test_records_that_no_store_keeps_are_filtered_alike(asked: str, kept: bool) -> None:
    record = {"a": 1, "b": "xy", "native": {"d": "1"}}
    assert holds(record, parse([asked])) is kept


def test_a_path_leads_through_records_mappings_and_lists() -> None:
    server = Server(
        cloud="a",
        id="1",
        name="n",
        state=ServerState.RUNNING,
        native={"a.b": [{"c": 5}]},
    )
    assert look(server, r"native.a\.b.0.c") == 5
    assert look(server, "native.nothing.there") is None
    assert look(server, "state") == "running"


def test_plain_data_is_what_json_can_say() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert plain({1: (moment, None, {"x"}), "n": 1.5}) == {
        "1": ["2026-01-02T03:04:05Z", None, ["x"]], "n": 1.5,
    }  # fmt: skip
    assert plain(object()).startswith("<object")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.00011, "0.0001"), (2.0, "2"), (True, "yes"), (None, ""), (("a", "b"), "a, b")],
)  # fmt: skip
def test_a_cell_is_short(value: object, shown: str) -> None:
    assert text(value) == shown


ROW = ["sierra-east-2", "albert-0001", "running", "198.51.100.7", "10.0.0.2", "m1.small",
       "0f1e2d3c-0000-4000-8000-000000000000", "9a8b7c6d-0000-4000-8000-000000000000"]  # fmt: skip


@pytest.mark.parametrize(
    ("most", "kept"),
    [
        (200, Server.columns),
        (120, ("cloud", "name", "state", "public_ips", "private_ips", "flavor", "image")),
        (80, ("cloud", "name", "state", "public_ips", "private_ips", "flavor")),
        (70, ("cloud", "name", "state", "public_ips", "flavor")),
        (45, ("cloud", "name", "state")),
        (10, ("cloud", "name", "state")),
    ],
)
def test_a_narrow_terminal_gets_what_matters_most(most: int, kept: tuple[str, ...]) -> None:
    columns, rows, left_out = fitting(Server.columns, [ROW], most)
    assert tuple(columns) == kept
    assert rows == [[word for name, word in zip(Server.columns, ROW, strict=True) if name in kept]]
    assert {*left_out} == {*Server.columns} - {*kept}


def test_a_narrow_column_fits_again_once_a_wide_one_is_left_out() -> None:
    columns, _, left_out = fitting(("name", "created", "image"), [["n", "2026", "i" * 60]], 40)
    assert (columns, left_out) == (["name", "created"], ["image"])


def test_sentences_are_folded_before_columns_are_left_out() -> None:
    columns, _, left_out = fitting(
        ("name", "state", "seen", "error"), [["n", "s", "t", "x" * 300]], 80
    )
    assert (columns, left_out) == (["name", "state", "seen", "error"], [])


def test_a_big_table_on_a_terminal_is_aligned_and_coloured() -> None:
    head, _, first, second = as_coloured(
        ("state", "name"), [["running", "a"], ["what", "b"]]
    ).split("\n")
    assert head == "state    name"
    assert first == "\x1b[32mrunning\x1b[0m  a"
    assert second == "what     b"


def test_an_empty_table_still_names_its_columns() -> None:
    assert as_text(("a", "bc"), []) == "a  bc\n-  --"
