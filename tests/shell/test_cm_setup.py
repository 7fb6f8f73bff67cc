"""Clouds, registration, keys, defaults, plug-ins, doctor."""

import json
import os
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.shell_completion import ShellComplete
from tests.shell.calling import Cm, Program

from cloudmesh_sdk import hooks, plugins
from cloudmesh_sdk.options import describe
from cloudmesh_sdk.providers.memory.settings import MemorySettings
from cloudmesh_sdk.shell import added
from cloudmesh_sdk.shell.app import app
from cloudmesh_sdk.shell.register import typed
from cloudmesh_sdk.shell.session import Session

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3G7S0Ww0iL0aT6x0m8rDk5q2cJX9yT5v4n1b7e8f2k me@here"


def rows(output: str) -> list[Any]:
    found = json.loads(output)
    assert isinstance(found, list)
    return found


# clouds


def test_the_list_of_clouds_begins_with_cloud_and_active(cm: Cm) -> None:
    head, _, *body = cm("cloud list").output.splitlines()
    assert head.split()[:2] == ["cloud", "active"]
    assert [line.split()[:2] for line in body] == [
        ["india", "yes"], ["sierra", "yes"], ["spare", "no"],
    ]  # fmt: skip


def test_clouds_are_switched_on_and_off(cm: Cm) -> None:
    assert cm("cloud off india sierra").exit_code == 0
    assert cm("cloud on spare").exit_code == 0
    active = {row["cloud"]: row["active"] for row in rows(cm("cloud list --format json").output)}
    assert active == {"india": False, "sierra": False, "spare": True}
    assert {row["cloud"] for row in rows(cm("vm list --format json").output)} == {"spare"}
    assert cm("cloud on nowhere").exit_code == 3


def test_the_list_of_clouds_counts_what_was_seen(cm: Cm) -> None:
    cm("refresh india")
    first = rows(cm("cloud list --format json").output)[0]
    assert (first["servers"], first["state"], first["default"]) == (3, "ok", True)


def test_the_default_cloud_is_told_and_set(cm: Cm) -> None:
    assert cm("cloud default").output == "india\n"
    assert cm("cloud default sierra").output == "sierra\n"
    assert cm("vm start --format csv --columns cloud").output == "cloud\nsierra\n"
    assert cm("cloud default nowhere").exit_code == 3


def test_info_hides_secrets_but_not_references(cm: Cm, config: Path) -> None:
    config.write_text("clouds: {a: {driver: memory, password: hush, page: 7}}\n")
    result = cm("cloud info a --format json")
    assert json.loads(result.output)["options"] == {"password": "(hidden)", "page": 7}
    config.write_text("clouds: {a: {driver: memory, password: 'env:A_SECRET'}}\n")
    assert "env:A_SECRET" in cm("cloud info a").output


def test_info_hides_the_password_in_a_url(cm: Cm, config: Path) -> None:
    config.write_text("clouds: {a: {driver: memory, file: 'http://u:p@ss@host:80/x?a=b@c'}}\n")
    result = cm("cloud info a --format json")
    assert json.loads(result.output)["options"] == {"file": "http://u:***@host:80/x?a=b@c"}


def test_check_asks_each_cloud_who_we_are(cm: Cm, config: Path) -> None:
    config.write_text("clouds: {a: {driver: memory}, b: {driver: memory, fail: AuthError}}\n")
    result = cm("cloud check --format json")
    assert [(row["cloud"], row["state"]) for row in rows(result.output)] == [
        ("a", "ok"), ("b", "failed"),
    ]  # fmt: skip
    assert result.exit_code == 6
    assert cm("cloud check a").exit_code == 0
    assert cm("cloud check b").exit_code == 5


def test_without_clouds_the_list_says_how_to_get_some(cm: Cm, config: Path) -> None:
    config.write_text("profile: {username: a}\n")
    assert "cm register adds one" in cm("cloud list").error


# registration


def test_a_registered_cloud_is_there_at_once(cm: Cm, config: Path) -> None:
    before = config.read_text()
    result = cm("register lab --driver memory --set servers=4 --set boot=0.5 --off")
    assert result.exit_code == 0, result.error
    entry = yaml.safe_load(config.read_text())["clouds"]["lab"]
    assert entry == {"driver": "memory", "servers": 4, "boot": 0.5, "active": False}
    assert before.splitlines()[0] in config.read_text()
    assert "lab knows you as you (memory 1)" in result.error
    assert len(rows(cm("vm list lab --format json").output)) == 4


def test_a_new_file_is_its_owners_alone(cm: Cm, tmp_path: Path) -> None:
    path = tmp_path / "new" / "cloudmesh.yaml"
    assert cm(f"--config {path} register lab --driver memory").exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_cloud_that_does_not_know_us_is_not_registered(cm: Cm, config: Path) -> None:
    before = config.read_text()
    result = cm("register bad --driver memory --set fail=AuthError")
    assert result.exit_code == 5
    assert "not registered: bad was told to fail with AuthError" in result.error
    assert "--no-check registers it anyway" in result.error
    assert config.read_text() == before
    assert cm("register bad --driver memory --set fail=AuthError --no-check").exit_code == 0
    assert "bad" in yaml.safe_load(config.read_text())["clouds"]


def test_a_taken_name_is_replaced_only_by_force(cm: Cm, config: Path) -> None:
    result = cm("register india --driver memory")
    assert result.exit_code == 3
    assert "there is a cloud 'india' already; --force replaces it" in result.error
    assert cm("register india --driver memory --set servers=1 --force").exit_code == 0
    assert yaml.safe_load(config.read_text())["clouds"]["india"]["servers"] == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("register", "--driver is missing; there are"),
        ("register --driver memory", "the NAME of the new cloud is missing"),
        ("register a --driver memory --set serves=1", "no setting 'serves'; did you mean servers?"),
        ("register a --driver memory --set servers", "--set wants KEY=VALUE"),
        ("register a --driver libcloud", "the driver needs more: --set provider="),
        ("register --from-aws-profile a --from-clouds-yaml b", "exclude each other"),
    ],
)
def test_what_registration_lacks_is_named(cm: Cm, line: str, says: str) -> None:
    result = cm(line)
    assert result.exit_code == 2
    assert says in result.error


def test_an_unknown_driver_is_answered_with_near_names(cm: Cm) -> None:
    result = cm("register a --driver memroy")
    assert (result.exit_code, "did you mean memory?" in result.error) == (3, True)


def test_an_aws_profile_is_named_and_not_copied(
    cm: Cm, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "credentials"
    secrets.write_text("[work]\naws_access_key_id = A\naws_secret_access_key = hush\nregion = r1\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(secrets))
    assert cm("register --from-aws-profile work --no-check").exit_code == 0
    entry = yaml.safe_load(config.read_text())["clouds"]["work"]
    assert entry == {"driver": "ec2", "from": "aws-profile:work"}
    assert "hush" not in config.read_text()


def test_an_account_of_clouds_yaml_is_named_and_shown_without_its_secrets(
    cm: Cm, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "clouds.yaml"
    auth = "{auth_url: http://127.0.0.1:9, username: albert, password: hush, project_name: p}"
    file.write_text(f"clouds: {{work: {{auth: {auth}, region_name: r1}}}}\n")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
    assert cm("register --from-clouds-yaml work --no-check").exit_code == 0
    entry = yaml.safe_load(config.read_text())["clouds"]["work"]
    assert entry == {"driver": "openstack", "from": "clouds.yaml:work"}
    shown = json.loads(cm("cloud info work --format json").output)
    assert shown["options"]["username"] == "albert"
    assert shown["options"]["password"] == "(hidden)"
    assert "hush" not in config.read_text() + json.dumps(shown)
    assert "clouds.yaml:work" in cm("cloud info work").output
    file.unlink()
    gone = cm("cloud info work")
    assert (gone.exit_code, "there is no clouds.yaml" in gone.error) == (0, True)


def test_an_account_of_the_environment_is_named_and_not_copied(
    cm: Cm, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = cm("register work --from-environment --no-check")
    assert (needs.exit_code, "there is no OS_AUTH_URL" in needs.error) == (3, True)
    for name, value in (("AUTH_URL", "http://127.0.0.1:9"), ("USERNAME", "a"), ("PASSWORD", "hush"),
                        ("PROJECT_NAME", "p")):  # fmt: skip
        monkeypatch.setenv(f"OS_{name}", value)
    assert cm("register work --from-environment --no-check").exit_code == 0
    entry = yaml.safe_load(config.read_text())["clouds"]["work"]
    assert entry == {"driver": "openstack", "from": "environment"}
    options = json.loads(cm("cloud info work --format json").output)["options"]
    assert (options["username"], options["password"]) == ("a", "(hidden)")
    assert "the NAME of the new cloud is missing" in cm("register --from-environment").error


def test_a_secret_in_clear_text_is_warned_of(cm: Cm) -> None:
    result = cm("register a --driver memory --set password=hush")
    assert "clouds.a.password: a secret in clear text" in result.error


@pytest.mark.parametrize(
    ("option", "given", "meant"),
    [("servers", "4", 4), ("boot", "0.5", 0.5), ("quota", "7", 7), ("file", "7", "7"),
     ("fail", "true", True), ("fail", "AuthError", "AuthError"), ("servers", "many", "many")],
)  # fmt: skip
def test_settings_get_the_type_that_the_driver_wants(
    option: str, given: str, meant: object
) -> None:
    found = typed(given, describe(MemorySettings)[option].type)
    assert (found, type(found)) == (meant, type(meant))


def test_lists_have_commas_between() -> None:
    assert typed("self, amazon", tuple[str, ...]) == ["self", "amazon"]
    assert typed("{a: 1}", dict[str, Any]) == {"a": 1}


# keys and defaults


def test_a_key_is_kept_uploaded_and_forgotten(cm: Cm, tmp_path: Path) -> None:
    (tmp_path / "id.pub").write_text(f"{KEY}\n")
    assert cm(f"key add mine {tmp_path}/id.pub").exit_code == 0
    assert cm("key default").output == "mine\n"
    assert cm("key upload").exit_code == 0
    (row,) = rows(cm("key list --format json").output)
    assert row["default"] is True
    assert row["clouds"] == ["india", "sierra"]
    assert row["fingerprint"].startswith("SHA256:")
    assert [r["cloud"] for r in rows(cm("key clouds --format json").output)] == ["india", "sierra"]
    assert cm("key delete mine --cloud india").exit_code == 0
    assert [r["cloud"] for r in rows(cm("key clouds --format json").output)] == ["sierra"]
    assert cm("key delete mine").exit_code == 0
    assert rows(cm("key list --format json").output) == []


def test_another_key_of_a_name_is_taken_only_by_force(cm: Cm) -> None:
    assert cm(f"key add mine '{KEY}'").exit_code == 0
    assert cm(f"key add mine '{KEY} another comment'").exit_code == 0
    other = KEY.replace("AAAAC3NzaC1lZDI1NTE5AAAAI", "AAAAC3NzaC1lZDI1NTE5AAAAJ")
    assert other != KEY
    result = cm(f"key add mine '{other}'")
    assert result.exit_code == 1
    assert "there is another key named 'mine' (SHA256:" in result.error
    assert "--force replaces it" in result.error
    before = rows(cm("key list --format json").output)
    assert cm(f"key add mine '{other}' --force").exit_code == 0
    assert rows(cm("key list --format json").output) != before


def test_without_a_file_the_usual_key_is_taken(
    cm: Cm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "ssh-keygen -t ed25519 makes one" in cm("key add mine").error
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519.pub").write_text(KEY)
    assert cm("key add mine").exit_code == 0


def test_a_default_is_set_explained_and_unset(cm: Cm) -> None:
    assert cm("default set flavor m1.large --cloud sierra").exit_code == 0
    (why,) = rows(cm("default why flavor --cloud sierra --format json").output)
    assert why == {
        "key": "flavor", "cloud": "sierra", "value": "m1.large", "source": "set for sierra",
    }  # fmt: skip
    assert "the smallest that runs the image" in cm("default unset flavor --cloud sierra").error
    listed = rows(cm("default list --format json").output)
    assert {"key": "cloud", "cloud": "", "value": "india"}.items() <= {
        k: v for k, v in next(d for d in listed if d["key"] == "cloud").items() if k != "source"
    }.items()


def test_a_list_is_set_with_commas(cm: Cm) -> None:
    cm("default set security_groups default,web")
    (why,) = rows(cm("default why security_groups --format json").output)
    assert why["value"] == ["default", "web"]


# plug-ins


def test_a_broken_plugin_is_shown_and_hides_no_other(
    cm: Cm, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = plugins.entry_points
    broken = EntryPoint("broken", "no.such.module:Cloud", "cloudmesh.providers")
    monkeypatch.setattr(plugins, "entry_points", lambda kind: [*real(kind), broken])
    found = rows(cm("plugin list providers --format json").output)
    states = {row["name"]: row["state"] for row in found}
    assert states == {
        "ec2": "ok", "libcloud": "ok", "memory": "ok", "openstack": "ok", "broken": "broken",
    }  # fmt: skip
    assert "no" in next(row["error"] for row in found if row["name"] == "broken")
    result = cm("doctor --format json")
    assert result.exit_code == 1
    assert {"what": "providers", "name": "broken", "state": "broken"}.items() <= next(
        row for row in rows(result.output) if row["name"] == "broken"
    ).items()


PLUGIN = """
import click
from cloudmesh_sdk import hookimpl

@click.command()
def greet():
    "Say hello."
    click.echo("hello")

@hookimpl
def add_commands():
    return greet
"""


def test_a_plugin_adds_a_command(cm: Cm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "greeting_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    points = [
        EntryPoint("broken", "no_such_module_at_all", "cloudmesh.hooks"),
        EntryPoint("greet", "greeting_plugin", "cloudmesh.hooks"),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda kind: points if kind == "hooks" else [])
    added.commands.cache_clear()
    try:
        result = cm("greet")
        assert (result.exit_code, result.output) == (0, "hello\n")
        assert "hook plug-in broken does not import" in result.error
        assert "Say hello." in cm("--help").output
    finally:
        added.commands.cache_clear()
        sys.modules.pop("greeting_plugin", None)
    assert hooks.hookimpl is not None


# doctor


def test_the_doctor_looks_at_everything(cm: Cm) -> None:
    result = cm("doctor --format json")
    assert result.exit_code == 0
    found = rows(result.output)
    assert {row["what"] for row in found} == {
        "python", "extra", "providers", "queues", "stores", "config", "store", "cloud",
    }  # fmt: skip
    clouds = {row["name"]: row["state"] for row in found if row["what"] == "cloud"}
    assert clouds == {"india": "ok", "sierra": "ok", "spare": "missing"}


def test_the_doctor_finds_a_broken_cloud(cm: Cm, config: Path) -> None:
    config.write_text("clouds: {a: {driver: memory, fail: AuthError}}\n")
    result = cm("doctor --format json")
    assert result.exit_code == 1
    assert "AuthError" in next(r for r in rows(result.output) if r["name"] == "a")["detail"]


def test_the_doctor_goes_on_where_the_configuration_is_broken(cm: Cm, config: Path) -> None:
    config.write_text("clouds: [")
    result = cm("doctor --format json")
    assert result.exit_code == 1
    found = rows(result.output)
    assert next(r for r in found if r["what"] == "config")["state"] == "broken"
    assert any(r["what"] == "extra" for r in found)


def test_the_doctor_says_what_a_bad_clock_does(monkeypatch: pytest.MonkeyPatch) -> None:
    from cloudmesh_sdk.shell.cloud import HealthRow
    from cloudmesh_sdk.shell.doctor import _cloud

    def state(skew: float | None) -> str:
        return _cloud(HealthRow(cloud="a", state="ok", skew=skew)).state

    assert [state(s) for s in (None, 5, -31, 301)] == ["ok", "ok", "warning", "broken"]


# completion


@pytest.mark.parametrize(
    ("listed", "line", "found"),
    [
        ("network list", "network info pri", {"private"}),
        ("secgroup list", "secgroup show de", {"default"}),
        ("volume list", "volume attach ", {"data"}),
        ("volume snapshots", "volume snapshot delete ", {"monday"}),
        ("ip list", "ip attach ", {"198.19.0.1"}),
        ("vm list", "console seed-0003", {"seed-0003"}),
        ("vm list", "quota s", {"sierra", "spare"}),
    ],
)
def test_names_of_everything_are_completed_from_the_store(
    cm: Cm, session: Session, listed: str, line: str, found: set[str]
) -> None:
    for made in ("secgroup create default", "volume create data --size 1", "ip create",
                 "volume snapshot create data monday"):  # fmt: skip
        cm(f"{made} --cloud india")
    cm(listed)
    *words, begin = line.split(" ")
    shell = ShellComplete(app, {"obj": session}, "cm", "_CM_COMPLETE")
    offered = shell.get_completions(words, begin)
    assert {str(item.value) for item in offered} == found


def test_the_users_shell_completes_names(program: Program, environment: dict[str, str]) -> None:
    environment |= {"_CM_COMPLETE": "bash_complete", "COMP_WORDS": "cm vm list ", "COMP_CWORD": "3"}
    found = program().stdout.splitlines()
    assert {"plain,india", "plain,sierra", "plain,spare"} <= set(found)
    assert os.environ.get("_CM_COMPLETE") is None
