"""The pytest plug-in: makes the kit's assertions speak, and writes which promises were kept.

`pytest --cloudmesh-report FILE` writes a table, a line a promise and a column a suite: `kept`,
`BROKEN`, or why it could not be tried. Markdown, or JSON where the name ends in `.json`.
It does nothing for projects that do not use the kit, and imports the kit only where it is used.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

pytest.register_assert_rewrite("cloudmesh_sdk.testing")

Table = dict[str, dict[str, str]]
"""Promise → suite → outcome."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our option to pytest's."""
    parser.getgroup("cloudmesh").addoption(
        "--cloudmesh-report",
        metavar="FILE",
        help="write which promises of cloudmesh_sdk.testing were kept (Markdown, or .json)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Listen to the outcomes where somebody wants them in a file."""
    if path := config.getoption("--cloudmesh-report"):
        config.pluginmanager.register(Report(Path(path)), "cloudmesh-report")


class Report:
    """Collects outcomes of promises and writes them when the tests are over."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.table: Table = {}
        self._places: dict[str, tuple[str, str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note which items are promises, and what their suites lack."""
        suite = sys.modules.get("cloudmesh_sdk.testing.suite")
        if suite is None:
            return
        for item in items:
            cls = getattr(item, "cls", None)
            if isinstance(cls, type) and issubclass(cls, suite.Suite):
                name = getattr(item, "originalname", item.name)
                if name in suite.promises(cls):
                    self._places[item.nodeid] = (name, cls.__name__)
                self._lacks(cls, suite.lacking(cls))

    def _lacks(self, cls: type, lacking: Mapping[str, str]) -> None:
        for name, reason in lacking.items():
            self.table.setdefault(name, {})[cls.__name__] = f"lacks: {reason}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the outcome of one phase of one test; the worst of all its cases stays."""
        if report.nodeid not in self._places or not (report.failed or report.when == "call"):
            return
        name, suite = self._places[report.nodeid]
        row = self.table.setdefault(name, {})
        if row.get(suite) != "BROKEN":
            row[suite] = {"passed": "kept", "failed": "BROKEN"}.get(report.outcome, report.outcome)

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        table = {_words(name): dict(sorted(row.items())) for name, row in self.table.items()}
        text = json.dumps(table, indent=1) if self.path.suffix == ".json" else markdown(table)
        self.path.write_text(text + "\n", encoding="utf-8")


def _words(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


def markdown(table: Table) -> str:
    """Return a table in Markdown: a line a promise, a column a suite."""
    suites = sorted({suite for row in table.values() for suite in row})
    lines = [["promise", *suites], ["---"] * (len(suites) + 1)]
    lines += [[name, *(row.get(suite, "") for suite in suites)] for name, row in table.items()]
    return "\n".join(
        "| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in lines
    )
