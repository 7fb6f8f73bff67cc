"""What a new lab is filled with: users, the catalog, flavors, an image, two networks, a router."""

import time
from collections.abc import Sequence
from typing import Any

from tests.labs.openstack import processes, rest
from tests.labs.openstack.lab import (
    ACCOUNTS,
    EXTERNAL_NETWORK,
    FLAVORS,
    IMAGE,
    NETWORK,
    PASSWORD,
    REGION,
    ROUTER,
    Lab,
)

ROLES = ("admin", "member", "reader", "service")
SERVICE_USERS = ("nova", "glance", "placement", "neutron", "cinder")

CATALOG: tuple[tuple[str, str, str, str], ...] = (
    ("compute", "nova", "nova-api", "/v2.1"),
    ("image", "glance", "glance", ""),
    ("placement", "placement", "placement", ""),
    ("network", "neutron", "neutron", ""),
    ("block-storage", "cinder", "cinder-api", "/v3/%(project_id)s"),
    ("volumev3", "cinderv3", "cinder-api", "/v3/%(project_id)s"),
)
"""Type, name, server and path; volumes under their new and their old type, as DevStack has them."""


class Admin:
    """The administrator's requests, with one token for many: a lab's tokens may last seconds."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._token, self._renew_at = "", 0.0

    def get(self, service: str, path: str) -> Any:
        return self.send("GET", service, path)

    def send(self, method: str, service: str, path: str, body: Any = None) -> Any:
        if time.monotonic() >= self._renew_at:
            self._renew_at = time.monotonic() + self.lab.options.token_seconds / 2
            self._token = rest.login(self.lab, "admin")
        return rest.ask(self.lab, self._token, service, path, method=method, body=body)

    def named(self, service: str, path: str, kind: str, name: str, **more: Any) -> str:
        """Return the id of what has a name; it is made where it is missing."""
        for found in self.get(service, f"{path}?name={name}")[f"{kind}s"]:
            if found["name"] == name:
                return str(found["id"])
        made = self.send("POST", service, path, {kind: {"name": name, **more}})
        return str(made[kind]["id"])


def identity(lab: Lab) -> None:
    """Make roles, projects, users and the catalog."""
    admin = Admin(lab)
    roles = {name: admin.named("identity", "/roles", "role", name) for name in ROLES}
    projects = {
        name: admin.named("identity", "/projects", "project", name, domain_id="default")
        for name in ("service", *(account.project for account in ACCOUNTS.values()))
    }
    users = {account.user: (account.project, account.roles) for account in ACCOUNTS.values()}
    users |= dict.fromkeys(SERVICE_USERS, ("service", ("admin", "service")))
    for name, (project, granted) in users.items():
        more = {"domain_id": "default", "password": PASSWORD}
        user = admin.named("identity", "/users", "user", name, **more)
        for role in granted:
            path = f"/projects/{projects[project]}/users/{user}/roles/{roles[role]}"
            admin.send("PUT", "identity", path)
    _catalog(admin)


def _catalog(admin: Admin) -> None:
    for kind, name, server, path in CATALOG:
        if "cinder" in name and not admin.lab.volumes:
            continue
        service = admin.named("identity", "/services", "service", name, type=kind)
        have = admin.get("identity", f"/endpoints?service_id={service}")["endpoints"]
        for interface in {"public", "internal", "admin"} - {found["interface"] for found in have}:
            endpoint = {
                "service_id": service,
                "interface": interface,
                "url": f"{admin.lab.url(server)}{path}",
                "region_id": REGION,
            }
            admin.send("POST", "identity", "/endpoints", {"endpoint": endpoint})


def resources(lab: Lab) -> None:
    """Make flavors, an image and networks."""
    admin = Admin(lab)
    have = {found["name"] for found in admin.get("compute", "/flavors")["flavors"]}
    for number, (name, cpus, memory, disk) in enumerate(FLAVORS, start=1):
        if name not in have:
            flavor = {"id": str(number), "name": name, "vcpus": cpus, "ram": memory, "disk": disk}
            admin.send("POST", "compute", "/flavors", {"flavor": flavor})
    _image(admin)
    _networks(admin)


def _image(admin: Admin) -> None:
    if admin.get("image", f"/v2/images?name={IMAGE}")["images"]:
        return
    image = {"name": IMAGE, "disk_format": "raw", "container_format": "bare"}
    made = admin.send("POST", "image", "/v2/images", {**image, "visibility": "public"})
    admin.send("PUT", "image", f"/v2/images/{made['id']}/file", bytes(4096))


def _networks(admin: Admin) -> None:
    flat = {"provider:network_type": "flat", "provider:physical_network": "ext"}
    path = "/v2.0/networks"
    inner = admin.named("network", path, "network", NETWORK, shared=True)
    outer = admin.named(
        "network", path, "network", EXTERNAL_NETWORK, **flat, **{"router:external": True}
    )
    shared = _subnet(admin, "shared4", inner, "10.20.0.0/16")
    _subnet(admin, "public4", outer, "172.24.0.0/16")
    gateway = {"external_gateway_info": {"network_id": outer}}
    router = admin.named("network", "/v2.0/routers", "router", ROUTER, **gateway)
    ports = admin.get("network", f"/v2.0/ports?device_id={router}&network_id={inner}")["ports"]
    if not ports:
        place = f"/v2.0/routers/{router}/add_router_interface"
        admin.send("PUT", "network", place, {"subnet_id": shared})


def _subnet(admin: Admin, name: str, network: str, cidr: str) -> str:
    more = {"network_id": network, "ip_version": 4, "cidr": cidr, "enable_dhcp": False}
    return admin.named("network", "/v2.0/subnets", "subnet", name, **more)


def wait_for_workers(
    lab: Lab, workers: Sequence[str], since: time.struct_time, seconds: float
) -> None:
    """Wait until every worker has told that it lives, later than `since`.

    Nova calls a host up for minutes after it died, so a status "up" alone says nothing.
    """
    admin = Admin(lab)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", since)
    wanted = {_as_told(worker) for worker in workers}

    def all_told() -> bool:
        for worker in workers:
            processes.must_run(lab, worker)
        found = admin.get("compute", "/os-services")["services"]
        if lab.volumes:
            project = rest.project_id(lab, "admin")
            found = found + admin.get("volume", f"/{project}/os-services")["services"]
        up = {
            name
            for service in found
            if service["state"] == "up" and (service["updated_at"] or "") >= moment
            for name in (service["binary"], service["host"])
        }
        return wanted <= up

    processes.wait(f"the first sign of {', '.join(sorted(wanted))}", all_told, seconds)


def _as_told(worker: str) -> str:
    """Return how a worker is listed: hosts by their names, others by their programs'."""
    return worker.removeprefix("nova-") if worker.startswith("nova-compute") else worker
