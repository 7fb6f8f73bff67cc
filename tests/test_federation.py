"""One table over clouds of three kinds: two projects of OpenStack, two regions of EC2, libcloud."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.labs.moto_server import moto_server
from tests.labs.openstack_lab import OpenstackLab

pytestmark = pytest.mark.openstack

CLOUDS = ("india", "sierra", "east", "west", "dummy")
CONFIG = """\
profile: {{username: albert, prefix: federated}}
store: {{directory: "{home}/mongo", linger: 1}}
clouds:
  india: {{driver: openstack, from: "clouds.yaml:demo"}}
  sierra: {{driver: openstack, from: "clouds.yaml:other"}}
  east: {{driver: ec2, region: us-east-1, endpoint: "{moto}", access_key: k, secret_key: "env:EC2"}}
  west: {{driver: ec2, region: us-west-2, endpoint: "{moto}", access_key: k, secret_key: "env:EC2"}}
  dummy: {{driver: libcloud, provider: dummy, key: demo}}
"""

Cm = Callable[..., Any]


@pytest.fixture
def cm(openstack_lab: OpenstackLab, tmp_path: Path) -> Iterator[Cm]:
    """Give `cm` as a program, in a home with the five clouds; returns what it prints as JSON."""
    openstack_lab.clouds_yaml(tmp_path / "clouds.yaml")
    with moto_server() as moto:
        config = tmp_path / "cloudmesh.yaml"
        config.write_text(CONFIG.format(home=tmp_path, moto=moto))
        config.chmod(0o600)
        places = {
            f"XDG_{name}": str(tmp_path)
            for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "CACHE_HOME", "RUNTIME_DIR")
        }
        env = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "CLOUDMESH_CONFIG": str(config),
            "OS_CLIENT_CONFIG_FILE": str(tmp_path / "clouds.yaml"), "EC2": "secret", **places,
        }  # fmt: skip
        program = str(Path(sys.executable).with_name("cm"))

        def call(*line: str) -> Any:
            done = subprocess.run(
                [program, *line, "--format", "json"],
                env=env, capture_output=True, text=True, check=False, timeout=240,
            )  # fmt: skip
            assert done.returncode == 0, f"cm {' '.join(line)}: {done.stdout}{done.stderr}"
            return json.loads(done.stdout) if done.stdout.strip() else None

        try:
            yield call
        finally:
            subprocess.run([program, "service", "stop"], env=env, check=False, capture_output=True)


@pytest.mark.timeout(600)
def test_servers_of_three_kinds_of_clouds_are_in_one_table(
    cm: Cm, openstack_lab: OpenstackLab
) -> None:
    started = {}
    for cloud in ("india", "sierra"):
        place = ("--image", openstack_lab.image, "--network", openstack_lab.network)
        line = ("vm", "start", "--cloud", cloud, "--flavor", openstack_lab.flavor, *place)
        (server,) = cm(*line)
        started[cloud] = server["name"]
    try:
        for cloud in ("east", "west"):
            (server,) = cm("vm", "start", "--cloud", cloud, "--flavor", "t2.micro")
            started[cloud] = server["name"]
        cm("vm", "wait", *started.values(), "--timeout", "120")
        rows = cm("vm", "list", "--refresh")
        seen = {
            row["cloud"]: {r["name"] for r in rows if r["cloud"] == row["cloud"]} for row in rows
        }
        assert set(seen) == set(CLOUDS)
        for cloud, name in started.items():
            others = [other for other in CLOUDS if name in seen[other]]
            assert others == [cloud], f"{name} was started at {cloud} and is seen at {others}"
        states = {row["name"]: row["state"] for row in rows}
        assert {states[name] for name in started.values()} == {"running"}
    finally:
        for cloud, name in started.items():
            cm("vm", "delete", name, "--cloud", cloud, "--yes", "--wait")
    left = {row["name"] for row in cm("vm", "list", "--refresh")}
    assert left.isdisjoint(started.values())
