"""A small stand-in for Nova and Glance, which libcloud asks with a token that it is given."""

import itertools
import re
from typing import Any

from tests.labs.openstack_endpoint import FLAVOR, IMAGE, server_document

from cloudmesh_sdk.providers.libcloud import LibcloudCloud
from cloudmesh_sdk.testing import Reply, Request

STATUS = {"os-stop": "SHUTOFF", "os-start": "ACTIVE", "reboot": "ACTIVE"}


def nova(url: str, **chosen: Any) -> LibcloudCloud:
    """Return libcloud's driver at an address that answers as `Nova` does."""
    options = {
        "ex_force_base_url": url, "ex_force_auth_url": url, "ex_force_auth_token": "t",
        "ex_force_auth_version": "3.x_password", "ex_tenant_name": "physics",
        "ex_domain_name": "default", "api_version": "2.1",
    }  # fmt: skip
    given = {"key": "albert", "secret": "s3cret-Passw0rd", "settle": 0.2, **chosen}
    settings = LibcloudCloud.Settings(provider="openstack", url=url, options=options, **given)
    return LibcloudCloud("nova", settings)


class Nova:
    """A project; `answer` is what a `Loopback` asks."""

    def __init__(self) -> None:
        self.servers: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    def answer(self, request: Request) -> Reply:
        lists = {
            "/v2/images": {"images": [IMAGE]},
            "/flavors/detail": {"flavors": [FLAVOR]},
            "/servers/detail": {"servers": list(self.servers.values())},
        }
        if request.method == "GET" and request.path in lists:
            return Reply(body=lists[request.path])
        if request.method == "POST" and request.path == "/servers":
            return self._create(request.json["server"])
        found = re.fullmatch(r"/servers/([\w-]+)(/action)?", request.path)
        if found is None or found[1] not in self.servers:
            text = "The resource could not be found."
            return Reply(status=404, body={"itemNotFound": {"message": text, "code": 404}})
        return self._act(request, found[1])

    def _create(self, asked: dict[str, Any]) -> Reply:
        server = server_document(next(self._numbers))
        server |= {"name": asked["name"], "metadata": asked.get("metadata", {})}
        self.servers[server["id"]] = server
        return Reply(status=202, body={"server": {"id": server["id"], "adminPass": "x"}})

    def _act(self, request: Request, number: str) -> Reply:
        if request.method == "GET":
            return Reply(body={"server": self.servers[number]})
        if request.method == "DELETE":
            del self.servers[number]
            return Reply(status=204)
        (act,) = request.json
        self.servers[number]["status"] = STATUS[act]
        return Reply(status=202)
