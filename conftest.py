"""Rules for all tests: a home of their own, nothing left running, nothing left out in CI.

The code blocks of README, docs and docstrings run as tests too.
"""

import os
import signal
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import psutil
import pytest
from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers import markdown, rest

ROOT = Path(__file__).parent
PATIENCE = 15.0
"""Seconds that a process which was told to stop may take."""

FOREIGN = ("CLOUDMESH_", "AWS_", "OS_", "MONGO")
"""How variables begin that would let a developer's own accounts into the tests."""

LAB_GIVEN = os.environ.get("CLOUDMESH_OPENSTACK_LAB")
LAB_WANTED = "needs an OpenStack, which --openstack starts (minutes, 3 GiB of memory)"
SLURM_GIVEN = os.environ.get("CLOUDMESH_SLURM_LAB")
SLURM_WANTED = "needs a Slurm, which --slurm starts (seconds, once Debian's packages are there)"
GRIDENGINE_GIVEN = os.environ.get("CLOUDMESH_GRIDENGINE_LAB")
GRIDENGINE_WANTED = (
    "needs a Grid Engine, which --gridengine starts (seconds, once Debian's packages are there)"
)
GRIDENGINE_ROOT = "needs a Grid Engine, whose daemons and namespaces only root can start"
SLURM_ROOT = "needs a Slurm, whose daemons only root can start; CLOUDMESH_SLURM_LAB may name one"

EXAMPLE = """\
profile: {username: albert, prefix: albert}
clouds:
  india: {driver: memory, servers: 3}
  sierra: {driver: memory, servers: 2}
store: {linger: 0}
defaults: {cloud: india}
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let who runs the tests say whether they may start what is large."""
    parser.addoption(
        "--openstack",
        action="store_true",
        help="run the tests marked openstack too, which start an OpenStack unless"
        " CLOUDMESH_OPENSTACK_LAB names the directory of one that runs",
    )
    parser.addoption(
        "--slurm",
        action="store_true",
        help="run the tests marked slurm too, which install and start a Slurm (as root) unless"
        " CLOUDMESH_SLURM_LAB names the directory of one that runs",
    )
    parser.addoption(
        "--gridengine",
        action="store_true",
        help="run the tests marked gridengine too, which install and start a Grid Engine (as root)"
        " unless CLOUDMESH_GRIDENGINE_LAB names the directory of one that runs",
    )


def pytest_configure() -> None:
    """Let Ctrl-C be tried where who runs the tests ignores it, as `&` in a shell script does."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty home for the whole run; whatever still runs out of it at the end is an error."""
    path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(FOREIGN)]:
            patch.delenv(name)
        for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "CACHE_HOME", "RUNTIME_DIR"):
            place = path / name.lower()
            place.mkdir(mode=0o700)
            patch.setenv(f"XDG_{name}", str(place))
        patch.setenv("AWS_CONFIG_FILE", str(path / "no-aws-config"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path / "no-aws-credentials"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield path
    left = _end(tmp_path_factory.getbasetemp())
    assert not left, f"tests left processes running: {left}"


@pytest.fixture(scope="module")
def example_config(home: Path) -> Iterator[Path]:
    """The configuration that the code blocks of one document find: two clouds in memory."""
    path = home / "example" / "cloudmesh.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(EXAMPLE)
    path.chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLOUDMESH_CONFIG", str(path))
        patch.chdir(path.parent)
        yield path


def _end(place: Path) -> list[str]:
    """End the processes whose command lines name a place; return those that did not go alone."""
    deadline = time.monotonic() + PATIENCE
    while (left := _running(place)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for process in left:
        process.kill()
    return [f"{process.pid} {process.name()}" for process in left]


def _running(place: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.pid != os.getpid()
        and any(str(place) in word for word in process.info["cmdline"] or ())
    ]


def _left_out_is_failed(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a left-out test into a failed one: where nobody looks, it would never run."""
    if report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    if os.environ.get("CI", "").lower() in ("", "0", "false"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"left out, which CI does not accept: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _left_out_is_failed(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _left_out_is_failed(report)
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, with the reason, what only root can do and what nobody asked for."""
    missing = _missing(config)
    for item in items:
        for marker, reason in missing.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def _missing(config: pytest.Config) -> dict[str, str]:
    """Return the markers of tests that cannot run or were not asked for, and why."""
    missing: dict[str, str] = {}
    if os.geteuid() != 0:
        missing |= {"root": "needs root", "gridengine": GRIDENGINE_ROOT}
    elif not GRIDENGINE_GIVEN and not config.option.gridengine:
        missing["gridengine"] = GRIDENGINE_WANTED
    if not LAB_GIVEN and not config.option.openstack:
        missing["openstack"] = LAB_WANTED
    if not SLURM_GIVEN:
        if not config.option.slurm:
            missing["slurm"] = SLURM_WANTED
        elif os.geteuid() != 0:
            missing["slurm"] = SLURM_ROOT
    return missing


pytest_collect_file = (
    Sybil(
        parsers=[markdown.PythonCodeBlockParser(), markdown.SkipParser()],
        patterns=["README.md", "CONTRIBUTING.md", "docs/*.md", "docs/**/*.md"],
        fixtures=["example_config"],
    )
    + Sybil(
        parsers=[rest.DocTestParser(), rest.PythonCodeBlockParser(), rest.SkipParser()],
        patterns=["src/**/*.py"],
        fixtures=["example_config"],
        document_types={".py": PythonDocStringDocument},
    )
).pytest()
