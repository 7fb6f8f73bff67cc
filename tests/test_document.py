"""A user's YAML: what is taken, what is refused, and that a refusal comes soon, showing nothing."""

from pathlib import Path

import pytest

from cloudmesh_sdk import document
from cloudmesh_sdk.errors import ConfigError

FILE = Path("f.yaml")


def laughs(levels: int) -> str:
    """Return a list that doubles with each level (a small "billion laughs")."""
    lines = ["a0: &a0 [1, 1]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, levels)]
    return "\n".join(lines)


def merges(levels: int) -> str:
    lines = ["a0: &a0 {b: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize("number", ["0123", "12:30", "1_000", "0x10", "0b11", "+49", "1_0.5", "-0"])
def test_a_number_that_yaml_reads_otherwise_is_refused(number: str) -> None:
    with pytest.raises(ConfigError, match=r"f\.yaml:2: a\.password: YAML reads this") as caught:
        document.parse(f"a:\n  password: {number}", FILE)
    assert number not in str(caught.value).partition("password")[2]
    assert document.parse(f"a: '{number}'")[0] == {"a": number}


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-7", -7), ("123", 123), ("1.10", 1.1), (".5", 0.5), ("1.5e+3", 1500.0),
     ("yes", True), ("~", None), ("0899", "0899"), ("!!str 0123", "0123"), ("=", "="),
     ("<<", "<<")],
)  # fmt: skip
def test_plain_values_are_what_they_are(text: str, value: object) -> None:
    found = document.parse(f"a: {text}")[0]["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 2026-02-30", r"f\.yaml:1: a: this is no timestamp, though it looks like one"),
        ("a: !!bool hunter2", r"f\.yaml:1: a: this is no bool"),
        ("a: !!timestamp hunter2", r"f\.yaml:1: a: this is no timestamp"),
        ("a: !!int hunter2", r"f\.yaml:1: a: YAML reads this number"),
        (f"a: {'9' * 5000}", r"f\.yaml:1: a: this is no int"),
        ("a: !!python/object:os.x {}", r"f\.yaml:1: a: a tag"),
        ("a:\n  b: !hunter2 x", r"f\.yaml:2: a\.b: a tag"),
        ("a: !!binary aGk=", r"f\.yaml:1: a: a tag"),
        ("a: !!set {b}", r"f\.yaml:1: a: a tag"),
        ("a: *hunter2", r"f\.yaml:1: this is not YAML: found undefined alias"),
        ("a:\n  [b]: 1", r"f\.yaml:2: a: a key must be a text"),
        ("a:\n  <<: 3", r"f\.yaml:2: a: the merge key << takes a mapping"),
        ("a: &a {b: *a}", r"f\.yaml:1: a\.b\.b: nested too deep \(an alias within what it names"),
        ("a: &a [*a]", r"f\.yaml:1: a: nested too deep"),
        ("a: b\0c", r"f\.yaml: this is not YAML: unacceptable character"),
        ("\ud800", r"f\.yaml: this is not YAML"),
        ("a: 1\n---\nb: 2", r"f\.yaml:2: this is not YAML"),
        ("a: 1\na: 2", r"f\.yaml:2: the key a stands here a second time"),
    ],
)
def test_what_is_refused_is_named_and_not_shown(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        document.parse(text, FILE)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: " + "[" * 3_000, "f.yaml:1: more than 50 lists and mappings within each other"),
        ("a: " + "{b: " * 100_000, "f.yaml:1: more than 50 lists and mappings"),
        ("a: " + "[\n" * 100_000, "f.yaml:50: more than 50 lists and mappings"),
        (laughs(40), ": more than 100,000 values, counted at every alias"),
        (merges(40), "more than 100,000 values, counted at every alias"),
        ("a: " + "b" * document.SIZE, "f.yaml: more than 1,000,000 characters"),
    ],
    ids=["lists", "mappings", "lines", "laughs", "merges", "size"],
)
def test_what_is_too_much_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        document.parse(text, FILE)
    assert message in str(caught.value)


def test_a_merge_key_lies_under_its_mapping_and_the_first_of_several_wins() -> None:
    text = """\
a: &a {driver: x, page: 1}
b: &b
  driver: y
  boot: 2
c:
  page: 3
  <<: [*a, *b]
"""
    data, place = document.parse(text, FILE)
    assert data["c"] == {"driver": "x", "page": 3, "boot": 2}
    assert place.at("c", "page") == "f.yaml:6: c.page"
    assert place.at("c", "boot") == "f.yaml:4: c.boot"


def test_a_file_that_is_not_utf_8_is_refused_without_its_text(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"password: hunter2\xff")
    with pytest.raises(ConfigError, match="is not UTF-8: invalid start byte at 17") as caught:
        document.read_text(path)
    assert caught.value.__suppress_context__


def test_a_text_that_yaml_takes_for_something_else_is_known() -> None:
    assert not any(
        map(document.reads_as_text, ["no", "on", "12:30", "5", "", "~", "1.5", "=", "<<"])
    )
    assert all(map(document.reads_as_text, ["a", "no way", "1e3", "0899", "o"]))


@pytest.mark.parametrize("value", [True, False, None, 0, -5, 1.5, 1e-05, 1e20, 1.5e300])
def test_what_is_written_is_read_as_the_same(value: object) -> None:
    text = document.written(value)  # type: ignore[arg-type]
    found = document.parse(f"a: {text}")[0]["a"]
    assert (found, type(found)) == (value, type(value))
