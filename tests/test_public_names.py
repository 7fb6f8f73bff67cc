"""What others may rely on: taking a name away is a breaking change and needs a changelog line."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import cloudmesh
import cloudmesh_sdk

DOOR = {"load", "mesh", "shell", "version"}

HOUSE = {
    "Action", "AuthError", "BackendError", "BackendTimeoutError", "CloudmeshError", "Config",
    "ConfigError", "ConflictError", "Exchange", "Flavor", "FloatingIP", "Gathered", "Health",
    "Image", "InvalidRequestError", "Job", "JobRequest", "JobState", "Keypair", "Mesh", "Network",
    "Node", "NodeState", "NotFoundError", "Operation", "OperationState", "PartialFailure",
    "PluginError", "PolicyError", "Port", "QueueInfo", "QueueState", "Quota", "QuotaError",
     "RawAnswer", "Router", "Rule", "SecurityGroup", "Server", "ServerRequest",
    "ServerState", "Snapshot", "StoreError", "Subnet", "ThrottledError", "UnavailableError",
    "UnsupportedError", "Volume", "VolumeRequest", "Zone", "__version__", "hookimpl",
}  # fmt: skip


def test_the_door_offers_four_names() -> None:
    assert set(cloudmesh.__all__) == DOOR


def test_the_house_offers_these_names() -> None:
    assert set(cloudmesh_sdk.__all__) == HOUSE


@pytest.mark.parametrize("name", sorted(HOUSE))
def test_every_name_of_the_house_leads_somewhere(name: str) -> None:
    assert getattr(cloudmesh_sdk, name) is not None


def test_type_checkers_and_the_interpreter_see_the_same_names() -> None:
    text = Path(cloudmesh_sdk.__file__).read_text(encoding="utf-8")
    typed = set(re.findall(r"^ .* as (\w+),?$", text, flags=re.MULTILINE))
    assert typed == HOUSE - {"__version__"}


def test_dir_lists_the_names_before_they_are_used() -> None:
    code = "import cloudmesh_sdk; print(*dir(cloudmesh_sdk))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == HOUSE


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Meshes'"):
        _ = cloudmesh_sdk.Meshes  # type: ignore[attr-defined]


def test_the_version_is_that_of_the_distribution() -> None:
    assert cloudmesh.version() == cloudmesh_sdk.__version__ == version("cloudmesh-sdk")
