"""Every important promise of an ability has a cloud that breaks it, which its suite finds."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.testing.mutants import FOUND

CASES = {broken.__name__: promise for broken, (_, promise) in FOUND.items()}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    path = tmp_path_factory.mktemp("mutants") / "report.json"
    mutants = Path(__file__).with_name("mutants.py")
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(path.parent), "-c", "/dev/null"]
    command = [sys.executable, "-m", "pytest", *options, "--cloudmesh-report", str(path)]
    done = subprocess.run(
        [*command, str(mutants)],
        cwd=path.parent,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    table: dict[str, dict[str, str]] = json.loads(path.read_text())
    return table


@pytest.mark.parametrize("mutant", CASES)
def test_a_broken_cloud_is_found(report: dict[str, dict[str, str]], mutant: str) -> None:
    assert report[CASES[mutant]][f"Test{mutant}"] == "BROKEN"


def test_what_is_not_broken_is_kept(report: dict[str, dict[str, str]]) -> None:
    outcomes = Counter(
        outcome
        for promise, row in report.items()
        for suite, outcome in row.items()
        if CASES.get(suite.removeprefix("Test")) != promise
    )
    assert outcomes["kept"] > 4 * outcomes["BROKEN"], outcomes


def test_suites_are_fair_to_a_cloud_that_takes_its_time(report: dict[str, dict[str, str]]) -> None:
    outcomes = {promise: row.get("TestLeisurely", "") for promise, row in report.items()}
    tried = {promise: outcome for promise, outcome in outcomes.items() if outcome}
    assert len(tried) > 35
    assert {p: o for p, o in tried.items() if o not in ("kept", "lacks: not of this test")} == {}
