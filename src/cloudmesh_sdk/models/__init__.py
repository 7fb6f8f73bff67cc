"""What the mesh talks about: plain, frozen records.

Times are aware datetimes in UTC, memory is in MiB, disk in GiB, durations are in seconds.
`native` is the service's own answer, complete and unchanged but for masked secrets; it takes no
part in equality. Add a kind of record by writing its class and its line in `CLOUD_KINDS` or
`QUEUE_KINDS`.
"""

from collections.abc import Mapping

from cloudmesh_sdk.models.compute import (
    Action,
    Flavor,
    Image,
    Keypair,
    Server,
    ServerRequest,
    ServerState,
)
from cloudmesh_sdk.models.happening import Happening, What
from cloudmesh_sdk.models.network import (
    FloatingIP,
    Network,
    Port,
    Router,
    Rule,
    SecurityGroup,
    Subnet,
)
from cloudmesh_sdk.models.operation import Operation, OperationState
from cloudmesh_sdk.models.orphan import Orphan, OrphanKind
from cloudmesh_sdk.models.queues import (
    Job,
    JobRequest,
    JobState,
    Node,
    NodeState,
    QueueInfo,
    QueueState,
)
from cloudmesh_sdk.models.record import Fault, Record
from cloudmesh_sdk.models.service import Health, Quota, RawAnswer, Zone
from cloudmesh_sdk.models.storage import Snapshot, Volume, VolumeRequest

__all__ = [
    "CLOUD_KINDS", "KINDS", "QUEUE_KINDS", "Action", "Fault", "Flavor", "FloatingIP", "Happening",
    "Health", "Image", "Job", "JobRequest", "JobState", "Keypair", "Network", "Node", "NodeState",
    "Operation", "OperationState", "Orphan", "OrphanKind", "Port", "QueueInfo", "QueueState",
    "Quota", "RawAnswer", "Record", "Router", "Rule", "SecurityGroup", "Server", "ServerRequest",
    "ServerState", "Snapshot", "Subnet", "Volume", "VolumeRequest", "What", "Zone",
]  # fmt: skip

_OF_CLOUDS = (
    Server, Image, Flavor, Keypair, SecurityGroup, Network, FloatingIP, Volume,
    Subnet, Router, Port, Snapshot,
)  # fmt: skip
CLOUD_KINDS: Mapping[str, type[Record]] = {c.kind: c for c in _OF_CLOUDS}
"""Record classes by kind: what a mesh can refresh and list of clouds."""

QUEUE_KINDS: Mapping[str, type[Record]] = {c.kind: c for c in (Job, QueueInfo, Node)}
"""Record classes by kind: what a mesh can ask queue managers for."""

KINDS: Mapping[str, type[Record]] = {**CLOUD_KINDS, **QUEUE_KINDS}
"""All record classes by kind: what a store keeps."""
