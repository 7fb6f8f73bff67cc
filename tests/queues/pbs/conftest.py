"""Captures of real PBS."""

from pathlib import Path

import pytest

CAPTURES = Path(__file__).parent / "captures"


@pytest.fixture
def head() -> Path:
    """Give what clients of 2026 printed."""
    return CAPTURES / "head-2026-04"


@pytest.fixture
def client() -> Path:
    """Give what clients of 23.06.06 printed."""
    return CAPTURES / "client-23.06.06"
