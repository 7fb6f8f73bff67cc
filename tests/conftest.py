"""What all tests may use: one OpenStack, for those that are marked `openstack`."""

import pytest
from tests.labs.openstack_lab import openstack_lab

__all__ = ["openstack_lab"]

LONGEST = 300
"""Seconds for a test on the lab; what its start takes does not count."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests on the lab last, and give them time: some wait for several servers to boot."""
    items.sort(key=lambda item: item.get_closest_marker("openstack") is not None)
    for item in items:
        if item.get_closest_marker("openstack") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LONGEST, func_only=True))
