"""The public conformance kit: suites to inherit, and servers that misbehave on request.

    from cloudmesh_sdk.testing import CloudSuite

    class TestMoon(CloudSuite):
        @pytest.fixture
        def cloud(self): ...

Needs pytest. Names are resolved on first use, so that the pytest plug-in stays light.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloudmesh_sdk.testing.abilities import (
        ABILITIES as ABILITIES,
        ActionSuite as ActionSuite,
        ChangeSuite as ChangeSuite,
        ConsoleSuite as ConsoleSuite,
        ConsoleURLSuite as ConsoleURLSuite,
        FloatingIPSuite as FloatingIPSuite,
        HardRebootSuite as HardRebootSuite,
        KeypairSuite as KeypairSuite,
        LockSuite as LockSuite,
        ManySuite as ManySuite,
        NetworkSuite as NetworkSuite,
        PauseSuite as PauseSuite,
        PortSuite as PortSuite,
        QuotaSuite as QuotaSuite,
        RawSuite as RawSuite,
        RebuildSuite as RebuildSuite,
        RenameSuite as RenameSuite,
        RescueSuite as RescueSuite,
        ResizeSuite as ResizeSuite,
        RouterSuite as RouterSuite,
        SecurityGroupSuite as SecurityGroupSuite,
        ShelveSuite as ShelveSuite,
        SnapshotSuite as SnapshotSuite,
        SuspendSuite as SuspendSuite,
        TagSuite as TagSuite,
        VolumeSuite as VolumeSuite,
        ZoneSuite as ZoneSuite,
    )
    from cloudmesh_sdk.testing.cloud import CloudSuite as CloudSuite
    from cloudmesh_sdk.testing.clouds import CANARY as CANARY, Many as Many
    from cloudmesh_sdk.testing.cut_plays import Cutter as Cutter
    from cloudmesh_sdk.testing.cut_suite import CutSuite as CutSuite
    from cloudmesh_sdk.testing.cuts import Cuts as Cuts, Moment as Moment
    from cloudmesh_sdk.testing.queue import QueueSuite as QueueSuite
    from cloudmesh_sdk.testing.queue_abilities import (
        HistorySuite as HistorySuite,
        OutputSuite as OutputSuite,
    )
    from cloudmesh_sdk.testing.queue_cuts import QueueCutSuite as QueueCutSuite
    from cloudmesh_sdk.testing.server import (
        LOST as LOST,
        Loopback as Loopback,
        Proxy as Proxy,
        Reply as Reply,
        Request as Request,
        closed_port as closed_port,
        silence as silence,
    )
    from cloudmesh_sdk.testing.store import StoreSuite as StoreSuite
    from cloudmesh_sdk.testing.suite import Suite as Suite

_HOMES = {
    "abilities": (
        "ABILITIES", "ActionSuite", "ChangeSuite", "ConsoleSuite", "ConsoleURLSuite",
        "FloatingIPSuite", "HardRebootSuite", "KeypairSuite", "LockSuite", "ManySuite",
        "NetworkSuite", "PauseSuite", "PortSuite", "QuotaSuite", "RawSuite", "RebuildSuite",
        "RenameSuite", "RescueSuite", "ResizeSuite", "RouterSuite", "SecurityGroupSuite",
        "ShelveSuite", "SnapshotSuite", "SuspendSuite", "TagSuite", "VolumeSuite", "ZoneSuite",
    ),
    "cloud": ("CloudSuite",),
    "clouds": ("CANARY", "Many"),
    "cut_plays": ("Cutter",),
    "cut_suite": ("CutSuite",),
    "cuts": ("Cuts", "Moment"),
    "queue": ("QueueSuite",),
    "queue_abilities": ("HistorySuite", "OutputSuite"),
    "queue_cuts": ("QueueCutSuite",),
    "server": ("LOST", "Loopback", "Proxy", "Reply", "Request", "closed_port", "silence"),
    "store": ("StoreSuite",),
    "suite": ("Suite",),
}  # fmt: skip
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)  # noqa: PLE0605

if not TYPE_CHECKING:  # else type checkers believe that every name exists

    def __getattr__(name):  # noqa: ANN001, ANN202
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
