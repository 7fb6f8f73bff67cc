"""The installer says what it does, does one phase alone, and never stops for want of root."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHELLS = [name for name in ("dash", "bash", "busybox") if shutil.which(name)]
TOOLS = ("cat", "dirname", "grep", "tr", "uname", "env")


class Machine:
    """A made-up machine: only the programs that stand in its `bin` are there."""

    def __init__(self, place: Path) -> None:
        self.bin = place / "bin"
        self.log = place / "log"
        self.venv = place / "venv"
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(str(shutil.which(tool)))

    def program(self, name: str, text: str = "") -> None:
        """Put a program there that notes how it was called."""
        path = self.bin / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.log}"\n{text}\n')
        path.chmod(0o755)

    def python(self, name: str = "python3", *, lacks: str = "", version: str = "") -> None:
        """Put a Python there; it may lack modules or libraries, or be an old one."""
        refuse = f'case "$*" in {lacks}) exit 1 ;; esac' if lacks else ""
        old = 'case "$*" in *version_info*) exit 1 ;; esac' if version else ""
        self.program(name, f'{refuse}\n{old}\nexec {sys.executable} "$@"')

    def user(self, number: int) -> None:
        self.program("id", f"echo {number}")

    def debian(self, *known: str) -> None:
        """Make it a Debian whose package lists know some names."""
        names = "|".join(known) or "none"
        self.program("apt-cache", f'case "$2" in {names}) echo "Package: $2" ;; esac')
        self.program("apt-get")

    def calls(self, program: str) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if line.startswith(f"{program} ")]

    def install(self, *args: str, shell: str = "/bin/sh") -> subprocess.CompletedProcess[str]:
        words = [shell, *(["sh"] if shell.endswith("busybox") else []), str(ROOT / "install.sh")]
        return subprocess.run(
            [*words, "--venv", str(self.venv), *args],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=self.bin.parent,
            env={"PATH": str(self.bin), "HOME": str(self.bin.parent)},
        )


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    made.user(1000)
    yield made
    if made.venv.exists():
        shutil.rmtree(made.venv)


LACKS_LIBRARIES = "*libcurl*|*libssl*"
X86 = os.uname().machine == "x86_64"


@pytest.mark.parametrize("shell", SHELLS)
def test_it_is_plain_posix_shell(shell: str) -> None:
    words = [shell, *(["sh"] if shell == "busybox" else []), "-n", str(ROOT / "install.sh")]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stderr == ""


@pytest.mark.parametrize("shell", SHELLS)
def test_a_dry_run_prints_every_command_and_runs_none(machine: Machine, shell: str) -> None:
    machine.user(0)
    machine.debian("libcurl4", "libssl3")
    machine.python(lacks=LACKS_LIBRARIES)
    done = machine.install("--dry-run", shell=str(shutil.which(shell)))
    commands = [line.strip() for line in done.stdout.splitlines() if line.startswith("  + ")]
    assert done.returncode == 0
    if X86:
        assert commands[0] == "+ apt-get update -q"
        assert commands[1].endswith("--no-install-recommends libcurl4 libssl3")
    pip = f"+ env PIP_USER=0 {machine.venv}/bin/python -m pip install --quiet"
    pip += " --disable-pip-version-check --no-input"
    assert commands[-3:] == [
        f"+ {machine.bin}/python3 -m venv {machine.venv}",
        f"{pip} -r {machine.venv}/requirements.txt",
        f"{pip} --editable {ROOT}[demo]",
    ]
    assert machine.calls("apt-get") == []
    assert not machine.venv.exists()


def test_without_root_it_says_what_an_administrator_can_run_and_goes_on(machine: Machine) -> None:
    machine.debian("libcurl4t64", "libssl3t64")
    machine.python(lacks=f"{LACKS_LIBRARIES}|*ensurepip*")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    done = machine.install("--phase", "system")
    libraries = " libcurl4t64 libssl3t64" if X86 else ""
    assert f"apt-get install -y python{version}-venv{libraries}\n" in done.stdout
    assert "going on" in done.stdout
    assert done.returncode == 0
    assert machine.calls("apt-get") == []


def test_root_gets_the_missing_packages_and_no_others(machine: Machine) -> None:
    machine.user(0)
    machine.debian()
    machine.python(lacks="*ensurepip*")
    assert machine.install("--phase", "system").returncode == 0
    update, install = machine.calls("apt-get")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert update == "apt-get update -q"
    assert install.split("--no-install-recommends ")[1].split() == [f"python{version}-venv"]


def test_nothing_is_installed_where_all_is_there(machine: Machine) -> None:
    machine.user(0)
    machine.debian()
    machine.python()
    done = machine.install("--phase", "system")
    assert "all there" in done.stdout
    assert machine.calls("apt-get") == []


def test_contributors_need_git(machine: Machine) -> None:
    machine.debian()
    machine.python()
    assert "install -y git\n" in machine.install("--dev", "--phase", "system").stdout


def test_a_failing_apt_get_does_not_end_the_installation(machine: Machine) -> None:
    machine.user(0)
    machine.debian()
    machine.program("apt-get", "exit 100")
    machine.python(lacks="*ensurepip*")
    done = machine.install("--phase", "system")
    assert done.returncode == 0
    assert "going on without" in done.stdout


def test_other_systems_are_told_what_is_wanted(machine: Machine) -> None:
    machine.python()
    done = machine.install("--phase", "system")
    assert "no apt-get" in done.stdout
    assert "Python 3.11" in done.stdout
    assert done.returncode == 0


def test_a_newer_python_is_found_behind_an_old_python3(machine: Machine) -> None:
    machine.python("python3", version="old")
    machine.python("python3.12")
    done = machine.install("--dry-run", "--phase", "requirements")
    assert f"+ {machine.bin}/python3.12 -m venv {machine.venv}" in done.stdout


@pytest.mark.parametrize("phase", ["system", "requirements", "cloudmesh"])
def test_each_phase_can_be_run_alone_and_says_what_it_does(machine: Machine, phase: str) -> None:
    machine.python()
    done = machine.install("--dry-run", "--phase", phase)
    headings = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert [line.partition(":")[0] for line in headings] == [phase]


def test_the_extras_and_the_contributors_tools_are_unfolded(machine: Machine) -> None:
    machine.python()
    (machine.venv / "bin").mkdir(parents=True)
    pip = machine.venv / "bin" / "python"
    pip.write_text(f'#!/bin/sh\ncase "$*" in *pip*) exit 0 ;; esac\nexec {sys.executable} "$@"\n')
    pip.chmod(0o755)
    assert machine.install("--dev", "--phase", "requirements").returncode == 0
    wanted = (machine.venv / "requirements.txt").read_text().splitlines()
    names = {line.split(">")[0].split("[")[0].split("=")[0].split(";")[0] for line in wanted}
    assert {"attrs", "boto3", "moto", "click", "nox", "mypy", "ruff", "pytest"} <= names
    assert "cloudmesh-sdk" not in names
    assert len(wanted) == len(set(wanted))


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["--fast"], "there is no option '--fast'"),
        (["--phase", "all"], "there is no phase 'all' (system, requirements, cloudmesh)"),
        (["--phase"], "--phase needs a value"),
        (["--extras", "a;b"], "--extras wants names with commas between, found 'a;b'"),
    ],
)
def test_a_wrong_option_gets_one_line_and_exit_code_2(
    machine: Machine, args: list[str], complaint: str
) -> None:
    done = machine.install(*args)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"install.sh: {complaint}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("phase", "complaint"),
    [
        ("requirements", "install.sh: no Python 3.11 or newer is on PATH"),
        ("cloudmesh", "install.sh: there is no virtual environment"),
    ],
)
def test_what_cannot_be_done_gets_one_line_and_exit_code_1(
    machine: Machine, phase: str, complaint: str
) -> None:
    machine.python(version="old")
    done = machine.install("--phase", phase)
    assert done.returncode == 1
    assert done.stderr.startswith(complaint)
    assert done.stderr.count("\n") == 1


def test_an_unknown_extra_is_named_with_those_there_are(machine: Machine) -> None:
    machine.python()
    (machine.venv / "bin").mkdir(parents=True)
    (machine.venv / "bin" / "python").symlink_to(machine.bin / "python3")
    done = machine.install("--phase", "requirements", "--extras", "ec3")
    assert done.returncode == 1
    assert "there is no extra 'ec3'; there are: all, demo, ec2" in done.stderr


def test_a_python_that_was_asked_for_must_be_new_enough(machine: Machine) -> None:
    machine.python("python3")
    machine.python("python2", version="old")
    done = subprocess.run(
        [
            "/bin/sh",
            str(ROOT / "install.sh"),
            "--venv",
            str(machine.venv),
            "--phase",
            "requirements",
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(machine.bin), "PYTHON": "python2"},
    )
    assert done.returncode == 1
    assert done.stderr == "install.sh: PYTHON=python2 is not a Python 3.11 or newer\n"


def test_help_names_every_option_and_phase(machine: Machine) -> None:
    text = machine.install("--help").stdout
    for word in ("--dev", "--phase", "--extras", "--venv", "--dry-run", "system", "requirements"):
        assert word in text
