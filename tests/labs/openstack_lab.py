"""The OpenStack that the tests marked `openstack` run against, as they see it.

A lab that runs already is used where the environment names its directory; else the first test that
needs one starts one, in a directory which is kept, since installing it takes minutes.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml
from tests.labs.openstack import lab as labs, processes, rest, services
from tests.labs.openstack.lab import ACCOUNTS, DOMAIN, PASSWORD, REGION, Lab, LabError

GIVEN = "CLOUDMESH_OPENSTACK_LAB"
"""Variable that names the directory of a lab which runs already; it is not stopped."""
KEPT = "CLOUDMESH_OPENSTACK_LAB_KEPT"
"""Variable that names where a lab of our own is kept between runs."""
ROOT = Path(__file__).parents[2]
given = os.environ.get(GIVEN)  # read now: the tests' own home takes such variables away
kept = Path(os.environ.get(KEPT) or ROOT / ".nox" / "openstack-lab")


@attrs.frozen(kw_only=True)
class OpenstackLab:
    """A running OpenStack: two projects, four users with one password, what is seeded in it."""

    lab: Lab
    password: str = attrs.field(default=PASSWORD, repr=False)
    region: str = REGION
    domain: str = DOMAIN
    image: str = labs.IMAGE
    flavor: str = labs.FLAVORS[0][0]
    bigger_flavor: str = labs.FLAVORS[1][0]
    network: str = labs.NETWORK
    external_network: str = labs.EXTERNAL_NETWORK
    router: str = labs.ROUTER
    failing: str = "labfail"
    """A server with this in its name ends in ERROR."""

    @property
    def auth_url(self) -> str:
        return self.lab.auth_url

    @property
    def volumes(self) -> bool:
        """Whether it has Cinder."""
        return self.lab.volumes

    @property
    def users(self) -> tuple[str, ...]:
        """`admin`; `demo` and `other`, each in its project; `viewer`, who only reads in demo's."""
        return tuple(ACCOUNTS)

    def project(self, user: str) -> str:
        """Return the name of the project that a user works in."""
        return ACCOUNTS[user].project

    def url(self, service: str) -> str:
        """Return where `keystone`, `glance`, `neutron`, `nova-api`, `cinder-api` ... listens."""
        return self.lab.url(service)

    def cloud(self, user: str = "demo") -> dict[str, Any]:
        """Return the entry of `clouds.yaml` by which a user enters."""
        auth = {
            "auth_url": self.auth_url,
            "username": user,
            "password": self.password,
            "project_name": self.project(user),
            "user_domain_name": self.domain,
            "project_domain_name": self.domain,
        }
        return {"auth": auth, "region_name": self.region}

    def clouds_yaml(self, path: Path) -> Path:
        """Write a `clouds.yaml` with an entry for each user, named like the user; return it."""
        path.write_text(yaml.safe_dump({"clouds": {u: self.cloud(u) for u in self.users}}))
        path.chmod(0o600)
        return path

    def token(self, user: str = "demo") -> str:
        """Return a new token of a user, asked for by a plain request."""
        return rest.login(self.lab, user)

    def project_id(self, user: str = "demo") -> str:
        """Return the id of a user's project."""
        return rest.project_id(self.lab, user)

    def ask(
        self,
        service: str,
        path: str,
        *,
        user: str = "demo",
        method: str = "GET",
        body: Any = None,
        microversion: str | None = None,
    ) -> Any:
        """Return what `compute`, `image`, `network`, `volume`, `identity` answers, decoded.

        A plain request past Cloudmesh, for a test to compare with. Raises LabError.
        """
        version = f"{service} {microversion}"
        headers = {"OpenStack-API-Version": version} if microversion else {}
        if service == "volume":
            path = f"/{self.project_id(user)}{path}"
        token = self.token(user)
        return rest.ask(self.lab, token, service, path, method=method, body=body, headers=headers)

    def service(self, name: str) -> AbstractContextManager[None]:
        """Take a server (`nova-api`, `glance`, `nova-compute-1` ...) down; back with the block."""
        return services.without(self.lab, name)


@contextmanager
def running_lab() -> Iterator[OpenstackLab]:
    """Give a running lab; one that this block started is stopped at its end."""
    directory = Path(given or kept).resolve()
    lab = labs.read(directory)
    if given and lab is None:
        raise LabError(f"{GIVEN} names {given}, where no lab is; see CONTRIBUTING.md")
    ours = not given and (lab is None or not services.running(lab))
    try:
        if not given:
            services.start_apart(directory)
            lab = labs.read(directory)
        assert lab is not None
        yield OpenstackLab(lab=lab)
    finally:
        if ours and (lab := labs.read(directory)) is not None:
            services.stop(lab)
            assert not processes.marked(directory)


@pytest.fixture(scope="session")
def openstack_lab() -> Iterator[OpenstackLab]:
    """Give the running lab; the first test that asks for it may wait minutes for its start."""
    with running_lab() as lab:
        yield lab
