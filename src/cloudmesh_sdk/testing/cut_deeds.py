"""What is asked of a cloud while connections break, as a table: how, and what is there then."""

from collections.abc import Callable, Iterable, Mapping
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
from cloudmesh_sdk.testing.cut_plays import Asked, Deed, Scene

_WEB = Rule(from_port=8080, to_port=8080)


@attrs.frozen(kw_only=True)
class CloudScene(Scene):
    """A scene at a cloud."""

    order: ServerRequest
    """What a server is started with, but for its token."""
    started: Callable[..., Server]
    """Starts servers that run, with fields of a request."""

    @property
    def cloud(self) -> Any:
        """The cloud."""
        return self.service

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


def _start(scene: CloudScene) -> Asked:
    order = scene.order
    request = {"image": order.image, "flavor": order.flavor, "networks": list(order.networks)}
    return scene.name, {"name": scene.name, **request}


def _names(scene: CloudScene) -> list[str]:
    return list(scene.cloud.names_of_many(scene.name, 2))


def _start_many(scene: CloudScene) -> Asked:
    _, request = _start(scene)
    return f"{scene.name}-[1-2]", {**request, "names": _names(scene)}


def _server(scene: CloudScene) -> Asked:
    return scene.name, {"id": scene.started(name=scene.name).id}


def _stopped(scene: CloudScene) -> Asked:
    target, request = _server(scene)
    scene.cloud.stop(scene.cloud.server(request["id"]))
    scene.eventually(
        lambda: scene.state(request["id"]), lambda now: now is ServerState.STOPPED, "it is stopped"
    )
    return target, request


def _in(*states: ServerState) -> Callable[[CloudScene, Mapping[str, Any]], bool]:
    return lambda scene, request: scene.state(request["id"]) in states


def _key(scene: CloudScene) -> Asked:
    return scene.name, {"public_key": public_key()}


def _group(scene: CloudScene) -> Asked:
    return scene.name, {"description": "of the kit"}


def _rule(scene: CloudScene) -> Asked:
    group = scene.cloud.create_security_group(scene.name, "of the kit")
    return scene.name, {"id": group.id, "rule": attrs.asdict(_WEB)}


def _allowed(scene: CloudScene, request: Mapping[str, Any]) -> bool:
    (group,) = [row for row in scene.cloud.security_groups() if row.id == request["id"]]
    return [rule for rule in group.rules if rule.from_port == _WEB.from_port] == [_WEB]


def _volume(scene: CloudScene) -> Asked:
    return scene.name, {"size": 1}


def _address(_: CloudScene) -> Asked:
    return "public", {"network": None}


def _named(kind: str) -> Callable[[CloudScene, str], set[str]]:
    return lambda scene, _: scene.named(kind)


def _carrying(kind: str) -> Callable[[CloudScene, str], set[str]]:
    return lambda scene, token: scene.with_token(kind, token)


def _drop_servers(scene: CloudScene, _: str) -> None:
    for row in list(scene.cloud.servers()):
        if row.name.startswith(scene.name) and row.state not in GONE:
            scene.cloud.delete(row)


def _drop_key(scene: CloudScene, _: str) -> None:
    scene.cloud.delete_key(scene.name)


def _drop_groups(scene: CloudScene, _: str) -> None:
    for row in list(scene.cloud.security_groups()):
        if row.name == scene.name:
            scene.cloud.delete_security_group(row)


def _drop_volumes(scene: CloudScene, _: str) -> None:
    for row in list(scene.cloud.volumes()):
        if row.name == scene.name:
            scene.cloud.delete_volume(row)


def _drop_addresses(scene: CloudScene, token: str) -> None:
    for row in list(scene.cloud.floating_ips()):
        if row.token == token:
            scene.cloud.release_floating_ip(row)


DEEDS: Mapping[str, Deed] = {
    "start": Deed(
        asked=_start, made=lambda scene, _: scene.servers(scene.name), kind=Server.kind,
        needs=Cloud, sweep=_drop_servers,
    ),
    "start_many": Deed(
        asked=_start_many, made=lambda scene, _: scene.servers(*_names(scene)),
        kind=Server.kind, many=2, needs=StartsMany, sweep=_drop_servers,
    ),
    "delete": Deed(asked=_server, reached=_in(*GONE), needs=Cloud),
    "stop": Deed(
        asked=_server, reached=_in(ServerState.STOPPED, ServerState.STOPPING), needs=Cloud
    ),
    "resume": Deed(
        asked=_stopped, reached=_in(ServerState.RUNNING, ServerState.PENDING), needs=Cloud
    ),
    "reboot": Deed(asked=_server, needs=Cloud),
    "upload": Deed(
        asked=_key, made=_named("keypairs"), kind=Keypair.kind, needs=HasKeypairs,
        sweep=_drop_key,
    ),
    "create_security_group": Deed(
        asked=_group, made=_named("security_groups"), kind=SecurityGroup.kind,
        needs=HasSecurityGroups, sweep=_drop_groups,
    ),
    "allow": Deed(asked=_rule, reached=_allowed, needs=HasSecurityGroups, sweep=_drop_groups),
    "create_volume": Deed(
        asked=_volume, made=_named("volumes"), kind=Volume.kind, needs=HasVolumes,
        sweep=_drop_volumes,
    ),
    "create_floating_ip": Deed(
        asked=_address, made=_carrying("floating_ips"), kind=FloatingIP.kind,
        needs=HasFloatingIPs, sweep=_drop_addresses,
    ),
}  # fmt: skip
"""Acts that the promises about broken connections are tried with, by the word in the journal."""
