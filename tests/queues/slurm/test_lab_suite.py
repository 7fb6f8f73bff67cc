"""The command line keeps what every queue promises, at a real Slurm."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.queues.slurm.promises import SlurmPromises

pytestmark = pytest.mark.slurm


class TestSlurmByCommandsHere(SlurmPromises):
    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        return {}
