"""cloudmesh.yaml: what it says, and what it says when it is wrong."""

import getpass
from pathlib import Path

import pytest

from cloudmesh_sdk import config_edit
from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError

GOOD = """\
profile: {username: albert, email: a@example.org, prefix: al}
store: {database: mine}
clouds:
  india: {driver: memory, latency: 0.5}
  lab:
    driver: memory
    active: false
    defaults: {flavor: m1.small}
defaults: {cloud: india}
"""


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "cloudmesh.yaml"
    path.write_text(GOOD)
    config = Config.load(path)
    assert config.username() == "albert"
    assert (config.profile.email, config.profile.prefix) == ("a@example.org", "al")
    assert config.store == {"database": "mine"}
    assert list(config.clouds) == ["india", "lab"]
    assert config.clouds["india"].options == {"latency": 0.5}
    assert config.clouds["india"].active
    assert not config.clouds["lab"].active
    assert config.clouds["lab"].defaults == {"flavor": "m1.small"}
    assert config.defaults == {"cloud": "india"}
    assert config.warnings == ()


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "elsewhere.yaml"
    path.write_text(GOOD)
    monkeypatch.setenv("CLOUDMESH_CONFIG", str(path))
    assert Config.load().path == path


def test_without_a_file_there_are_no_clouds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLOUDMESH_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    config = Config.load()
    assert config.clouds == {}
    assert config.username() == getpass.getuser()


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nope\.yaml: cannot be read: No such file"):
        Config.load(tmp_path / "nope.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clouds: {a: ]}", r"f\.yaml:1: this is not YAML"),
        ("clouds:\n\ta: 1", r"f\.yaml:2: this is not YAML"),
        ("- 1", r"f\.yaml: a mapping was wanted, found a list"),
        ("clouds: 3", r"f\.yaml:1: clouds: a mapping was wanted, found a number"),
        ("x: 1\ncluods: {}", r"f\.yaml:1: x: no such key"),
        ("cluods: {}", r"f\.yaml:1: cluods: no such key; did you mean clouds\?"),
        ("clouds:\n  a: {}", r"f\.yaml:2: clouds\.a: the name of a driver is missing"),
        ("clouds:\n  a: memory", r"f\.yaml:2: clouds\.a: a mapping with a driver was wanted"),
        (
            "clouds:\n  a: {driver: memory, active: perhaps}",
            r"f\.yaml:2: clouds\.a\.active: true or false was wanted, found a text",
        ),
        (
            "clouds:\n  a: {driver: x}\n  a: {driver: y}",
            r"f\.yaml:3: .*the key clouds\.a stands here a second time",
        ),
        ("profile: {username: 3}", r"f\.yaml:1: profile\.username: a text was wanted"),
        ("profile: {usrname: a}", r"profile\.usrname: no such key; did you mean username\?"),
        ("clouds:\n  a: {driver: x, from: pigeon}", r"a\.from: clouds\.yaml:NAME or aws-profile"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        Config.parse(text, path=Path("f.yaml"))
    assert "\n" not in str(raised.value)


def test_a_key_is_what_is_written() -> None:
    config = Config.parse("clouds:\n  on: {driver: memory}\n  1: {driver: memory}\n")
    assert list(config.clouds) == ["on", "1"]


def test_a_secret_in_clear_text_is_warned_of_and_never_shown() -> None:
    text = "clouds:\n  a:\n    driver: ec2\n    secret_key: hunter2\n    access_key: env:KEY\n"
    config = Config.parse(text, path=Path("f.yaml"))
    assert len(config.warnings) == 1
    assert config.warnings[0].startswith("f.yaml:4: clouds.a.secret_key: a secret in clear text")
    assert "hunter2" not in repr(config)
    assert "hunter2" not in config.warnings[0]


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
