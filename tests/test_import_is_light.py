"""`import cloudmesh` is quick, and other distributions may live under its name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "attrs", "boto3", "botocore", "bson", "click", "cloudmesh_sdk", "libcloud", "mongoengine",
    "moto", "pluggy", "prompt_toolkit", "pymongo", "rich", "ruamel", "stevedore", "yaml",
)  # fmt: skip


def loaded_by(statement: str, **environment: str) -> list[str]:
    """Return the names of all modules of a fresh interpreter after a statement."""
    code = f"import sys; {statement}; n = [*sys.modules]; import json; print(json.dumps(n))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    names = json.loads(done.stdout)
    assert isinstance(names, list)
    return names


def test_the_door_loads_at_most_60_modules() -> None:
    assert len(loaded_by("import cloudmesh")) <= 60


@pytest.mark.parametrize("statement", ["import cloudmesh", "import cloudmesh; cloudmesh.version"])
def test_the_door_loads_no_library(statement: str) -> None:
    tops = {name.partition(".")[0] for name in loaded_by(statement)}
    assert tops.isdisjoint(HEAVY)


def test_the_house_loads_no_library_until_a_name_is_used() -> None:
    tops = {name.partition(".")[0] for name in loaded_by("import cloudmesh_sdk")}
    assert tops.isdisjoint(set(HEAVY) - {"cloudmesh_sdk"})


@pytest.mark.parametrize("library", ["boto3", "botocore", "libcloud", "moto", "pymongo", "click"])
def test_the_configuration_loads_no_client(library: str) -> None:
    assert library not in loaded_by("from cloudmesh_sdk import Config")


def test_another_distribution_may_bring_a_module_of_our_name(tmp_path: Path) -> None:
    package = tmp_path / "cloudmesh"
    package.mkdir()
    (package / "other.py").write_text("word = 'from elsewhere'\n")
    done = subprocess.run(
        [sys.executable, "-c", "import cloudmesh.other as o; print(o.word, o.__package__)"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.stdout.split() == ["from", "elsewhere", "cloudmesh"]
