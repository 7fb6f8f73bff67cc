"""The Slurm that the tests marked `slurm` run against, as they see it; also started by hand.

`python -m tests.labs.slurm_lab start|stop|env DIR`. A lab that runs already is used where the
environment names its directory; else the first test that needs one starts one.
"""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.labs.openstack import processes
from tests.labs.openstack.lab import LabError
from tests.labs.slurm import lab as labs, services
from tests.labs.slurm.lab import INDIA, OTHER_USER, SIERRA, Lab

GIVEN = "CLOUDMESH_SLURM_LAB"
"""Variable that names the directory of a lab which runs already; it is not stopped."""
given = os.environ.get(GIVEN)  # read now: the tests' own home takes such variables away
_QUESTION = re.compile(r"^\t(REQUEST_\w+)\s*\(\s*\d+\) count:(\d+)", re.MULTILINE)


@attrs.frozen(kw_only=True)
class SlurmLab:
    """A running Slurm: nodes and partitions of two machines, one user beside us."""

    lab: Lab
    india: tuple[str, ...] = INDIA
    sierra: tuple[str, ...] = SIERRA
    other_user: str = OTHER_USER

    @property
    def environment(self) -> Mapping[str, str]:
        """What Slurm's commands need in their environment."""
        return {"SLURM_CONF": str(self.lab.conf)}

    @property
    def url(self) -> str:
        """Where slurmrestd listens."""
        return self.lab.url

    @property
    def socket(self) -> Path:
        """The Unix socket of slurmrestd."""
        return self.lab.socket

    @property
    def jobs(self) -> Path:
        """A directory where every user's jobs may write."""
        return self.lab.directory / "jobs"

    def run(self, *argv: str | bytes, user: str | None = None, send: str = "") -> str:
        """Return what one of Slurm's commands says, past Cloudmesh; raises LabError."""
        return services.run(self.lab, *argv, user=user, send=send)

    def token(self, user: str = "root", seconds: int = 3600) -> str:
        """Return a token of a user for slurmrestd."""
        said = self.run("scontrol", "token", f"username={user}", f"lifespan={seconds}")
        return said.strip().removeprefix("SLURM_JWT=")

    def asked(self) -> dict[str, int]:
        """Return how many questions the controller got since its start, by their kind."""
        return {kind: int(count) for kind, count in _QUESTION.findall(self.run("sdiag"))}

    def expire(self, job: str) -> None:
        """Let the time of a running job be over; Slurm looks for such jobs twice a minute."""
        self.run("scontrol", "update", f"JobId={job}", "EndTime=now")

    def as_user(self, directory: Path, user: str = OTHER_USER) -> Path:
        """Fill a directory with Slurm's commands as another user runs them; return it."""
        words = f"setpriv --reuid={user} --regid={user} --clear-groups"
        for name in ("squeue", "sbatch", "scancel", "scontrol", "sacct"):
            path = directory / name
            path.write_text(f'#!/bin/sh\nexec {words} /usr/bin/{name} "$@"\n')
            path.chmod(0o755)
        return directory

    def without(self, name: str) -> AbstractContextManager[None]:
        """Take a daemon (`slurmctld`, `slurmrestd`, a node) down; back with the block."""
        return services.without(self.lab, name)

    def rest_of(self, user: str = OTHER_USER) -> AbstractContextManager[Path]:
        """Give the Unix socket of a slurmrestd of a user's own, at which no token is needed."""
        return services.rest_of(self.lab, user)


@contextmanager
def running_lab() -> Iterator[SlurmLab]:
    """Give a running lab; one that this block started is stopped at its end, whatever happened."""
    if given:
        found = labs.read(Path(given).resolve())
        if found is None:
            raise LabError(f"{GIVEN} names {given}, where no lab is; see CONTRIBUTING.md")
        yield SlurmLab(lab=found)
        return
    with new_lab() as made:
        yield made


@contextmanager
def new_lab(**chosen: Any) -> Iterator[SlurmLab]:
    """Give a lab of one's own (`accounting=True`, `remembered=2`), gone afterwards."""
    # other users' jobs and slurmrestd must come in: not below pytest's own directory
    directory = Path(tempfile.mkdtemp(prefix="cm-slurm-"))
    lab = Lab(directory=directory, base=labs.free_base(), **chosen)
    try:
        services.start(lab)
        yield SlurmLab(lab=lab)
    finally:
        services.stop(lab)
        assert not processes.marked(directory)
    shutil.rmtree(directory)  # a lab that failed is kept, for its logs


@pytest.fixture(scope="session")
def slurm_lab() -> Iterator[SlurmLab]:
    """Give the running lab, and take variables of Slurm's from outside away."""
    with running_lab() as lab, pytest.MonkeyPatch.context() as patch:
        _enter(lab, patch)
        yield lab


@pytest.fixture(scope="session")
def _slurm_accounting_lab() -> Iterator[SlurmLab]:
    with new_lab(accounting=True) as lab:
        yield lab


@pytest.fixture
def slurm_accounting_lab(
    _slurm_accounting_lab: SlurmLab, monkeypatch: pytest.MonkeyPatch
) -> SlurmLab:
    """Give a lab with accounting, in place of `slurm_lab`, for one test."""
    _enter(_slurm_accounting_lab, monkeypatch)
    return _slurm_accounting_lab


def _enter(lab: SlurmLab, patch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith(("SLURM_", "SBATCH_", "SQUEUE_"))]:
        patch.delenv(name)
    patch.setenv("SLURM_CONF", lab.environment["SLURM_CONF"])


def main(words: list[str]) -> int:
    """Start or stop a lab by hand; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.labs.slurm_lab", description=__doc__)
    parser.add_argument("verb", choices=("start", "stop", "env"))
    parser.add_argument("directory")
    parser.add_argument("--accounting", action="store_true", help="with slurmdbd (a new lab)")
    parser.add_argument("--base", type=int, help="the lowest port (a new lab; default: a free one)")
    asked = parser.parse_args(words)
    try:
        _done(asked)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


def _done(asked: argparse.Namespace) -> None:
    directory = Path(asked.directory).resolve()
    lab = labs.read(directory)
    if asked.verb == "start":
        base = asked.base or labs.free_base()
        lab = lab or Lab(directory=directory, base=base, accounting=asked.accounting)
        services.start(lab, lambda step: print(step, file=sys.stderr))
    if lab is None:
        raise LabError(f"there is no lab in {directory}")
    if asked.verb == "stop":
        services.stop(lab)
    else:
        _show(SlurmLab(lab=lab))


def _show(lab: SlurmLab) -> None:
    """Print what a shell needs: `eval "$(python -m tests.labs.slurm_lab env DIR)"`."""
    shown = {
        **lab.environment,
        "SLURMRESTD_URL": lab.url,
        "SLURMRESTD_SOCKET": str(lab.socket),
        "SLURM_JWT": lab.token(seconds=86400),
        GIVEN: str(lab.lab.directory),
    }
    for name, value in shown.items():
        print(f"export {name}={json.dumps(value)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
