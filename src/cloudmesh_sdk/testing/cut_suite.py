"""What a driver of clouds promises of connections that break."""

from collections.abc import Callable
from typing import ClassVar
from uuid import uuid4

import pytest

from cloudmesh_sdk.models import Server, ServerRequest
from cloudmesh_sdk.providers.base import Cloud
from cloudmesh_sdk.testing.clouds import CloudFixtures
from cloudmesh_sdk.testing.cut_deeds import DEEDS, CloudScene
from cloudmesh_sdk.testing.cut_plays import Play
from cloudmesh_sdk.testing.cut_promises import CutPromises


class CutSuite(CloudFixtures, CutPromises):
    """Promises of every act that changes something, whatever is cut and whenever.

    Give `cloud`, a driver object that nothing is cut for, `through`, which opens one that reaches
    the same account by the proxies of `Cuts.at`, and `driver`, its class. Settings that try again
    once or twice keep it short. `changes` may be overridden where the method of a request does not
    tell whether it changes something, `moments` where a cloud is slow.

    Acts are asked for as the mesh does: journalled, run, and reconciled by another object of the
    driver, as the next process would.
    """

    deeds: ClassVar = DEEDS

    @pytest.fixture
    def scene(
        self,
        cloud: Cloud,
        ordered: Callable[..., ServerRequest],
        started: Callable[..., Server],
    ) -> Callable[[], CloudScene]:
        """Give what makes scenes at the cloud."""
        return lambda: CloudScene(
            service=cloud, name=f"kit-{uuid4().hex[:12]}", order=ordered(), started=started,
            eventually=self.eventually,
        )  # fmt: skip

    def sweep(self, played: Play) -> None:
        """Take away what a play left, once the cloud lets go of it."""
        self.allowed(played.clean)
