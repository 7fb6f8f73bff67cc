"""Captures of real PBS."""

from pathlib import Path

import pytest
from tests.queues.pbs.fakes import Fakes

CAPTURES = Path(__file__).parent / "captures"


@pytest.fixture
def head() -> Path:
    """Give what clients of 2026 printed."""
    return CAPTURES / "head-2026-04"


@pytest.fixture
def client() -> Path:
    """Give what clients of 23.06.06 printed."""
    return CAPTURES / "client-23.06.06"


@pytest.fixture
def fakes(tmp_path: Path) -> Fakes:
    """Give a directory for commands that stand in for PBS's."""
    (tmp_path / "bin").mkdir()
    return Fakes(tmp_path / "bin")
