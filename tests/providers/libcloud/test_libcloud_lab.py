"""Whatever is cut, a real OpenStack that libcloud talks to has what the journal says."""

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from tests.labs.openstack_lab import OpenstackLab
from tests.providers.openstack.lab_project import Project, project

from cloudmesh_sdk.providers.libcloud import LibcloudCloud
from cloudmesh_sdk.testing import Cuts, CutSuite, Moment

pytestmark = pytest.mark.openstack


def libcloud(place: Project, nova: str) -> LibcloudCloud:
    """Return libcloud's driver, whose requests to Nova go to an address."""
    options = {
        "ex_force_auth_url": place.lab.url("keystone"), "ex_force_auth_version": "3.x_password",
        "ex_tenant_name": place.name, "ex_domain_name": place.lab.domain,
        "ex_force_service_region": place.lab.region, "api_version": "2.1",
        "ex_force_base_url": f"{nova}/v2.1", "ex_force_image_url": place.lab.url("glance"),
    }  # fmt: skip
    settings = LibcloudCloud.Settings(
        provider="openstack", key=place.user, secret=place.password, settle=2.0, options=options
    )
    return LibcloudCloud("lab", settings)


@pytest.fixture(scope="module")
def place(openstack_lab: OpenstackLab) -> Iterator[Project]:
    with project(openstack_lab) as place:
        yield place


class TestLibcloudAtOpenstack(CutSuite):
    driver: ClassVar = LibcloudCloud
    patience: ClassVar = 60.0
    pause: ClassVar = 0.2
    lacks: ClassVar = {"each": "takes too long at a real cloud; tried at a stand-in"}
    moments: ClassVar = {
        "once": (Moment.HALF,),
        "dark": (Moment.UNANSWERED,),
        "dead": (Moment.UNANSWERED,),
    }

    @pytest.fixture
    def cloud(self, place: Project) -> Iterator[LibcloudCloud]:
        with libcloud(place, place.lab.url("nova-api")) as cloud:
            yield cloud

    @pytest.fixture
    def through(self, place: Project) -> Callable[[Cuts], LibcloudCloud]:
        return lambda cuts: libcloud(place, cuts.at(place.lab.url("nova-api")))
