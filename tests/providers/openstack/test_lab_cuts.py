"""Whatever is cut whenever, a real OpenStack has what the journal says."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from tests.labs.openstack_lab import OpenstackLab
from tests.providers.openstack.lab_project import Project, project

from cloudmesh_sdk.providers.openstack import OpenstackCloud
from cloudmesh_sdk.testing import Cuts, CutSuite, Moment

pytestmark = pytest.mark.openstack

Opened = Callable[..., OpenstackCloud]

SERVICES = {
    "compute": ("nova-api", "/v2.1"),
    "network": ("neutron", ""),
    "volume": ("cinder-api", "/v3/{project}"),
}
"""Which server does what, and what stands before the paths."""


@pytest.fixture(scope="module")
def place(openstack_lab: OpenstackLab) -> Iterator[Project]:
    with project(openstack_lab) as place:
        place.router()
        yield place


class TestOpenstackCuts(CutSuite):
    driver: ClassVar = OpenstackCloud
    patience: ClassVar = 60.0
    pause: ClassVar = 0.2
    lacks: ClassVar = {
        "each": "takes too long at a real cloud; tried at the endpoint of EC2",
        "dead": "real clients are killed at every step by tests/operations/test_kill_openstack.py",
    }
    moments: ClassVar = {  # the worst of them; all of the suite's take six minutes
        "once": (Moment.HALF,),
        "dark": (Moment.UNANSWERED,),
    }

    @pytest.fixture
    def networks(self, place: Project) -> tuple[str, ...]:
        found = place.lab.ask("network", f"/v2.0/networks?name={place.lab.network}")
        return (found["networks"][0]["id"],)

    @pytest.fixture
    def opened(self, place: Project) -> Iterator[Opened]:
        clouds: list[OpenstackCloud] = []

        def opened(**chosen: Any) -> OpenstackCloud:
            clouds.append(OpenstackCloud("lab", place.settings(retries=1, settle=2.0, **chosen)))
            return clouds[-1]

        yield opened
        for cloud in clouds:
            cloud.close()

    @pytest.fixture
    def cloud(self, opened: Opened) -> OpenstackCloud:
        return opened()

    @pytest.fixture
    def through(self, place: Project, opened: Opened) -> Callable[[Cuts], OpenstackCloud]:
        def through(cuts: Cuts) -> OpenstackCloud:
            asked = {
                f"{kind}_endpoint_override": cuts.at(place.lab.url(server))
                + path.format(project=place.id)
                for kind, (server, path) in SERVICES.items()
            }
            return opened(**asked)

        return through
