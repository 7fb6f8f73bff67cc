"""Keystone, Nova, Glance and Neutron on loopback as clients see them, for what a real one cannot
be made to do: thousands of servers, throttling, dead services, garbage.

The documents are those of a real Nova 34 (2026.2), with ids and names of their own. All is
deterministic. `served` starts it as a process of its own, so that a benchmark counts the
client's processor time alone.
"""

import contextlib
import itertools
import json
import subprocess
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from cloudmesh_sdk.testing.server import Loopback, Reply, Request

USER, PASSWORD, PROJECT, REGION = "albert", "s3cret-Passw0rd", "physics", "RegionOne"
PROJECT_ID, USER_ID = "aa54d09040c24a41afc805946fb48011", "4ef46f550d5e4690a91f4d722582adda"
IMAGE_ID = "4d98c4fa-28fd-4c60-b3a9-a0f729371932"
PAGE = 1_000
LIFE = 3_600
SERVICES = {
    "compute": "/compute/v2.1",
    "image": "/image",
    "network": "/network",
    "identity": "/v3",
}


def server_document(number: int, url: str = "http://cloud.example.org/compute/v2.1") -> Any:
    """Return a server as Nova 34 gives it at microversion 2.96."""
    id_ = f"{number:08x}-8ef9-4e0f-9d0b-5b8f8f0b0001"
    root = url.removesuffix("/v2.1")
    return {
        "accessIPv4": "",
        "accessIPv6": "",
        "addresses": {
            "shared": [
                {
                    "version": 4,
                    "addr": f"10.20.{number // 250 % 250}.{number % 250 + 2}",
                    "OS-EXT-IPS:type": "fixed",
                    "OS-EXT-IPS-MAC:mac_addr": f"fa:16:3e:{number >> 16 & 255:02x}:"
                    f"{number >> 8 & 255:02x}:{number & 255:02x}",
                }
            ]
        },
        "created": "2026-11-22T22:11:14Z",
        "flavor": {
            "vcpus": 1,
            "ram": 64,
            "disk": 1,
            "ephemeral": 0,
            "swap": 0,
            "original_name": "m1.nano",
            "extra_specs": {},
        },
        "hostId": "b134681a25e49b1e5286371a2364f4ad848e4f96266d89d2cac2c7a3",
        "id": id_,
        "image": {
            "id": IMAGE_ID,
            "links": [{"rel": "bookmark", "href": f"{root}/images/{IMAGE_ID}"}],
        },
        "links": [
            {"rel": "self", "href": f"{url}/servers/{id_}"},
            {"rel": "bookmark", "href": f"{root}/servers/{id_}"},
        ],
        "metadata": {},
        "name": f"node-{number:05d}",
        "status": "ACTIVE",
        "tenant_id": PROJECT_ID,
        "user_id": USER_ID,
        "updated": "2026-11-22T22:11:17Z",
        "OS-DCF:diskConfig": "MANUAL",
        "progress": 0,
        "OS-EXT-AZ:availability_zone": "nova",
        "config_drive": "",
        "key_name": None,
        "OS-SRV-USG:launched_at": "2026-11-22T22:11:17.000000",
        "OS-SRV-USG:terminated_at": None,
        "OS-EXT-STS:task_state": None,
        "OS-EXT-STS:vm_state": "active",
        "OS-EXT-STS:power_state": 1,
        "os-extended-volumes:volumes_attached": [],
        "locked": False,
        "description": None,
        "tags": [],
        "trusted_image_certificates": None,
        "locked_reason": None,
        "OS-EXT-SRV-ATTR:hostname": f"node-{number:05d}",
        "pinned_availability_zone": None,
        "security_groups": [{"name": "default"}],
    }


IMAGE = {
    "name": "tiny",
    "disk_format": "raw",
    "container_format": "bare",
    "visibility": "public",
    "size": 4096,
    "virtual_size": 4096,
    "status": "active",
    "checksum": "620f0b67a91f7f74151bc5be745b7110",
    "protected": False,
    "min_ram": 0,
    "min_disk": 0,
    "owner": "580f221050d44ec6a1342ee4646414e3",
    "os_hidden": False,
    "id": IMAGE_ID,
    "created_at": "2026-11-22T21:49:18Z",
    "updated_at": "2026-11-22T21:49:18Z",
    "tags": [],
    "self": f"/v2/images/{IMAGE_ID}",
    "file": f"/v2/images/{IMAGE_ID}/file",
    "schema": "/v2/schemas/image",
}
FLAVOR = {
    "id": "1",
    "name": "m1.nano",
    "ram": 64,
    "disk": 1,
    "swap": 0,
    "OS-FLV-EXT-DATA:ephemeral": 0,
    "OS-FLV-DISABLED:disabled": False,
    "vcpus": 1,
    "os-flavor-access:is_public": True,
    "rxtx_factor": 1.0,
    "links": [],
    "description": None,
    "extra_specs": {},
}
NETWORK = {
    "id": "2e29d034-16b2-4e41-88d0-c2ec39f2282f",
    "name": "shared",
    "tenant_id": PROJECT_ID,
    "project_id": PROJECT_ID,
    "admin_state_up": True,
    "mtu": 1500,
    "status": "ACTIVE",
    "subnets": [],
    "shared": True,
    "router:external": False,
    "description": "",
    "tags": [],
    "revision_number": 2,
}


class Endpoint:
    """A small OpenStack with so many servers in pages of so many.

    `faults[path]` are replies that are given in place of the usual ones, one after the other, to
    whatever asks that path; `expire` lets no token be good any more.
    """

    def __init__(self, servers: int = 3, *, page: int = PAGE) -> None:
        self.servers = servers
        self.page = page
        self.services = dict(SERVICES)
        self.regions = [REGION]
        self.password: str | None = PASSWORD
        """None lets everybody in."""
        self.life = LIFE
        self.microversions = ("2.1", "2.104")
        self.faults: dict[str, deque[Reply]] = defaultdict(deque)
        self.server = Loopback(self.answer)
        self._tokens: set[str] = set()
        self._numbers = itertools.count(1)
        self._rendered: Callable[[int, int], bytes] = lru_cache(maxsize=64)(self._render)
        self._routes: Mapping[str, Callable[[Request], Reply]] = {
            "/compute/v2.1/servers/detail": self._list,
            "/compute/v2.1/servers": self._create,
            "/compute/v2.1/flavors/detail": lambda _: Reply(body={"flavors": [FLAVOR]}),
            "/compute/v2.1": self._version,
            "/compute/v2.1/": self._version,
            "/image/v2/images": lambda _: Reply(body={"images": [IMAGE]}),
            "/network/v2.0/networks": lambda _: Reply(body={"networks": [NETWORK]}),
        }

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)

    @property
    def url(self) -> str:
        """The address of Keystone, as users know it."""
        return f"{self.server.url}/v3"

    @property
    def requests(self) -> list[str]:
        """What was asked so far, as `GET /compute/v2.1/servers`."""
        return [f"{request.method} {request.path}" for request in self.server.requests]

    @property
    def logins(self) -> int:
        """How often somebody signed in so far."""
        return self.requests.count("POST /v3/auth/tokens")

    def expire(self) -> None:
        """Let no token be good any more."""
        self._tokens.clear()

    def answer(self, request: Request) -> Reply:
        """Return the answer to one request."""
        if self.faults[request.path]:
            return self.faults[request.path].popleft()
        if request.path in ("/", "/v3", "/v3/", "/v3/auth/tokens"):
            return self._keystone(request)
        if not request.path.startswith(tuple(SERVICES.values())):
            return Reply(status=404, body="<html><h1>404 Not Found</h1></html>")
        if request.headers.get("x-auth-token") not in self._tokens:
            return _refusal(401, "error", "The request you have made requires authentication.")
        if not self._speaks(request):
            low, high = self.microversions
            text = f"Version is not supported by the API. Minimum is {low} and maximum is {high}."
            return _refusal(406, "computeFault", text)
        route = self._routes.get(request.path)
        if request.path.startswith("/compute/v2.1/servers/") and route is None:
            route = self._one
        return route(request) if route else _refusal(404, "itemNotFound", "No such thing.")

    def _speaks(self, request: Request) -> bool:
        asked = request.headers.get("openstack-api-version", "").partition(" ")[2]
        if not asked or not request.path.startswith("/compute"):
            return True
        return _number(asked) <= _number(self.microversions[1])

    def _keystone(self, request: Request) -> Reply:
        if request.path.endswith("/tokens"):
            return self._token(request)
        links = [{"rel": "self", "href": f"{self.url}/"}]
        version = {"id": "v3.14", "status": "stable", "links": links}
        if request.path == "/":
            return Reply(status=300, body={"versions": {"values": [version]}})
        return Reply(body={"version": version})

    def _version(self, _: Request) -> Reply:
        low, high = self.microversions
        links = [{"rel": "self", "href": f"{self.server.url}/compute/v2.1/"}]
        version = {"id": "v2.1", "status": "CURRENT", "links": links}
        return Reply(body={"version": {**version, "version": high, "min_version": low}})

    def _token(self, request: Request) -> Reply:
        identity = request.json["auth"]["identity"]
        given = identity.get("password", {}).get("user", {}).get("password")
        given = given or identity.get("application_credential", {}).get("secret")
        if self.password not in (None, given):
            return _refusal(401, "error", "The request you have made requires authentication.")
        token = f"gAAAAA-token-{next(self._numbers)}"
        self._tokens.add(token)
        now = datetime.now(UTC)
        body = {
            "methods": identity["methods"],
            "user": {"id": USER_ID, "name": USER, "domain": {"id": "default", "name": "Default"}},
            "audit_ids": ["qkXKjyeFRnSNeDo9TBIeUA"],
            "issued_at": _moment(now),
            "expires_at": _moment(now + timedelta(seconds=self.life)),
            "project": {"id": PROJECT_ID, "name": PROJECT, "domain": {"id": "default"}},
            "roles": [{"id": "8f1bcce3a4924fc496b524f95be32fc9", "name": "member"}],
            "catalog": [self._entry(kind, path) for kind, path in self.services.items()],
        }
        return Reply(status=201, body={"token": body}, headers={"X-Subject-Token": token})

    def _entry(self, kind: str, path: str) -> Any:
        places = [
            {"id": kind, "interface": i, "region": r, "region_id": r, "url": self.server.url + path}
            for i in ("admin", "internal", "public")
            for r in self.regions
        ]
        name = {"compute": "nova"}.get(kind, kind)  # libcloud looks for that one
        return {"id": kind, "type": kind, "name": name, "endpoints": places}

    def _list(self, request: Request) -> Reply:
        marker = request.query.get("marker", "")
        start = int(marker[:8], 16) + 1 if marker else 0
        size = min(self.page, int(request.query.get("limit") or self.page))
        return Reply(
            body=self._rendered(start, size),
            headers={
                "Content-Type": "application/json",
                "x-openstack-request-id": f"req-list-{start}",
            },
        )

    def _render(self, start: int, size: int) -> bytes:
        end = min(start + size, self.servers)
        url = f"{self.server.url}/compute/v2.1"
        page: dict[str, Any] = {"servers": [server_document(n, url) for n in range(start, end)]}
        if end < self.servers:
            marker = page["servers"][-1]["id"]
            link = f"{url}/servers/detail?limit={size}&marker={marker}"
            page["servers_links"] = [{"rel": "next", "href": link}]
        return json.dumps(page).encode()

    def _one(self, request: Request) -> Reply:
        number = int(request.path.rpartition("/")[2][:8], 16)
        if number >= self.servers:
            return _refusal(404, "itemNotFound", "Instance could not be found.")
        url = f"{self.server.url}/compute/v2.1"
        return Reply(body={"server": server_document(number, url)})

    def _create(self, request: Request) -> Reply:
        if request.method != "POST":
            return _refusal(405, "badMethod", "Not here.")
        made = server_document(self.servers)
        self.servers += 1
        self._rendered = lru_cache(maxsize=64)(self._render)
        return Reply(status=202, body={"server": {"id": made["id"], "adminPass": "pYw7Nru3cret"}})


def _refusal(status: int, kind: str, message: str) -> Reply:
    headers = {"x-openstack-request-id": f"req-refused-{status}"}
    return Reply(status=status, body={kind: {"code": status, "message": message}}, headers=headers)


def _moment(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


@contextlib.contextmanager
def served(servers: int = 10_000, *, page: int = PAGE) -> Iterator[str]:
    """Give the URL of Keystone of an endpoint in a process of its own, all pages made already.

    It lets everybody in, whatever the password.
    """
    command = [sys.executable, "-m", "tests.labs.openstack_endpoint", str(servers), str(page)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()  # it ends with its input
            process.wait(10)


def _main(servers: int, page: int) -> None:
    with Endpoint(servers, page=page) as endpoint:
        endpoint.password = None
        for start in range(0, servers, page):
            endpoint._rendered(start, page)
        print(endpoint.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _main(*map(int, sys.argv[1:3]))
