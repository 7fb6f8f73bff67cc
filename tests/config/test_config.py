"""cloudmesh.yaml: what it says, and what it says when it is wrong."""

import getpass
from pathlib import Path

import pytest

from cloudmesh_sdk import config_edit
from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.mesh import Mesh

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
        ("x: &a [*a]", r"f\.yaml:1: x: nested too deep"),
        ("defaults: {imgae: a}", r"f\.yaml:1: defaults\.imgae: no such key; did you mean image\?"),
        (
            "clouds:\n  a:\n    driver: x\n    defaults: {flavour: a}",
            r"f\.yaml:4: clouds\.a\.defaults\.flavour: no such key; did you mean flavor\?",
        ),
        (
            "clouds:\n  a: {driver: x, defaults: 3}",
            r"f\.yaml:2: clouds\.a\.defaults: a mapping was wanted, found a number",
        ),
        ("clouds: {a: {driver: x, defaults: {cloud: b}}}", r"a\.defaults\.cloud: no such key"),
        ("defaults: {image: 1.10}", r"defaults\.image: a text was wanted, found a number; put quo"),
        ("defaults: {networks: [a, yes]}", r"defaults\.networks: a text was wanted, found true or"),
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


def test_defaults_are_texts_and_lists_of_texts() -> None:
    config = Config.parse("defaults: {flavor: 1, networks: [7, a], security_groups: web, image: }")
    assert config.defaults == {"flavor": "1", "networks": ["7", "a"], "security_groups": "web"}


def test_an_account_elsewhere_is_read_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "none.yaml"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "c.yaml"
    path.write_text("clouds:\n  a:\n    driver: memory\n    from: clouds.yaml:a\n    page: 7\n")
    cloud = Config.load(path).clouds["a"]
    assert (cloud.source, cloud.options) == ("clouds.yaml:a", {"page": 7})
    with pytest.raises(ConfigError, match=rf"{path}:4: clouds\.a\.from: there is no clouds\.yaml"):
        cloud.resolved()
    config_edit.add_cloud(path, "a", {"driver": "memory"}, force=True)
    assert Config.load(path).clouds["a"].source is None


def test_a_cloud_whose_account_is_gone_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "none.yaml"))
    monkeypatch.chdir(tmp_path)
    config = Config.parse(
        "profile: {username: you}\n"
        "clouds:\n  a: {driver: memory, from: 'clouds.yaml:a'}\n  b: {driver: memory, servers: 2}\n"
    )
    with Mesh.open("memory", config=config) as mesh:
        found = mesh.refresh()
        assert [server.cloud for server in mesh.servers()] == ["b", "b"]
    assert isinstance(found.errors["a"], ConfigError)
    assert "b" not in found.errors


def test_a_secret_in_clear_text_is_warned_of_and_never_shown() -> None:
    text = "clouds:\n  a:\n    driver: ec2\n    secret_key: hunter2\n    access_key: env:KEY\n"
    config = Config.parse(text, path=Path("f.yaml"))
    assert len(config.warnings) == 1
    assert config.warnings[0].startswith("f.yaml:4: clouds.a.secret_key: a secret in clear text")
    assert "hunter2" not in repr(config)
    assert "hunter2" not in config.warnings[0]
