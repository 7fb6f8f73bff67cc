"""One OpenStack client, one task, one fresh process: prints what it cost as JSON.

    python openstack_clients.py CLIENT list|life

Reads `OS_*`; the life of a server needs BENCH_IMAGE, BENCH_FLAVOR and BENCH_NETWORK (ids). Each
client is used as its documentation shows; where it leaves the polling to its user, once a second.
"""

import json
import os
import pathlib
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

ENV = os.environ
AUTH = ("auth_url", "username", "password", "project_name", "user_domain_name",
        "project_domain_name")  # fmt: skip
MICROVERSION = "2.96"
POLL = 1.0


def credentials() -> dict[str, str]:
    return {name: ENV[f"OS_{name.upper()}"] for name in AUTH}


def place() -> dict[str, str]:
    return {key: ENV[f"BENCH_{key.upper()}"] for key in ("image", "flavor", "network")}


def until(done: Callable[[], bool], seconds: float = 180.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("the server did not get there")
        time.sleep(POLL)


class Cloudmesh:
    """Our driver for lists; for the life of a server the mesh, with its own waiting."""

    def __init__(self) -> None:
        from cloudmesh_sdk.providers.openstack import OpenstackCloud, OpenstackSettings

        given: dict[str, Any] = {**credentials(), "region_name": ENV["OS_REGION_NAME"]}
        self.cloud = OpenstackCloud("lab", OpenstackSettings(cache=False, **given))
        self.entry = {**given, "password": "env:OS_PASSWORD", "cache": False}

    def list(self) -> int:
        return sum(1 for _ in self.cloud.servers())

    def life(self) -> None:
        import tempfile

        from cloudmesh_sdk.mesh import Mesh
        from cloudmesh_sdk.models import Flavor, Image

        where = place()
        image = Image(cloud="lab", id=where["image"], name="tiny")
        flavor = Flavor(cloud="lab", id=where["flavor"], name="m1.nano")
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder) / "cloudmesh.yaml"
            config.write_text(
                json.dumps({"clouds": {"lab": {"driver": "openstack", **self.entry}}})
            )
            with Mesh.open("memory", config=str(config)) as mesh:
                started = mesh.start(
                    cloud="lab", image=image, flavor=flavor, networks=[where["network"]]
                )
                mesh.wait(started).complete()
                mesh.delete(started).complete()
                mesh.wait(started, "deleted").complete()


class Requests:
    """Plain requests and json: the floor."""

    def __init__(self) -> None:
        import requests

        self.session = requests.Session()
        self.url = ""

    def login(self) -> None:
        given = credentials()
        domain = {"name": given["user_domain_name"]}
        user = {"name": given["username"], "domain": domain, "password": given["password"]}
        scope = {"project": {"name": given["project_name"], "domain": domain}}
        identity = {"methods": ["password"], "password": {"user": user}}
        answer = self.session.post(
            f"{given['auth_url']}/auth/tokens",
            json={"auth": {"identity": identity, "scope": scope}},
        )
        answer.raise_for_status()
        self.session.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]
        self.session.headers["X-OpenStack-Nova-API-Version"] = MICROVERSION
        catalog = answer.json()["token"]["catalog"]
        (compute,) = [entry for entry in catalog if entry["type"] == "compute"]
        self.url = next(e["url"] for e in compute["endpoints"] if e["interface"] == "public")

    def list(self) -> int:
        self.login()
        found: list[Any] = []
        url: str | None = f"{self.url}/servers/detail"
        while url:
            page = self.session.get(url).json()
            found += page["servers"]
            links = page.get("servers_links", ())
            url = next((link["href"] for link in links if link["rel"] == "next"), None)
        return len(found)

    def life(self) -> None:
        self.login()
        where = place()
        body = {"name": "bench-life", "imageRef": where["image"], "flavorRef": where["flavor"],
                "networks": [{"uuid": where["network"]}]}  # fmt: skip
        made = self.session.post(f"{self.url}/servers", json={"server": body}).json()
        url = f"{self.url}/servers/{made['server']['id']}"
        until(lambda: self.session.get(url).json()["server"]["status"] == "ACTIVE")
        self.session.delete(url)
        until(lambda: self.session.get(url).status_code == 404)


class Novaclient:
    """python-novaclient, its newest microversion."""

    def __init__(self) -> None:
        from keystoneauth1 import session
        from keystoneauth1.identity import v3
        from novaclient import client

        given: dict[str, Any] = credentials()
        self.nova = client.Client(
            MICROVERSION,
            session=session.Session(v3.Password(**given)),
            region_name=ENV["OS_REGION_NAME"],
        )

    def list(self) -> int:
        return len(self.nova.servers.list(limit=-1))

    def life(self) -> None:
        from novaclient import exceptions

        where = place()
        server = self.nova.servers.create(
            "bench-life", where["image"], where["flavor"], nics=[{"net-id": where["network"]}]
        )
        until(lambda: self.nova.servers.get(server.id).status == "ACTIVE")
        self.nova.servers.delete(server.id)

        def gone() -> bool:
            try:
                self.nova.servers.get(server.id)
            except exceptions.NotFound:
                return True
            return False

        until(gone)


class Openstacksdk:
    """openstacksdk, its compute proxy."""

    def __init__(self) -> None:
        import openstack

        self.connection = openstack.connect(load_yaml_config=False)

    def list(self) -> int:
        return sum(1 for _ in self.connection.compute.servers())

    def life(self) -> None:
        where, compute = place(), self.connection.compute
        server = compute.create_server(
            name="bench-life", image_id=where["image"], flavor_id=where["flavor"],
            networks=[{"uuid": where["network"]}],
        )  # fmt: skip
        compute.wait_for_server(server)
        compute.delete_server(server)
        compute.wait_for_delete(server)


class Libcloud:
    """Apache Libcloud with its default API version."""

    def __init__(self) -> None:
        from libcloud.compute.providers import get_driver
        from libcloud.compute.types import Provider

        given = credentials()
        driver: Any = get_driver(Provider.OPENSTACK)
        self.driver = driver(
            given["username"],
            given["password"],
            ex_force_auth_url=given["auth_url"].removesuffix("/v3"),
            ex_force_auth_version="3.x_password",
            ex_tenant_name=given["project_name"],
            ex_domain_name=given["user_domain_name"],
            ex_force_service_region=ENV["OS_REGION_NAME"],
        )

    def list(self) -> int:
        return len(self.driver.list_nodes())

    def life(self) -> None:
        where = place()
        (image,) = [i for i in self.driver.list_images() if i.id == where["image"]]
        (size,) = [s for s in self.driver.list_sizes() if s.id == where["flavor"]]
        (network,) = [n for n in self.driver.ex_list_networks() if n.id == where["network"]]
        node = self.driver.create_node("bench-life", size, image, networks=[network])
        self.driver.wait_until_running([node], wait_period=POLL, ssh_interface="private_ips")
        self.driver.destroy_node(node)
        until(lambda: node.id not in [n.id for n in self.driver.list_nodes()])


CLIENTS: dict[str, type[Any]] = {
    "cloudmesh": Cloudmesh,
    "requests": Requests,
    "novaclient": Novaclient,
    "openstacksdk": Openstacksdk,
    "libcloud": Libcloud,
}


def main() -> None:
    name, task = sys.argv[1:]
    begun, modules = time.process_time(), len(sys.modules)
    client = CLIENTS[name]()
    opened = time.process_time()
    wall = time.perf_counter()
    count = getattr(client, task)()
    cost = {
        "open_cpu": opened - begun,
        "modules": len(sys.modules) - modules,
        "cpu": time.process_time() - opened,
        "wall": time.perf_counter() - wall,
        "servers": count,
        "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(cost))


if __name__ == "__main__":
    main()
