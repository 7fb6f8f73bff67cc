"""The driver keeps what every cloud promises, with all abilities, at a real OpenStack."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar
from uuid import uuid4

import attrs
import orjson
import pytest
from tests.labs.openstack_lab import OpenstackLab
from tests.providers.openstack.lab_project import Front, Project, every, first, project

from cloudmesh_sdk.models import ServerRequest
from cloudmesh_sdk.providers.openstack import OpenstackCloud
from cloudmesh_sdk.testing import CloudSuite, Many
from cloudmesh_sdk.testing.abilities import ABILITIES
from cloudmesh_sdk.testing.clouds import CANARY
from cloudmesh_sdk.testing.server import LOST, Reply, closed_port, silence

Opened = Callable[..., OpenstackCloud]

pytestmark = pytest.mark.openstack


@pytest.fixture(scope="module")
def place(openstack_lab: OpenstackLab) -> Iterator[Project]:
    with project(openstack_lab, password=CANARY) as place:
        place.router()
        yield place


class OpenstackPromises:
    """Fixtures of the lab: a project of its own, and clouds in trouble in front of it."""

    absent: ClassVar = "00000000-0000-4000-8000-000000000000"
    patience: ClassVar = 90.0
    pause: ClassVar = 0.4
    budget: ClassVar = {"servers": 4, "images": 3, "flavors": 3, "keypairs": 3}

    @pytest.fixture
    def opened(self, place: Project) -> Iterator[Opened]:
        clouds: list[OpenstackCloud] = []

        def opened(**chosen: Any) -> OpenstackCloud:
            cloud = OpenstackCloud("lab", place.settings(**chosen))
            clouds.append(cloud)
            return cloud

        yield opened
        for cloud in clouds:
            cloud.close()

    @pytest.fixture
    def cloud(self, opened: Opened) -> OpenstackCloud:
        return opened()

    @pytest.fixture
    def networks(self, place: Project) -> tuple[str, ...]:
        return (place.lab.network,)

    @pytest.fixture
    def in_front(self, place: Project, opened: Opened) -> Iterator[Callable[..., OpenstackCloud]]:
        fronts: list[Front] = []

        def in_front(alter: Any, **chosen: Any) -> OpenstackCloud:
            front = Front(place.lab.url("nova-api"), alter)
            front.__enter__()
            fronts.append(front)
            return opened(compute_endpoint_override=front.url(), **chosen)

        yield in_front
        for front in fronts:
            front.__exit__(None, None, None)

    @pytest.fixture
    def many(self, place: Project) -> Iterator[Many]:
        with project(place.lab) as apart, apart.opened(page_size=10) as cloud:
            request = ServerRequest(
                name="many",
                image=next(iter(cloud.images())).id,
                flavor=next(iter(cloud.flavors())).id,
                token=uuid4().hex,
                networks=("none",),
            )
            servers = cloud.start_many(request, cloud.names_of_many("many", 25))
            try:
                yield Many(cloud, {"servers": 25})
            finally:
                for server in servers:
                    cloud.delete(server)

    @pytest.fixture
    def crowded(self, place: Project) -> Iterator[OpenstackCloud]:
        with project(place.lab) as apart, apart.opened() as cloud:
            apart.limit(instances=2)
            yield cloud

    @pytest.fixture
    def refused(self, opened: Opened) -> OpenstackCloud:
        return opened(username="nobody", password=CANARY)

    @pytest.fixture
    def unreachable(self, opened: Opened) -> OpenstackCloud:
        return opened(auth_url=f"http://127.0.0.1:{closed_port()}/v3", retries=1)

    @pytest.fixture
    def hanging(self, opened: Opened) -> Iterator[OpenstackCloud]:
        with silence() as port:
            url = f"http://127.0.0.1:{port}/v2.1"
            yield opened(compute_endpoint_override=url, timeout=1.0)

    @pytest.fixture
    def garbage(self, in_front: Callable[..., OpenstackCloud]) -> OpenstackCloud:
        page = Reply(body="<html><body>It works!</body></html>")
        return in_front(every(lambda _: page, "GET", "/servers/detail"), retries=1)

    @pytest.fixture
    def half_page(self, in_front: Callable[..., OpenstackCloud]) -> OpenstackCloud:
        def halved(real: Reply) -> Reply:
            return attrs.evolve(real, cut=len(real.body) // 2)

        return in_front(every(halved, "GET", "/servers/detail"), retries=1)

    @pytest.fixture
    def unknown_state(
        self, in_front: Callable[..., OpenstackCloud], started: Callable[..., Any]
    ) -> OpenstackCloud:
        started()

        def strange(real: Reply) -> Reply:
            answer = orjson.loads(real.body)
            for server in answer["servers"]:
                server["status"] = "MOONWALK"
            return attrs.evolve(real, body=orjson.dumps(answer))

        return in_front(every(strange, "GET", "/servers/detail"))

    @pytest.fixture
    def secretive(self, cloud: OpenstackCloud) -> OpenstackCloud:
        return cloud

    @pytest.fixture
    def lossy(self, in_front: Callable[..., OpenstackCloud]) -> OpenstackCloud:
        return in_front(first(LOST, "POST", "/servers"))

    @pytest.fixture
    def extra_values(self, cloud: OpenstackCloud, place: Project) -> Mapping[str, Any]:
        zone = next(iter(cloud.zones())).name
        volume = 2 if place.lab.volumes else None
        hints = {"kit": "no scheduler knows this"}
        return {"zone": zone, "config_drive": True, "boot_volume": volume, "hints": hints}


class TestOpenstackLab(OpenstackPromises, CloudSuite, *ABILITIES.values()):  # type: ignore[misc]
    """Everything that a cloud can promise."""
