"""Promises of the whole project: its gate, its documents, its metadata, its size."""

import ast
import importlib
import inspect
import itertools
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SOURCES = sorted((ROOT / "src").rglob("*.py"))
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
TESTS_COMMAND = "sh install.sh --dev && .venv/bin/nox -s tests"
DEMO_COMMAND = "sh install.sh && .venv/bin/cm demo"


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


# the gate


def test_the_readme_gives_both_commands_on_a_line_each() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert DEMO_COMMAND in lines
    assert TESTS_COMMAND in lines


def test_ci_runs_the_readmes_command_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == [TESTS_COMMAND]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_every_nox_session_says_what_it_is() -> None:
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    sessions = [node for node in functions if node.decorator_list]
    assert "tests" in [session.name for session in sessions]
    for session in sessions:
        assert len((ast.get_docstring(session) or "").splitlines()) == 1, session.name


LEFT_OUT = """
import pytest

@pytest.mark.skip(reason="no time")
def test_one(): ...

def test_two():
    pytest.skip("no server")

def test_three(): ...
"""


@pytest.mark.parametrize(
    ("ci", "outcome"),
    [("true", {"passed": 1, "failed": 1, "error": 1}), ("", {"passed": 1, "skipped": 2})],
)
def test_a_left_out_test_fails_in_ci(tmp_path: Path, ci: str, outcome: dict[str, int]) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "conftest.py").read_text(encoding="utf-8"))
    (tmp_path / "test_left_out.py").write_text(LEFT_OUT)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "CI": ci},
    )
    counts = re.findall(r"(\d+) (passed|failed|error|skipped)", done.stdout.splitlines()[-1])
    assert {word: int(number) for number, word in counts} == outcome
    assert "no server" in done.stdout


LABS = ("openstack", "slurm", "gridengine")

ON_A_LAB = """
import pytest

@pytest.mark.{marker}
def test_on_{marker}(): ...
"""


@pytest.mark.parametrize(
    ("asked", "lab", "outcome"),
    [(False, "", "skipped"), (False, "/somewhere", "passed"), (True, "", "passed")],
)
def test_what_needs_a_lab_runs_only_where_it_may(
    tmp_path: Path, asked: bool, lab: str, outcome: str
) -> None:
    expected = dict.fromkeys(LABS, outcome)
    if os.geteuid() != 0:  # its daemons want root
        expected |= {"gridengine": "skipped"} | ({"slurm": "skipped"} if asked else {})
    words = [f"--{marker}" for marker in LABS] if asked else []
    (tmp_path / "conftest.py").write_text((ROOT / "conftest.py").read_text(encoding="utf-8"))
    (tmp_path / "test_on_a_lab.py").write_text("".join(ON_A_LAB.format(marker=m) for m in LABS))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-rs", "-p", "no:cacheprovider", *words, "."],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "CI": "", **{f"CLOUDMESH_{m.upper()}_LAB": lab for m in LABS}},
    )
    told = re.findall(r"::test_on_(\w+) (PASSED|SKIPPED|FAILED|ERROR)", done.stdout)
    assert {marker: word.lower() for marker, word in told} == expected
    reasons = re.findall(r"^SKIPPED .*needs an? (\w+ ?\w+)", done.stdout, re.MULTILINE)
    assert len(reasons) == [*expected.values()].count("skipped")


def test_the_gate_leaves_the_tests_on_labs_in() -> None:
    (function,) = [
        node
        for node in ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "_everything"
    ]
    words = {node.value for node in ast.walk(function) if isinstance(node, ast.Constant)}
    assert {"--openstack", "--slurm", "--gridengine"} <= words
    assert "-m" not in words


# the metadata


def test_every_driver_and_program_of_ours_imports() -> None:
    scripts = PROJECT["project"]["scripts"].values()
    groups = PROJECT["project"]["entry-points"].items()
    plugins = [
        value for group, points in groups if group != "pytest11" for value in points.values()
    ]
    for value in [*scripts, *plugins]:
        module, _, name = value.partition(":")
        assert callable(getattr(importlib.import_module(module), name)), value


def test_the_installed_entry_points_are_those_of_the_metadata() -> None:
    for group, points in PROJECT["project"]["entry-points"].items():
        installed = {point.name: point.value for point in entry_points(group=group)}
        assert points.items() <= installed.items()


def test_every_extra_is_in_all_and_in_the_docs() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    text = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    for extra in extras:
        assert extra == "all" or extra in re.split(r"[\[\],]", everything)
        assert f"| `{extra}` |" in text


def test_the_base_needs_no_cloud_library_and_no_shell() -> None:
    names = {re.split(r"[<>=\[; ]", line)[0] for line in PROJECT["project"]["dependencies"]}
    assert names.isdisjoint({"boto3", "apache-libcloud", "click", "rich", "moto"})


def test_changelog_fragments_are_of_a_known_kind_and_say_one_thing() -> None:
    kinds = {kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"]}
    fragments = [path for path in (ROOT / "changelog.d").iterdir() if path.suffix == ".md"]
    for path in fragments:
        assert path.name.split(".")[1] in kinds, path.name
        text = path.read_text(encoding="utf-8").strip()
        assert text.endswith("."), path.name
        assert "\n" not in text, path.name


# the documents


def links() -> Iterator[Any]:
    for path in DOCUMENTS:
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if not target.startswith(("http://", "https://")):
                yield pytest.param(path, target, id=f"{relative(path)}->{target}")


@pytest.mark.parametrize(("path", "target"), list(links()))
def test_a_link_within_the_docs_leads_somewhere(path: Path, target: str) -> None:
    name, _, anchor = target.partition("#")
    file = (path.parent / name).resolve() if name else path
    assert file.exists()
    if anchor:
        heads = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        slugs = [re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads]
        assert anchor in slugs


def test_every_page_can_be_reached_from_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for path in (ROOT / "docs").glob("*.md"):
        assert path.name == "index.md" or f"({path.name})" in index, path.name


def test_every_hook_is_in_the_docs() -> None:
    hooks = importlib.import_module("cloudmesh_sdk.hooks")
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    for name, value in vars(hooks).items():
        if inspect.isfunction(value) and hasattr(value, "cloudmesh_spec"):
            assert name in text


def test_the_errors_are_drawn_as_they_are() -> None:
    errors = importlib.import_module("cloudmesh_sdk.errors")
    drawn = set(re.findall(r"\b(\w+(?:Error|Failure))\b", errors.__doc__ or ""))
    there = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    assert drawn == {name for name in there if issubclass(getattr(errors, name), Exception)}


# the size


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function that hold code: no docstring, no blank line, no comment."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    within = itertools.chain.from_iterable(map(ast.walk, body))
    return len({inner.lineno for inner in within if isinstance(inner, ast.expr | ast.stmt)})


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def percentile(numbers: list[int], share: float) -> int:
    return sorted(numbers)[min(len(numbers) - 1, int(len(numbers) * share))]


def test_files_stay_small() -> None:
    sizes = {relative(path): path.read_text("utf-8").count("\n") for path in SOURCES}
    assert {name: size for name, size in sizes.items() if size > 500} == {}
    assert percentile(list(sizes.values()), 0.95) <= 350


def test_functions_stay_small() -> None:
    sizes = {
        f"{relative(path)}:{node.lineno} {node.name}": code_lines(node)
        for path in SOURCES
        for node in functions(path)
    }
    assert {name: size for name, size in sizes.items() if size > 50} == {}
    assert percentile(list(sizes.values()), 0.95) <= 25


@pytest.mark.parametrize(
    "interface", ["providers.base:Cloud", "queues.base:Queue", "store.base:Store"]
)
def test_an_interface_asks_for_few_methods(interface: str) -> None:
    module, _, name = interface.partition(":")
    base = getattr(importlib.import_module(f"cloudmesh_sdk.{module}"), name)
    methods = [m for m in base.__abstractmethods__ if not isinstance(getattr(base, m), property)]
    assert len(methods) <= 8


def test_every_room_has_its_tests() -> None:
    rooms = {path.parent.name for path in (ROOT / "src" / "cloudmesh_sdk").glob("*/__init__.py")}
    tested = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    assert rooms <= tested
