"""The contributors' only door: `nox -l` lists what there is, `nox -s tests` is the gate.

The nox that `sh install.sh --dev` installs works in its own environment, which has all that the
sessions need; any other nox makes one (`.nox/`) from the same dependency groups.
"""

import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2024.10"
nox.options.sessions = ["tests"]
nox.options.error_on_external_run = False

ROOT = Path(__file__).parent
PYTHON_FILES = ("src", "tests", "benchmarks", "examples", "noxfile.py", "conftest.py")
PLUGINS = (ROOT / "examples" / "plugin", ROOT / "examples" / "plugin-gridengine")
AT_HOME = all(
    importlib.util.find_spec(name) for name in ("cloudmesh_sdk", "mypy", "pytest", "sybil", "moto")
)
BACKEND = "none" if AT_HOME else "venv"


def _ready(session: nox.Session) -> None:
    """Fill an environment of nox's own; the one of install.sh is full already."""
    if not AT_HOME:
        groups = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "dev")
        session.install("--quiet", *groups, "-e", ".[all]")


def _python(session: nox.Session, *args: str, env: dict[str, str] | None = None) -> None:
    python = sys.executable if AT_HOME else "python"
    session.run(python, "-m", *args, env=env, external=AT_HOME)


def _lint(session: nox.Session) -> None:
    there = [name for name in PYTHON_FILES if (ROOT / name).exists()]
    _python(session, "ruff", "check", *there)
    _python(session, "ruff", "format", "--check", *there)


def _types(session: nox.Session) -> None:
    _python(session, "mypy")


def _example_plugin(session: nox.Session) -> None:
    """Install the example packages as a stranger would, beside us, and run their own tests."""
    place = ROOT / ".nox" / "example-plugin"
    python = place / "bin" / "python"
    if not python.exists():
        shutil.rmtree(place, ignore_errors=True)
        _python(session, "venv", str(place))
    packages = [word for package in (ROOT, *PLUGINS) for word in ("-e", str(package))]
    pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    session.run(*pip, *packages, "pytest", external=True)
    for plugin in PLUGINS:
        settings = str(plugin / "pyproject.toml")  # else ours would be found above it
        session.run(str(python), "-m", "pytest", "-q", "-c", settings, str(plugin), external=True)


def _docs(session: nox.Session) -> None:
    out = str(ROOT / ".nox" / "docs")
    _python(session, "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", out)


def _unit(session: nox.Session) -> None:
    without = "not openstack and not slurm and not gridengine"
    words = ("--continue-on-collection-errors", "-m", without)
    _python(session, "pytest", *words, *session.posargs)


def _everything(session: nox.Session) -> None:
    words = ("--continue-on-collection-errors", "--openstack", "--slurm", "--gridengine")
    _python(session, "pytest", *words, *session.posargs)


@nox.session(venv_backend=BACKEND, reuse_venv=True)
def tests(session: nox.Session) -> None:
    """The gate: style, types, the example plug-in, then every test, on real labs too, and docs."""
    _ready(session)
    steps: dict[str, Callable[[nox.Session], None]] = {
        "lint": _lint,
        "types": _types,
        "docs": _docs,
        "example_plugin": _example_plugin,
        "everything": _everything,  # last, so that its summary ends the output
    }
    failed = []
    for name, step in steps.items():
        try:
            step(session)
        except CommandFailed:
            failed.append(name)
    if failed:
        session.error(f"failed: {', '.join(failed)}")


@nox.session(venv_backend=BACKEND, reuse_venv=True)
def lint(session: nox.Session) -> None:
    """Style: ruff's rules, and its format; `nox -s lint -- --fix` mends what can be."""
    _ready(session)
    if "--fix" in session.posargs:
        _python(session, "ruff", "check", "--fix", "--exit-zero", "--quiet")
        _python(session, "ruff", "format", "--quiet")
    _lint(session)


@nox.session(venv_backend=BACKEND, reuse_venv=True)
def types(session: nox.Session) -> None:
    """Types: mypy strict on sources, tests, benchmarks and this file."""
    _ready(session)
    _types(session)


@nox.session(venv_backend=BACKEND, reuse_venv=True)
def unit(session: nox.Session) -> None:
    """Tests without labs, doc blocks; pytest's arguments: `nox -s unit -- tests/store -x`."""
    _ready(session)
    _unit(session)


@nox.session(venv_backend=BACKEND, reuse_venv=True)
def openstack(session: nox.Session) -> None:
    """Tests on an OpenStack of their own, which takes minutes and 3 GiB; arguments as for unit."""
    _ready(session)
    words = ("--openstack", "-m", "openstack")
    _python(session, "pytest", *words, *(session.posargs or ("tests",)))


@nox.session(venv_backend=BACKEND, reuse_venv=True)
def slurm(session: nox.Session) -> None:
    """Tests on a Slurm of their own, which Debian's packages make, as root; arguments as unit."""
    _ready(session)
    words = ("--slurm", "-m", "slurm")
    _python(session, "pytest", *words, *(session.posargs or ("tests",)))


@nox.session(venv_backend=BACKEND, reuse_venv=True)
def gridengine(session: nox.Session) -> None:
    """Tests on a Grid Engine of their own, which Debian's packages make, as root; as unit."""
    _ready(session)
    words = ("--gridengine", "-m", "gridengine")
    _python(session, "pytest", *words, *(session.posargs or ("tests",)))


@nox.session(venv_backend=BACKEND, reuse_venv=True)
def chaos(session: nox.Session) -> None:
    """The long chaos run, with `--openstack` and `--broker`: all is killed, nothing is lost."""
    _ready(session)
    _python(session, "tests.chaos", *session.posargs)


@nox.session(venv_backend=BACKEND, reuse_venv=True)
def example_plugin(session: nox.Session) -> None:
    """The third-party examples: installed in an environment of their own, their tests run."""
    _ready(session)
    _example_plugin(session)


@nox.session(venv_backend=BACKEND, reuse_venv=True)
def docs(session: nox.Session) -> None:
    """The documentation as web pages, in .nox/docs; a warning is an error."""
    _ready(session)
    _docs(session)


@nox.session(venv_backend=BACKEND, reuse_venv=True)
def notebooks(session: nox.Session) -> None:
    """The notebooks, executed from first to last cell."""
    _ready(session)
    _python(session, "pytest", "tests/test_notebooks.py", *session.posargs)


@nox.session(venv_backend=BACKEND, reuse_venv=True)
def bench(session: nox.Session) -> None:
    """Benchmarks against peers, same server, same run; prints a table (minutes, quiet machine)."""
    _ready(session)
    _python(session, "benchmarks", *session.posargs)


@nox.session(venv_backend=BACKEND, reuse_venv=True)
def changelog(session: nox.Session) -> None:
    """What the next release's changelog would say, from the sentences in changelog.d."""
    _ready(session)
    _python(session, "towncrier", "build", "--draft", "--version", "next", *session.posargs)
