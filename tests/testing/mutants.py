"""Clouds with one thing wrong each, and the suites that have to find it: run by `test_mutants`."""

import urllib.request
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, ClassVar
from uuid import uuid4

import attrs
import pytest

from cloudmesh_sdk.errors import BackendError, ConflictError, NotFoundError
from cloudmesh_sdk.models import ServerState
from cloudmesh_sdk.providers.memory import MemoryCloud
from cloudmesh_sdk.testing import (
    ActionSuite,
    ChangeSuite,
    FloatingIPSuite,
    LockSuite,
    ManySuite,
    NetworkSuite,
    PortSuite,
    RawSuite,
    RenameSuite,
    ResizeSuite,
    ShelveSuite,
    SnapshotSuite,
    TagSuite,
    VolumeSuite,
    ZoneSuite,
)
from cloudmesh_sdk.testing.extras import ExtraPromises
from cloudmesh_sdk.testing.life import LifePromises


class Mutant:
    """What all suites here need: the mutant's cloud, and little patience."""

    patience: ClassVar = 0.3
    broken: ClassVar[Any] = None
    lacks: ClassVar = dict.fromkeys(
        ("lossy", "crowded", "secretive", "unreachable"), "not of this test"
    )

    @pytest.fixture
    def cloud(self) -> MemoryCloud:
        made: MemoryCloud = self.broken("broken", MemoryCloud.Settings(servers=1))
        return made


class TwoSets(MemoryCloud):
    def start_many(self, request: Any, names: Any) -> Any:
        return super().start_many(attrs.evolve(request, token=uuid4().hex), names)


class OneByOne(MemoryCloud):
    def start_many(self, request: Any, names: Any) -> Any:
        servers = []
        for name in names:
            one = attrs.evolve(request, name=name, token=f"{request.token}-{name}")
            servers.append(self.start(one))
        return servers


class Backwards(MemoryCloud):
    def start_many(self, request: Any, names: Any) -> Any:
        return super().start_many(request, names)[::-1]


class Partial(MemoryCloud):
    """Starts what there is room for."""

    def _possible(self, tables: Any, request: Any, count: Any = 1) -> Any:
        super()._possible(tables, request, 1)


class MissesEnds(MemoryCloud):
    def changes(self, since: Any) -> Any:
        return (row for row in super().changes(since) if row.state is not ServerState.DELETED)


class MissesStops(MemoryCloud):
    def changes(self, since: Any) -> Any:
        return (row for row in super().changes(since) if row.state is not ServerState.STOPPED)


class WholeList(MemoryCloud):
    def changes(self, since: Any) -> Any:
        list(self.servers())
        return super().changes(since)


class ForgetsZone(MemoryCloud):
    def changes(self, since: Any) -> Any:
        return super().changes(since.replace(tzinfo=UTC))


class HalfRecords(MemoryCloud):
    def changes(self, since: Any) -> Any:
        return (attrs.evolve(row, tags={}) for row in super().changes(since))


class TwoAddresses(MemoryCloud):
    def create_floating_ip(self, token: Any, network: Any = None) -> Any:
        return super().create_floating_ip(uuid4().hex, network)


class AddressPerServer(MemoryCloud):
    """Asks for the addresses one by one."""

    def floating_ips(self) -> Any:
        for row in super().floating_ips():
            self.calls += 1
            yield row


class ReleasesOnce(MemoryCloud):
    def release_floating_ip(self, address: Any) -> Any:
        if address.id not in self.native.read()["floating_ips"]:
            raise NotFoundError("gone")
        super().release_floating_ip(address)


class TwoVolumes(MemoryCloud):
    def create_volume(self, request: Any) -> Any:
        return super().create_volume(attrs.evolve(request, token=uuid4().hex))


class AttachesOnce(MemoryCloud):
    def attach_volume(self, volume: Any, server: Any, device: Any = None) -> Any:
        if self.volume(volume.id).server is not None:
            raise ConflictError("is attached")
        return super().attach_volume(volume, server, device)


class TwoSnapshots(MemoryCloud):
    def create_snapshot(self, volume: Any, name: Any, token: Any) -> Any:
        return super().create_snapshot(volume, name, uuid4().hex)


class NoNative(MemoryCloud):
    def networks(self) -> Any:
        return (attrs.evolve(row, native={}) for row in super().networks())


class LostSubnets(MemoryCloud):
    def networks(self) -> Any:
        return (attrs.evolve(row, subnets=()) for row in super().networks())


class NoDevices(MemoryCloud):
    def ports(self) -> Any:
        return (attrs.evolve(row, device=None) for row in super().ports())


class NoLock(MemoryCloud):
    def lock(self, server: Any) -> Any:
        self.server(server.id)


class KeepsFlavor(MemoryCloud):
    def revert_resize(self, server: Any) -> Any:
        self.confirm_resize(server)


class NewServer(MemoryCloud):
    def rename(self, server: Any, name: Any) -> Any:
        return attrs.evolve(server, name=name)


class ForgetsTags(MemoryCloud):
    def tag(self, server: Any, tags: Any) -> Any:
        old = self.server(server.id).tags
        return super().tag(server, {**dict.fromkeys(old), **tags})


class Newest(MemoryCloud):
    def actions(self, server: Any) -> Any:
        return list(super().actions(server))[::-1]


class Twins(MemoryCloud):
    def zones(self) -> Any:
        return [*super().zones()] * 2


class Strict(MemoryCloud):
    """Raises for what HTTP refuses."""

    def raw(self, method: Any, path: Any, **options: Any) -> Any:
        answer = super().raw(method, path, **options)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise BackendError(str(answer.status))
        return answer


class Careless(MemoryCloud):
    """Sends its token wherever it is told."""

    def raw(self, method: Any, path: Any, **options: Any) -> Any:
        if path.startswith("http:"):
            urllib.request.urlopen(path, timeout=1).close()
        return super().raw(method, path, **options)


class Elsewhere(MemoryCloud):
    """Takes a zone and starts in another one."""

    def start(self, request: Any) -> Any:
        return super().start(attrs.evolve(request, zone="edge"))


FOUND: dict[type, tuple[type, str]] = {
    TwoSets: (ManySuite, "one token starts one set"),
    OneByOne: (ManySuite, "five start by three requests at most"),
    Backwards: (ManySuite, "many start as they were asked for"),
    Partial: (ManySuite, "many start all or none"),
    MissesEnds: (ChangeSuite, "a start a stop and an end are told"),
    MissesStops: (ChangeSuite, "an old list and its changes are the new list"),
    WholeList: (ChangeSuite, "nothing new costs one request"),
    ForgetsZone: (ChangeSuite, "since is a moment not a text"),
    HalfRecords: (ChangeSuite, "what changed is told as the list tells it"),
    TwoAddresses: (FloatingIPSuite, "one token takes one address"),
    AddressPerServer: (FloatingIPSuite, "a taken address is listed and free"),
    ReleasesOnce: (FloatingIPSuite, "releasing twice is no error"),
    TwoVolumes: (VolumeSuite, "one token creates one volume"),
    AttachesOnce: (VolumeSuite, "a volume is attached and taken off"),
    TwoSnapshots: (SnapshotSuite, "one token takes one snapshot"),
    NoNative: (NetworkSuite, "networks and subnets are sound"),
    LostSubnets: (NetworkSuite, "networks and subnets are sound"),
    NoDevices: (PortSuite, "a server has its ports"),
    NoLock: (LockSuite, "a locked server is left alone"),
    KeepsFlavor: (ResizeSuite, "a new flavor is taken back"),
    NewServer: (RenameSuite, "a renamed server keeps its id"),
    ForgetsTags: (TagSuite, "tags are set changed and taken away"),
    Newest: (ActionSuite, "what is done to a server is told oldest first"),
    Twins: (ZoneSuite, "zones have names"),
    Strict: (RawSuite, "a refused raw request is an answer too"),
    Careless: (RawSuite, "a raw request goes nowhere else"),
    Elsewhere: (ExtraPromises, "a start does the extras that it names"),
}
"""Mutant → the suite and the promise that finds it."""


class Leisurely(MemoryCloud):
    """Not broken: names flavors, takes its time, and lists what it is about to delete."""

    def _record(self, row: Any) -> Any:
        return _named(self, super()._record(row))

    def servers(self) -> Any:
        for row in super().servers():
            yield _named(self, row)
        since = datetime.now(UTC) - timedelta(seconds=0.2)
        for row in super().changes(since):
            if row.state is ServerState.DELETED:
                yield attrs.evolve(row, state=ServerState.DELETING)


def _named(cloud: MemoryCloud, server: Any) -> Any:
    flavors = cloud.native.read()["flavors"]
    return attrs.evolve(server, flavor=flavors[server.flavor]["name"])


class TestLeisurely(
    LifePromises, ManySuite, ChangeSuite, ResizeSuite, ShelveSuite, FloatingIPSuite, VolumeSuite
):
    """Suites must be fair to such a cloud."""

    patience = 10
    lacks: ClassVar = dict.fromkeys(("lossy", "crowded"), "not of this test")

    @pytest.fixture
    def cloud(self) -> MemoryCloud:
        return Leisurely("leisurely", MemoryCloud.Settings(servers=1, boot=0.2))


class _Crowded:
    @pytest.fixture
    def crowded(self) -> Any:
        return Partial("crowded", MemoryCloud.Settings(servers=3, quota=4))


def _test(broken: type, suite: type) -> type:
    """Return a test class of one suite for one mutant."""
    lacks = {name: why for name, why in Mutant.lacks.items() if suite in _NEEDS[name]}
    room: tuple[type, ...] = ()
    if broken is Partial:
        room, lacks = (_Crowded,), {"lossy": "not of this test"}
    fields = {"broken": broken, "lacks": lacks, "__module__": __name__}
    return type(f"Test{broken.__name__}", (Mutant, *room, suite), fields)


_NEEDS = {
    "lossy": (ManySuite,),
    "crowded": (ManySuite,),
    "secretive": (RawSuite, ExtraPromises),
    "unreachable": (RawSuite,),
}
for _broken, (_suite, _promise) in FOUND.items():
    globals()[f"Test{_broken.__name__}"] = _test(_broken, _suite)
