"""What is asked of a cloud while connections break, as a table: how, and what is there then."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import attrs

from cloudmesh_sdk.errors import NotFoundError
from cloudmesh_sdk.models import (
    FloatingIP,
    Keypair,
    Rule,
    SecurityGroup,
    Server,
    ServerRequest,
    ServerState,
    Volume,
)
from cloudmesh_sdk.providers.base import (
    Cloud,
    HasFloatingIPs,
    HasKeypairs,
    HasSecurityGroups,
    HasVolumes,
    StartsMany,
)
from cloudmesh_sdk.testing.abilities.keys import public_key
from cloudmesh_sdk.testing.clouds import GONE

Asked = tuple[str, Mapping[str, Any]]
"""The target of an operation and its request."""

_WEB = Rule(from_port=8080, to_port=8080)


@attrs.frozen(kw_only=True)
class Scene:
    """A cloud to ask past all that breaks, and a name that nothing there has yet."""

    cloud: Any
    name: str
    order: ServerRequest
    """What a server is started with, but for its token."""
    started: Callable[..., Server]
    """Starts servers that run, with fields of a request."""
    eventually: Callable[..., Any]
    """Asks for something until it is as wanted; see `Suite.eventually`."""

    def servers(self, *names: str) -> set[str]:
        """Return the ids of the servers of these names that are not gone."""
        rows: Iterable[Server] = self.cloud.servers()
        return {row.id for row in rows if row.name in names and row.state not in GONE}

    def named(self, kind: str) -> set[str]:
        """Return the ids of what has the name, of a kind such as `volumes`."""
        return {row.id for row in getattr(self.cloud, kind)() if row.name == self.name}

    def with_token(self, kind: str, token: str) -> set[str]:
        """Return the ids of what carries a token."""
        return {row.id for row in getattr(self.cloud, kind)() if row.token == token}

    def state(self, id: str) -> ServerState:  # noqa: A002
        """Return the state of a server as the cloud tells it."""
        try:
            found: Server = self.cloud.server(id)
        except NotFoundError:
            return ServerState.DELETED
        return found.state


@attrs.frozen(kw_only=True)
class Deed:
    """One act: how it is asked for, and how to see at the cloud what came of it.

    What makes something tells the ids of all that it made (`made`), all else whether the thing is
    as it was wanted (`reached`). Where that leaves no trace there is neither.
    """

    asked: Callable[[Scene], Asked]
    needs: type = Cloud
    made: Callable[[Scene, str], set[str]] | None = None
    """From the token of the operation."""
    reached: Callable[[Scene, Mapping[str, Any]], bool] | None = None
    """From the request."""
    kind: str | None = None
    """Of what it makes."""
    many: int = 1
    """How many things are made."""


def _start(scene: Scene) -> Asked:
    order = scene.order
    request = {"image": order.image, "flavor": order.flavor, "networks": list(order.networks)}
    return scene.name, {"name": scene.name, **request}


def _names(scene: Scene) -> list[str]:
    return list(scene.cloud.names_of_many(scene.name, 2))


def _start_many(scene: Scene) -> Asked:
    _, request = _start(scene)
    return f"{scene.name}-[1-2]", {**request, "names": _names(scene)}


def _server(scene: Scene) -> Asked:
    return scene.name, {"id": scene.started(name=scene.name).id}


def _stopped(scene: Scene) -> Asked:
    target, request = _server(scene)
    scene.cloud.stop(scene.cloud.server(request["id"]))
    scene.eventually(
        lambda: scene.state(request["id"]), lambda now: now is ServerState.STOPPED, "it is stopped"
    )
    return target, request


def _in(*states: ServerState) -> Callable[[Scene, Mapping[str, Any]], bool]:
    return lambda scene, request: scene.state(request["id"]) in states


def _key(scene: Scene) -> Asked:
    return scene.name, {"public_key": public_key()}


def _group(scene: Scene) -> Asked:
    return scene.name, {"description": "of the kit"}


def _rule(scene: Scene) -> Asked:
    group = scene.cloud.create_security_group(scene.name, "of the kit")
    return scene.name, {"id": group.id, "rule": attrs.asdict(_WEB)}


def _allowed(scene: Scene, request: Mapping[str, Any]) -> bool:
    (group,) = [row for row in scene.cloud.security_groups() if row.id == request["id"]]
    return [rule for rule in group.rules if rule.from_port == _WEB.from_port] == [_WEB]


def _volume(scene: Scene) -> Asked:
    return scene.name, {"size": 1}


def _address(_: Scene) -> Asked:
    return "public", {"network": None}


def _named(kind: str) -> Callable[[Scene, str], set[str]]:
    return lambda scene, _: scene.named(kind)


def _carrying(kind: str) -> Callable[[Scene, str], set[str]]:
    return lambda scene, token: scene.with_token(kind, token)


DEEDS: Mapping[str, Deed] = {
    "start": Deed(
        asked=_start, made=lambda scene, _: scene.servers(scene.name), kind=Server.kind
    ),
    "start_many": Deed(
        asked=_start_many, made=lambda scene, _: scene.servers(*_names(scene)),
        kind=Server.kind, many=2, needs=StartsMany,
    ),
    "delete": Deed(asked=_server, reached=_in(*GONE)),
    "stop": Deed(asked=_server, reached=_in(ServerState.STOPPED, ServerState.STOPPING)),
    "resume": Deed(asked=_stopped, reached=_in(ServerState.RUNNING, ServerState.PENDING)),
    "reboot": Deed(asked=_server),
    "upload": Deed(
        asked=_key, made=_named("keypairs"), kind=Keypair.kind, needs=HasKeypairs
    ),
    "create_security_group": Deed(
        asked=_group, made=_named("security_groups"), kind=SecurityGroup.kind,
        needs=HasSecurityGroups,
    ),
    "allow": Deed(asked=_rule, reached=_allowed, needs=HasSecurityGroups),
    "create_volume": Deed(
        asked=_volume, made=_named("volumes"), kind=Volume.kind, needs=HasVolumes
    ),
    "create_floating_ip": Deed(
        asked=_address, made=_carrying("floating_ips"), kind=FloatingIP.kind, needs=HasFloatingIPs
    ),
}  # fmt: skip
"""Acts that the promises about broken connections are tried with, by the word in the journal."""


def clean(cloud: Any, act: str, name: str, token: str) -> None:
    """Take away what an act left at the cloud."""
    sweeps: Mapping[str, Callable[[], None]] = {
        "start": partial(_drop_servers, cloud, name),
        "start_many": partial(_drop_servers, cloud, name),
        "upload": lambda: cloud.delete_key(name),
        "create_security_group": partial(_drop_groups, cloud, name),
        "allow": partial(_drop_groups, cloud, name),
        "create_volume": partial(_drop_volumes, cloud, name),
        "create_floating_ip": partial(_drop_addresses, cloud, token),
    }
    if act in sweeps:
        sweeps[act]()


def _drop_servers(cloud: Cloud, name: str) -> None:
    for row in list(cloud.servers()):
        if row.name.startswith(name) and row.state not in GONE:
            cloud.delete(row)


def _drop_groups(cloud: HasSecurityGroups, name: str) -> None:
    for row in list(cloud.security_groups()):
        if row.name == name:
            cloud.delete_security_group(row)


def _drop_volumes(cloud: HasVolumes, name: str) -> None:
    for row in list(cloud.volumes()):
        if row.name == name:
            cloud.delete_volume(row)


def _drop_addresses(cloud: HasFloatingIPs, token: str) -> None:
    for row in list(cloud.floating_ips()):
        if row.token == token:
            cloud.release_floating_ip(row)
