"""The Grid Engine that the tests marked `gridengine` run against; also started by hand.

`python -m tests.labs.gridengine_lab start|stop|env DIR`. A lab that runs already is used where the
environment names its directory; else the first test that needs one starts one.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import attrs
import pytest
from tests.labs.gridengine import lab as labs, services
from tests.labs.gridengine.lab import HOST, OTHER_USER, SLOTS, Lab
from tests.labs.openstack import processes
from tests.labs.openstack.lab import LabError

GIVEN = "CLOUDMESH_GRIDENGINE_LAB"
"""Variable that names the directory of a lab which runs already; it is not stopped."""
given = os.environ.get(GIVEN)  # read now: the tests' own home takes such variables away


@attrs.frozen(kw_only=True)
class GridEngineLab:
    """A running Grid Engine: one host, the queues india.q and sierra.q, one user beside us."""

    lab: Lab
    host: str = HOST
    slots: int = SLOTS
    other_user: str = OTHER_USER

    @property
    def commands(self) -> Path:
        """A directory of its commands (`qstat`, `qsub` ...), to be a driver's `path`."""
        return self.lab.commands

    @property
    def jobs(self) -> Path:
        """A directory where every user's jobs may write."""
        return self.lab.jobs

    def run(self, *argv: str, user: str | None = None, send: str = "") -> str:
        """Return what one of Grid Engine's commands says, past Cloudmesh; raises LabError."""
        return services.run(self.lab, *argv, user=user, send=send)

    def as_user(self, directory: Path, user: str | None = OTHER_USER) -> Path:
        """Fill a directory with the commands as another user (None: root) runs them; return it."""
        services.commands(self.lab, directory, user)
        return directory

    def without(self, name: str) -> AbstractContextManager[None]:
        """Take `sge_qmaster` or `sge_execd` down; back with the block."""
        return services.without(self.lab, name)


@contextmanager
def running_lab() -> Iterator[GridEngineLab]:
    """Give a running lab; one that this block started is stopped at its end, whatever happened."""
    if given:
        found = labs.read(Path(given).resolve())
        if found is None:
            raise LabError(f"{GIVEN} names {given}, where no lab is; see CONTRIBUTING.md")
        yield GridEngineLab(lab=found)
        return
    # other users' jobs must come in: not below pytest's own directory
    directory = Path(tempfile.mkdtemp(prefix="cm-gridengine-"))
    lab = Lab(directory=directory)
    try:
        services.start(lab)
        yield GridEngineLab(lab=lab)
    finally:
        services.stop(lab)
        assert not processes.marked(directory)
    shutil.rmtree(directory)  # a lab that failed is kept, for its logs


@pytest.fixture(scope="session")
def gridengine_lab() -> Iterator[GridEngineLab]:
    """Give the running lab, and take variables of Grid Engine's from outside away."""
    with running_lab() as lab, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SGE_")]:
            patch.delenv(name)
        yield lab


def main(words: list[str]) -> int:
    """Start or stop a lab by hand; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.labs.gridengine_lab", description=__doc__
    )
    parser.add_argument("verb", choices=("start", "stop", "env"))
    parser.add_argument("directory")
    asked = parser.parse_args(words)
    try:
        _done(asked.verb, Path(asked.directory).resolve())
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


def _done(verb: str, directory: Path) -> None:
    lab = labs.read(directory)
    if verb == "start":
        lab = lab or Lab(directory=directory)
        services.start(lab, lambda step: print(step, file=sys.stderr))
    if lab is None:
        raise LabError(f"there is no lab in {directory}")
    if verb == "stop":
        services.stop(lab)
        return
    print(f'export {GIVEN}="{directory}"\nexport PATH="{lab.commands}:$PATH"')


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
