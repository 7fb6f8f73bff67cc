"""The tests' own endpoint as a script: what others build crash tests on."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.labs.ec2_endpoint import ACCESS_KEY, SECRET_KEY

from cloudmesh_sdk.models import ServerRequest
from cloudmesh_sdk.providers.ec2 import Ec2Cloud, Ec2Settings

SCRIPT = Path(__file__).with_name("ec2_endpoint.py")
REQUEST = ServerRequest(name="web", image="ami-0001", flavor="t3.micro", token="token-1")


@contextmanager
def script(state: Path) -> Iterator[str]:
    command = [sys.executable, str(SCRIPT), "--port", "0", "--state", str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def cloud(url: str) -> Ec2Cloud:
    return Ec2Cloud("aws", Ec2Settings(endpoint=url, access_key=ACCESS_KEY, secret_key=SECRET_KEY))


def test_what_it_knows_outlives_a_kill(tmp_path: Path) -> None:
    with script(tmp_path / "state") as url, cloud(url) as first:
        server = first.start(REQUEST)
    with script(tmp_path / "state") as url, cloud(url) as second:
        assert second.start(REQUEST).id == server.id
        assert [found.id for found in second.servers()] == [server.id]


def test_faults_are_ordered_and_calls_counted_over_http(tmp_path: Path) -> None:
    with script(tmp_path / "state") as url, cloud(url) as aws:
        fault = json.dumps({"action": "RunInstances", "kind": "cut-after", "times": 1}).encode()
        with urllib.request.urlopen(f"{url}/_fault", data=fault) as answer:
            assert answer.status == 204
        server = aws.start(REQUEST)
        with urllib.request.urlopen(f"{url}/_calls") as answer:
            assert json.load(answer) == {"RunInstances": 1, "DescribeInstances": 1}
        with urllib.request.urlopen(f"{url}/_instances") as answer:
            assert list(json.load(answer)) == [server.id]
