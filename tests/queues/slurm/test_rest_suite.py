"""slurmrestd keeps what every queue promises, over TCP and over its Unix socket: a real one."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.labs.slurm_lab import SlurmLab
from tests.queues.slurm.rest_promises import RestPromises

pytestmark = pytest.mark.slurm


class TestSlurmrestdByTcp(RestPromises):
    @pytest.fixture
    def settings(self, slurm_accounting_lab: SlurmLab) -> Mapping[str, Any]:
        return {"url": slurm_accounting_lab.url, "token": slurm_accounting_lab.token()}


class TestSlurmrestdBySocket(RestPromises):
    @pytest.fixture
    def settings(self, slurm_accounting_lab: SlurmLab) -> Mapping[str, Any]:
        lab = slurm_accounting_lab
        return {"socket": str(lab.socket), "token": lab.token()}
