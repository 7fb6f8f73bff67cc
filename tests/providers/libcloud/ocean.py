"""A small stand-in for DigitalOcean's API (v2): pages, tags, actions, as its documentation says."""

import itertools
import re
from datetime import UTC, datetime
from typing import Any

from cloudmesh_sdk.testing import Reply, Request

TOKEN = "dop_v1_0123456789abcdef"
REGION = {"slug": "ams3", "name": "Amsterdam 3", "available": True, "features": [], "sizes": []}
IMAGE = {
    "id": 7555620, "name": "24.04 x64", "distribution": "Ubuntu", "slug": "ubuntu-24-04-x64",
    "public": True, "regions": ["ams3"], "created_at": "2026-04-25T00:00:00Z", "type": "snapshot",
    "min_disk_size": 7, "size_gigabytes": 2.34, "status": "available",
}  # fmt: skip
SIZE = {
    "slug": "s-1vcpu-1gb", "memory": 1024, "vcpus": 1, "disk": 25, "transfer": 1.0,
    "price_monthly": 6.0, "price_hourly": 0.00893, "regions": ["ams3"], "available": True,
    "description": "Basic", "networking_throughput": 2000,
}  # fmt: skip
IMAGES = [IMAGE, {**IMAGE, "id": 7555621, "name": "13 x64", "distribution": "Debian", "slug": None}]
SIZES = [SIZE, {**SIZE, "slug": "s-2vcpu-2gb", "vcpus": 2, "memory": 2048}]
STATUS = {"power_on": "active", "shutdown": "off", "reboot": "active", "power_cycle": "active"}


class Ocean:
    """An account; `answer` is what a `Loopback` asks."""

    def __init__(self, droplets: int = 0, token: str = TOKEN) -> None:
        self.token = token
        self.droplets: dict[int, dict[str, Any]] = {}
        self._ids = itertools.count(3164494)
        for number in range(droplets):
            self.create({"name": f"old-{number}", "size": SIZE["slug"], "image": IMAGE["id"]})

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return _problem(401, "unauthorized", "Unable to authenticate you")
        path = request.path.removeprefix("/v2/")
        lists = {
            "droplets": list(self.droplets.values()), "images": IMAGES, "sizes": SIZES,
            "regions": [REGION],
        }  # fmt: skip
        if request.method == "GET" and path in lists:
            return page(path, lists[path], request)
        if request.method == "POST" and path == "droplets":
            return self._create(request.json)
        if match := re.fullmatch(r"droplets/(\d+)(/actions)?", path):
            return self._act(request, int(match[1]))
        return _problem(404, "not_found", "The resource you requested could not be found.")

    def create(self, asked: dict[str, Any]) -> dict[str, Any]:
        number = next(self._ids)
        self.droplets[number] = {
            "id": number, "name": asked["name"], "memory": 1024, "vcpus": 1, "disk": 25,
            "locked": False, "status": "active",
            "created_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "features": ["virtio"], "backup_ids": [], "snapshot_ids": [],
            "image": next(i for i in IMAGES if str(i["id"]) == str(asked["image"])),
            "size": next(s for s in SIZES if s["slug"] == asked["size"]),
            "size_slug": asked["size"], "region": REGION, "tags": asked.get("tags", []),
            "networks": {"v4": [
                {"ip_address": "10.0.0.2", "netmask": "255.255.0.0", "type": "private"},
                {"ip_address": "192.0.2.7", "netmask": "255.255.255.0", "type": "public"},
            ], "v6": []}, "vpc_uuid": "760e09ef-dc84-11e8-981e-3cfdfeaae000",
        }  # fmt: skip
        return self.droplets[number]

    def _create(self, asked: dict[str, Any]) -> Reply:
        if asked["region"] != REGION["slug"]:
            return _problem(422, "unprocessable_entity", "region is not available")
        if any(re.fullmatch(r"[\w:-]{1,255}", tag) is None for tag in asked.get("tags", [])):
            return _problem(422, "unprocessable_entity", "tags may have letters, numbers, : - _")
        return Reply(status=202, body={"droplet": self.create(asked), "links": {"actions": []}})

    def _act(self, request: Request, number: int) -> Reply:
        if number not in self.droplets:
            return _problem(404, "not_found", "The resource you were accessing could not be found.")
        if request.method == "DELETE":
            del self.droplets[number]
            return Reply(status=204)
        self.droplets[number]["status"] = STATUS[request.json["type"]]
        return Reply(status=201, body={"action": {"id": 1, "status": "in-progress"}})


def page(name: str, rows: list[dict[str, Any]], request: Request) -> Reply:
    size, number = int(request.query.get("per_page", 20)), int(request.query.get("page", 1))
    last = max(1, -(-len(rows) // size))
    url = f"https://api.digitalocean.com/v2/{name}?per_page={size}&page="
    links: dict[str, Any] = {"pages": {"last": f"{url}{last}", "next": f"{url}{number + 1}"}}
    begin = (number - 1) * size
    body = {
        name: rows[begin : begin + size],
        "links": links if number < last else {},
        "meta": {"total": len(rows)},
    }
    return Reply(body=body)


def _problem(status: int, name: str, message: str) -> Reply:
    return Reply(status=status, body={"id": name, "message": message, "request_id": "4d9d8375"})
