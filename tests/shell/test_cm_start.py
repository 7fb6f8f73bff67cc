"""What `cm` loads, and when: a shell that is slow to start is not used."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from tests.shell.calling import Program

from cloudmesh_sdk import __version__
from cloudmesh_sdk.shell.app import COMMANDS

HEAVY = {
    "boto3", "botocore", "libcloud", "moto", "mongoengine", "stevedore", "pluggy", "rich",
    "prompt_toolkit", "ClusterShell", "ruamel",
}  # fmt: skip


def loaded(environment: dict[str, str], *args: str) -> set[str]:
    """Return the modules that a command leaves behind in a fresh interpreter."""
    code = (
        "import json, sys\n"
        "from cloudmesh_sdk.shell.start import main\n"
        "code = main(sys.argv[1:])\n"
        "print(json.dumps([code, *sys.modules]), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        capture_output=True, text=True, check=True, env=environment, timeout=60,
    )  # fmt: skip
    code, *names = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return set(names)


def tops(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("words", [["--version"], ["-V"], ["version"]])
def test_the_version_is_told_without_any_library(
    environment: dict[str, str], words: list[str]
) -> None:
    names = loaded(environment, *words)
    assert tops(names).isdisjoint(HEAVY | {"click", "attrs", "yaml", "typing"})


def test_a_list_loads_no_client_and_nothing_that_draws(environment: dict[str, str]) -> None:
    sparse = Path(environment["CLOUDMESH_CONFIG"])
    sparse.write_text("profile: {username: albert}\n")
    names = loaded(environment, "--store", "memory", "vm", "list")
    assert tops(names).isdisjoint(HEAVY)


def test_a_filled_list_from_mongodb_loads_no_client(
    environment: dict[str, str], config: Path, tmp_path: Path
) -> None:
    config.write_text(config.read_text() + f'store: {{directory: "{tmp_path}/m", linger: 0.5}}\n')
    loaded(environment, "refresh")
    names = loaded(environment, "vm", "list")
    assert tops(names).isdisjoint(HEAVY)


def test_help_loads_no_command_group(environment: dict[str, str]) -> None:
    groups = {f"cloudmesh_sdk.shell.{module}" for module, _ in COMMANDS.values()}
    assert loaded(environment, "--help").isdisjoint(groups | {"cloudmesh_sdk.mesh"})


def test_telling_the_version_costs_at_most_thrice_an_empty_program() -> None:
    def cost(*command: str) -> float:
        costs = []
        for _ in range(7):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return min(costs)

    python = sys.executable
    assert cost(str(Path(python).with_name("cm")), "--version") <= 3 * cost(python, "-c", "pass")


def test_the_version_is_that_of_the_package(program: Program) -> None:
    done = program("--version")
    assert (done.returncode, done.stdout) == (0, f"cm {__version__}\n")


@pytest.mark.parametrize("library", ["click", "prompt_toolkit"])
def test_a_missing_library_is_one_line_that_names_the_extra(library: str) -> None:
    code = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from cloudmesh_sdk.shell.start import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    args = [] if library == "prompt_toolkit" else ["vm", "list"]
    if library == "prompt_toolkit":  # only the interactive shell needs it
        code = code.replace(
            "sys.exit", "from cloudmesh_sdk.shell.session import Session\n"
            "Session.asks = lambda self: True\nsys.exit",
        )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == f"cm: the shell needs {library}: pip install 'cloudmesh-sdk[shell]'\n"
