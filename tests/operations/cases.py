"""Every act as a case: a scene to do it in, what is asked, how it comes to pass, what is seen."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import (
    Operation,
    OperationState,
    Rule,
    ServerRequest,
    VolumeRequest,
)
from cloudmesh_sdk.operations.runner import intent
from cloudmesh_sdk.providers.memory import MemoryCloud

DEAD = "elsewhere.example.org/1/0.00"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPlzqrPYtV6EIyRZ9xQiOhqxqrmMlVRbQ7MWFOXzcjwd albert"
SSH = Rule(from_port=22, to_port=22)


ADDRESS = "198.19.0.1"
"""The first floating IP of a memory cloud."""


class Scene:
    """A cloud with a server, an address, a volume, a snapshot and a group; and a mesh of it."""

    def __init__(self) -> None:
        self.mesh = Mesh.open("memory", config=Config.parse("clouds: {india: {driver: memory}}"))
        cloud = self.mesh.clouds["india"]
        assert isinstance(cloud, MemoryCloud)
        self.cloud = cloud
        self.server = self.mesh.start(name="web").one()
        self.address = self.mesh.create_floating_ip()
        assert self.address.name == ADDRESS
        self.volume = self.mesh.create_volume("data", 1)
        self.snapshot = self.mesh.create_snapshot("data", "monday")
        self.group = self.mesh.create_security_group("shop")
        self.mesh.refresh().complete()

    def ids(self, kind: str) -> set[str]:
        """Return the ids of a kind that the view shows."""
        return {row.id for row in getattr(self.mesh, kind)("india")}

    def leave(self, act: str, target: str, request: Mapping[str, Any], **fields: Any) -> Operation:
        """Leave an operation that was sent, as a process that died would."""
        now = datetime.now(UTC)
        left: dict[str, Any] = {
            "runner": DEAD, "lease": now - timedelta(seconds=1), "attempts": 1,
            "state": OperationState.RUNNING, "sent": now - timedelta(minutes=1), **fields,
        }  # fmt: skip
        operation = attrs.evolve(intent(self.mesh.user, act, "india", target, request), **left)
        self.mesh.store.journal.add([operation])
        return operation

    def learn(self, operation: Operation) -> Operation:
        """Reconcile, and return the operation as it is then."""
        self.mesh.reconcile()
        return self.mesh.operation(operation.id)


@attrs.frozen
class Case:
    """An act: its target and request, how it comes to pass behind our back, what is seen then."""

    target: str
    request: Callable[[Scene], dict[str, Any]]
    happen: Callable[[Scene, Operation], object]
    seen: Callable[[Scene, Operation], bool]
    before: Callable[[Scene], object] = lambda _: None


def of_server(scene: Scene) -> dict[str, Any]:
    """Return the request of an act on the server."""
    return {"id": scene.server.id}


def _state(*states: str) -> Callable[[Scene, Operation], bool]:
    return lambda scene, _: scene.mesh.server("india", scene.server.id).state in states


def _plain(act: str, *states: str, before: str = "") -> Case:
    """Return the case of an act on a server without arguments."""

    def prepare(scene: Scene) -> None:
        if before == "resize":
            scene.mesh.resize("web", "m1.large")
        elif before:
            getattr(scene.mesh, before)("web")

    return Case(
        "web", of_server,
        lambda scene, _: getattr(scene.cloud, act)(scene.server), _state(*states), prepare,
    )  # fmt: skip


def _gone(kind: str, which: str) -> Callable[[Scene, Operation], bool]:
    return lambda scene, _: getattr(scene, which).id not in scene.ids(kind)


def _made(kind: str) -> Callable[[Scene, Operation], bool]:
    return lambda scene, now: now.result is not None and now.result in scene.ids(kind)


def request_of(scene: Scene, operation: Operation) -> ServerRequest:
    """Return what the driver is asked for a start."""
    request = {k: v for k, v in operation.request.items() if k != "names"}
    return ServerRequest(token=operation.token, **request)


def _attached(scene: Scene) -> dict[str, Any]:
    ids = {"server": scene.server.id, "servers": [scene.server.id]}
    return {"id": scene.address.id, **ids}


def _freed(scene: Scene) -> dict[str, Any]:
    return {"id": scene.address.id, "servers": [scene.server.id]}


def _group_rules(scene: Scene) -> tuple[Rule, ...]:
    return scene.mesh.security_group("india", "shop").rules


def born(scene: Scene, name: str) -> dict[str, Any]:
    """Return the request of a start."""
    image, flavor = scene.server.image, scene.server.flavor
    return {"name": name, "image": image, "flavor": flavor}


def _create_volume(scene: Scene, operation: Operation) -> object:
    request = VolumeRequest(name="more", token=operation.token, **operation.request)
    return scene.cloud.create_volume(request)


CASES: dict[str, Case] = {
    "start": Case(
        "new", lambda scene: born(scene, "new"),
        lambda scene, o: scene.cloud.start(request_of(scene, o)), _made("servers"),
    ),
    "start_many": Case(
        "new-[1-2]", lambda scene: {**born(scene, "new"), "names": ["new-1", "new-2"]},
        lambda scene, o: scene.cloud.start_many(request_of(scene, o), ["new-1", "new-2"]),
        lambda scene, now: len(now.results) == 2 and set(now.results) <= scene.ids("servers"),
    ),
    "delete": Case(
        "web", of_server, lambda scene, _: scene.cloud.delete(scene.server),
        _gone("servers", "server"),
    ),
    "stop": _plain("stop", "stopped"),
    "resume": _plain("resume", "running", before="stop"),
    "suspend": _plain("suspend", "suspended"),
    "pause": _plain("pause", "paused"),
    "unpause": _plain("unpause", "running", before="pause"),
    "shelve": _plain("shelve", "shelved"),
    "unshelve": _plain("unshelve", "running", before="shelve"),
    "confirm_resize": _plain("confirm_resize", "running", before="resize"),
    "revert_resize": _plain("revert_resize", "running", before="resize"),
    "unrescue": _plain("unrescue", "running", before="rescue"),
    "rescue": _plain("rescue", "rescued"),
    "resize": Case(
        "web", lambda scene: {**of_server(scene), "flavor": "4"},
        lambda scene, _: scene.cloud.resize(scene.server, "4"), _state("resizing", "resized"),
    ),
    "rename": Case(
        "web", lambda scene: {**of_server(scene), "name": "www"},
        lambda scene, _: scene.cloud.rename(scene.server, "www"),
        lambda scene, _: scene.mesh.server("india", "www").id == scene.server.id,
    ),
    "tag": Case(
        "web", lambda scene: {**of_server(scene), "tags": {"a": "1", "b": None}},
        lambda scene, _: scene.cloud.tag(scene.server, {"a": "1"}),
        lambda scene, _: scene.mesh.server("india", "web").tags == {"a": "1"},
    ),
    "upload": Case(
        "laptop", lambda _: {"public_key": KEY},
        lambda scene, _: scene.cloud.upload_key("laptop", KEY), _made("keypairs"),
    ),
    "forget": Case(
        "laptop", lambda _: {}, lambda scene, _: scene.cloud.delete_key("laptop"),
        lambda scene, _: scene.ids("keypairs") == set(),
        lambda scene: (scene.mesh.add_key("laptop", KEY), scene.mesh.upload_key("laptop")),
    ),
    "create_security_group": Case(
        "club", lambda _: {"description": ""},
        lambda scene, _: scene.cloud.create_security_group("club", ""), _made("security_groups"),
    ),
    "allow": Case(
        "shop", lambda scene: {"id": scene.group.id, "rule": attrs.asdict(SSH)},
        lambda scene, _: scene.cloud.allow(scene.group, SSH),
        lambda scene, _: SSH in _group_rules(scene),
    ),
    "revoke": Case(
        "shop", lambda scene: {"id": scene.group.id, "rule": attrs.asdict(SSH)},
        lambda scene, _: scene.cloud.revoke(scene.group, SSH),
        lambda scene, _: SSH not in _group_rules(scene),
        lambda scene: scene.mesh.allow("shop", SSH),
    ),
    "delete_security_group": Case(
        "shop", lambda scene: {"id": scene.group.id},
        lambda scene, _: scene.cloud.delete_security_group(scene.group),
        _gone("security_groups", "group"),
    ),
    "create_floating_ip": Case(
        "public", lambda _: {"network": None},
        lambda scene, o: scene.cloud.create_floating_ip(o.token), _made("floating_ips"),
    ),
    "attach_floating_ip": Case(
        ADDRESS, _attached,
        lambda scene, _: scene.cloud.attach_floating_ip(scene.address, scene.server),
        lambda scene, _: scene.address.name in scene.mesh.server("india", "web").public_ips,
    ),
    "detach_floating_ip": Case(
        ADDRESS, _freed,
        lambda scene, _: scene.cloud.detach_floating_ip(scene.address),
        lambda scene, _: scene.address.name not in scene.mesh.server("india", "web").public_ips,
        lambda scene: scene.mesh.attach_floating_ip(scene.address, "web"),
    ),
    "release_floating_ip": Case(
        ADDRESS, _freed,
        lambda scene, _: scene.cloud.release_floating_ip(scene.address),
        _gone("floating_ips", "address"),
    ),
    "create_volume": Case(
        "more", lambda _: dict.fromkeys(("type", "zone", "image", "snapshot")) | {"size": 1},
        _create_volume, _made("volumes"),
    ),
    "attach_volume": Case(
        "data",
        lambda scene: {"id": scene.volume.id, "server": scene.server.id, "device": None},
        lambda scene, _: scene.cloud.attach_volume(scene.volume, scene.server),
        lambda scene, _: scene.mesh.volume("india", "data").server == scene.server.id,
    ),
    "detach_volume": Case(
        "data", lambda scene: {"id": scene.volume.id},
        lambda scene, _: scene.cloud.detach_volume(scene.volume),
        lambda scene, _: scene.mesh.volume("india", "data").server is None,
        lambda scene: scene.mesh.attach_volume("data", "web"),
    ),
    "delete_volume": Case(
        "data", lambda scene: {"id": scene.volume.id},
        lambda scene, _: scene.cloud.delete_volume(scene.volume), _gone("volumes", "volume"),
        lambda scene: scene.mesh.delete_snapshot("monday"),
    ),
    "create_snapshot": Case(
        "friday", lambda scene: {"volume": scene.volume.id, "volume_name": "data"},
        lambda scene, o: scene.cloud.create_snapshot(scene.volume, "friday", o.token),
        _made("snapshots"),
    ),
    "delete_snapshot": Case(
        "monday", lambda scene: {"id": scene.snapshot.id},
        lambda scene, _: scene.cloud.delete_snapshot(scene.snapshot),
        _gone("snapshots", "snapshot"),
    ),
}  # fmt: skip
"""What can be told afterwards, by act."""

BLIND = ("reboot", "hard_reboot", "rebuild", "lock", "unlock")
"""Acts that leave no trace which tells them from what was there before."""


def never_more(came: list[datetime], began: datetime, rate: float) -> bool:
    """Tell whether at no moment more had come than a rate allows that was kept from the start."""
    return all(
        moment - began >= timedelta(seconds=number / rate, milliseconds=-2)
        for number, moment in enumerate(came)
    )
