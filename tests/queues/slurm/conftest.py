"""What all tests of Slurm may use."""

from pathlib import Path

import pytest
from tests.queues.slurm.fakes import SQUEUE, UP, Fakes


@pytest.fixture
def fakes(tmp_path: Path) -> Fakes:
    """Give commands of a Slurm that lives and has no jobs."""
    made = Fakes(directory=tmp_path)
    made.command("squeue", SQUEUE)
    made.command("scontrol", UP)
    return made
