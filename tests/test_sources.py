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
        (
            "{a: {auth: , cacert: f}}",
            "{a: {auth: {password: s3}}}",
            {"cacert": "f", "password": "s3"},
        ),
        ("{a: {auth: {username: u}}}", "{a: {auth: }}", {"username": "u"}),
        ("{a: {auth: {username: u}}}", "{a: }", {"username": "u"}),
        ("{a: }", "{b: {auth: {password: s3}}}", {}),
        ("{a: {auth: {username: u}}}", "", {"username": "u"}),
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
    clouds_yaml.write_text("clouds: {a: {auth: {username: u}}}")
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


def test_words_of_an_entry_have_one_place_each(clouds_yaml: Path) -> None:
    clouds_yaml.write_text("""
clouds:
  india:
    auth_type: v3oidcpassword
    auth: {auth_url: "https://k.example.org", tenant_name: p, identity_provider: idp, username: u}
    regions: [one, {name: two, values: {cacert: two.pem}}]
    region_name: two
    endpoint_type: internal
    insecure: true
    dns_api_version: "2"
""")
    assert expand("clouds.yaml:india", where="x") == {
        "auth_type": "v3oidcpassword",
        "auth_url": "https://k.example.org",
        "project_name": "p",
        "username": "u",
        "auth": {"identity_provider": "idp"},
        "region_name": "two",
        "cacert": "two.pem",
        "interface": "internal",
        "verify": False,
        "clouds_yaml": {
            "dns_api_version": "2",
            "regions": ["one", {"name": "two", "values": {"cacert": "two.pem"}}],
        },
    }


def test_the_first_region_is_taken_where_none_is_named(clouds_yaml: Path) -> None:
    clouds_yaml.write_text("clouds: {a: {regions: [{name: r1, values: {interface: admin}}, r2]}}")
    options = expand("clouds.yaml:a", where="x")
    assert (options["region_name"], options["interface"]) == ("r1", "admin")


def test_a_vendor_profile_lies_below_an_entry(clouds_yaml: Path) -> None:
    clouds_yaml.write_text("clouds: {a: {profile: big, auth: {username: u}, interface: admin}}")
    clouds_yaml.with_name("clouds-public.yaml").write_text(
        "public-clouds: {big: {auth: {auth_url: 'https://k'}, interface: public, region_name: r}}"
    )
    assert expand("clouds.yaml:a", where="x") == {
        "profile": "big",
        "auth_url": "https://k",
        "username": "u",
        "interface": "admin",
        "region_name": "r",
    }


def test_a_vendor_profile_that_is_nowhere_is_named(
    clouds_yaml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    clouds_yaml.write_text("clouds: {a: {profile: bigg}}")
    with pytest.raises(ConfigError, match=r"no vendor profile 'bigg'.*openstacksdk.*not installed"):
        expand("clouds.yaml:a", where="x")


def test_profiles_of_an_installed_openstacksdk_are_found_without_running_it(
    clouds_yaml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendors = tmp_path / "site" / "openstack" / "config" / "vendors"
    vendors.mkdir(parents=True)
    (vendors.parents[1] / "__init__.py").write_text("raise RuntimeError('it was run')")
    (vendors / "huge.json").write_text('{"name": "huge", "profile": {"auth": {"auth_url": "u"}}}')
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    clouds_yaml.write_text("clouds: {a: {profile: huge}}")
    assert expand("clouds.yaml:a", where="x") == {"profile": "huge", "auth_url": "u"}


OPENRC = {
    "OS_AUTH_URL": "https://k.example.org/v3",
    "OS_USERNAME": "u",
    "OS_PASSWORD": "s3",
    "OS_TENANT_NAME": "p",
    "OS_REGION_NAME": "r",
    "OS_IDENTITY_API_VERSION": "3",
    "OS_INSECURE": "true",
    "OS_IDENTITY_PROVIDER": "idp",
    "OS_PROJECT_DOMAIN_ID": "",
    "OS_COLOUR": "green",
}


def test_an_openrc_file_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OPENRC.items():
        monkeypatch.setenv(name, value)
    text = "clouds:\n  a: {driver: x, from: environment}"
    assert Config.parse(text).clouds["a"].resolved() == {
        "auth_url": "https://k.example.org/v3",
        "username": "u",
        "password": "s3",
        "project_name": "p",
        "region_name": "r",
        "verify": False,
        "auth": {"identity_provider": "idp"},
        "clouds_yaml": {"identity_api_version": "3"},
    }


def test_os_cloud_names_an_entry(clouds_yaml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_CLOUD", "india")
    assert expand("environment", where="x")["username"] == "albert"


def test_an_empty_environment_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"^x: there is no OS_AUTH_URL.*openrc"):
        expand("environment", where="x")


@pytest.mark.parametrize("source", ["environment:x", "clouds.yaml", "clouds.yaml:", "moon:x"])
def test_a_source_of_no_known_form_is_refused(source: str) -> None:
    with pytest.raises(ConfigError, match=r"clouds\.yaml:NAME or aws-profile:NAME or environment"):
        Config.parse(f"clouds:\n  a: {{driver: x, from: '{source}'}}")
