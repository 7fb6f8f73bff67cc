"""Accounts that users have elsewhere."""

import traceback
from pathlib import Path

import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.sources import expand

CLOUDS = """
clouds:
  india:
    auth: {auth_url: "https://keystone.example.org/v3", username: albert, project_name: p}
    region_name: one
"""


@pytest.fixture
def clouds_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "clouds.yaml"
    path.write_text(CLOUDS)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    return path


def _options(source: str) -> dict[str, object]:
    text = f"clouds:\n  a: {{driver: x, from: '{source}', region_name: two}}"
    return dict(Config.parse(text, path=Path("f.yaml")).clouds["a"].resolved())


def test_an_entry_of_clouds_yaml_is_unfolded_and_the_file_wins(clouds_yaml: Path) -> None:
    assert clouds_yaml.exists()
    assert _options("clouds.yaml:india") == {
        "auth_url": "https://keystone.example.org/v3",
        "username": "albert",
        "project_name": "p",
        "region_name": "two",
    }


def test_secure_yaml_is_laid_over(clouds_yaml: Path) -> None:
    secure = clouds_yaml.with_name("secure.yaml")
    secure.write_text("clouds: {india: {auth: {password: s3}}}")
    assert _options("clouds.yaml:india")["password"] == "s3"


@pytest.mark.parametrize(
    ("clouds", "secure", "options"),
    [
        ("{a: {auth: , x: 1}}", "{a: {auth: {password: s3}}}", {"x": 1, "password": "s3"}),
        ("{a: {auth: {user: u}}}", "{a: {auth: }}", {"user": "u"}),
        ("{a: {auth: {user: u}}}", "{a: }", {"user": "u"}),
        ("{a: }", "{b: {auth: {password: s3}}}", {}),
        ("{a: {auth: {user: u}}}", "", {"user": "u"}),
    ],
)
def test_what_is_left_empty_counts_as_nothing(
    clouds_yaml: Path, clouds: str, secure: str, options: dict[str, object]
) -> None:
    clouds_yaml.write_text(f"clouds: {clouds}")
    clouds_yaml.with_name("secure.yaml").write_text(f"clouds: {secure}")
    assert expand("clouds.yaml:a", where="x") == options


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("clouds.yaml", "clouds: 3", r"clouds\.yaml:1: clouds: a mapping was wanted, found a num"),
        ("clouds.yaml", "- 1", r"clouds\.yaml: a mapping was wanted, found a list"),
        ("clouds.yaml", "clouds:\n  a: 3", r"clouds\.yaml:2: clouds\.a: a mapping was wanted"),
        ("clouds.yaml", "clouds: {a: {auth: s3}}", r"clouds\.a\.auth: a mapping was wanted, fou"),
        ("secure.yaml", "clouds: {a: s3}", r"secure\.yaml:1: clouds\.a: a mapping was wanted"),
        ("secure.yaml", "clouds: {a: {auth: [s3]}}", r"secure\.yaml:1: clouds\.a\.auth: a mapp"),
        ("secure.yaml", "clouds: {a: &a [*a]}", r"secure\.yaml:1: clouds\.a: nested too deep"),
        ("secure.yaml", "clouds: {a: 's3", r"secure\.yaml:1: this is not YAML"),
    ],
)
def test_what_is_no_mapping_is_named_and_not_shown(
    clouds_yaml: Path, name: str, text: str, message: str
) -> None:
    clouds_yaml.write_text("clouds: {a: {auth: {user: u}}}")
    clouds_yaml.with_name(name).write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        expand("clouds.yaml:a", where="f.yaml:3: clouds.a.from")
    assert str(caught.value).startswith("f.yaml:3: clouds.a.from: ")
    assert "s3" not in "".join(traceback.format_exception(caught.value))


def test_a_broken_aws_file_is_named_and_its_lines_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for text in ("[work]\n\nhush1234\n", "\n\nkey = hush1234\n"):
        path.write_text(text)
        with pytest.raises(
            ConfigError, match=r"credentials cannot be read: .* in line 3$"
        ) as caught:
            expand("aws-profile:work", where="x")
        assert "hush" not in "".join(traceback.format_exception(caught.value))


def test_an_unknown_entry_names_near_ones(clouds_yaml: Path) -> None:
    with pytest.raises(ConfigError, match=rf"{clouds_yaml} has no cloud 'indai'; did you mean ind"):
        _options("clouds.yaml:indai")


def test_an_aws_profile_is_named_and_its_secrets_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets, settings = tmp_path / "credentials", tmp_path / "config"
    secrets.write_text("[work]\naws_access_key_id = A\naws_secret_access_key = s3\n")
    settings.write_text("[profile work]\nregion = eu-west-3\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(secrets))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(settings))
    options = _options("aws-profile:work")
    assert options == {"profile": "work", "region": "eu-west-3", "region_name": "two"}
    with pytest.raises(ConfigError, match="no AWS profile 'wrok'; did you mean work"):
        _options("aws-profile:wrok")
