"""What a cloud promises that has an ability: a suite for each, to inherit beside `CloudSuite`."""

from collections.abc import Mapping

from cloudmesh_sdk.providers import base
from cloudmesh_sdk.testing.abilities.groups import SecurityGroupSuite
from cloudmesh_sdk.testing.abilities.keys import KeypairSuite
from cloudmesh_sdk.testing.abilities.life import (
    HardRebootSuite,
    LockSuite,
    PauseSuite,
    RebuildSuite,
    RenameSuite,
    RescueSuite,
    ResizeSuite,
    ShelveSuite,
    SuspendSuite,
    TagSuite,
)
from cloudmesh_sdk.testing.abilities.many import ChangeSuite, ManySuite
from cloudmesh_sdk.testing.abilities.network import (
    FloatingIPSuite,
    NetworkSuite,
    PortSuite,
    RouterSuite,
)
from cloudmesh_sdk.testing.abilities.storage import SnapshotSuite, VolumeSuite
from cloudmesh_sdk.testing.abilities.telling import (
    ActionSuite,
    ConsoleSuite,
    ConsoleURLSuite,
    QuotaSuite,
    RawSuite,
    ZoneSuite,
)
from cloudmesh_sdk.testing.clouds import CloudFixtures

__all__ = [
    "ABILITIES",
    "ActionSuite",
    "ChangeSuite",
    "CloudSuite",
    "ConsoleSuite",
    "ConsoleURLSuite",
    "FloatingIPSuite",
    "HardRebootSuite",
    "KeypairSuite",
    "LockSuite",
    "ManySuite",
    "NetworkSuite",
    "PauseSuite",
    "PortSuite",
    "QuotaSuite",
    "RawSuite",
    "RebuildSuite",
    "RenameSuite",
    "RescueSuite",
    "ResizeSuite",
    "RouterSuite",
    "SecurityGroupSuite",
    "ShelveSuite",
    "SnapshotSuite",
    "SuspendSuite",
    "TagSuite",
    "VolumeSuite",
    "ZoneSuite",
]

ABILITIES: Mapping[type, type[CloudFixtures]] = {
    base.HasKeypairs: KeypairSuite,
    base.HasSecurityGroups: SecurityGroupSuite,
    base.HasNetworks: NetworkSuite,
    base.HasRouters: RouterSuite,
    base.HasPorts: PortSuite,
    base.HasFloatingIPs: FloatingIPSuite,
    base.HasVolumes: VolumeSuite,
    base.HasSnapshots: SnapshotSuite,
    base.HasConsole: ConsoleSuite,
    base.HasConsoleURL: ConsoleURLSuite,
    base.HasActions: ActionSuite,
    base.HasZones: ZoneSuite,
    base.HasQuotas: QuotaSuite,
    base.HasSuspend: SuspendSuite,
    base.HasPause: PauseSuite,
    base.HasShelve: ShelveSuite,
    base.HasResize: ResizeSuite,
    base.HasRebuild: RebuildSuite,
    base.HasRescue: RescueSuite,
    base.HasLock: LockSuite,
    base.HasRename: RenameSuite,
    base.HasTags: TagSuite,
    base.HasHardReboot: HardRebootSuite,
    base.StartsMany: ManySuite,
    base.ListsChanges: ChangeSuite,
    base.HasRaw: RawSuite,
}
"""Ability → its suite."""
