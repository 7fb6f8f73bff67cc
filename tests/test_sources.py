"""Accounts that users have elsewhere."""

from pathlib import Path

import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError

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
