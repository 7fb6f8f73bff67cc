"""Waiting for what was promised, with an end."""

import time
from collections.abc import Callable
from typing import ClassVar, TypeVar

import pytest

from cloudmesh_sdk.testing.suite import Suite

T = TypeVar("T")


class Patient(Suite):
    """A suite that asks again for what need not come to pass at once."""

    patience: ClassVar[float] = 10.0
    """Most seconds to wait for what the service promised."""

    @property
    def between(self) -> float:
        """Seconds between two looks."""
        return 0.02

    def eventually(
        self, look: Callable[[], T], holds: Callable[[T], bool], what: str, *, more: float = 0.0
    ) -> T:
        """Return what is seen once it is as promised; fails after `patience` seconds and `more`."""
        patience = self.patience + more
        end = time.monotonic() + patience
        while not holds(found := look()):
            if time.monotonic() > end:
                pytest.fail(f"{what}: not so after {patience:g} s, but {found!r}")
            time.sleep(self.between)
        return found
