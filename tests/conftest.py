"""What all tests may use: a RabbitMQ; OpenStack, Slurm, Grid Engine for those marked so."""

import pytest
from tests.labs.gridengine_lab import gridengine_lab
from tests.labs.openstack_lab import openstack_lab
from tests.labs.rabbit_lab import rabbit_lab
from tests.labs.slurm_lab import _slurm_accounting_lab, slurm_accounting_lab, slurm_lab

__all__ = [
    "_slurm_accounting_lab", "gridengine_lab", "openstack_lab", "rabbit_lab",
    "slurm_accounting_lab", "slurm_lab",
]  # fmt: skip

LABS = ("gridengine", "slurm", "openstack")
"""Markers of tests on a lab, in the order in which they run after all others."""

LONGEST = 300
"""Seconds for a test on a lab; what its start takes does not count."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests on labs last, and give them time: some wait for servers to boot, for jobs."""
    items.sort(key=lambda item: max(map(LABS.index, _labs(item)), default=-1))
    for item in items:
        if _labs(item) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LONGEST, func_only=True))


def _labs(item: pytest.Item) -> list[str]:
    return [name for name in LABS if item.get_closest_marker(name)]
