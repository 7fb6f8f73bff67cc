"""The shell at a real OpenStack: registered, used, recorded, played back."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.labs.openstack_lab import OpenstackLab
from tests.shell.calling import Cm

from cloudmesh_sdk.shell.result import run
from cloudmesh_sdk.shell.session import Session

pytestmark = pytest.mark.openstack


@pytest.fixture
def prefix() -> str:
    """How the names of all begin that a test makes: others use the same OpenStack."""
    return f"shell-{secrets.token_hex(3)}"


@pytest.fixture
def config(openstack_lab: OpenstackLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the configuration is to be: there is none yet, but an account in clouds.yaml."""
    file = openstack_lab.clouds_yaml(tmp_path / "clouds.yaml")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
    return tmp_path / "cloudmesh.yaml"


@pytest.fixture
def cm(config: Path, openstack_lab: OpenstackLab, prefix: str) -> Iterator[Cm]:
    """Runs a line in this process; the cloud `lab` is registered. What a test made goes."""
    session = Session(store="memory", config=str(config), embedded=True)

    def call(line: str) -> Any:
        return run(line, session=session)

    registered = call("register lab --from-clouds-yaml demo")
    assert registered.exit_code == 0, registered.error
    assert "lab knows you as demo@demo" in registered.error
    call(f"default set image {openstack_lab.image} --cloud lab")
    call(f"default set flavor {openstack_lab.flavor} --cloud lab")
    call(f"default set networks {openstack_lab.network} --cloud lab")
    yield call
    left = json.loads(call("vm list lab --full --format json").output)
    for row in left:
        if row["name"].startswith(prefix):
            call(f"vm delete {row['id']} --yes")
    for row in json.loads(call("secgroup list lab --refresh --format json").output):
        if row["name"].startswith(prefix):
            call(f"secgroup delete {row['id']} --yes")
    session.close()


def rows(cm: Cm, line: str) -> list[dict[str, Any]]:
    result = cm(f"{line} --format json")
    assert result.exit_code == 0, result.error
    found: list[dict[str, Any]] = json.loads(result.output)
    return found


def test_a_server_lives_from_start_to_end(cm: Cm, prefix: str) -> None:
    (started,) = rows(cm, f"vm start {prefix} --wait --tag team=red")
    assert started["state"] == "running"
    assert started["tags"] == {"team": "red"}
    assert f"{prefix}" in {row["name"] for row in rows(cm, "vm list lab --refresh")}
    info = json.loads(cm(f"vm info {prefix} --format json").output)
    assert info["native"]["status"] == "ACTIVE"
    assert len(cm(f"console {prefix} --lines 2").output.splitlines()) == 2
    assert cm(f"console {prefix} --url").output.startswith("http")
    assert cm(f"vm lock {prefix}").exit_code == 0
    refused = cm(f"vm stop {prefix}")
    assert (refused.exit_code, "is locked (HTTP 409, req-" in refused.error) == (1, True)
    assert cm(f"vm unlock {prefix}").exit_code == 0
    told = rows(cm, f"vm history {prefix}")
    assert {("cm", "start"), ("lab", "create"), ("lab", "lock")} <= {
        (row["by"], row["what"]) for row in told
    }
    assert cm(f"vm delete {prefix} --yes --wait").exit_code == 0
    assert prefix not in {row["name"] for row in rows(cm, "vm list lab --full")}


def test_a_server_that_fails_says_why(cm: Cm, openstack_lab: OpenstackLab, prefix: str) -> None:
    name = f"{prefix}-{openstack_lab.failing}"
    failed = cm(f"vm start {name} --wait")
    assert (failed.exit_code, "asked to fail" in failed.error) == (1, True)
    history = cm(f"vm history {name}")
    assert history.exit_code == 0
    assert f"lab: {name} is in the state error: " in history.error
    assert "asked to fail" in history.error


def test_no_port_is_opened_unasked(cm: Cm, prefix: str) -> None:
    assert cm(f"secgroup create {prefix} --cloud lab").exit_code == 0
    assert {row["direction"] for row in rows(cm, f"secgroup show {prefix}")} == {"egress"}
    rule = f"{prefix} --port 22 --from 192.0.2.0/24"
    added = rows(cm, f"secgroup rule add {rule}")
    assert added[0]["remote"] == "192.0.2.0/24"
    assert [row["ports"] for row in added if row["direction"] == "ingress"] == ["22"]
    left = rows(cm, f"secgroup rule delete {rule}")
    assert {row["direction"] for row in left} == {"egress"}


def test_limits_zones_and_requests_of_ones_own_are_answered(cm: Cm) -> None:
    limits = {row["name"]: row for row in rows(cm, "quota lab")}
    assert limits["instances"]["used"] is not None
    assert [row["available"] for row in rows(cm, "zone list lab")] == [True]
    found = cm("raw lab compute GET /flavors --param limit=2")
    assert len(json.loads(found.output)["flavors"]) == 2
    assert found.error.startswith("HTTP 200 (request req-")
    missing = cm("raw lab compute GET /servers/nothing")
    assert (missing.exit_code, missing.error[:8]) == (4, "HTTP 404")


def test_what_was_recorded_is_played_back_without_the_cloud(
    cm: Cm, openstack_lab: OpenstackLab, tmp_path: Path
) -> None:
    tape = tmp_path / "bug.tape"
    recorded = cm(f"flavor list lab --refresh --record {tape} --format json")
    assert recorded.exit_code == 0, recorded.error
    assert openstack_lab.password not in tape.read_text()
    played = cm(f"register bug --driver openstack --set replay={tape} --no-check")
    assert played.exit_code == 0, played.error
    again = cm("flavor list bug --format json")
    assert again.exit_code == 0, again.error
    assert [row["name"] for row in json.loads(again.output)] == [
        row["name"] for row in json.loads(recorded.output)
    ]
    lacking = cm("image list bug")
    assert (lacking.exit_code, "from a tape that lacks this" in lacking.error) == (7, True)


def test_what_goes_over_the_wire_is_shown_without_secrets(
    cm: Cm, openstack_lab: OpenstackLab
) -> None:
    shown = cm("vm list lab --refresh --full --debug-http")
    assert shown.exit_code == 0
    assert "curl -g -i -X GET" in shown.error
    assert "'X-Auth-Token: ***'" in shown.error
    assert openstack_lab.password not in shown.error
