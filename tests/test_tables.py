"""Cells and tables, whoever draws them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from cloudmesh_sdk.errors import near
from cloudmesh_sdk.models import Fault, Server, ServerState
from cloudmesh_sdk.tables import age, cell, harmless_json, html_table, visible

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "now"), (59, "59 s"), (61, "1 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_ages(seconds: float, text: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), now=NOW) == text


def test_never_is_an_age() -> None:
    assert age(None) == "never"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (ServerState.RUNNING, "running"),
        (("a", "b"), "a, b"),
        ({"k": None, "l": 1}, "k=, l=1"),
        (NOW, "2026-01-02 03:04:05Z"),
        (7, "7"),
    ],
)
def test_cells(value: object, text: str) -> None:
    assert cell(value) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b é 日", "a b é 日"),
        ("\x1b]0;t\x07", r"\x1b]0;t\x07"),
        ("a\r\n\tb", r"a\r\n\tb"),
        ("\x9b1m\x7f", r"\x9b1m\x7f"),
        ("\u202aa\u202e \u2066b\u2069", r"\u202aa\u202e \u2066b\u2069"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_json_means_the_same_when_it_is_harmless() -> None:
    value = {"a\u202e": ["\x9b", "\x1b\n", "é"]}
    made = harmless_json(json.dumps(value, indent=1, ensure_ascii=False))
    assert json.loads(made) == value
    assert "é" in made
    assert not {"\u202e", "\x9b", "\x1b"} & set(made)


def test_a_kept_error_is_its_message() -> None:
    assert cell(Fault(kind="QuotaError", message="no more")) == "QuotaError: no more"


def test_html_is_escaped_everywhere() -> None:
    made = html_table(["<c>"], [["<v>"]], caption="<t>", foot="<f>")
    for word in ("c", "v", "t", "f"):
        assert f"&lt;{word}&gt;" in made
        assert f"<{word}>" not in made


def test_html_shows_what_would_turn_text_around() -> None:
    assert r"a\u202eb" in html_table(["c"], [["a\u202eb"]])


def test_a_record_shows_its_native_data_escaped() -> None:
    native = {"<key>": "<script>"}
    server = Server(cloud="a", id="1", name="n", state=ServerState.RUNNING, native=native)
    made = server._repr_html_()
    assert "&lt;script&gt;" in made
    assert "<script>" not in made
    assert "n" in made


def test_equality_is_about_the_cloud_and_not_about_freshness() -> None:
    one = Server(cloud="c", id="1", name="n", state=ServerState.RUNNING, native={"t": 1}, seen=NOW)
    two = Server(cloud="c", id="1", name="n", state=ServerState.RUNNING, native={"t": 2})
    assert one == two
    assert hash(one) == hash(two)


def test_near_names_or_what_there_is() -> None:
    assert near("indai", ["india", "sierra"]) == "did you mean india?"
    assert near("zz", ["india", "sierra"], what="configured") == "configured: india, sierra"
    assert near("zz", []) == "none is known"
    assert near("zz", [f"n{i}" for i in range(12)]).endswith(" and 2 more")
