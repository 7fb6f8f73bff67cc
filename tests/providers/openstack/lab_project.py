"""A project of a test's own in the lab, and a front that loses or alters what Nova answered."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self
from uuid import uuid4

import attrs
import requests
from tests.labs.openstack_lab import OpenstackLab

from cloudmesh_sdk.providers.openstack import OpenstackCloud, OpenstackSettings
from cloudmesh_sdk.testing.server import Loopback, Reply, Request

ADMIN = "admin"
PASSED_ON = ("x-openstack-request-id", "openstack-api-version", "content-type")


@attrs.frozen
class Project:
    """A project with one member, and what opens it."""

    lab: OpenstackLab
    id: str
    name: str
    user: str
    password: str

    def settings(self, **chosen: Any) -> OpenstackSettings:
        given: dict[str, Any] = {
            "auth_url": self.lab.auth_url,
            "username": self.user,
            "password": self.password,
            "project_name": self.name,
            "user_domain_name": self.lab.domain,
            "project_domain_name": self.lab.domain,
            "region_name": self.lab.region,
            "cache": False,
        }
        return OpenstackSettings(**{**given, **chosen})

    @contextlib.contextmanager
    def opened(self, name: str = "lab", **chosen: Any) -> Iterator[OpenstackCloud]:
        with OpenstackCloud(name, self.settings(**chosen)) as cloud:
            yield cloud

    def ask(self, service: str, path: str, method: str = "GET", body: Any = None) -> Any:
        """Return what the lab answers its administrator."""
        return self.lab.ask(service, path, user=ADMIN, method=method, body=body)

    def router(self) -> None:
        """Give this project a router to the external network."""
        path = f"/v2.0/networks?name={self.lab.external_network}"
        (outside,) = self.ask("network", path)["networks"]
        router = {
            "name": "kit",
            "project_id": self.id,
            "external_gateway_info": {"network_id": outside["id"]},
        }
        self.ask("network", "/v2.0/routers", "POST", {"router": router})

    def limit(self, **quotas: int) -> None:
        """Set limits of this project at Nova."""
        self.ask("compute", f"/os-quota-sets/{self.id}", "PUT", {"quota_set": quotas})


@contextlib.contextmanager
def project(lab: OpenstackLab, password: str = "kit-password") -> Iterator[Project]:
    """Give a new project with a new member; both go, with what is left in the project."""
    name = f"kit-{uuid4().hex[:10]}"

    def admin(path: str, method: str = "GET", body: Any = None) -> Any:
        return lab.ask("identity", path, user=ADMIN, method=method, body=body)

    made = admin("/projects", "POST", {"project": {"name": name, "domain_id": "default"}})
    key = made["project"]["id"]
    user = {"name": name, "password": password, "domain_id": "default"}
    member = admin("/users", "POST", {"user": user})["user"]["id"]
    (role,) = [r for r in admin("/roles?name=member")["roles"] if r["name"] == "member"]
    admin(f"/projects/{key}/users/{member}/roles/{role['id']}", "PUT")
    given = Project(lab, key, name, name, password)
    try:
        yield given
    finally:
        _swept(given)
        admin(f"/users/{member}", "DELETE")
        lab.ask("compute", f"/os-quota-sets/{key}", user=ADMIN, method="DELETE")
        admin(f"/projects/{key}", "DELETE")


def _swept(given: Project) -> None:
    """Take away what a test that failed left, what Neutron made by itself, and routers."""
    left = given.ask("compute", f"/servers?all_tenants=1&project_id={given.id}")["servers"]
    for server in left:
        given.ask("compute", f"/servers/{server['id']}", "DELETE")
    routers = given.ask("network", f"/v2.0/routers?project_id={given.id}")["routers"]
    for router in routers:
        inside = given.ask("network", f"/v2.0/ports?device_id={router['id']}")["ports"]
        for port in inside:
            if port["device_owner"] == "network:router_interface":
                path = f"/v2.0/routers/{router['id']}/remove_router_interface"
                given.ask("network", path, "PUT", {"port_id": port["id"]})
        given.ask("network", f"/v2.0/routers/{router['id']}", "DELETE")
    groups = given.ask("network", f"/v2.0/security-groups?project_id={given.id}")
    for group in groups["security_groups"]:
        given.ask("network", f"/v2.0/security-groups/{group['id']}", "DELETE")


Alter = Callable[[Request, Reply], Reply]
"""What becomes of an answer of the real service."""


class Front:
    """Stands in front of a service; `alter` may lose or change what it answered."""

    def __init__(self, url: str, alter: Alter) -> None:
        self._url = url
        self._alter = alter
        self._session = requests.Session()
        self._session.trust_env = False
        self.loopback = Loopback(self._answer)

    @property
    def requests(self) -> list[str]:
        """Method and path of each request so far."""
        return [f"{asked.method} {asked.path}" for asked in self.loopback.requests]

    def __enter__(self) -> Self:
        self.loopback.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.loopback.__exit__(*error)
        self._session.close()

    def url(self, path: str = "/v2.1") -> str:
        return self.loopback.url + path

    def _answer(self, request: Request) -> Reply:
        headers = {k: v for k, v in request.headers.items() if k not in {"host", "content-length"}}
        answer = self._session.request(
            request.method,
            self._url + request.path,
            params=dict(request.query),
            data=request.body or None,
            headers={**headers, "accept-encoding": "identity"},
            timeout=60,
        )
        told: Mapping[str, str] = {
            name: value for name, value in answer.headers.items() if name.lower() in PASSED_ON
        }
        real = Reply(status=answer.status_code, body=answer.content, headers=told)
        return self._alter(request, real)


def first(fault: Reply, method: str, ending: str) -> Alter:
    """Return what puts a fault in the place of the first answer to such a request."""
    left = [fault]

    def alter(request: Request, real: Reply) -> Reply:
        if request.method == method and request.path.endswith(ending) and left:
            return left.pop()
        return real

    return alter


def every(fault: Callable[[Reply], Reply], method: str, ending: str) -> Alter:
    """Return what alters each answer to such requests."""

    def alter(request: Request, real: Reply) -> Reply:
        return fault(real) if request.method == method and request.path.endswith(ending) else real

    return alter
