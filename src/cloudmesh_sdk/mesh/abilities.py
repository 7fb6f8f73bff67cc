"""What clouds may be able to do beside the least, in words, and refusing what one cannot."""

from collections.abc import Iterable, Mapping

from cloudmesh_sdk.errors import UnsupportedError
from cloudmesh_sdk.mesh.registry import Clouds
from cloudmesh_sdk.models import (
    FloatingIP,
    Keypair,
    Network,
    Port,
    Record,
    Router,
    SecurityGroup,
    Snapshot,
    Subnet,
    Volume,
)
from cloudmesh_sdk.providers import base

LACKS: Mapping[type, str] = {
    base.HasKeypairs: "keeps no keypairs",
    base.HasSecurityGroups: "has no security groups",
    base.HasNetworks: "tells of no networks",
    base.HasRouters: "tells of no routers",
    base.HasPorts: "tells of no ports",
    base.HasFloatingIPs: "has no floating IPs",
    base.HasVolumes: "has no volumes",
    base.HasSnapshots: "has no snapshots",
    base.HasConsole: "keeps no console output",
    base.HasConsoleURL: "opens no console",
    base.HasActions: "keeps no list of actions",
    base.HasZones: "has no availability zones",
    base.HasQuotas: "tells no quotas",
    base.HasSuspend: "cannot suspend servers",
    base.HasPause: "cannot pause servers",
    base.HasShelve: "cannot shelve servers",
    base.HasResize: "cannot resize servers",
    base.HasRebuild: "cannot rebuild servers",
    base.HasRescue: "cannot rescue servers",
    base.HasLock: "cannot lock servers",
    base.HasRename: "cannot rename servers",
    base.HasTags: "cannot change the tags of servers",
    base.HasHardReboot: "cannot reboot servers the hard way",
    base.HasRaw: "takes no raw requests",
}
"""What is said of a cloud that lacks an ability."""

OF_KIND: Mapping[type[Record], type] = {
    Keypair: base.HasKeypairs,
    SecurityGroup: base.HasSecurityGroups,
    Network: base.HasNetworks,
    Subnet: base.HasNetworks,
    Router: base.HasRouters,
    Port: base.HasPorts,
    FloatingIP: base.HasFloatingIPs,
    Volume: base.HasVolumes,
    Snapshot: base.HasSnapshots,
}
"""The ability that a cloud with records of a kind has; what is not here every cloud has."""


def require(clouds: Clouds, names: Iterable[str], ability: type) -> None:
    """Raise `UnsupportedError` for the first cloud that lacks an ability."""
    for name in dict.fromkeys(names):
        if not isinstance(clouds[name], ability):
            raise UnsupportedError(f"{name} {LACKS[ability]} (driver {clouds.driver(name)})")
