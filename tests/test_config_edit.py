"""Edits of cloudmesh.yaml: what is not changed stays, also when things go wrong."""

import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cloudmesh_sdk import config_edit
from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError


def test_an_edit_keeps_comments_and_order(tmp_path: Path) -> None:
    path = tmp_path / "cloudmesh.yaml"
    path.write_text("# mine\nclouds:\n  b: {driver: memory}  # first\n  a: {driver: memory}\n")
    config_edit.add_cloud(path, "c", {"driver": "memory", "latency": 1})
    text = path.read_text()
    assert "# mine" in text
    assert "# first" in text
    assert list(Config.load(path).clouds) == ["b", "a", "c"]
    config_edit.remove_cloud(path, "b")
    assert list(Config.load(path).clouds) == ["a", "c"]


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = config_edit.add_cloud(tmp_path / "new" / "cloudmesh.yaml", "a", {"driver": "memory"})
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(Config.load(path).clouds) == ["a"]


def test_a_cloud_is_not_replaced_unasked(tmp_path: Path) -> None:
    path = config_edit.add_cloud(tmp_path / "c.yaml", "a", {"driver": "memory"})
    with pytest.raises(ConfigError, match="there is a cloud 'a' already"):
        config_edit.add_cloud(path, "a", {"driver": "ec2"})
    config_edit.add_cloud(path, "a", {"driver": "ec2"}, force=True)
    assert Config.load(path).clouds["a"].driver == "ec2"


def test_an_edit_that_would_not_load_leaves_the_file_alone(tmp_path: Path) -> None:
    path = config_edit.add_cloud(tmp_path / "c.yaml", "a", {"driver": "memory"})
    before = path.read_text()
    with pytest.raises(ConfigError, match="driver is missing"):
        config_edit.add_cloud(path, "b", {"latency": 1})
    assert path.read_text() == before


ODD = """\
# mine
clouds:  # here
  on: {driver: memory, page: 5, password: 'no', file: "5"}
  1: &base
    driver: memory
    file: |
      two
      lines
    zones:
    - 1
    - yes
  z:
    <<: *base
    active: false
defaults: {cloud: "on"}
"""


def test_an_edit_leaves_everything_else_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(ODD)
    config_edit.add_cloud(path, "new", {"driver": "memory"})
    assert path.read_text() == ODD.replace("defaults:", "  new:\n    driver: memory\ndefaults:")
    config_edit.remove_cloud(path, "new")
    assert path.read_text() == ODD


@pytest.mark.parametrize("name", ["on", "1", "new", "no", "<<", "a: b", "#"])
def test_a_cloud_of_any_name_is_written_replaced_and_removed(tmp_path: Path, name: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(ODD)
    others = {key for key in Config.load(path).clouds if key != name}
    config_edit.add_cloud(path, name, {"driver": "memory"}, force=name in ("on", "1"))
    assert Config.load(path).clouds[name].options == {}
    config_edit.remove_cloud(path, name)
    assert set(Config.load(path).clouds) == others


ENTRY: dict[str, Any] = {
    "driver": "memory", "a": "no", "b": "on", "c": "12:30", "d": "5", "e": 5, "f": 1e-05,
    "g": True, "h": None, "i": "", "j": ["yes", 1, {"k": "0123"}], "l": "a: b # c", "m": " x ",
    "n": "two\nlines\n", "o": "*x", "p": {}, "q": [], "r": "2026-01-01", "no": "=", "s": "ü\x85",
}  # fmt: skip


def test_what_is_added_comes_back_as_the_same(tmp_path: Path) -> None:
    path = config_edit.add_cloud(tmp_path / "c.yaml", "a", ENTRY)
    read = dict(Config.load(path).clouds["a"].options)
    assert read == {key: value for key, value in ENTRY.items() if key != "driver"}
    assert [type(value) for value in read.values()] == [type(v) for v in list(ENTRY.values())[1:]]


def test_what_would_come_back_otherwise_is_not_written(tmp_path: Path) -> None:
    path = config_edit.add_cloud(tmp_path / "c.yaml", "a", {"driver": "memory"})
    before = path.read_text()
    with pytest.raises(ConfigError, match=r"c\.yaml"):
        config_edit.add_cloud(path, "b", {"driver": "memory", "page": float("nan")})
    assert path.read_text() == before


@pytest.mark.parametrize("text", ["clouds:\n", "clouds: {}\n", "# mine\n", "", "clouds: ~ # c\n"])
def test_a_file_without_clouds_takes_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    config_edit.add_cloud(path, "a", {"driver": "memory"})
    assert list(Config.load(path).clouds) == ["a"]
    assert path.read_text().startswith("# mine") == text.startswith("# mine")


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "kept" / "c.yaml", tmp_path / "c.yaml"
    file.parent.mkdir()
    file.write_text("profile: {username: a}\n")
    link.symlink_to(file)
    config_edit.add_cloud(link, "a", {"driver": "memory"})
    assert link.is_symlink()
    assert list(Config.load(file).clouds) == ["a"]


def test_edits_at_once_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    names = [f"c{number}" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: config_edit.add_cloud(path, name, {"driver": "memory"}), names))
    assert set(Config.load(path).clouds) == set(names)


def test_an_edit_waits_for_another_no_longer_than_it_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_edit, "_PATIENCE", 0.05)
    path = config_edit.add_cloud(tmp_path / "c.yaml", "a", {"driver": "memory"})
    descriptor = os.open(tmp_path / ".c.yaml.lock", os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="somebody else edits it; try again"):
            config_edit.add_cloud(path, "b", {"driver": "memory"})
    finally:
        os.close(descriptor)
    config_edit.add_cloud(path, "b", {"driver": "memory"})


def test_an_edit_that_cannot_be_written_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config_edit.add_cloud(tmp_path / "c.yaml", "a", {"driver": "memory"})
    there = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match=r"c\.yaml: cannot be edited: No space left on device"):
        config_edit.add_cloud(path, "b", {"driver": "memory"})
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == there
